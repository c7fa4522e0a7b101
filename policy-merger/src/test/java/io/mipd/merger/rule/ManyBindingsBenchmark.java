package io.mipd.merger.rule;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What a change of one binding costs among many, where a policy of the user's is for any flow. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 3, time = 2)
@Fork(1)
public class ManyBindingsBenchmark {
  @Param({"10", "1000", "10000"})
  public int bindings;

  private StandingMerge<Integer> merge = new StandingMerge<>(new XfrmBackend.Limits(5));
  private int turn;

  @Setup(Level.Trial)
  public void setUp() {
    merge = new StandingMerge<>(new XfrmBackend.Limits(5));
    Bundle users = Bundle.of(Template.transport(TransformProtocol.ESP, new ReqId(1)));
    merge.users(
        Arrays.stream(Direction.values())
            .map(direction -> Policy.allow(Selector.ANY, direction, 1000, users))
            .collect(ImmutableList.toImmutableList()),
        ImmutableList.of());
    for (int number = 0; number < bindings; number++) {
      bind(number, 0);
    }
    System.out.printf("%d bindings: %d%n", bindings, merge.policies().size());
  }

  private Object bind(int number, int careOf) {
    var policies =
        ImmutableList.<MobilityPolicy>builder().addAll(MergeBenchmark.binding(number, careOf));
    Selector errors =
        Selector.between(Ipv6Prefix.host(MergeBenchmark.home(number)), Ipv6Prefix.ANY)
            .withProtocol(IpProtocol.ICMPV6)
            .withPorts(new PortMatch(0, 0xff80), PortMatch.ANY);
    for (Direction direction : Direction.values()) {
      policies.add(MobilityPolicy.exempt(errors, direction, "ICMPv6 errors"));
      policies.add(
          MobilityPolicy.exempt(
              new Selector(
                  /* source= */ errors.destination(),
                  /* destination= */ errors.source(),
                  errors.protocol(),
                  errors.sourcePort(),
                  errors.destinationPort(),
                  errors.mark(),
                  errors.interfaceId()),
              direction,
              "ICMPv6 errors"));
    }
    return merge.want(number, policies.build()).plan();
  }

  /** A mobile node moves to another link. */
  @Benchmark
  public Object moves() {
    turn++;
    return bind(turn % bindings, 1 + turn / bindings % 7);
  }

  /** One goes home, and leaves again. */
  @Benchmark
  public Object goesAndComes() {
    turn++;
    merge.want(turn % bindings, ImmutableList.of());
    return bind(turn % bindings, 0);
  }
}

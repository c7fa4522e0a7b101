package io.mipd.merger.rule;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.merger.source.MobilityPolicy.Kind;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
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

/**
 * What a merge costs at a home agent with some bindings, beside many policies of the user's, of
 * which ten overlap with each binding.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 3, time = 2)
@Fork(1)
public class MergeBenchmark {
  private static final int BINDINGS = 100;
  private static final int OVERLAPPING = 10;
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");

  /** The user's policies. */
  @Param({"10", "1000", "100000"})
  public int policies;

  private final XfrmBackend.Limits limits = new XfrmBackend.Limits(5);
  private ImmutableList<Policy> user = ImmutableList.of();
  private StandingMerge<Integer> standing = new StandingMerge<>(limits);
  private int turn;

  @Setup(Level.Trial)
  public void setUp() {
    var all = ImmutableList.<Policy>builder();
    for (int i = 0; i < policies; i++) {
      // The first ones are of mobile nodes, ten each; the others of hosts that are none.
      all.add(policy(i, i < BINDINGS * OVERLAPPING ? home(i / OVERLAPPING) : stranger(i)));
    }
    user = all.build();
    standing = merged();
    System.out.printf("%d policies of the user's: %d%n", policies, standing.policies().size());
  }

  private static Policy policy(int number, Ipv6Address source) {
    Selector selector =
        Selector.between(
                Ipv6Prefix.host(source),
                Ipv6Prefix.of(new Ipv6Address(0x2001_0db8_000c_0000L + number % 977, 0), 64))
            .withProtocol(IpProtocol.TCP)
            .withPorts(PortMatch.ANY, PortMatch.exactly(1 + number % 1000));
    return Policy.allow(
        selector,
        Direction.FWD,
        100_000 + number,
        Bundle.of(Template.transport(TransformProtocol.ESP, new ReqId(10_000 + number))));
  }

  static Ipv6Address home(int number) {
    return new Ipv6Address(0x2001_0db8_0001_0000L, 0x1000 + number);
  }

  private static Ipv6Address stranger(int number) {
    return new Ipv6Address(0x2001_0db8_000d_0000L, 0x1000 + number / OVERLAPPING);
  }

  /** As a home agent wants them, all payload in ESP. */
  static ImmutableList<MobilityPolicy> binding(int number, int careOf) {
    Ipv6Address home = home(number);
    var at = new Ipv6Address(0x2001_0db8_000a_0000L + careOf, 0x1000 + number);
    Selector from = Selector.between(Ipv6Prefix.host(home), Ipv6Prefix.ANY);
    Selector to = from.reversed();
    Selector signalling = Selector.between(home, AGENT).withProtocol(IpProtocol.MOBILITY);
    Template in = Template.tunnel(TransformProtocol.ESP, at, AGENT, new ReqId(4 * number + 1));
    Template out = Template.tunnel(TransformProtocol.ESP, AGENT, at, new ReqId(4 * number + 1));
    Template message = Template.transport(TransformProtocol.ESP, new ReqId(4 * number + 2));
    return ImmutableList.of(
        wants(signalling, Direction.IN, Kind.SIGNALLING, message),
        wants(signalling.reversed(), Direction.OUT, Kind.SIGNALLING, message),
        wants(to, Direction.OUT, Kind.PAYLOAD, out),
        wants(from, Direction.FWD, Kind.PAYLOAD, in),
        wants(from, Direction.IN, Kind.PAYLOAD, in));
  }

  private static MobilityPolicy wants(
      Selector selector, Direction direction, Kind kind, Template template) {
    return new MobilityPolicy(
        selector, direction, kind, Policy.Action.ALLOW, Bundle.of(template), "a binding");
  }

  private StandingMerge<Integer> merged() {
    var merge = new StandingMerge<Integer>(limits);
    merge.users(user, ImmutableList.of());
    for (int i = 0; i < BINDINGS; i++) {
      merge.want(i, binding(i, 0));
    }
    return merge;
  }

  /** All of it at once. */
  @Benchmark
  public Object fromScratch() {
    return merged();
  }

  /** A mobile node moves to another link: the merge, and the steps that it takes. */
  @Benchmark
  public Object oneBinding() {
    turn++;
    return standing.want(0, binding(0, 1 + turn % 7)).plan();
  }
}

package io.mipd.merger.rule;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.merger.source.MobilityPolicy.Kind;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The merged policies do to every flow what a plain reading of the rule does. The universe is small
 * enough to try a flow of every region of the selector space: each selector is built from the
 * addresses, protocols and ports below, and each of these, with one that no selector names, is
 * tried. The reading shares nothing with the merger but the model.
 */
class EquivalenceTest {
  private static final ImmutableList<Ipv6Address> ADDRESSES =
      ImmutableList.of(
          Ipv6Address.parse("2001:db8:1::1"),
          Ipv6Address.parse("2001:db8:1::10"),
          Ipv6Address.parse("2001:db8:2::1"),
          Ipv6Address.parse("2001:db8:2::2"),
          Ipv6Address.parse("2001:dead::1"));
  private static final ImmutableList<Ipv6Prefix> PREFIXES =
      ImmutableList.of(
          Ipv6Prefix.ANY,
          Ipv6Prefix.parse("2001:db8:1::/64"),
          Ipv6Prefix.parse("2001:db8:2::/64"),
          Ipv6Prefix.parse("2001:db8::/32"),
          Ipv6Prefix.host(ADDRESSES.get(0)),
          Ipv6Prefix.host(ADDRESSES.get(1)),
          Ipv6Prefix.host(ADDRESSES.get(2)));
  private static final int[] PROTOCOLS = {
    IpProtocol.ANY, IpProtocol.TCP, IpProtocol.MOBILITY, IpProtocol.ICMPV6, IpProtocol.ESP
  };
  private static final int[] PORTS = {1, 5, 6};
  private static final XfrmBackend.Limits LIMITS = new XfrmBackend.Limits(100);

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void agreesWithAPlainReadingOnEveryRegion(long seed) {
    for (long part = 0; part < 60; part++) {
      var random = new Random(seed * 1000 + part);
      ImmutableList<Policy> user = userPolicies(random);
      ImmutableList<MobilityPolicy> mobility = mobilityPolicies(random);
      Merged merged = PolicyMerger.merge(user, mobility, LIMITS);
      for (Flow flow : flows()) {
        Reading expected = Reading.of(user, mobility, flow);
        Reading actual =
            merged
                .decides(Direction.OUT, flow)
                .map(one -> new Reading(true, one.policy().action(), one.policy().bundle()))
                .orElse(Reading.NONE);
        assertThat(actual)
            .as("seed %s.%s flow %s%nuser %s%nmobility %s", seed, part, flow, user, mobility)
            .isEqualTo(expected);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13})
  void holdsNoPolicyThatCouldGoWithoutAnyoneNoticing(long seed) {
    var random = new Random(seed);
    for (int part = 0; part < 30; part++) {
      Merged merged = PolicyMerger.merge(userPolicies(random), mobilityPolicies(random), LIMITS);
      for (MergedPolicy one : merged.all()) {
        long hidden =
            merged.all().stream()
                .takeWhile(other -> !other.equals(one))
                .filter(
                    other -> Region.contains(other.policy().selector(), one.policy().selector()))
                .count();
        assertThat(hidden).as("%s in %s", one, merged).isZero();
      }
    }
  }

  @Test
  void isAFunctionOfItsInputs() {
    var random = new Random(99);
    ImmutableList<Policy> user = userPolicies(random);
    ImmutableList<MobilityPolicy> mobility = mobilityPolicies(random);
    assertThat(PolicyMerger.merge(user, mobility, LIMITS))
        .isEqualTo(PolicyMerger.merge(user, mobility, LIMITS));
  }

  private static ImmutableList<Flow> flows() {
    var flows = ImmutableList.<Flow>builder();
    for (Ipv6Address source : ADDRESSES) {
      for (Ipv6Address destination : ADDRESSES) {
        for (int protocol : PROTOCOLS) {
          if (protocol == IpProtocol.ANY) {
            flows.add(Flow.of(source, destination, IpProtocol.NO_NEXT_HEADER));
          } else if (protocol == IpProtocol.ESP) {
            flows.add(Flow.of(source, destination, protocol));
          } else {
            for (int port : new int[] {1, 5, 6, 99}) {
              flows.add(Flow.withPorts(source, destination, protocol, port, 0));
            }
          }
        }
      }
    }
    return flows.build();
  }

  private static <T> T any(Random random, List<T> of) {
    return of.get(random.nextInt(of.size()));
  }

  private static Selector selector(Random random) {
    var selector = Selector.between(any(random, PREFIXES), any(random, PREFIXES));
    int protocol = PROTOCOLS[random.nextInt(PROTOCOLS.length)];
    selector = selector.withProtocol(protocol);
    boolean ports =
        protocol != IpProtocol.ANY && protocol != IpProtocol.ESP && random.nextBoolean();
    return ports
        ? selector.withPorts(PortMatch.exactly(PORTS[random.nextInt(PORTS.length)]), PortMatch.ANY)
        : selector;
  }

  private static ImmutableList<Policy> userPolicies(Random random) {
    var policies = ImmutableList.<Policy>builder();
    int count = random.nextInt(5);
    for (int i = 0; i < count; i++) {
      var selector = selector(random);
      int priority = i * 10;
      if (random.nextInt(6) == 0) {
        policies.add(Policy.block(selector, Direction.OUT, priority));
      } else {
        policies.add(Policy.allow(selector, Direction.OUT, priority, bundle(random, 100 + i)));
      }
    }
    return policies.build();
  }

  private static Bundle bundle(Random random, int reqId) {
    return switch (random.nextInt(4)) {
      case 0 -> Bundle.EMPTY;
      case 1 -> Bundle.of(Template.transport(TransformProtocol.ESP, new ReqId(reqId)));
      default -> Bundle.of(tunnel(random, reqId));
    };
  }

  private static Template tunnel(Random random, int reqId) {
    return Template.tunnel(
        TransformProtocol.ESP, any(random, ADDRESSES), any(random, ADDRESSES), new ReqId(reqId));
  }

  private static ImmutableList<MobilityPolicy> mobilityPolicies(Random random) {
    List<MobilityPolicy> policies = new ArrayList<>();
    int signalling = random.nextInt(3);
    for (int i = 0; i < signalling; i++) {
      var selector =
          Selector.between(any(random, PREFIXES), any(random, PREFIXES))
              .withProtocol(IpProtocol.MOBILITY);
      policies.add(
          new MobilityPolicy(
              selector,
              Direction.OUT,
              Kind.SIGNALLING,
              Policy.Action.ALLOW,
              bundle(random, 200 + i),
              "signalling " + i));
    }
    int payload = random.nextInt(4);
    for (int i = 0; i < payload; i++) {
      boolean block = random.nextInt(5) == 0;
      policies.add(
          new MobilityPolicy(
              selector(random),
              Direction.OUT,
              Kind.PAYLOAD,
              block ? Policy.Action.BLOCK : Policy.Action.ALLOW,
              block
                  ? Bundle.EMPTY
                  : random.nextBoolean()
                      ? Bundle.of(tunnel(random, 300 + i))
                      : Bundle.of(
                          Template.homeAddressOption(
                              any(random, ADDRESSES), any(random, ADDRESSES))),
              "payload " + i));
    }
    return ImmutableList.copyOf(policies);
  }

  /** The rule, read aloud: one flow at a time, no regions. */
  private record Reading(boolean decided, Policy.Action action, Bundle bundle) {
    static final Reading NONE = new Reading(false, Policy.Action.ALLOW, Bundle.EMPTY);
    static final Reading BLOCKED = new Reading(true, Policy.Action.BLOCK, Bundle.EMPTY);

    static Reading of(List<Policy> user, List<MobilityPolicy> mobility, Flow flow) {
      Policy users = first(user, flow);
      MobilityPolicy mobilitys = firstMobility(mobility, flow);
      boolean meant =
          users != null
              && (users.action() == Policy.Action.BLOCK
                  || users.selector().protocol() == IpProtocol.MOBILITY
                  || users.selector().namesType());
      MobilityPolicy signalling = null;
      for (MobilityPolicy one : mobility) {
        if (signalling == null && one.kind() == Kind.SIGNALLING && one.selector().matches(flow)) {
          signalling = one;
        }
      }
      if (signalling != null && !meant) {
        return around(user, Bundle.EMPTY, signalling, flow);
      }
      if (users == null) {
        return mobilitys == null ? NONE : around(user, Bundle.EMPTY, mobilitys, flow);
      }
      if (users.action() == Policy.Action.BLOCK) {
        return BLOCKED;
      }
      MobilityPolicy outside = firstMobility(mobility, users.bundle().outermost(flow));
      return outside == null
          ? new Reading(true, Policy.Action.ALLOW, users.bundle())
          : around(user, users.bundle(), outside, flow);
    }

    private static Reading around(
        List<Policy> user, Bundle inner, MobilityPolicy mobility, Flow flow) {
      if (mobility.action() == Policy.Action.BLOCK) {
        return BLOCKED;
      }
      Bundle bundle = inner.followedBy(mobility.bundle());
      boolean tunnelled = mobility.bundle().templates().stream().anyMatch(Template::isTunnel);
      List<Policy> used = new ArrayList<>();
      while (tunnelled) {
        Policy outer = first(user, bundle.outermost(flow));
        if (outer == null || used.contains(outer)) {
          break;
        }
        if (outer.action() == Policy.Action.BLOCK) {
          return BLOCKED;
        }
        used.add(outer);
        bundle = bundle.followedBy(outer.bundle());
        tunnelled = outer.bundle().templates().stream().anyMatch(Template::isTunnel);
      }
      return new Reading(true, Policy.Action.ALLOW, bundle);
    }

    private static @Nullable Policy first(List<Policy> policies, Flow flow) {
      for (Policy policy : policies) {
        if (policy.selector().matches(flow)) {
          return policy;
        }
      }
      return null;
    }

    private static @Nullable MobilityPolicy firstMobility(
        List<MobilityPolicy> policies, Flow flow) {
      for (MobilityPolicy policy : policies) {
        if (policy.selector().matches(flow)) {
          return policy;
        }
      }
      return null;
    }
  }
}

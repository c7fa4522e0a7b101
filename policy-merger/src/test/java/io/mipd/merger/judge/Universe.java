package io.mipd.merger.judge;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.judge.Wanted.Standing;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.BiPredicate;

/**
 * A selector space that is small enough to try a flow of each of its regions: every selector is
 * made of the prefixes, protocols, ports, marks and interface ids below.
 */
public final class Universe {
  private static final ImmutableList<Ipv6Address> ADDRESSES =
      ImmutableList.of(
          Ipv6Address.parse("2001:db8:1::1"),
          Ipv6Address.parse("2001:db8:1::10"),
          Ipv6Address.parse("2001:db8:2::1"),
          Ipv6Address.parse("2001:db8:1::99"),
          Ipv6Address.parse("2001:db8:2::99"),
          Ipv6Address.parse("2001:db8:3::1"),
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
  private static final ImmutableList<PortMatch> PORTS =
      ImmutableList.of(
          PortMatch.exactly(1), PortMatch.exactly(5), new PortMatch(4, 0xfffe) /* 4 and 5 */);
  private static final int[] SEEN_PORTS = {1, 4, 5, 500};
  private static final int[] CODES = {0, 1, 4, 5};
  private static final ImmutableList<Flow> UPPER = upper();
  private static final ImmutableList<Mark> MARKS =
      ImmutableList.of(
          new Mark(1, 1),
          new Mark(0, 1),
          new Mark(2, 3),
          // Of bits that a backend may have for its own: such a one is asked for; none is to be
          // there; all others are named, or all.
          new Mark(0x8000_0000, 0x8000_0000),
          new Mark(1, 0xc000_0001),
          new Mark(1, 0x3fff_ffff),
          new Mark(2, 0xffff_ffff));
  private static final ImmutableList<Integer> SEEN_MARKS =
      ImmutableList.of(
          0,
          1,
          2,
          3,
          5,
          6,
          0x4000_0001,
          0x4000_0005,
          0x8000_0000,
          0x8000_0001,
          0x8000_0002,
          0x8000_0005);

  private static final ImmutableList<Direction> DIRECTIONS =
      ImmutableList.of(Direction.OUT, Direction.IN, Direction.FWD);

  private final Random random;

  private final Direction direction;

  public Universe(long seed) {
    random = new Random(seed);
    // What leaves, what arrives, what passes.
    direction = DIRECTIONS.get((int) (seed % DIRECTIONS.size()));
  }

  /**
   * A flow for each region that the selectors cut the space into: in each dimension those values
   * are told apart that some selector tells apart. No packet has a mark that the backend excludes.
   */
  public static ImmutableList<Flow> regions(List<Selector> selectors, Backend backend) {
    List<Ipv6Address> sources =
        toldApart(ADDRESSES, selectors, (one, value) -> one.source().contains(value));
    List<Ipv6Address> destinations =
        toldApart(ADDRESSES, selectors, (one, value) -> one.destination().contains(value));
    List<Integer> marks =
        toldApart(
            SEEN_MARKS.stream().filter(backend::hasPacketsOf).toList(),
            selectors,
            (one, value) -> one.mark().matches(value));
    List<Integer> interfaces =
        toldApart(ImmutableList.of(0, 7), selectors, (one, value) -> one.interfaceId() == value);
    List<Flow> upper =
        toldApart(
            UPPER,
            selectors,
            (one, value) ->
                (one.protocol() == IpProtocol.ANY || one.protocol() == value.protocol())
                    && one.sourcePort().matches(value.sourcePort())
                    && one.destinationPort().matches(value.destinationPort()));
    var flows = ImmutableList.<Flow>builder();
    for (Ipv6Address source : sources) {
      for (Ipv6Address destination : destinations) {
        for (Flow one : upper) {
          for (int mark : marks) {
            for (int interfaceId : interfaces) {
              flows.add(
                  new Flow(
                      source,
                      destination,
                      one.protocol(),
                      one.sourcePort(),
                      one.destinationPort(),
                      mark,
                      interfaceId));
            }
          }
        }
      }
    }
    return flows.build();
  }

  private static <T> List<T> toldApart(
      List<T> values, List<Selector> selectors, BiPredicate<Selector, T> selects) {
    Map<List<Boolean>, T> apart = new LinkedHashMap<>();
    for (T value : values) {
      apart.putIfAbsent(
          selectors.stream().map(selector -> selects.test(selector, value)).toList(), value);
    }
    return List.copyOf(apart.values());
  }

  /** Protocols with what they have for ports, between no matter whom. */
  private static ImmutableList<Flow> upper() {
    Ipv6Address host = ADDRESSES.get(0);
    var flows = ImmutableList.<Flow>builder();
    flows.add(Flow.of(host, host, IpProtocol.NO_NEXT_HEADER));
    flows.add(Flow.of(host, host, IpProtocol.ESP));
    flows.add(Flow.of(host, host, IpProtocol.AH));
    for (int port : SEEN_PORTS) {
      flows.add(Flow.mobility(host, host, port));
      for (int code : CODES) {
        flows.add(Flow.icmpv6(host, host, port, code));
      }
    }
    // A packet shows both of its ports or none.
    flows.add(Flow.of(host, host, IpProtocol.UDP));
    for (int source : SEEN_PORTS) {
      for (int destination : SEEN_PORTS) {
        flows.add(Flow.withPorts(host, host, IpProtocol.UDP, source, destination));
      }
    }
    return flows.build();
  }

  /** The direction of the flows that are tried. */
  public Direction direction() {
    return direction;
  }

  /** What is forwarded has come out of tunnels that end here: there are policies of both kinds. */
  private Direction any() {
    return direction == Direction.FWD && oneIn(3) ? Direction.IN : direction;
  }

  private <T> T any(List<T> of) {
    return of.get(random.nextInt(of.size()));
  }

  private boolean oneIn(int many) {
    return random.nextInt(many) == 0;
  }

  public Random random() {
    return random;
  }

  private Selector selector() {
    var selector = Selector.between(any(PREFIXES), any(PREFIXES));
    selector =
        switch (random.nextInt(6)) {
          case 0 -> ported(selector.withProtocol(IpProtocol.UDP));
          case 1 -> typed(selector.withProtocol(IpProtocol.MOBILITY));
          case 2 -> coded(typed(selector.withProtocol(IpProtocol.ICMPV6)));
          case 3 -> selector.withProtocol(IpProtocol.ESP);
          default -> selector;
        };
    return oneIn(4) ? selector.withMark(any(MARKS)) : selector;
  }

  private Selector ported(Selector selector) {
    return selector.withPorts(
        oneIn(2) ? any(PORTS) : PortMatch.ANY, oneIn(3) ? any(PORTS) : PortMatch.ANY);
  }

  private Selector typed(Selector selector) {
    return oneIn(2) ? selector.withPorts(any(PORTS), PortMatch.ANY) : selector;
  }

  private Selector coded(Selector selector) {
    return oneIn(4) ? selector.withPorts(selector.sourcePort(), any(PORTS)) : selector;
  }

  /** With distinct identities, by priority. */
  public ImmutableList<Policy> userPolicies() {
    return userPolicies(10_000);
  }

  /** Likewise, the first of that priority. */
  public ImmutableList<Policy> userPolicies(int first) {
    var policies = ImmutableList.<Policy>builder();
    int count = random.nextInt(6);
    for (int i = 0; i < count; i++) {
      policies.add(userPolicy(first + i * 10, 100 + i));
    }
    return policies.build();
  }

  private Policy userPolicy(int priority, int reqId) {
    Selector selector = selector();
    if (oneIn(10)) {
      selector =
          new Selector(
              selector.source(),
              selector.destination(),
              selector.protocol(),
              selector.sourcePort(),
              selector.destinationPort(),
              selector.mark(),
              7);
    }
    return oneIn(6)
        ? Policy.block(selector, any(), priority)
        : Policy.allow(selector, any(), priority, bundle(reqId));
  }

  private Bundle bundle(int reqId) {
    return switch (random.nextInt(8)) {
      case 0 -> Bundle.EMPTY;
      case 1 -> Bundle.of(Template.transport(TransformProtocol.ESP, new ReqId(reqId)));
      case 2 ->
          Bundle.of(
              Template.transport(TransformProtocol.IPCOMP, new ReqId(reqId)).asOptional(),
              Template.transport(TransformProtocol.AH, new ReqId(reqId + 1000)));
      case 3 ->
          Bundle.of(
              Template.transport(TransformProtocol.ESP, new ReqId(reqId)), tunnel(reqId + 1000));
      case 4 -> Bundle.of(tunnel(reqId), tunnel(reqId + 1000));
      case 5 -> Bundle.of(tunnel(reqId).asOptional());
      default -> Bundle.of(tunnel(reqId));
    };
  }

  private Template tunnel(int reqId) {
    return Template.tunnel(
        oneIn(3) ? TransformProtocol.AH : TransformProtocol.ESP,
        any(ADDRESSES),
        any(ADDRESSES),
        new ReqId(reqId));
  }

  /** What mobility wants, by precedence. */
  public ImmutableList<Wanted> wanted() {
    var policies = ImmutableList.<Wanted>builder();
    int signalling = random.nextInt(3);
    for (int i = 0; i < signalling; i++) {
      policies.add(signalling(Standing.SIGNALLING, 200 + i));
    }
    if (oneIn(3)) {
      policies.add(signalling(Standing.SIGNALLING_OF_STRANGERS, 250));
    }
    if (oneIn(3)) {
      Direction its = any();
      policies.add(
          new Wanted(
              selector(),
              its,
              Standing.OPTIMIZED,
              Policy.Action.ALLOW,
              oneIn(3)
                  ? Bundle.EMPTY
                  : Bundle.of(Template.homeAddressOption(any(ADDRESSES), any(ADDRESSES))),
              "optimized",
              its == Direction.OUT && !oneIn(3)
                  ? Optional.of(new Wanted.Link(any(ADDRESSES), any(ADDRESSES)))
                  : Optional.empty()));
    }
    int payload = random.nextInt(4);
    for (int i = 0; i < payload; i++) {
      boolean block = oneIn(5);
      boolean inTunnel = oneIn(2);
      Direction its = any();
      policies.add(
          new Wanted(
              selector(),
              its,
              Standing.PAYLOAD,
              block ? Policy.Action.BLOCK : Policy.Action.ALLOW,
              block
                  ? Bundle.EMPTY
                  : inTunnel
                      ? Bundle.of(tunnel(300 + i))
                      : Bundle.of(Template.homeAddressOption(any(ADDRESSES), any(ADDRESSES))),
              "payload " + i,
              its == Direction.OUT && !block && !inTunnel && oneIn(2)
                  ? Optional.of(new Wanted.Link(any(ADDRESSES), any(ADDRESSES)))
                  : Optional.empty()));
    }
    int exempt = random.nextInt(3);
    for (int i = 0; i < exempt; i++) {
      Selector selector = Selector.between(any(PREFIXES), any(PREFIXES));
      policies.add(
          new Wanted(
              oneIn(2)
                  ? selector.withType(IpProtocol.ICMPV6, 1)
                  : selector
                      .withProtocol(IpProtocol.UDP)
                      .withPorts(PortMatch.exactly(500), PortMatch.ANY),
              any(),
              Standing.EXEMPT,
              Policy.Action.ALLOW,
              Bundle.EMPTY,
              "exempt " + i,
              Optional.empty()));
    }
    return policies.build();
  }

  private Wanted signalling(Standing standing, int reqId) {
    return new Wanted(
        Selector.between(any(PREFIXES), any(PREFIXES)).withProtocol(IpProtocol.MOBILITY),
        any(),
        standing,
        Policy.Action.ALLOW,
        bundle(reqId),
        "signalling " + reqId,
        Optional.empty());
  }
}

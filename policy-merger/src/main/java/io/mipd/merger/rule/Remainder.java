package io.mipd.merger.rule;

import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.Selector;
import java.util.function.Predicate;

/**
 * What is left of a selector's flows when those of others are taken away. It is cut into pieces
 * that are selectors again, but for two things that no selector can say: "any protocol but these",
 * and "ports that cannot be seen" (OPAQUE, RFC 4301 section 4.4.1.1).
 *
 * @param except protocols that are taken away already, where the selector is for any
 * @param opaque only flows whose ports, or type and code, are not seen: a packet shows both or
 *     none; the selector's are any
 */
record Remainder(Selector selector, ImmutableSet<Integer> except, boolean opaque) {
  /** Types and codes of messages have 8 of a port's 16 bits. */
  private static final int LARGEST_TYPE = 0xff;

  static Remainder of(Selector selector) {
    return new Remainder(selector, ImmutableSet.of(), false);
  }

  boolean meets(Selector other) {
    return selector.meets(other)
        && (selector.protocol() != IpProtocol.ANY || !except.contains(other.protocol()))
        && (!opaque || hasAnyPorts(other));
  }

  /** Whether nothing is left if {@code other}, which it meets, is taken away. */
  boolean liesIn(Selector other) {
    return Region.contains(other, selector);
  }

  /** What of it {@code other}, which it meets, selects. */
  Remainder within(Selector other) {
    return with(Region.common(selector, other).orElse(selector));
  }

  /**
   * Shows the pieces that are left without the flows of {@code other}, which it meets, until one is
   * taken.
   *
   * @return whether one was
   */
  boolean anyWithout(Selector other, Predicate<Remainder> taken) {
    // Step by step towards what both select: at each, what lies beside it is left.
    Remainder now = this;
    int protocol = other.protocol();
    if (selector.protocol() == IpProtocol.ANY && protocol != IpProtocol.ANY) {
      var others = ImmutableSet.<Integer>builder().addAll(except).add(protocol).build();
      if (taken.test(new Remainder(selector, others, false))) {
        return true;
      }
      now = of(selector.withProtocol(protocol));
    }
    for (int length = selector.source().length() + 1; length <= other.source().length(); length++) {
      Ipv6Prefix next = Ipv6Prefix.of(other.source().address(), length);
      if (taken.test(now.withSource(next.sibling()))) {
        return true;
      }
      now = now.withSource(next);
    }
    for (int length = selector.destination().length() + 1;
        length <= other.destination().length();
        length++) {
      Ipv6Prefix next = Ipv6Prefix.of(other.destination().address(), length);
      if (taken.test(now.withDestination(next.sibling()))) {
        return true;
      }
      now = now.withDestination(next);
    }
    return anyBesidePorts(now, other, taken);
  }

  private static boolean anyBesidePorts(
      Remainder beside, Selector other, Predicate<Remainder> taken) {
    Remainder now = beside;
    // Of messages one of another type says more than one whose type is not seen.
    boolean typed = isTyped(now.selector.protocol());
    boolean hidden = hasAnyPorts(now.selector) && !hasAnyPorts(other);
    var unseen = new Remainder(now.selector, now.except, true);
    if (hidden && !typed && taken.test(unseen)) {
      return true;
    }
    PortMatch source = other.sourcePort();
    for (int bit = 0x8000; bit != 0; bit >>= 1) {
      PortMatch port = now.selector.sourcePort();
      if ((source.mask() & bit) != 0 && (port.mask() & bit) == 0) {
        PortMatch next = new PortMatch(port.value() | (source.value() & bit), port.mask() | bit);
        var sibling = new PortMatch(next.value() ^ bit, next.mask());
        if (isThere(sibling, typed) && taken.test(now.withSourcePort(sibling))) {
          return true;
        }
        now = now.withSourcePort(next);
      }
    }
    PortMatch destination = other.destinationPort();
    for (int bit = 0x8000; bit != 0; bit >>= 1) {
      PortMatch port = now.selector.destinationPort();
      if ((destination.mask() & bit) != 0 && (port.mask() & bit) == 0) {
        PortMatch next =
            new PortMatch(port.value() | (destination.value() & bit), port.mask() | bit);
        var sibling = new PortMatch(next.value() ^ bit, next.mask());
        if (isThere(sibling, typed) && taken.test(now.withDestinationPort(sibling))) {
          return true;
        }
        now = now.withDestinationPort(next);
      }
    }
    Mark mark = other.mark();
    for (int bit = 1 << 31; bit != 0; bit >>>= 1) {
      Mark its = now.selector.mark();
      if ((mark.mask() & bit) != 0 && (its.mask() & bit) == 0) {
        Mark next = new Mark(its.value() | (mark.value() & bit), its.mask() | bit);
        if (taken.test(now.withMark(new Mark(next.value() ^ bit, next.mask())))) {
          return true;
        }
        now = now.withMark(next);
      }
    }
    return hidden && typed && taken.test(unseen);
  }

  private static boolean hasAnyPorts(Selector selector) {
    return selector.sourcePort().isAny() && selector.destinationPort().isAny();
  }

  private static boolean isTyped(int protocol) {
    return protocol == IpProtocol.MOBILITY || protocol == IpProtocol.ICMPV6;
  }

  /** Whether there are such ports, or types. */
  private static boolean isThere(PortMatch port, boolean typed) {
    return !typed || port.value() <= LARGEST_TYPE;
  }

  /** One flow of it. */
  Flow witness() {
    Flow flow = Region.witness(selector);
    int protocol = flow.protocol();
    // Downwards from those that are for experiments, if it is one of those that are taken away.
    for (int other = 254; except.contains(protocol) && other > 0; other--) {
      protocol = other;
    }
    return new Flow(
        flow.source(),
        flow.destination(),
        protocol,
        opaque ? Flow.NO_PORT : flow.sourcePort(),
        opaque ? Flow.NO_PORT : flow.destinationPort(),
        flow.mark(),
        flow.interfaceId());
  }

  private Remainder with(Selector changed) {
    return new Remainder(changed, except, opaque);
  }

  private Remainder withSource(Ipv6Prefix source) {
    return with(selector.withAddresses(source, selector.destination()));
  }

  private Remainder withDestination(Ipv6Prefix destination) {
    return with(selector.withAddresses(selector.source(), destination));
  }

  private Remainder withSourcePort(PortMatch port) {
    return with(selector.withPorts(port, selector.destinationPort()));
  }

  private Remainder withDestinationPort(PortMatch port) {
    return with(selector.withPorts(selector.sourcePort(), port));
  }

  private Remainder withMark(Mark mark) {
    return with(selector.withMark(mark));
  }
}

package io.mipd.daemon;

import static com.google.common.collect.ImmutableList.toImmutableList;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import java.util.Comparator;
import java.util.Optional;

/**
 * The chains that drop what a user's policy says to protect, or to block, and what would leave,
 * enter or pass by the kernel as it is: the engine acts only on what passes the TUN device. In the
 * order of the policies, so that what the user lets pass does.
 *
 * @param agent the home agent, with which keys are exchanged
 */
record ClearTextGuard(String tunName, ImmutableList<Policy> user, Optional<Ipv6Address> agent) {

  /** The chains; empty if there is nothing to guard. */
  String chain() {
    return chain(Direction.OUT, "postrouting", "oifname")
        + chain(Direction.IN, "input", "iifname")
        + chain(Direction.FWD, "forward", "iifname");
  }

  private String chain(Direction direction, String hook, String device) {
    ImmutableList<Policy> policies =
        user.stream()
            .filter(one -> one.direction() == direction)
            // Mobility's messages pass the engine, or not at all.
            .filter(one -> one.selector().protocol() != IpProtocol.MOBILITY)
            // Nothing that passes by the kernel has an xfrm interface.
            .filter(one -> one.selector().interfaceId() == 0)
            .sorted(Comparator.comparingInt(Policy::priority))
            .collect(toImmutableList());
    if (policies.stream().noneMatch(ClearTextGuard::drops)) {
      return "";
    }
    var rules = new StringBuilder();
    if (direction == Direction.OUT) {
      // The device takes no marks along: to the engine these would be packets like others.
      policies.stream()
          .filter(one -> !one.selector().mark().isAny() && drops(one))
          .forEach(
              one ->
                  rule(rules, "oifname \"" + tunName + "\" " + matches(one.selector()) + "drop"));
    }
    rule(rules, device + " { \"" + tunName + "\", \"lo\" } accept");
    if (direction != Direction.FWD) {
      // What the engine has made or will undo, and what the kernel's own associations have: ESP,
      // AH, Mobility Header. Names of protocols would need a file of netbase's.
      rule(rules, "meta l4proto { 50, 51, 135 } accept");
    }
    // Exempt from a user's "any": ICMPv6 errors, neighbour discovery, MLD; home agent address
    // discovery (RFC 6275 sections 6.5 and 6.6), for which the daemon has a socket of the kernel's.
    rule(rules, "icmpv6 type { 1-127, 130-137, 143-145 } accept");
    if (agent.isPresent()) {
      for (String end : ImmutableList.of("saddr ", "daddr ")) {
        for (int port : IpProtocol.KEY_EXCHANGE_PORTS) {
          String ports = " udp sport " + port + " udp dport " + port;
          rule(rules, "ip6 " + end + agent.get() + ports + " accept");
        }
      }
    }
    for (Policy policy : policies) {
      rule(rules, matches(policy.selector()) + (drops(policy) ? "drop" : "accept"));
    }
    return "chain "
        + hook
        + " {\n  type filter hook "
        + hook
        + " priority raw; policy accept;\n"
        + rules
        + "}\n";
  }

  private static boolean drops(Policy policy) {
    return policy.action() == Policy.Action.BLOCK
        || policy.bundle().templates().stream().anyMatch(ClearTextGuard::isDemanded);
  }

  private static boolean isDemanded(Template template) {
    return !template.optional();
  }

  private static String matches(Selector selector) {
    var text = new StringBuilder();
    text.append("ip6 saddr ").append(selector.source()).append(' ');
    text.append("ip6 daddr ").append(selector.destination()).append(' ');
    int protocol = selector.protocol();
    if (protocol != IpProtocol.ANY) {
      text.append("meta l4proto ").append(protocol).append(' ');
    }
    boolean ports = IpProtocol.hasPorts(protocol);
    String header = ports ? IpProtocol.nameOf(protocol) : "icmpv6";
    port(text, header + (ports ? " sport" : " type"), selector.sourcePort());
    port(text, header + (ports ? " dport" : " code"), selector.destinationPort());
    if (!selector.mark().isAny()) {
      text.append("meta mark & ").append(Integer.toUnsignedString(selector.mark().mask()));
      text.append(" == ").append(Integer.toUnsignedString(selector.mark().value())).append(' ');
    }
    return text.toString();
  }

  private static void port(StringBuilder text, String field, PortMatch match) {
    if (!match.isAny()) {
      int whole = field.startsWith("icmpv6") ? 0xff : 0xffff;
      text.append(field);
      if ((match.mask() & whole) != whole) {
        text.append(" & ").append(match.mask()).append(" ==");
      }
      text.append(' ').append(match.value()).append(' ');
    }
  }

  private static void rule(StringBuilder rules, String rule) {
    rules.append("  ").append(rule).append('\n');
  }
}

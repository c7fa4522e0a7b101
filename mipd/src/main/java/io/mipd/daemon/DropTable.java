package io.mipd.daemon;

import com.google.common.base.Joiner;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.transform.PacketBuffer;
import java.util.Optional;

/**
 * The nftables table that takes from the kernel what the engine has got a copy of. Only what is for
 * an address of this node, and only what may be ours; transit and the kernel's own security
 * associations pass.
 *
 * @param spis of our inbound associations
 * @param tunnelsTo plain tunnels to this address of ours (home agent)
 * @param tunnelsFrom plain tunnels from this address (mobile node: its home agent)
 */
record DropTable(
    String tunName,
    ImmutableSet<Spi> spis,
    Optional<Ipv6Address> tunnelsTo,
    Optional<Ipv6Address> tunnelsFrom) {
  static final String FAMILY = "ip6";

  /** Offset of the Next Header field in the IPv6 header (RFC 8200 section 3). */
  private static final int NEXT_HEADER = 6;

  /**
   * What stands between the table's braces. Numbers: names of protocols need a file of netbase's.
   */
  String body() {
    var rules = new StringBuilder();
    rule(rules, "iifname \"" + tunName + "\" accept");
    rule(rules, "fib daddr type != local accept");
    if (!spis.isEmpty()) {
      String all = Joiner.on(", ").join(spis);
      rule(rules, "esp spi { " + all + " } drop");
      rule(rules, "ah spi { " + all + " } drop");
    }
    tunnelsTo.ifPresent(address -> rule(rules, "meta l4proto 41 ip6 daddr " + address + " drop"));
    tunnelsFrom.ifPresent(address -> rule(rules, "meta l4proto 41 ip6 saddr " + address + " drop"));
    // Mobility Header, Home Address option, type 2 routing header. Kernels without Mobile IPv6
    // answer each of them with a parameter problem. Destination options that turn out not to be
    // ours come back through the TUN device, and so do packets that were fragments.
    rule(rules, "meta l4proto 135 drop");
    rule(rules, "exthdr dst exists drop");
    rule(rules, "rt type 2 drop");
    rule(rules, "frag nexthdr { 41, 43, 50, 51, 60, 135 } drop");
    return "chain prerouting {\n  type filter hook prerouting priority raw; policy accept;\n"
        + rules
        + "}\n";
  }

  /**
   * Whether {@link #body} drops packets with this first next header although they may not be ours:
   * destination options without a Home Address option, tunnels and fragments of others.
   */
  static boolean drops(PacketBuffer packet) {
    int nextHeader = packet.array()[packet.start() + NEXT_HEADER] & 0xff;
    return nextHeader == IpProtocol.DESTINATION_OPTIONS
        || nextHeader == IpProtocol.IPV6
        || nextHeader == IpProtocol.FRAGMENT;
  }

  private static void rule(StringBuilder rules, String rule) {
    rules.append("  ").append(rule).append('\n');
  }
}

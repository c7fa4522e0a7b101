package io.mipd.sim.lab;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What an access router does with packets whose source is not of its link: it carries them no
 * further, and counts them (RFC 2827). By nftables, or where the kernel has none for IPv6, by
 * traffic control on the way out.
 */
final class SourceFilter {
  private static final Pattern DROPPED = Pattern.compile("\\(dropped (\\d+),");

  private final Network network;
  private final String router;
  private final boolean nftables;

  private SourceFilter(Network network, String router, boolean nftables) {
    this.network = network;
    this.router = router;
    this.nftables = nftables;
  }

  /**
   * @param router its interfaces are {@code acc} and {@code uplink}
   * @param uplinkPrefix of the line to the core, which the router itself sends from
   */
  static SourceFilter install(Network network, String router, Link link, String uplinkPrefix)
      throws IOException {
    if (network.in(router, "nft", "add table ip6 filter").run().status() == 0) {
      network
          .in(
              router,
              "nft",
              "add chain ip6 filter forward { type filter hook forward priority 0; };"
                  + " add rule ip6 filter forward iif acc ip6 saddr != "
                  + link.prefix()
                  + " counter drop")
          .must();
      return new SourceFilter(network, router, true);
    }
    network.in(router, "tc", "qdisc", "add", "dev", "uplink", "clsact").must();
    int preference = 1;
    for (String prefix :
        ImmutableList.of(link.prefix().toString(), uplinkPrefix, "fe80::/10", "::/128")) {
      network
          .in(
              router,
              Splitter.on(' ')
                  .splitToList(
                      "tc filter add dev uplink egress pref %d protocol ipv6 flower src_ip %s action pass"
                          .formatted(preference, prefix)))
          .must();
      preference++;
    }
    network
        .in(
            router,
            Splitter.on(' ')
                .splitToList(
                    "tc filter add dev uplink egress pref 9 protocol ipv6 flower action drop"))
        .must();
    return new SourceFilter(network, router, false);
  }

  /** Packets refused. */
  long refused() throws IOException {
    if (nftables) {
      String rules = network.in(router, "nft", "list table ip6 filter").must();
      List<String> words = Splitter.onPattern("\\s+").splitToList(rules);
      int at = words.indexOf("packets");
      return at < 0 ? 0 : Long.parseLong(words.get(at + 1));
    }
    Matcher matcher =
        DROPPED.matcher(
            network
                .in(router, "tc", "-s", "filter", "show", "dev", "uplink", "egress", "pref", "9")
                .must());
    return matcher.find() ? Long.parseLong(matcher.group(1)) : 0;
  }
}

package io.mipd.sim.lab;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Sets;
import java.io.IOException;
import java.util.List;

/** What a node's system holds that a daemon may have put there. */
record Footprint(ImmutableSet<String> lines) {
  private static final ImmutableList<String> LINKS = ImmutableList.of("ip", "-br", "link", "show");
  private static final ImmutableList<ImmutableList<String>> COMMANDS =
      ImmutableList.of(
          ImmutableList.of("ip", "-6", "rule", "show"),
          ImmutableList.of("ip", "-6", "route", "show", "table", "all"),
          ImmutableList.of("ip", "-6", "neigh", "show", "proxy"),
          ImmutableList.of("ip", "-o", "-6", "addr", "show", "to", Network.HOME_ADDRESS),
          LINKS,
          ImmutableList.of("ip", "-6", "neigh", "show", "nud", "permanent"),
          ImmutableList.of("nft", "list", "ruleset"));

  /** Asks the system of a node. */
  static Footprint of(Network network, String node) throws IOException {
    var lines = ImmutableSet.<String>builder();
    for (ImmutableList<String> command : COMMANDS) {
      for (String line :
          Splitter.on('\n').omitEmptyStrings().split(network.in(node, command).must())) {
        if (counts(line)) {
          String own = line.strip().replaceAll("\\s+", " ");
          if (command.equals(LINKS)) {
            // Whether there is a cable, and where its other end is, changes with each move.
            own = own.replaceFirst("^([^ @]+)(@\\S+)? \\S+ (\\S+).*", "$1 $3");
          }
          lines.add(String.join(" ", command.subList(0, 2)) + ": " + own);
        }
      }
    }
    return new Footprint(lines.build());
  }

  /**
   * Routes that the kernel has from router advertisements or from its own addresses come and go.
   */
  private static boolean counts(String line) {
    return !line.contains(" proto ra ")
        && !line.contains(" proto kernel ")
        && !line.contains("nexthop via fe80:")
        && !line.contains(" table local ");
  }

  /** What is there now and was not before, in the order of now. */
  List<String> since(Footprint before) {
    return ImmutableList.copyOf(Sets.difference(lines, before.lines));
  }
}

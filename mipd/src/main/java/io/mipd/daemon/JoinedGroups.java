package io.mipd.daemon;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The multicast groups that are joined on this host's interfaces, as Linux tells them in {@code
 * /proc/net/igmp6}. It sends no notice when they change.
 *
 * <pre>
 *   2    eth0            ff0e0000000000000000000000000101     1 00000004 0
 * </pre>
 *
 * <p>Index and name of the interface, group, how many have joined, flags, a timer.
 */
final class JoinedGroups {
  /** Of the thread that reads, which may be in a network namespace of its own. */
  private static final Path TABLE = Path.of("/proc/thread-self/net/igmp6");

  private static final int GROUP = 2;
  private static final int USERS = 3;

  private JoinedGroups() {}

  /** That a group is joined on an interface. */
  record Membership(int interfaceIndex, Ipv6Address group) {}

  /**
   * The groups of global scope that somebody has joined, on whichever interface.
   *
   * @param ours memberships of our own, which do not count
   */
  static ImmutableSet<Ipv6Address> ofOthers(Set<Membership> ours) throws IOException {
    try (Stream<String> lines = Files.lines(TABLE)) {
      return ofOthers(lines, ours);
    }
  }

  /** The same of lines that have been read. */
  static ImmutableSet<Ipv6Address> ofOthers(Stream<String> lines, Set<Membership> ours) {
    var groups = ImmutableSet.<Ipv6Address>builder();
    lines.forEach(
        line -> {
          List<String> words = Splitter.on(' ').omitEmptyStrings().trimResults().splitToList(line);
          var group = Ipv6Address.read(HexFormat.of().parseHex(words.get(GROUP)), 0);
          var membership = new Membership(Integer.parseInt(words.get(0)), group);
          int users = Integer.parseInt(words.get(USERS)) - (ours.contains(membership) ? 1 : 0);
          if (group.isGlobalMulticast() && users > 0) {
            groups.add(group);
          }
        });
    return groups.build();
  }
}

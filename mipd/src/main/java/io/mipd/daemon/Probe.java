package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What this system can do for which world, and what is missing. */
final class Probe {
  private static final long CAP_NET_ADMIN = 1L << 12;
  private static final long CAP_NET_RAW = 1L << 13;

  /**
   * @param needed without it the engine world does not work
   */
  record Finding(String what, boolean present, boolean needed, String remark) {
    @Override
    public String toString() {
      return (present ? "yes  " : needed ? "NO   " : "no   ") + what + ": " + remark;
    }
  }

  private Probe() {}

  static ImmutableList<Finding> engineWorld() {
    long capabilities = capabilities();
    return ImmutableList.of(
        new Finding(
            "CAP_NET_ADMIN",
            (capabilities & CAP_NET_ADMIN) != 0,
            true,
            "to make a TUN device, routes and rules; run as root"),
        new Finding(
            "CAP_NET_RAW",
            (capabilities & CAP_NET_RAW) != 0,
            true,
            "for raw and packet sockets; run as root"),
        new Finding(
            "/dev/net/tun",
            Files.exists(Path.of("/dev/net/tun")),
            true,
            "inner packets; modprobe tun"),
        new Finding(
            "IPv6",
            Files.isDirectory(Path.of("/proc/sys/net/ipv6/conf/all")),
            true,
            "net.ipv6 in /proc/sys"),
        new Finding(
            "optimistic DAD",
            Files.exists(Path.of("/proc/sys/net/ipv6/conf/all/optimistic_dad")),
            false,
            "a care-of address at once (RFC 4429); else a second later"));
  }

  static boolean works(Iterable<Finding> findings) {
    for (Finding finding : findings) {
      if (finding.needed() && !finding.present()) {
        return false;
      }
    }
    return true;
  }

  private static long capabilities() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("CapEff:")) {
          return Long.parseUnsignedLong(line.substring("CapEff:".length()).strip(), 16);
        }
      }
    } catch (IOException e) {
      // Without /proc nothing else here works either.
      return 0;
    }
    return 0;
  }
}

package io.mipd.daemon;

import com.google.common.base.Joiner;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.linux.KernelFeatures;
import io.mipd.xfrm.linux.KernelInterface;
import io.mipd.xfrm.linux.NftTable;
import io.mipd.xfrm.linux.SystemCallException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** What this system can do for which world, and what is missing. */
final class Probe {
  private static final long CAP_NET_ADMIN = 1L << 12;
  private static final long CAP_NET_RAW = 1L << 13;

  /**
   * @param needed without it the world does not work
   */
  record Finding(String what, boolean present, boolean needed, String remark) {
    @Override
    public String toString() {
      return (present ? "yes  " : needed ? "NO   " : "no   ") + what + ": " + remark;
    }
  }

  /**
   * A world, and why it was chosen.
   *
   * @param world never {@code AUTO}
   */
  record Choice(DaemonConfiguration.WorldChoice world, String reason) {}

  private Probe() {}

  /**
   * Settles on a world.
   *
   * @param by how the kernel's is to be told of policies
   * @throws SystemLacksException with what is missing for the one that is asked for, or for both
   */
  static Choice choose(DaemonConfiguration.WorldChoice asked, KernelInterface by)
      throws SystemLacksException {
    if (asked == DaemonConfiguration.WorldChoice.ENGINE) {
      require(asked, engineWorld());
      return new Choice(asked, "as configured");
    }
    ImmutableList<Finding> kernel = kernelWorld(by);
    if (asked == DaemonConfiguration.WorldChoice.KERNEL) {
      require(asked, kernel);
      return new Choice(asked, "as configured");
    }
    if (works(kernel)) {
      return new Choice(
          DaemonConfiguration.WorldChoice.KERNEL, "this kernel has IPsec and Mobile IPv6");
    }
    require(DaemonConfiguration.WorldChoice.ENGINE, engineWorld());
    return new Choice(
        DaemonConfiguration.WorldChoice.ENGINE,
        "the kernel lacks " + Joiner.on(", ").join(missing(kernel)));
  }

  private static void require(
      DaemonConfiguration.WorldChoice world, ImmutableList<Finding> findings)
      throws SystemLacksException {
    if (!works(findings)) {
      throw new SystemLacksException(
          "the " + world + " world lacks: " + Joiner.on("; ").join(missing(findings)));
    }
  }

  private static ImmutableList<String> missing(ImmutableList<Finding> findings) {
    return findings.stream()
        .filter(finding -> finding.needed() && !finding.present())
        .map(finding -> finding.what() + " (" + finding.remark() + ")")
        .collect(ImmutableList.toImmutableList());
  }

  static ImmutableList<Finding> engineWorld() {
    return ImmutableList.<Finding>builder()
        .addAll(common("a TUN device"))
        .add(
            new Finding(
                "/dev/net/tun",
                Files.exists(Path.of("/dev/net/tun")),
                true,
                "inner packets; modprobe tun"))
        .add(netfilter())
        .add(optimisticDad())
        .build();
  }

  /** By making such a table as the engine world makes, under another name. */
  private static Finding netfilter() {
    String what = "nf_tables for IPv6";
    String needs =
        "CONFIG_NF_TABLES_IPV6 and the program nft, to keep what is ours from the kernel";
    var table = new DropTable("mipd_probe", ImmutableSet.of(), Optional.empty(), Optional.empty());
    try {
      NftTable.owned(DropTable.FAMILY, "mipd_probe", table.body()).close();
      return new Finding(what, true, true, needs);
    } catch (SystemCallException e) {
      return new Finding(what, false, true, needs + "; " + e.getMessage());
    }
  }

  /**
   * @param by how it is to be told of policies
   */
  static ImmutableList<Finding> kernelWorld(KernelInterface by) {
    var findings = ImmutableList.<Finding>builder().addAll(common("policies and states"));
    KernelFeatures kernel = KernelFeatures.probe();
    for (KernelFeatures.Feature feature : KernelFeatures.Feature.values()) {
      Optional<String> problem = kernel.missing(feature);
      findings.add(
          new Finding(
              feature.what(),
              problem.isEmpty(),
              true,
              feature.option() + problem.map(text -> "; the kernel says: " + text).orElse("")));
    }
    if (by == KernelInterface.PF_KEY) {
      findings.add(pfKey(true));
    }
    return findings.add(optimisticDad()).build();
  }

  /** To ask may have the kernel load the module. */
  static Finding pfKey(boolean needed) {
    Optional<String> problem = KernelFeatures.missingOfPfKey();
    return new Finding(
        "policies and associations by PF_KEYv2",
        problem.isEmpty(),
        needed,
        "CONFIG_NET_KEY, CONFIG_NET_KEY_MIGRATE (module af_key), for kernel-interface = "
            + KernelInterface.PF_KEY
            + problem.map(text -> "; the kernel says: " + text).orElse(""));
  }

  private static ImmutableList<Finding> common(String what) {
    long capabilities = capabilities();
    return ImmutableList.of(
        new Finding(
            "CAP_NET_ADMIN",
            (capabilities & CAP_NET_ADMIN) != 0,
            true,
            "to make " + what + ", routes and rules; run as root"),
        new Finding(
            "CAP_NET_RAW",
            (capabilities & CAP_NET_RAW) != 0,
            true,
            "for raw and packet sockets; run as root"),
        new Finding(
            "IPv6",
            Files.isDirectory(Path.of("/proc/sys/net/ipv6/conf/all")),
            true,
            "net.ipv6 in /proc/sys"));
  }

  private static Finding optimisticDad() {
    return new Finding(
        "optimistic DAD",
        Files.exists(Path.of("/proc/sys/net/ipv6/conf/all/optimistic_dad")),
        false,
        "CONFIG_IPV6_OPTIMISTIC_DAD: a care-of address at once (RFC 4429); else a second later");
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

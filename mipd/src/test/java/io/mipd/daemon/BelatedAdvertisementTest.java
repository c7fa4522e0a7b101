package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.daemon.TestNet.Mipd;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A daemon that has no time to read while the cable goes from the home link to another: what the
 * home link's router said is still to be read when the new link is known to be there.
 */
@Tag("root")
class BelatedAdvertisementTest {
  private static final String AT_HOME = "NOWHERE -> HOME";

  @TempDir private Path folder = Path.of("");

  @Test
  void isNotTakenForTheNewLinks() throws Exception {
    try (TestNet net = TestNet.create(folder)) {
      net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
      Mipd mobile = net.startMipd("mn", net.configuration("mn", "mobile-node.conf"));
      net.plug("h");
      net.until("at home", TestNet.LONG, () -> net.said("mn").contains(AT_HOME));

      net.sh("kill -STOP " + mobile.process().pid());
      long before = advertisements(net);
      net.until("the home link speaks", TestNet.LONG, () -> advertisements(net) > before);
      // Of a cable that is out and in again at once the kernel may not tell at all.
      net.unplug();
      net.until("the cable is out", TestNet.LONG, () -> !hasLink(net));
      net.plug("a");
      net.until("the cable is in", TestNet.LONG, () -> hasLink(net));
      long plugged = advertisements(net);
      net.until("the new link speaks", TestNet.LONG, () -> advertisements(net) > plugged);
      net.sh("kill -CONT " + mobile.process().pid());

      net.until("registered", TestNet.LONG, () -> net.said("mn").contains("NOWHERE -> AWAY"));
      assertThat(net.said("mn").split(AT_HOME, -1)).as("home once only").hasSize(2);
      assertThat(net.said("mn")).doesNotContain("the home link has another prefix");
    }
  }

  /** As the kernel has told it. */
  private static boolean hasLink(TestNet net) throws Exception {
    return net.in("mn", "cat /sys/class/net/eth0/operstate").strip().equals("up");
  }

  /** That the mobile node's kernel has taken. */
  private static long advertisements(TestNet net) throws Exception {
    return net.in("mn", "cat /proc/net/snmp6")
        .lines()
        .filter(line -> line.startsWith("Icmp6InRouterAdvertisements"))
        .mapToLong(line -> Long.parseLong(line.substring(line.lastIndexOf('\t') + 1).strip()))
        .sum();
  }
}

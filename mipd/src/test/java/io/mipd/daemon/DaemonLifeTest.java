package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSet;
import io.mipd.daemon.TestNet.Mipd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Daemons come and go, and so does what they put into the system. */
@Tag("root")
class DaemonLifeTest {
  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @BeforeEach
  void build() throws Exception {
    net = TestNet.create(folder);
  }

  @AfterEach
  void takeDown() throws IOException {
    net.close();
  }

  @Test
  @Tag("kernel")
  @Tag("slow-in-guest")
  void theSamplesStartAsTheyAre() throws Exception {
    for (String node : new String[] {"ha", "mn", "cn"}) {
      String sample =
          switch (node) {
            case "ha" -> "home-agent.conf";
            case "mn" -> "mobile-node.conf";
            default -> "correspondent.conf";
          };
      Path etc = net.configuration(node, sample).resolveSibling("etc");
      Files.createDirectories(etc);
      Path samples = Path.of("src/main/dist/etc");
      Files.copy(samples.resolve(sample), etc.resolve(sample));
      Path keys = etc.resolve("mobile-node-1.keys");
      Files.copy(etc.resolveSibling("mobile-node-1.keys"), keys);
      // The files' own paths, on file systems of this process alone.
      Process process =
          net.start(
              node,
              node,
              "unshare",
              "-m",
              "sh",
              "-c",
              "mount -t tmpfs none /var/lib && mount -t tmpfs none /run && exec "
                  + String.join(" ", TestNet.java())
                  + " run --config "
                  + etc.resolve(sample));
      net.until("ready", TestNet.START, () -> net.said(node).contains("mipd ready: "));
      process.destroy();
      assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).as(net.said(node)).isZero();
    }
    assertThat(net.said("ha")).contains("mipd ready: home-agent " + TestNet.world());
    assertThat(net.said("mn")).contains("mipd ready: mobile-node " + TestNet.world());
    assertThat(net.said("cn")).contains("mipd ready: correspondent-node " + TestNet.world());
  }

  @Test
  @Tag("kernel")
  void aStopLeavesTheSystemAsItWas() throws Exception {
    ImmutableSet<String> agentBefore = net.system("ha");
    ImmutableSet<String> mobileBefore = net.system("mn");

    Mipd agent = net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    Mipd mobile = net.startMipd("mn", net.configuration("mn", "mobile-node.conf"));
    assertThat(net.system("ha")).isNotEqualTo(agentBefore);
    assertThat(net.system("mn")).anyMatch(line -> line.contains("from 2001:db8:1::100 blackhole"));
    if (Files.exists(Path.of("/proc/sys/net/ipv6/conf/all/optimistic_dad"))) {
      assertThat(net.system("mn")).anyMatch(line -> line.contains("optimistic_dad = 1"));
    }

    assertThat(net.stop(mobile)).isZero();
    assertThat(net.stop(agent)).isZero();
    net.assertSystem("ha", agentBefore);
    net.assertSystem("mn", mobileBefore);
  }

  @Test
  @Tag("kernel")
  @Tag("slow-in-guest")
  void whatAKilledDaemonLeavesDropsAndCleanupTakesItAway() throws Exception {
    ImmutableSet<String> before = net.system("mn");
    Path configuration = net.configuration("mn", "mobile-node.conf");
    Mipd mobile = net.startMipd("mn", configuration);

    assertThat(net.mipd("mn", "cleanup", "--config", configuration.toString()))
        .as("not while it runs")
        .isEqualTo(Main.FAILURE);
    net.kill(mobile);
    assertThat(net.ip("mn", "-6", "rule")).contains("from 2001:db8:1::100 blackhole");
    assertThat(net.in("mn", "nft list ruleset")).isBlank();

    for (int i = 0; i < 2; i++) {
      assertThat(net.mipd("mn", "cleanup", "--config", configuration.toString())).isZero();
      net.assertSystem("mn", before);
    }
  }

  @Test
  void aSystemThatLacksSomethingIsToldSo() throws Exception {
    Path configuration =
        net.configuration(
            "ha", "home-agent.conf", "home-interface = eth1", "home-interface = eth9");
    assertThat(net.mipd("ha", "run", "--config", configuration.toString()))
        .isEqualTo(Main.SYSTEM_LACKS);
    assertThat(net.said("ha")).contains("there is no interface eth9");
  }
}

package io.mipd.daemon;

import com.typesafe.config.Config;
import io.mipd.daemon.TestNet.Mipd;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What was sent once is refused the second time, also by the next life of the receiver. */
@Tag("root")
@Tag("kernel")
class ReplayTest {
  private static final int SIGNALLING_UP = 0x1001;
  private static final int SIGNALLING_DOWN = 0x1002;
  private static final int PAYLOAD_UP = 0x1005;
  private static final int PAYLOAD_DOWN = 0x1006;

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @SuppressWarnings("NullAway.Init")
  private Mipd agent;

  @SuppressWarnings("NullAway.Init")
  private Mipd mobile;

  @SuppressWarnings("NullAway.Init")
  private Tap fromMobile;

  @SuppressWarnings("NullAway.Init")
  private Tap fromAgent;

  @SuppressWarnings("NullAway.Init")
  private Forger attacker;

  @BeforeEach
  void serve() throws Exception {
    net = TestNet.create(folder);
    fromMobile = Tap.on(net, "r", "ea");
    fromAgent = Tap.on(net, "r", "eh");
    agent = net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    Path configuration = net.configuration("mn", "mobile-node.conf");
    mobile = net.startMipd("mn", configuration);
    attacker =
        Forger.at(net, "r", KeyFile.read(configuration.resolveSibling("mobile-node-1.keys")));
    net.plug("a");
    net.until("it is served", TestNet.LONG, this::isServed);
  }

  @AfterEach
  void takeDown() throws Exception {
    if (net != null) {
      fromMobile.close();
      fromAgent.close();
      net.close();
    }
    if (attacker != null) {
      attacker.close();
    }
  }

  private boolean isServed() throws Exception {
    return net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS);
  }

  private long replays(Mipd at) throws Exception {
    Config discards = net.status(at).getConfig("counters.discards");
    return discards.hasPath("in-state-seq-error") ? discards.getLong("in-state-seq-error") : 0;
  }

  /** The oldest and the newest of an association are sent again. */
  private void isRefused(Mipd at, Tap tap, int spi) throws Exception {
    tap.await("ESP with SPI " + spi, PacketLog.esp(spi));
    List<byte[]> all = tap.all(PacketLog.esp(spi));
    for (byte[] packet : List.of(all.get(0), all.get(all.size() - 1))) {
      long before = replays(at);
      net.until(
          "it is counted as a replay",
          TestNet.LONG,
          () -> {
            // Again and again: one that is sent while a neighbor is resolved may be lost.
            attacker.send(packet);
            return replays(at) > before;
          });
    }
  }

  private void isRefusedByAgent() throws Exception {
    isRefused(agent, fromMobile, SIGNALLING_UP);
    isRefused(agent, fromMobile, PAYLOAD_UP);
    net.until("it is served as before", TestNet.LONG, this::isServed);
  }

  private void isRefusedByMobile() throws Exception {
    isRefused(mobile, fromAgent, SIGNALLING_DOWN);
    isRefused(mobile, fromAgent, PAYLOAD_DOWN);
    net.until("it is served as before", TestNet.LONG, this::isServed);
  }

  @Test
  void acrossARestartOfTheHomeAgent() throws Exception {
    isRefusedByAgent();
    net.stop(agent);
    agent = net.startMipd("ha", agent.configuration());
    isRefusedByAgent();
    net.kill(agent);
    agent = net.startMipd("ha", agent.configuration());
    isRefusedByAgent();
  }

  @Test
  @Tag("slow-in-guest")
  void acrossARestartOfTheMobileNode() throws Exception {
    isRefusedByMobile();
    net.stop(mobile);
    mobile = net.startMipd("mn", mobile.configuration());
    net.until("it is served again", TestNet.LONG, this::isServed);
    isRefusedByMobile();
    net.kill(mobile);
    mobile = net.startMipd("mn", mobile.configuration());
    net.until("it is served again", TestNet.LONG, this::isServed);
    isRefusedByMobile();
  }
}

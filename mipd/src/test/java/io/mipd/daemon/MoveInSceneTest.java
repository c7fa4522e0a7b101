package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What comes from configurations of the old daemon starts, and works, as it is. */
@Tag("root")
class MoveInSceneTest {
  private static final Path OLD = Path.of("src/test/resources/mip6d");

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

  /** Takes a configuration over; only its places on the disk are this test's. */
  private Path takenOver(String node, String old, String name, String... options) throws Exception {
    Path etc = folder.resolve(node);
    var words = new ArrayList<String>(List.of("import", OLD.resolve(old).toString()));
    words.addAll(List.of(options));
    words.addAll(List.of("--out", etc.toString()));
    MoveInTest.Said said = MoveInTest.mipd(words);
    assertThat(said.status()).as(said.err()).isZero();
    Path file = etc.resolve(name);
    return Files.writeString(
        file,
        Files.readString(file)
            .replace("/var/lib/mipd", etc.resolve("state").toString())
            .replace("/run/mipd/control.sock", etc.resolve("control.sock").toString()));
  }

  private void isReady(String node, String role) throws Exception {
    assertThat(net.said(node)).contains("mipd ready: " + role);
  }

  @Test
  void twoEndsWithTheOldKeysRegisterAndTalk() throws Exception {
    String script = OLD.resolve("associations.sh").toString();
    net.plug("a");
    net.startMipd("ha", takenOver("ha", "ha.conf", "home-agent.conf", "--associations", script));
    net.startMipd("mn", takenOver("mn", "mn.conf", "mobile-node.conf", "--associations", script));
    net.startMipd("cn", takenOver("cn", "cn.conf", "correspondent.conf"));
    isReady("ha", "home-agent");
    isReady("mn", "mobile-node");
    isReady("cn", "correspondent-node");

    net.until(
        "the home address answers",
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS));
  }

  @Test
  void theOthersStart() throws Exception {
    net.addNode("old");
    net.ip("old", "link", "add", "lan0", "type", "veth", "peer", "name", "wan0");
    net.ip("old", "link", "set", "lan0", "up");
    net.ip("old", "link", "set", "wan0", "up");
    net.ip("old", "addr", "add", "2001:db8:1::1/48", "dev", "lan0", "nodad");
    net.in("old", "sysctl -q net.ipv6.conf.all.forwarding=1");
    net.startMipd(
        "old", takenOver("old", "ha-plain.conf", "home-agent.conf", "--address", "2001:db8:1::1"));
    isReady("old", "home-agent");

    net.plug("a");
    net.startMipd("mn", takenOver("mn", "mn-two-interfaces.conf", "mobile-node.conf"));
    isReady("mn", "mobile-node");
  }
}

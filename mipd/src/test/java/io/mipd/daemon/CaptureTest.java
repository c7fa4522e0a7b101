package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.base.Splitter;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigRenderOptions;
import io.mipd.control.ControlException;
import io.mipd.control.ControlRequest;
import io.mipd.daemon.TestNet.Mipd;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A home agent writes down what it sends and receives, and tshark decrypts it. */
class CaptureTest {
  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @BeforeEach
  void build() throws Exception {
    TestNet.needsCommand("tshark");
    net = TestNet.create(folder);
  }

  @AfterEach
  void takeDown() throws IOException {
    net.close();
  }

  private Config capture(Mipd mipd, String key, Object value) throws Exception {
    Config answer = net.ask(mipd, ControlRequest.of("capture").with(key, value));
    String json = answer.root().render(ConfigRenderOptions.concise());
    assertThat(
            JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                .getSchema(Files.readString(Path.of("../docs/schema/capture.json")))
                .validate(json, InputFormat.JSON))
        .as(json)
        .isEmpty();
    return answer;
  }

  private static boolean isKey(String word) {
    return word.matches("[0-9a-f]{32,}");
  }

  private static String mode(Path file) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }

  private static String tshark(Path file, Path profile, String... options) throws Exception {
    var builder = new ProcessBuilder("tshark", "-r", file.toString());
    builder.command().addAll(List.of(options));
    builder.environment().put("WIRESHARK_CONFIG_DIR", profile.toString());
    Process process = builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    return said;
  }

  @Test
  @Tag("root")
  void whatTheEngineWorksOnIsDecrypted() throws Exception {
    isDecrypted(PacketTap.OUTER, "mipd0");
  }

  @Test
  @Tag("kernel")
  void whatTheKernelSendsAndReceivesIsDecrypted() throws Exception {
    isDecrypted("eth0", "eth0");
  }

  /**
   * @param outer the interface where the tunnel is seen
   * @param inner the one where its payload is
   */
  private void isDecrypted(String outer, String inner) throws Exception {
    String onTheWire = "frame.interface_name == \"" + outer + "\" && ";
    net.plug("a");
    Mipd agent = net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    Path file = folder.resolve("ha.pcapng");
    Config begun = capture(agent, "file", file);
    assertThat(begun.getBoolean("runs")).isTrue();
    net.startMipd("mn", net.configuration("mn", "mobile-node.conf"));
    net.until(
        "by the tunnel",
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS));
    assertThatThrownBy(() -> capture(agent, "file", folder.resolve("other.pcapng")))
        .isInstanceOf(ControlException.class)
        .hasMessage("a capture runs already: " + file);
    Config ended = capture(agent, "off", true);

    assertThat(ended.getBoolean("runs")).isFalse();
    assertThat(ended.getLong("dropped")).isZero();
    Path profile = Path.of(ended.getString("profile"));
    assertThat(mode(file)).isEqualTo("rw-------");
    assertThat(mode(profile)).isEqualTo("rwx------");
    assertThat(mode(profile.resolve("esp_sa"))).isEqualTo("rw-------");
    List<String> keys =
        Splitter.onPattern("\\s+")
            .splitToStream(TestNet.sampleKeys())
            .filter(CaptureTest::isKey)
            .toList();
    assertThat(Files.readString(profile.resolve("esp_sa"))).contains(keys);
    assertThat(net.said("ha") + ended.root().render()).doesNotContain(keys);

    assertThat(tshark(file, profile, "-T", "fields", "-e", "frame.number").lines().count())
        .isEqualTo(ended.getLong("packets"));
    assertThat(tshark(file, profile, "-Y", onTheWire + "esp && mip6.mhtype == 5"))
        .as("the Binding Update within ESP")
        .contains("Binding Update");
    assertThat(tshark(file, profile, "-Y", onTheWire + "esp && icmpv6.type == 129"))
        .as("the answer within the tunnel")
        .contains(TestNet.CORRESPONDENT);
    assertThat(
            tshark(
                file,
                profile,
                "-Y",
                "frame.interface_name == \"" + inner + "\" && icmpv6.type == 128 && !esp"))
        .as("the question before the tunnel")
        .contains(TestNet.HOME_ADDRESS);
    assertThat(tshark(file, profile, "-Y", "esp.icv_bad == 1")).isEmpty();

    assertThatThrownBy(() -> capture(agent, "file", file))
        .hasMessage("no capture: " + file + " is there already and stays as it is");
    assertThatThrownBy(() -> capture(agent, "file", "here.pcapng"))
        .hasMessage("file: not an absolute path");
    assertThatThrownBy(() -> capture(agent, "off", true)).hasMessage("there is no capture");
  }
}

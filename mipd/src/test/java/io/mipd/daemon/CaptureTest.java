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

  /**
   * Of each packet: interface, SPI, type of a mobility message, of an ICMPv6 one, destinations,
   * whether its ICV is bad.
   */
  private static List<String> tshark(Path file, Path profile) throws Exception {
    var builder = new ProcessBuilder("tshark", "-r", file.toString(), "-T", "fields");
    builder.command().addAll(List.of("-E", "separator=|"));
    for (String field :
        List.of(
            "frame.interface_name",
            "esp.spi",
            "mip6.mhtype",
            "icmpv6.type",
            "ipv6.dst",
            "esp.icv_bad")) {
      builder.command().addAll(List.of("-e", field));
    }
    builder.environment().put("WIRESHARK_CONFIG_DIR", profile.toString());
    Process process = builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    return said.lines().toList();
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

    List<String> packets = tshark(file, profile);
    assertThat(packets).hasSize((int) ended.getLong("packets"));
    assertThat(packets)
        .as("the Binding Update within ESP")
        .anyMatch(it -> it.matches(outer + "\\|0x\\w+\\|5\\|\\|" + TestNet.HOME_AGENT + "\\|0"))
        .as("the answer within the tunnel")
        .anyMatch(
            it -> it.matches(outer + "\\|0x\\w+\\|\\|129\\|.*," + TestNet.CORRESPONDENT + "\\|0"))
        .as("the question before the tunnel")
        .anyMatch(it -> it.matches(inner + "\\|\\|\\|128\\|" + TestNet.HOME_ADDRESS + "\\|"))
        .as("each ICV is seen to be good")
        .allMatch(it -> it.matches("[^|]+\\|(0x.*\\|0|\\|.*\\|)"));

    assertThatThrownBy(() -> capture(agent, "file", file))
        .hasMessage("no capture: " + file + " is there already and stays as it is");
    assertThatThrownBy(() -> capture(agent, "file", "here.pcapng"))
        .hasMessage("file: not an absolute path");
    assertThatThrownBy(() -> capture(agent, "off", true)).hasMessage("there is no capture");
  }
}

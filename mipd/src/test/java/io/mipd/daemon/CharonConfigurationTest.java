package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.vici.ViciElement;
import io.mipd.vici.ViciMessage;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.ReqId;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What charon is told is what docs/ikev2 says in the words of {@code swanctl.conf}. */
class CharonConfigurationTest {
  private static final Path DOCUMENTS = Path.of("../docs/ikev2");
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");

  private static NegotiatedKeys keys(String local, String remote) {
    return new NegotiatedKeys(
        local,
        remote,
        new NegotiatedKeys.PreSharedKey(KeyMaterial.copyOf(new byte[] {1})),
        ImmutableList.of("aes128-sha256-x25519"),
        ImmutableList.of("aes128-sha256"),
        true,
        Duration.ofSeconds(30),
        Duration.ofHours(1),
        Duration.ofHours(4),
        new TunnelProtection(
            Optional.of(new ReqId(5001)),
            Optional.of(new ReqId(5002)),
            Optional.of(new ReqId(5003)),
            Optional.of(new ReqId(5004)),
            true));
  }

  /** The connection of a document, without the name that it has there. */
  private static List<String> documented(String name) throws Exception {
    List<String> lines =
        Files.readAllLines(DOCUMENTS.resolve(name)).stream()
            .filter(line -> !line.startsWith("#"))
            .toList();
    assertThat(lines.subList(0, 2)).containsExactly("connections {", "  home {");
    return lines.subList(2, lines.indexOf("secrets {") - 2);
  }

  private static List<String> told(CharonConfiguration.Command command) {
    List<String> lines = new ArrayList<>();
    tell("    ", command.message().section(CharonConfiguration.name(HOME)), lines);
    return lines;
  }

  private static void tell(String indent, ViciMessage section, List<String> lines) {
    section
        .elements()
        .forEach(
            (name, element) -> {
              if (element instanceof ViciMessage inner) {
                lines.add(indent + name + " {");
                tell(indent + "  ", inner, lines);
                lines.add(indent + "}");
              } else {
                lines.add(indent + name + " = " + text(element));
              }
            });
  }

  private static String text(ViciElement element) {
    return element instanceof ViciElement.Value value
        ? value.text()
        : ((ViciElement.Values) element)
            .all().stream().map(ViciElement.Value::text).collect(Collectors.joining(", "));
  }

  @Test
  void aMobileNodesConnectionIsAsDocumented() throws Exception {
    assertThat(
            told(
                CharonConfiguration.ofMobileNode(
                    HOME,
                    AGENT,
                    Ipv6Address.parse("2001:db8:a::10"),
                    keys("mn.example.org", "ha.example.org"))))
        .isEqualTo(documented("mobile-node.swanctl.conf"));
  }

  @Test
  void aHomeAgentsConnectionIsAsDocumented() throws Exception {
    assertThat(
            told(
                CharonConfiguration.ofHomeAgent(
                    HOME, AGENT, keys("ha.example.org", "mn.example.org"))))
        .isEqualTo(documented("home-agent.swanctl.conf"));
  }
}

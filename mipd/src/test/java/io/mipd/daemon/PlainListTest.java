package io.mipd.daemon;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is read of a long list is what the library reads, and so are the errors. */
class PlainListTest {
  private static final Path SAMPLES = Path.of("src/main/dist/etc");

  /** In a comment, too, it has the library read the whole. */
  private static final String BY_THE_LIBRARY = "# include\n";

  private static final String BEGINNING =
      """
      role = home-agent
      world = engine
      home-agent { home-interface = eth1, address = "2001:db8:1::1", home-prefix = "2001:db8:1::/64"
        mobile-nodes = [ # who may
      """;

  private static final String NODE = "{ home-address = \"2001:db8:1::%x\", ipsec = off }%s\n";

  @TempDir private Path folder = Path.of("");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{ home-address = \"2001:db8:1::a:1\", ipsec = off }",
        "{ home-address : \"2001:db8:1::a:1\", ipsec : off },",
        "{\n  home-address = \"2001:db8:1::a:1\" # Anna's\n\n  # not yet\n  ipsec = false\n},",
        "{home-address=\"2001:db8:1::a:1\"\nipsec=no,}",
      })
  void saysWhatTheLibrarySays(String node) throws Exception {
    isTheSame(node);
  }

  @Test
  void protectionIsPlain() throws Exception {
    Path keys = folder.resolve("mobile-node-1.keys");
    Files.copy(SAMPLES.resolve("mobile-node-1.keys.sample"), keys);
    Files.setPosixFilePermissions(keys, PosixFilePermissions.fromString("rw-------"));
    String text = Files.readString(SAMPLES.resolve("home-agent.conf"));
    String node = text.substring(text.indexOf("    {\n      home-address"), text.indexOf("  ]\n}"));

    isTheSame(node.replace("2001:db8:1::100", "2001:db8:1::a:1"));
  }

  private void isTheSame(String node) throws Exception {
    String text = BEGINNING + nodes() + node + "\n" + ending();
    assertThat(PlainList.find(text)).isPresent();
    assertThat(PlainList.find(text + BY_THE_LIBRARY)).isEmpty();

    DaemonConfiguration plain = DaemonConfiguration.read(file(text));
    DaemonConfiguration whole = DaemonConfiguration.read(file(text + BY_THE_LIBRARY));

    assertThat(((DaemonConfiguration.HomeAgent) plain.role()).served()).hasSize(2001);
    assertThat(plain).isEqualTo(whole);
    assertThat(plain.entries().all())
        .isEqualTo(whole.entries().all())
        .containsEntry("home-agent.mobile-nodes[2000].home-address", "2001:db8:1::a:1");
    assertThat(Reload.of(plain, whole).changes()).isEmpty();
  }

  @Test
  void valuesHaveTheTypesAndLinesThatTheLibraryGivesThem() {
    String list =
        """
        {a = on, b = true
          c = 17, d = "1 7", g = 0x1e
          e { f = x-1.y
          } # g
        }
        {a = 999999999},
        { }
        """;
    String text = "mobile-nodes = [\n" + list + "]\n" + " ".repeat(1 << 16);
    List<? extends ConfigValue> whole = ConfigFactory.parseString(text).getList("mobile-nodes");
    List<ConfigObject> plain = PlainList.find(text).orElseThrow().elements();

    assertThat(plain).hasSize(3).isEqualTo(whole);
    for (int i = 0; i < plain.size(); i++) {
      isTheSame(plain.get(i), whole.get(i));
    }
  }

  private static void isTheSame(ConfigValue plain, ConfigValue whole) {
    assertThat(plain.valueType()).isEqualTo(whole.valueType());
    assertThat(plain.unwrapped()).isEqualTo(whole.unwrapped());
    assertThat(plain.origin().lineNumber()).isEqualTo(whole.origin().lineNumber());
    if (plain instanceof ConfigObject object) {
      var other = (ConfigObject) whole;
      assertThat(object.keySet()).isEqualTo(other.keySet());
      object.forEach((key, value) -> isTheSame(value, requireNonNull(other.get(key))));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{ home-address = \"2001:db8:1::7\", ipsec = off }", // there already
        "{ home-address = \"2001:db8:2::7\", ipsec = off }",
        "{ home-address = \"2001:db8:1::a:1\" }",
        "{ home-address = \"2001:db8:1::a:1\", ipsec = maybe }",
        "{ home-address = \"2001:db8:1::a:1\"\n\n ipsec = off\n colour = red }",
        "{ home-address = \"2001:db8:1::a:1\", ipsec = off, ipsec = off }",
        "{ home-address = \"2001:db8:1::a:1\", ipsec = off",
        "{ home-address = \"2001:db8:1::a:1, ipsec = off }",
        "{ home-address = 2001:db8:1::a:1, ipsec = off }",
        "{ home-address = \"2001:db8:1::a:1\" ipsec = off }",
        "{ home-address = { a = 1 }, ipsec = off }",
        "{ home-address = \"2001:db8:1::a:1\", protection { keys = none.keys } }",
        "\"2001:db8:1::a:1\"",
        ",{ home-address = \"2001:db8:1::a:1\", ipsec = off }",
        "{ ipsec = off } { home-address = \"2001:db8:1::a:1\" }, x",
        "] x = [",
        "]\n colour = red\n x = [ 1",
        "] }\n home-agent { x = [",
      })
  void mistakesAreToldAsOfAnyFile(String node) throws IOException {
    String text = BEGINNING + nodes() + node + "\n" + ending();
    Path file = file(text + BY_THE_LIBRARY);
    Throwable whole = catchThrowable(() -> read(file));
    assertThat(whole).isInstanceOf(ConfigurationException.class).hasMessageContaining("m.conf:");

    Files.writeString(file, text);
    assertThatThrownBy(() -> read(file)).hasMessage(whole.getMessage());
  }

  /** The library reads the whole, and what is included with it. */
  @Test
  void anIncludeBesideALongListIsRead() throws Exception {
    Path file = file(BEGINNING + nodes() + ending() + "include \"more.conf\"\n");
    assertThatThrownBy(() -> read(file))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(file + ":2007: include \"more.conf\": ");

    Files.writeString(folder.resolve("more.conf"), "tunnel-mtu = 1400\n");
    assertThat(DaemonConfiguration.read(file).tunnelMtu()).isEqualTo(1400);
  }

  private static void read(Path file) throws ConfigurationException {
    DaemonConfiguration.read(file);
  }

  private static String nodes() {
    var all = new StringBuilder();
    for (int i = 2; i < 2002; i++) {
      all.append(NODE.formatted(i, i % 3 == 0 ? "," : ""));
    }
    return all.toString();
  }

  private static String ending() {
    return "  ]\n}\n";
  }

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("m.conf"), text);
  }
}

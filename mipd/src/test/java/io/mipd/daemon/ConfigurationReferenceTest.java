package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import com.google.common.base.Strings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code docs/configuration.md} has every key that the daemon asks a configuration for, and what it
 * allows there; what a key is for is said in {@code configuration-keys.txt}.
 */
class ConfigurationReferenceTest {
  private static final Path DOCUMENT = Path.of("../docs/configuration.md");
  private static final Path SAMPLES = Path.of("src/main/dist/etc");
  private static final Pattern NAME = Pattern.compile("(\\S+)(?: \\((.+)\\))?");
  private static final Pattern KEY = Pattern.compile("^[# ]*([a-z_-]+) (= |\\{)");
  private static final String HEAD =
      """
      # Configuration

      A configuration is a file in [HOCON](https://github.com/lightbend/config/blob/main/HOCON.md), a superset of JSON. A key that is not in these
      tables, or is there twice in one file, is an error; every error names file, line, key and what is allowed. Relative paths start at the file's folder.
      `mipd/src/main/dist/etc` (installed: `/usr/share/doc/mipd/examples`) has a complete commented file for each role. What a running daemon can take over
      without a restart, `mipd reload --dry` tells.

      `include "FILE"` takes in the keys of another file, by its whole name, from the folder of the file that has the line, or by an absolute path; what comes later in the text wins. A file
      that is not there or may not be read is an error; a URL or class path is, too. Relative paths that are values of keys in it start at the folder of the file that mipd is given.

      `a.b` is the key `b` in the braces of `a`; `a[].b` that of each object in the list `a`. "required": of the object that it is in, if that is given, and under the condition that
      follows, if there is one. "none": as if there were nothing.

      This file is written by `ConfigurationReferenceTest` from what the daemon asks for, and fails the build when it is not up to date.
      """;

  /** With every object that there may be, so that the keys in it are asked for. */
  private static final String COMMON =
      """
      correspondent {}
      http { token = token }
      user-ipsec {
        policies = [
          {
            dir = out, proto = tcp, sport = 1024, dport = 443
            templates = [
              { proto = esp, mode = tunnel, src = "2001:db8:1::100", dst = "2001:db8:c::2", reqid = 100, spi = 0x3001 }
              { proto = esp, mode = transport, reqid = 101 }
            ]
          }
          { dir = out, proto = ipv6-icmp, type = 128, code = 0, action = block }
        ]
        keys = keys
        associations = [
          { src = "2001:db8:1::100", dst = "2001:db8:c::2", proto = esp, mode = tunnel, spi = 0x3001, reqid = 100 }
        ]
      }
      """;

  private static final String PROTECTION =
      """
      protection {
        keys = keys
        signalling { to-home-agent = 0x1001, to-mobile-node = 0x1002, reqid = 1 }
        prefix-discovery { to-home-agent = 0x1007, to-mobile-node = 0x1008, reqid = 2 }
        return-routability { to-home-agent = 0x1003, to-mobile-node = 0x1004, reqid = 3 }
        payload { to-home-agent = 0x1005, to-mobile-node = 0x1006, reqid = 4 }
      }
      """;

  private static String further(int number) {
    return PROTECTION.replace("0x10", "0x" + number + "0").replace("reqid = ", "reqid = " + number);
  }

  /** Negotiated keys, by the one and the other kind of credentials. */
  private static final String IKE =
      """
      protection {
        keying = ike, local-identity = a.example.org, remote-identity = b.example.org
        %s
        signalling { reqid = 5001 }
        prefix-discovery { reqid = 5002 }
        return-routability { reqid = 5003 }
        payload { reqid = 5004 }
      }
      """;

  private static final List<String> PROTECTIONS =
      List.of(
          PROTECTION,
          "ipsec = off",
          IKE.formatted("secret = token"),
          IKE.formatted("certificate = token, private-key = token, authority = token"));

  private static final String HOME_AGENT =
      """
      role = home-agent
      control-group = root
      home-agent {
        home-interface = eth1, address = "2001:db8:1::1", home-prefix = "2001:db8:1::/64"
        router-advertisements {}
        prefix-advertisements {}
        further-home-prefixes = [ { prefix = "2001:db8:9::/64" } ]
        care-of-addresses = [ { prefix = "2001:db8:bad::/48" } ]
        mobile-nodes = [ { home-address = "2001:db8:1::100", %s } ]
      }
      """
          .formatted(PROTECTION);

  private static final String MOBILE_NODE =
      """
      role = mobile-node
      mobile-node {
        home-address = "2001:db8:1::100", home-prefix = "2001:db8:1::/64", home-agent = "2001:db8:1::1"
        interfaces = [ { name = eth0 } ]
        source-addresses = [ { prefix = "2001:db8:d::/48", use = care-of-address } ]
        route-optimization { peers = [ { prefix = "2001:db8:c::/64" } ] }
        %s
      }
      mobile-node.further-home-addresses = [
        { home-address = "2001:db8:2::100", home-prefix = "2001:db8:2::/64", %s }
        { when = advertised, home-prefix = "2001:db8:9::/64", %s }
      ]
      """
          .formatted(PROTECTION, further(2), further(4));

  /** Where no associations are configured. */
  private static final String CORRESPONDENT = "role = cn\nuser-ipsec { policies = [] }\n";

  private static final String REQUIRED = "required";
  private static final String NONE = "none";

  /** What was asked of a key. */
  private record Asked(String allowed, String otherwise) {}

  /**
   * @param when the condition under which it must be given; empty if there is none
   */
  private record Meaning(String when, String words) {}

  @TempDir private Path folder = Path.of("");

  private final Map<String, Asked> keys = new LinkedHashMap<>();

  /** Of each configuration that was read, what was asked for: paths with numbers in lists. */
  private final List<Set<String>> readings = new ArrayList<>();

  @BeforeEach
  void ask() throws Exception {
    Path keyFile = folder.resolve("keys");
    String sample = Files.readString(SAMPLES.resolve("mobile-node-1.keys.sample"));
    String further = sample.replace("0x10", "0x20") + sample.replace("0x10", "0x40");
    Files.writeString(
        keyFile, sample + further + "0x3001 " + "0a".repeat(16) + " " + "0b".repeat(32) + "\n");
    Path token = Files.writeString(folder.resolve("token"), "0123456789abcdef".repeat(4));
    for (Path secret : List.of(keyFile, token)) {
      Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rw-------"));
    }
    Stream<String> configurations =
        Stream.concat(
            PROTECTIONS.stream()
                .flatMap(
                    it ->
                        Stream.of(
                            HOME_AGENT.replace(PROTECTION, it) + COMMON,
                            MOBILE_NODE.replace(PROTECTION, it) + COMMON)),
            Stream.of(CORRESPONDENT));
    for (String text : configurations.toList()) {
      Set<String> optional = new LinkedHashSet<>();
      Set<String> reading = new LinkedHashSet<>();
      readings.add(reading);
      DaemonConfiguration.read(
          Files.writeString(folder.resolve("mipd.conf"), text),
          new Section.Reading() {
            @Override
            public void asked(String path, String allowed, Optional<String> byDefault) {
              reading.add(path);
              String key = pattern(path);
              String otherwise =
                  optional.contains(key)
                      ? NONE
                      : byDefault
                          .map(value -> value.equals(NONE) ? NONE : "`" + value + "`")
                          .orElse(REQUIRED);
              keys.putIfAbsent(key, new Asked(allowed, otherwise));
            }

            @Override
            public void mayBeLeftOut(String path) {
              if (!keys.containsKey(pattern(path))) {
                optional.add(pattern(path));
              }
            }
          });
    }
  }

  private static String pattern(String path) {
    return path.replaceAll("\\[\\d+\\]", "[]");
  }

  /** What a key is for, by its path, or by the end of it after a star. */
  private static Map<String, Meaning> meanings() throws IOException {
    Map<String, Meaning> meanings = new LinkedHashMap<>();
    for (String line : Files.readAllLines(Path.of("src/test/resources/configuration-keys.txt"))) {
      if (!line.isEmpty() && !line.startsWith("#")) {
        List<String> words = Splitter.on(": ").limit(2).splitToList(line);
        assertThat(words).as(line).hasSize(2);
        Matcher key = NAME.matcher(words.get(0));
        assertThat(key.matches()).as(line).isTrue();
        var meaning = new Meaning(Strings.nullToEmpty(key.group(2)), words.get(1));
        assertThat(meanings.put(key.group(1), meaning)).as("twice: " + line).isNull();
      }
    }
    return meanings;
  }

  private static boolean isOf(String name, String key) {
    return name.startsWith("*") ? key.endsWith(name.substring(1)) : key.equals(name);
  }

  private String render() throws IOException {
    Map<String, Meaning> meanings = meanings();
    var text = new StringBuilder(HEAD);
    Map<String, Predicate<String>> parts = new LinkedHashMap<>();
    for (String part :
        List.of("home-agent", "mobile-node", "correspondent", "user-ipsec", "http")) {
      parts.put("`" + part + "`", key -> key.startsWith(part + "."));
    }
    table(
        "Every role", key -> parts.values().stream().noneMatch(it -> it.test(key)), meanings, text);
    parts.forEach((title, which) -> table(title, which, meanings, text));
    return text.toString();
  }

  private void table(
      String title, Predicate<String> which, Map<String, Meaning> meanings, StringBuilder text) {
    text.append("\n## ").append(title).append("\n\n");
    text.append("| key | allowed | if left out | what it is |\n|---|---|---|---|\n");
    keys.forEach(
        (key, asked) -> {
          if (which.test(key)) {
            Meaning meaning = meaning(meanings, key);
            text.append("| `")
                .append(key)
                .append("` | ")
                .append(asked.allowed().replace("|", "\\|"));
            text.append(" | ")
                .append(asked.otherwise())
                .append(meaning.when().isEmpty() ? "" : " " + meaning.when())
                .append(" | ")
                .append(meaning.words())
                .append(" |\n");
          }
        });
  }

  private static Meaning meaning(Map<String, Meaning> meanings, String key) {
    return meanings.entrySet().stream()
        .filter(it -> isOf(it.getKey(), key))
        .map(Map.Entry::getValue)
        .findFirst()
        .orElseThrow(() -> new AssertionError("say what it is: " + key));
  }

  private static String parent(String path) {
    return path.substring(0, Math.max(0, path.lastIndexOf('.')));
  }

  /** Whether there was a place for a key where nobody asked for it. */
  private boolean isConditional(String key) {
    String name = key.substring(key.lastIndexOf('.') + 1);
    return readings.stream()
        .anyMatch(
            reading ->
                reading.stream()
                    .map(ConfigurationReferenceTest::parent)
                    .filter(it -> pattern(it).equals(parent(key)))
                    .anyMatch(it -> !reading.contains(it.isEmpty() ? name : it + "." + name)));
  }

  /** What must be given only sometimes is not said to be required always, nor the other way. */
  @Test
  void conditionsAreSaidWhereThereAreAny() throws IOException {
    Map<String, Meaning> meanings = meanings();
    keys.forEach(
        (key, asked) ->
            assertThat(meaning(meanings, key).when().isEmpty())
                .as("%s: %s", key, meaning(meanings, key))
                .isEqualTo(!asked.otherwise().equals(REQUIRED) || !isConditional(key)));
  }

  @Test
  void theDocumentIsUpToDate() throws IOException {
    String wanted = render();
    if (Boolean.getBoolean("mipd.configuration.write")) {
      Files.writeString(DOCUMENT, wanted);
    }
    assertThat(DOCUMENT)
        .as(
            "write it anew: mvn -pl mipd -am test -Dtest=ConfigurationReferenceTest"
                + " -DargLine=-Dmipd.configuration.write=true")
        .hasContent(wanted);
  }

  @Test
  void nothingIsSaidOfKeysThatAreNotThere() throws IOException {
    assertThat(meanings().keySet())
        .allSatisfy(name -> assertThat(keys.keySet()).as(name).anyMatch(key -> isOf(name, key)));
  }

  /** A key that the samples show is in the reference, also one that is a comment there. */
  @Test
  void whatTheSamplesHaveIsThere() throws IOException {
    Set<String> names = new LinkedHashSet<>();
    keys.keySet().forEach(key -> names.add(key.substring(key.lastIndexOf('.') + 1)));
    for (String sample : List.of("home-agent.conf", "mobile-node.conf", "correspondent.conf")) {
      for (String line : Files.readAllLines(SAMPLES.resolve(sample))) {
        Matcher key = KEY.matcher(line);
        if (key.find()) {
          assertThat(names).as(sample + ": " + line).contains(key.group(1));
        }
      }
    }
  }
}

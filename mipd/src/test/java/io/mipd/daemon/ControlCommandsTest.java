package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.base.Splitter;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigRenderOptions;
import io.mipd.control.ControlRequest;
import io.mipd.control.Json;
import io.mipd.daemon.TestNet.Mipd;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every command against a live home agent, mobile node and correspondent, as text and as JSON. */
@Tag("root")
class ControlCommandsTest {
  private static final Path SCHEMAS = Path.of("../docs/schema");

  /** Of no user, so that it is nobody that a test could meet. */
  private static final String STRANGER = "54321";

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  private record Said(int status, String out, String err) {
    Config json() {
      assertThat(status).as(out + err).isZero();
      return Json.parse(out);
    }
  }

  @BeforeEach
  void build() throws Exception {
    net = TestNet.create(folder);
  }

  @AfterEach
  void takeDown() throws IOException {
    net.close();
  }

  /** As a shell would call it; the words have no blanks. */
  private static Said says(Mipd mipd, String command) {
    List<String> words = new ArrayList<>(Splitter.on(' ').splitToList(command));
    words.addAll(List.of("--config", mipd.configuration().toString()));
    return says(words.toArray(new String[0]));
  }

  private static Said says(String... words) {
    var out = new StringWriter();
    var err = new StringWriter();
    var line = Main.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    int status = Main.run(line, words);
    return new Said(status, out.toString(), err.toString());
  }

  /** Says it as JSON, which matches the schema of that name. */
  private static Config json(Mipd mipd, String command) throws IOException {
    Said said = says(mipd, command + " --json");
    Config document = said.json();
    matches(Splitter.on(' ').splitToList(command).get(0), said.out());
    return document;
  }

  private static void matches(String name, String json) throws IOException {
    JsonSchema schema =
        JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
            .getSchema(Files.readString(SCHEMAS.resolve(name + ".json")));
    assertThat(schema.validate(json, InputFormat.JSON)).as("%s: %s", name, json).isEmpty();
  }

  private static String text(Mipd mipd, String command) {
    Said said = says(mipd, command);
    assertThat(said.status()).as(said.out() + said.err()).isZero();
    return said.out();
  }

  private boolean isOptimized(Mipd mobile) throws Exception {
    return net.status(mobile).getConfigList("routes").stream()
        .anyMatch(one -> one.getString("state").equals("optimized"));
  }

  @Test
  void everyCommandTellsOfALiveNetwork() throws Exception {
    net.plug("a");
    Mipd agent = net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    Mipd peer = net.startMipd("cn", net.configuration("cn", "correspondent.conf"));
    Mipd mobile =
        net.startMipd(
            "mn",
            net.configuration(
                "mn",
                "mobile-node.conf",
                "mobile-node {",
                "mobile-node {\n  route-optimization { enabled = on }\n"));
    net.until(
        "registered",
        TestNet.LONG,
        () -> net.status(mobile).hasPath("registration.care-of-address"));
    assertThat(json(mobile, "why " + TestNet.CORRESPONDENT).getString("reason"))
        .isEqualTo("nothing-heard");
    net.start("cn", "ping", "ping", "-n", "-i", "0.2", TestNet.HOME_ADDRESS);
    net.until("optimized", TestNet.LONG, () -> isOptimized(mobile));
    String careOf = net.status(mobile).getString("registration.care-of-address");

    for (Mipd node : List.of(agent, mobile, peer)) {
      json(node, "status");
      json(node, "bindings");
      assertThat(json(node, "policies").getConfigList("policies")).isNotEmpty();
      json(node, "neighbours");
      json(node, "events");
    }

    assertThat(text(mobile, "status"))
        .contains("mobile-node in the ", "registered at " + careOf, "1 optimized of 1");
    assertThat(text(agent, "status")).contains("home-agent in the ", "bindings      1");
    assertThat(text(peer, "status")).contains("correspondent-node in the ", "peers         1");
    assertThat(text(agent, "bindings")).containsPattern(TestNet.HOME_ADDRESS + " +" + careOf);
    assertThat(text(peer, "bindings")).containsPattern(TestNet.HOME_ADDRESS + " +" + careOf);
    assertThat(text(mobile, "bindings"))
        .containsPattern("optimized +" + TestNet.CORRESPONDENT + " +" + careOf);

    Config associations = json(agent, "associations");
    assertThat(associations.getConfigList("associations")).hasSize(8);
    assertThat(text(mobile, "associations")).contains("0x00001001", "transport", "cbc(aes)");
    noKeyIsIn(mobile, text(mobile, "associations"), associations.root().render());

    assertThat(text(mobile, "policies"))
        .contains("policy    src " + TestNet.HOME_ADDRESS, "  rule    ");
    assertThat(text(mobile, "neighbours")).containsPattern("configured.* in use").contains("fe80:");
    assertThat(text(agent, "neighbours")).containsPattern("self .*in use");

    Config why = json(mobile, "why " + TestNet.CORRESPONDENT);
    assertThat(why.getBoolean("optimized")).isTrue();
    assertThat(why.getStringList("policy.templates")).isNotEmpty();
    assertThat(json(mobile, "policies").getList("policies"))
        .as("the very policy that is in force, with its priority")
        .anyMatch(it -> it.equals(why.getObject("policy")));
    assertThat(json(peer, "why " + TestNet.HOME_ADDRESS).getString("peer-care-of-address"))
        .isEqualTo(careOf);
    assertThat(json(agent, "why " + TestNet.HOME_ADDRESS).getString("reason"))
        .isEqualTo("bound-here");
    assertThat(text(mobile, "why " + TestNet.CORRESPONDENT)).contains("is optimized: optimized");
    assertThat(text(mobile, "why 2001:db8:1::1")).contains("not optimized: home-agent");

    String happened = text(mobile, "events");
    assertThat(happened)
        .contains(
            "link          eth0 is up",
            "the home agent has acknowledged " + careOf,
            "packets to " + TestNet.CORRESPONDENT + " go directly, by care-of address " + careOf);
    assertThat(text(agent, "events"))
        .contains(TestNet.HOME_ADDRESS + " is registered at " + careOf);

    bothForms(agent, mobile, peer);
    followed(agent, mobile);
    explained(mobile);
    captured(mobile);
    tokens();
    limits(agent, mobile);
    for (Mipd node : List.of(agent, mobile, peer)) {
      watchedOnASmallTerminal(node);
    }
    anotherLevelOfTheLog(mobile);
    handovers(mobile, careOf);
    leaves(mobile, agent, peer, careOf);
    drained(agent, mobile);
    refusals(agent, mobile);
    strangers(agent);
  }

  /** What a command says as text is not what it says as JSON, and each says something. */
  private void bothForms(Mipd agent, Mipd mobile, Mipd peer) throws Exception {
    for (Mipd node : List.of(agent, mobile, peer)) {
      for (String command :
          List.of(
              "status",
              "bindings",
              "associations",
              "policies",
              "neighbours",
              "events",
              "why " + TestNet.CORRESPONDENT,
              "log info",
              "reload --dry",
              "reload")) {
        assertThat(text(node, command)).as(command).isNotBlank().doesNotStartWith("{");
        json(node, command);
      }
    }
    for (String command : List.of("drain", "drain --off")) {
      assertThat(text(agent, command)).as(command).isNotBlank().doesNotStartWith("{");
      json(agent, command);
    }
    for (String command : List.of("handover eth0", "handover auto")) {
      assertThat(text(mobile, command)).as(command).isNotBlank().doesNotStartWith("{");
      json(mobile, command);
    }
  }

  /**
   * What happens while somebody follows is told as it happens, by the command as it is installed.
   */
  private void followed(Mipd agent, Mipd mobile) throws Exception {
    for (String form : List.of("text", "json")) {
      List<String> command = new ArrayList<>(TestNet.java(Main.class));
      command.addAll(List.of("events", "--follow", "--config", agent.configuration().toString()));
      if (form.equals("json")) {
        command.add("--json");
      }
      String log = "follows-" + form;
      Process follows = net.start("ha", log, command.toArray(new String[0]));
      net.until("what was before", TestNet.LONG, () -> net.said(log).contains("is registered at"));
      int before = net.said(log).length();
      text(agent, "drain --off");
      net.until(
          "what happens now",
          TestNet.LONG,
          () -> net.said(log).substring(before).contains("new mobile nodes are taken again"));
      follows.destroy();
      follows.waitFor();
    }
    for (String line : Splitter.on('\n').omitEmptyStrings().split(net.said("follows-json"))) {
      matches("events", line);
    }
    assertThat(json(mobile, "events --after 3").getConfigList("events"))
        .isNotEmpty()
        .allMatch(it -> it.getLong("number") > 3);
  }

  private void explained(Mipd mobile) throws Exception {
    List<String> words = new ArrayList<>(List.of("policy", "explain", "--out"));
    words.addAll(List.of("--socket", socket(mobile).toString(), "src", TestNet.HOME_ADDRESS));
    words.addAll(List.of("dst", TestNet.CORRESPONDENT, "proto", "tcp", "dport", "443"));
    assertThat(says(words.toArray(new String[0])).out())
        .contains(
            "policy    src " + TestNet.HOME_ADDRESS, "Home Address option", "octets  on the wire");
    words.add("--json");
    Said said = says(words.toArray(new String[0]));
    matches("policy-explain", said.out());
    assertThat(said.json().getString("packet.destination")).isEqualTo(TestNet.CORRESPONDENT);
    assertThat(said.json().getConfigList("wire")).isNotEmpty();
  }

  private void captured(Mipd mobile) throws Exception {
    for (String form : List.of("", " --json")) {
      Path file = folder.resolve("mn" + form.strip() + ".pcapng");
      String begun = text(mobile, "capture " + file + form);
      assertThat(net.succeeds("mn", "ping -n -c 3 -i 0.2 " + TestNet.CORRESPONDENT)).isTrue();
      String ended = text(mobile, "capture --off" + form);
      if (form.isEmpty()) {
        assertThat(begun).contains("capturing to " + file);
        assertThat(ended).contains(file + ": ", " packets, 0 left out; keys in ");
      } else {
        matches("capture", begun);
        matches("capture", ended);
        assertThat(Json.parse(ended).getLong("packets")).isGreaterThanOrEqualTo(6);
      }
      assertThat(CaptureFile.read(file)).isNotEmpty();
    }
  }

  private void tokens() throws IOException {
    Path file = folder.resolve("new.token");
    Said said = says("token", file.toString());
    assertThat(said.status()).as(said.err()).isZero();
    assertThat(said.out()).contains("http { token = ");
    String token = Files.readString(file).strip();
    assertThat(token).matches("[0-9a-f]{64}");
    assertThat(said.out() + said.err()).doesNotContain(token);
    assertThat(says("token", file.toString()).status()).as("it stays").isEqualTo(Main.FAILURE);
    assertThat(Files.readString(file).strip()).isEqualTo(token);
  }

  /** Lists may be cut; how many there are is told all the same. */
  private void limits(Mipd agent, Mipd mobile) throws Exception {
    Config status = limited(agent, ControlRequest.of("status").with("limit", 0));
    assertThat(status.getInt("counts.bindings")).isEqualTo(1);
    assertThat(status.getInt("counts.associations")).isEqualTo(8);
    assertThat(status.getInt("counts.expired-associations")).isZero();
    assertThat(status.getList("bindings")).isEmpty();
    assertThat(status.getList("associations")).isEmpty();
    assertThat(status.getList("policies")).isEmpty();
    Config all = json(mobile, "policies");
    assertThat(all.getInt("counts.policies")).isEqualTo(all.getList("policies").size());
    Config few =
        limited(mobile, ControlRequest.of("policies").with("limit", 2).with("findings", "false"));
    assertThat(few.getInt("counts.policies")).isEqualTo(all.getList("policies").size());
    assertThat(few.getList("policies"))
        .containsExactlyElementsOf(all.getList("policies").subList(0, 2));
    assertThat(few.hasPath("findings")).isFalse();
    assertThat(
            limited(agent, ControlRequest.of("bindings").with("limit", 0))
                .getInt("counts.bindings"))
        .isEqualTo(1);
    assertThatThrownBy(() -> net.ask(agent, ControlRequest.of("bindings").with("limit", -1)))
        .hasMessage("limit: a number from 0 on");
  }

  private Config limited(Mipd mipd, ControlRequest request) throws Exception {
    Config answer = net.ask(mipd, request);
    matches(request.name(), answer.root().render(ConfigRenderOptions.concise()));
    return answer;
  }

  private void noKeyIsIn(Mipd mipd, String... answers) throws IOException {
    Path keys = mipd.configuration().resolveSibling("mobile-node-1.keys");
    for (String line : Files.readAllLines(keys)) {
      for (String word : Splitter.on(' ').split(line)) {
        if (word.length() > 16) {
          for (String answer : answers) {
            assertThat(answer).doesNotContain(word);
          }
        }
      }
    }
  }

  /** No line is wrapped, none rolls away, and what there is no room for is told of. */
  private static void watchedOnASmallTerminal(Mipd node) {
    for (String view :
        List.of(
            "status",
            "bindings",
            "associations",
            "policies",
            "neighbours",
            "why " + TestNet.CORRESPONDENT)) {
      String told = text(node, view + " --watch 0.01 --times 2");
      List<String> screens = Splitter.on(Terminal.CLEAR).splitToList(told);
      assertThat(screens).hasSize(3);
      List<String> lines = Splitter.on('\n').splitToList(screens.get(2).stripTrailing());
      assertThat(lines.get(0)).startsWith("mipd " + Splitter.on(' ').splitToList(view).get(0));
      assertThat(lines).hasSizeBetween(2, 23).allMatch(line -> line.length() <= 80);
      if (view.equals("associations")) {
        assertThat(lines.stream().filter(line -> line.contains(" > ")))
            .as("both ends of each are seen")
            .hasSameSizeAs(lines.stream().filter(line -> line.startsWith("0x")).toList());
      }
      if (view.equals("policies")) {
        assertThat(lines.get(lines.size() - 1)).matches("\\.\\.\\. [0-9]+ more lines");
      }
    }
  }

  private void anotherLevelOfTheLog(Mipd mobile) throws Exception {
    assertThat(json(mobile, "log debug").getString("level")).isEqualTo("debug");
    net.until("debugging", TestNet.LONG, () -> net.said("mn").contains("DEBUG CoreDriver"));
    assertThat(text(mobile, "log info")).isEqualTo("log level debug -> info\n");
  }

  private void handovers(Mipd mobile, String careOf) throws Exception {
    assertThat(json(mobile, "handover eth0").getString("care-of-address")).isEqualTo(careOf);
    assertThat(json(mobile, "handover " + careOf).getString("care-of-address")).isEqualTo(careOf);
    assertThat(text(mobile, "handover auto")).isEqualTo("mipd chooses again\n");
    assertThat(says(mobile, "handover 2001:db8:a::dead"))
        .satisfies(it -> assertThat(it.status()).isEqualTo(Main.FAILURE))
        .satisfies(it -> assertThat(it.err()).contains("not a care-of address that could be used"));
    assertThat(says(mobile, "handover eth9").status()).isEqualTo(Main.BAD_CONFIGURATION);
  }

  /**
   * Nobody believes in the care-of address any more, and nothing is registered until it is asked
   * for.
   */
  private void leaves(Mipd mobile, Mipd agent, Mipd peer, String careOf) throws Exception {
    assertThat(says(mobile, "deregister 2001:db8:1::99").err())
        .contains("this node has " + TestNet.HOME_ADDRESS);
    Config left = json(mobile, "deregister");
    assertThat(left.getString("home-address")).isEqualTo(TestNet.HOME_ADDRESS);
    assertThat(left.getString("care-of-address")).isEqualTo(careOf);
    net.until(
        "de-registered",
        TestNet.LONG,
        () -> !net.status(mobile).hasPath("registration.care-of-address"));
    assertThat(net.status(agent).getConfigList("bindings")).isEmpty();
    assertThat(net.status(peer).getConfigList("correspondent-bindings")).isEmpty();
    assertThat(text(mobile, "status")).contains("not registered, until mipd handover");
    assertThat(json(mobile, "bindings").getBoolean("registration.dismissed")).isTrue();
    assertThat(net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS)).isFalse();
    assertThat(text(mobile, "deregister")).contains("is to be bound no more; was at -");

    json(mobile, "handover auto");
    net.until(
        "registered again",
        TestNet.LONG,
        () -> net.status(mobile).hasPath("registration.care-of-address"));
    net.until("optimized again", TestNet.LONG, () -> isOptimized(mobile));
  }

  /** Who is there stays; who was sent away does not come back until it is over. */
  private void drained(Mipd agent, Mipd mobile) throws Exception {
    assertThat(json(agent, "drain").getBoolean("draining")).isTrue();
    assertThat(text(agent, "status")).contains("no new ones are taken");
    assertThat(json(agent, "deregister " + TestNet.HOME_ADDRESS).getString("home-address"))
        .isEqualTo(TestNet.HOME_ADDRESS);
    assertThat(net.status(agent).getConfigList("bindings")).isEmpty();
    net.plug("b");
    net.until(
        "refused", TestNet.LONG, () -> text(mobile, "events").contains("the home agent refuses: "));
    assertThat(net.status(agent).getConfigList("bindings")).isEmpty();
    assertThat(text(agent, "events")).contains("this home agent is draining");
    assertThat(text(agent, "drain --off")).isEqualTo("new mobile nodes are taken; 0 bound\n");
  }

  private static void refusals(Mipd agent, Mipd mobile) {
    assertThat(says(mobile, "drain"))
        .satisfies(it -> assertThat(it.status()).isEqualTo(Main.FAILURE))
        .satisfies(it -> assertThat(it.err()).isEqualTo("mipd: only a home agent can do that\n"));
    assertThat(says(agent, "handover eth0").status()).isEqualTo(Main.FAILURE);
    assertThat(says(agent, "deregister 2001:db8:1::99").err()).contains("has no binding here");
    assertThat(says(agent, "why nobody").status()).isEqualTo(Main.BAD_CONFIGURATION);
    assertThat(says(agent, "log loud").err()).contains("unknown: loud; allowed: error, warn");
    assertThat(says("status", "--socket", "/nowhere/control.sock"))
        .satisfies(it -> assertThat(it.status()).isEqualTo(Main.FAILURE))
        .satisfies(it -> assertThat(it.err()).contains("no mipd answers at /nowhere/"));
  }

  @Test
  void aReloadUnderTrafficLosesNothingAndAMistakeChangesNothing() throws Exception {
    net.plug("a");
    Mipd agent = net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    Mipd mobile = net.startMipd("mn", net.configuration("mn", "mobile-node.conf"));
    net.until(
        "by the tunnel",
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS));
    assertThat(text(agent, "reload")).isEqualTo("nothing has changed\n");
    Path file = agent.configuration();
    String sample = Files.readString(file);

    Process ping =
        net.start("cn", "ping", "ping", "-n", "-i", "0.02", "-c", "150", TestNet.HOME_ADDRESS);
    for (String lifetime : List.of("20s", "30s", "40s")) {
      Files.writeString(
          file,
          sample
              .replace("maximum-lifetime = 420s", "maximum-lifetime = " + lifetime)
              .replace("tunnel-mtu = 1400", "tunnel-mtu = 1390"));
      Config told = json(agent, "reload");
      assertThat(told.getBoolean("needs-restart")).isTrue();
      assertThat(told.getConfigList("changes"))
          .extracting(it -> it.getString("key") + " " + it.getString("effect"))
          .containsExactly("home-agent.maximum-lifetime applied", "tunnel-mtu restart");
    }
    assertThat(text(agent, "reload")).contains("needs a restart", "tunnel-mtu: 1400 -> 1390");
    assertThat(ping.waitFor(TestNet.LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(net.said("ping")).contains("150 received, 0% packet loss");

    String mistaken = sample.replace("maximum-lifetime = 420s", "maximum-lifetime = 4");
    Files.writeString(file, mistaken);
    long line = 1 + mistaken.lines().takeWhile(it -> !it.contains("maximum-lifetime = 4")).count();
    Said refused = saysTo(agent, "reload --json");
    assertThat(refused.status()).isEqualTo(Main.FAILURE);
    assertThat(refused.err())
        .contains(
            file + ":" + line + ": home-agent.maximum-lifetime: a time without unit: 4; allowed: ")
        .contains("nothing has changed");
    net.plug("b");
    net.until(
        "the lifetime of the last reload that was good",
        TestNet.LONG,
        () ->
            net.status(agent).getConfigList("bindings").stream()
                .anyMatch(
                    one ->
                        one.getString("care-of-address").startsWith("2001:db8:b:")
                            && one.getInt("seconds-left") <= 40
                            && one.getInt("seconds-left") > 30));
    assertThat(json(mobile, "reload").getConfigList("changes")).isEmpty();
  }

  private static Path socket(Mipd mipd) {
    return mipd.configuration().resolveSibling("control.sock");
  }

  /** By its socket: its configuration cannot be read. */
  private static Said saysTo(Mipd mipd, String command) {
    List<String> words = new ArrayList<>(Splitter.on(' ').splitToList(command));
    words.addAll(List.of("--socket", socket(mipd).toString()));
    return says(words.toArray(new String[0]));
  }

  /** Another user, whom the mode of the file lets in, may look and not touch. */
  private void strangers(Mipd agent) throws Exception {
    Path socket = socket(agent);
    Path ask = folder.resolve("Ask.java");
    // Class files of ours are in folders that other users may not enter.
    Files.writeString(
        ask,
        """
        import java.net.UnixDomainSocketAddress;
        import java.nio.ByteBuffer;
        import java.nio.channels.Channels;
        import java.nio.channels.SocketChannel;
        import java.util.Scanner;

        class Ask {
          public static void main(String[] words) throws Exception {
            var channel = SocketChannel.open(UnixDomainSocketAddress.of(words[0]));
            channel.write(ByteBuffer.wrap((words[1] + "\\n").getBytes()));
            System.out.println(new Scanner(Channels.newInputStream(channel)).nextLine());
          }
        }
        """);
    for (Path up = socket.getParent();
        up != null && !up.equals(folder.getParent());
        up = up.getParent()) {
      Files.setPosixFilePermissions(up, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
    assertThat(asked(ask, socket, "status")).contains("Permission denied");
    Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw-rw-"));
    assertThat(asked(ask, socket, "status")).contains("\"role\":\"home-agent\"");
    assertThat(asked(ask, socket, "drain")).contains("\"reason\":\"not-permitted\"");
    assertThat(net.status(agent).getBoolean("draining")).isFalse();
  }

  private static String asked(Path ask, Path socket, String request) throws Exception {
    Process process =
        new ProcessBuilder(
                "setpriv",
                "--reuid=" + STRANGER,
                "--regid=" + STRANGER,
                "--clear-groups",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                ask.toString(),
                socket.toString(),
                "{\"version\":1,\"request\":\"" + request + "\"}")
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return said;
  }
}

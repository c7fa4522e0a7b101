package io.mipd.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableMap;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.typesafe.config.Config;
import io.mipd.control.ControlException.Reason;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Well-behaved clients, and others. */
@Timeout(60)
class ControlSocketTest {
  private static final String PING = "{\"version\":1,\"request\":\"ping\"}\n";

  @TempDir private Path folder = Path.of("");

  private final EventLog events = new EventLog(100);
  private final List<AutoCloseable> open = new ArrayList<>();

  /** Answers {@code ping}; {@code change} changes something; nothing answers {@code wait}. */
  private static final class Answers implements ControlSocket.Answers {
    final CompletableFuture<Map<String, Object>> late = new CompletableFuture<>();
    final CountDownLatch asked = new CountDownLatch(1);

    @Override
    public boolean changes(ControlRequest request) throws ControlException {
      return switch (request.name()) {
        case "ping", "wait", "break", "much" -> false;
        case "change" -> true;
        default -> throw new ControlException(Reason.UNKNOWN_REQUEST, "no " + request.name());
      };
    }

    @Override
    public CompletableFuture<Map<String, Object>> answer(
        ControlRequest request, Executor socketThread) {
      return switch (request.name()) {
        case "wait" -> {
          asked.countDown();
          yield late;
        }
        case "break" -> CompletableFuture.failedFuture(new IllegalStateException("broken"));
        case "much" -> CompletableFuture.completedFuture(Map.of("text", "x".repeat(1_000_000)));
        default ->
            CompletableFuture.completedFuture(
                Map.of("pong", request.arguments(), "list", List.of(1, Map.of("a", "\"\n"))));
      };
    }
  }

  private final Answers answers = new Answers();

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : open) {
      one.close();
    }
  }

  private Path serve() throws IOException {
    Path path = folder.resolve("control.sock");
    open.add(0, ControlSocket.open(settings(path), answers, events));
    return path;
  }

  private static ControlSocket.Settings settings(Path path) {
    return new ControlSocket.Settings(path, Optional.empty());
  }

  /** A client that knows nothing of the protocol. */
  private final class Raw {
    final SocketChannel channel;
    final BufferedReader reader;

    Raw(Path path) throws IOException {
      channel = SocketChannel.open(UnixDomainSocketAddress.of(path));
      open.add(0, channel);
      reader =
          new BufferedReader(
              new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8));
    }

    Raw say(String text) throws IOException {
      var octets = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
      while (octets.hasRemaining()) {
        channel.write(octets);
      }
      return this;
    }

    String hear() throws IOException {
      return "" + reader.readLine();
    }

    String reason() throws IOException {
      return Json.parse(hear()).getString("error.reason");
    }
  }

  @Test
  void aRequestGetsAnAnswerAndTheSocketGoesWithItsOwner() throws Exception {
    Path path = folder.resolve("control.sock");
    try (var socket = ControlSocket.open(settings(path), answers, events)) {
      assertThat(Files.getPosixFilePermissions(path))
          .isEqualTo(PosixFilePermissions.fromString("rw-------"));
      try (var there = Files.list(folder)) {
        assertThat(there).as("nothing beside the socket").containsExactly(socket.path());
      }
      Config answer = ControlClient.ask(path, ControlRequest.of("ping").with("n", 7));
      assertThat(answer.getString("pong.n")).isEqualTo("7");
      assertThat(answer.getList("list").unwrapped().toString()).contains("a=\"\n");
      assertThatThrownBy(() -> ControlSocket.open(settings(path), answers, events))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("another mipd serves");
      assertThat(ControlClient.ask(path, ControlRequest.of("ping")).hasPath("pong"))
          .as("the first goes on")
          .isTrue();
    }
    assertThat(path).doesNotExist();
    leaveBehind(path);
    try (var socket = ControlSocket.open(settings(path), answers, events)) {
      assertThat(ControlClient.ask(socket.path(), ControlRequest.of("ping")).hasPath("pong"))
          .as("what a dead daemon has left is replaced")
          .isTrue();
    }
  }

  /** As a daemon that is killed does. */
  private static void leaveBehind(Path path) throws IOException {
    var address = UnixDomainSocketAddress.of(path);
    ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address).close();
    assertThat(path).exists();
  }

  @Test
  void whatIsNoSocketStaysAsItIs() throws Exception {
    Path path = Files.writeString(folder.resolve("mipd.conf"), "role = correspondent-node");

    assertThatThrownBy(() -> ControlSocket.open(settings(path), answers, events))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is there and no socket");
    assertThat(path).hasContent("role = correspondent-node");
  }

  @Test
  void aGroupMayBeLetIn() throws Exception {
    Path path = folder.resolve("control.sock");
    String group =
        Files.readAttributes(folder, java.nio.file.attribute.PosixFileAttributes.class)
            .group()
            .getName();
    var settings = new ControlSocket.Settings(path, Optional.of(group));
    try (var socket = ControlSocket.open(settings, answers, events)) {
      assertThat(Files.getPosixFilePermissions(socket.path()))
          .isEqualTo(PosixFilePermissions.fromString("rw-rw----"));
    }
    assertThatThrownBy(
            () ->
                ControlSocket.open(
                    new ControlSocket.Settings(path, Optional.of("no such group")),
                    answers,
                    events))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("there is no group no such group");
    assertThat(path).doesNotExist();
  }

  @Test
  void refusalsHaveAReason() throws Exception {
    Path path = serve();
    var client = new Raw(path);
    assertThat(client.say("status\n").reason()).isEqualTo("not-a-request");
    assertThat(client.say("{\"request\":\"ping\"}\n").reason()).isEqualTo("not-a-request");
    assertThat(client.say("{\"version\":1,\"request\":[1]}\n").reason()).isEqualTo("not-a-request");
    assertThat(client.say("{\"version\":2,\"request\":\"ping\"}\n").reason())
        .isEqualTo("unsupported-version");
    assertThat(client.say("{\"version\":1,\"request\":\"fly\"}\n").reason())
        .isEqualTo("unknown-request");
    assertThat(client.say("{\"version\":1,\"request\":\"break\"}\n").reason()).isEqualTo("failed");
    assertThat(client.say("{\"version\":1,\"request\":\"events\",\"after\":\"x\"}\n").reason())
        .isEqualTo("bad-argument");
    assertThat(client.say(PING).hear()).as("and it goes on").contains("pong");
    assertThatThrownBy(() -> ControlClient.ask(path, ControlRequest.of("fly")))
        .isInstanceOfSatisfying(
            ControlException.class, e -> assertThat(e.reason()).isEqualTo(Reason.UNKNOWN_REQUEST))
        .hasMessage("no fly");
  }

  @Test
  void theLinesMatchTheirSchemas() throws Exception {
    var client = new Raw(serve());
    matches("request", PING);
    matches("request", ControlRequest.of("why").with("peer", "2001:db8::1").render());
    matches("response", client.say(PING).hear());
    matches("response", client.say("{}\n").hear());
    for (Reason reason : Reason.values()) {
      matches(
          "response",
          "{\"version\":1,\"error\":{\"reason\":\"" + reason.word() + "\",\"message\":\"\"}}");
    }
  }

  private static void matches(String schema, String line) throws IOException {
    assertThat(
            JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                .getSchema(Files.readString(Path.of("../docs/schema", schema + ".json")))
                .validate(line, InputFormat.JSON))
        .as(line)
        .isEmpty();
  }

  @Test
  void whatIsTooLongOrTooDeepEndsItsOwnConnectionOnly() throws Exception {
    Path path = serve();
    assertThat(new Raw(path).say("x".repeat(ControlRequest.LONGEST + 2)).reason())
        .isEqualTo("too-long");
    var deep = new Raw(path).say("[".repeat(ControlRequest.LONGEST - 1) + "\n");
    assertThat(deep.hear())
        .satisfiesAnyOf(
            it -> assertThat(it).contains("not-a-request"), it -> assertThat(it).isEqualTo("null"));
    assertThat(new Raw(path).say(PING).hear()).contains("pong");
  }

  @Test
  void severalRequestsInOneBreathAreAnsweredInTheirOrder() throws Exception {
    var client = new Raw(serve());
    var text = new StringBuilder();
    for (int i = 0; i < 1000; i++) {
      text.append("{\"version\":1,\"request\":\"ping\",\"n\":").append(i).append("}\n");
    }
    client.say(text.toString());
    for (int i = 0; i < 1000; i++) {
      assertThat(Json.parse(client.hear()).getInt("answer.pong.n")).isEqualTo(i);
    }
  }

  @Test
  void theSlowDoNotHoldUpOthers() throws Exception {
    Path path = serve();
    var silent = new Raw(path);
    var half = new Raw(path).say("{\"version\":1,");
    var waiting = new Raw(path).say("{\"version\":1,\"request\":\"wait\"}\n" + PING);
    assertThat(answers.asked.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(new Raw(path).say(PING).hear()).contains("pong");

    answers.late.complete(Map.of("late", true));
    assertThat(waiting.hear()).contains("late");
    assertThat(waiting.hear()).as("what was asked behind it").contains("pong");
    assertThat(half.say("\"request\":\"ping\"}\n").hear()).contains("pong");
    assertThat(silent.say(PING).hear()).contains("pong");
  }

  @Test
  void whoDoesNotReadIsAskedForNoMore() throws Exception {
    Path path = serve();
    var greedy = new Raw(path);
    greedy.channel.configureBlocking(false);
    // Each request is worth a million octets of answer.
    String many = "{\"version\":1,\"request\":\"much\"}\n".repeat(50_000);
    var octets = ByteBuffer.wrap(many.getBytes(StandardCharsets.UTF_8));
    while (octets.hasRemaining() && greedy.channel.write(octets) > 0) {
      // Until the socket takes no more.
    }
    assertThat(octets.hasRemaining()).as("not all of it is read").isTrue();
    assertThat(new Raw(path).say(PING).hear()).contains("pong");
  }

  @Test
  void connectionsAreLimited() throws Exception {
    Path path = serve();
    List<Raw> some = new ArrayList<>();
    for (int i = 0; i < ControlSocket.CONNECTIONS; i++) {
      some.add(new Raw(path).say(PING));
      assertThat(some.get(i).hear()).contains("pong");
    }
    assertThat(new Raw(path).reason()).isEqualTo("busy");
    some.get(0).channel.close();
    String heard;
    do {
      // It takes a moment until the daemon learns of it.
      heard = new Raw(path).say(PING).hear();
    } while (heard.contains("busy"));
    assertThat(heard).contains("pong");
  }

  @Test
  void eventsAreFollowedAndWhatCameBeforeIsThere() throws Exception {
    Path path = serve();
    event("one");
    event("two");
    Config past = ControlClient.ask(path, ControlRequest.of("events"));
    assertThat(words(past)).containsExactly("one", "two");
    assertThat(words(ControlClient.ask(path, ControlRequest.of("events").with("after", 1))))
        .containsExactly("two");

    try (var client = ControlClient.open(path)) {
      client.ask(ControlRequest.of("events").with("follow", true).with("after", 1));
      assertThat(words(client.next())).containsExactly("two");
      event("three");
      Config next = client.next();
      assertThat(words(next)).containsExactly("three");
      Config event = next.getConfigList("events").get(0);
      assertThat(event.getInt("number")).isEqualTo(3);
      assertThat(event.getString("kind")).isEqualTo("home-agent");
      assertThat(event.getString("time")).isEqualTo("2026-01-02T03:04:05.678Z");
      assertThat(event.getString("facts.what")).isEqualTo("three");
    }
  }

  @Test
  void aSlowFollowerCostsNothingAndFindsAGap() throws Exception {
    Path path = serve();
    var slow = new Raw(path).say("{\"version\":1,\"request\":\"events\",\"follow\":true}\n");
    assertThat(slow.hear()).contains("\"events\":[]");
    String padding = "x".repeat(1000);
    // A hundred times more than the sockets hold, and more than the log does.
    for (int i = 0; i < 20_000; i++) {
      event(i + padding);
    }
    assertThat(new Raw(path).say(PING).hear()).contains("pong");
    List<Long> numbers = new ArrayList<>();
    while (numbers.isEmpty() || numbers.get(numbers.size() - 1) < 20_000) {
      Json.parse(slow.hear())
          .getConfigList("answer.events")
          .forEach(it -> numbers.add(it.getLong("number")));
    }
    assertThat(numbers).isSorted().doesNotHaveDuplicates().hasSizeLessThan(20_000);
  }

  private void event(String words) {
    events.add(
        Instant.parse("2026-01-02T03:04:05.678Z"),
        ControlEvent.Kind.HOME_AGENT,
        words,
        ImmutableMap.of("what", words));
  }

  private static List<String> words(Config answer) {
    return answer.getConfigList("events").stream().map(it -> it.getString("words")).toList();
  }

  @Test
  void onlyRootAndTheOwnerChangeThings() throws Exception {
    Path path = serve();
    assertThat(ControlClient.ask(path, ControlRequest.of("change")).hasPath("pong")).isTrue();
    assertThat(Splitter.on('\n').splitToList(Json.render(Map.of("a", "b\nc")))).hasSize(1);
  }
}

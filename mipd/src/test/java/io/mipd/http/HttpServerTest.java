package io.mipd.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.control.ControlEvent.Kind;
import io.mipd.control.ControlException;
import io.mipd.control.ControlException.Reason;
import io.mipd.control.ControlRequest;
import io.mipd.control.ControlSocket;
import io.mipd.control.EventLog;
import io.mipd.control.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Well-behaved clients, and others. */
@Timeout(60)
class HttpServerTest {
  private static final String TOKEN = "0123456789abcdef0123456789abcdef";
  private static final String BEARER = "Bearer " + TOKEN;

  private final EventLog events = new EventLog(100);
  private final EventLog messages = new EventLog(100);
  private final List<AutoCloseable> open = new ArrayList<>();
  private final HttpClient client = HttpClient.newHttpClient();
  private InetSocketAddress address = new InetSocketAddress(0);
  private HttpServer.Health health = HttpServer.Health.UP;

  /** What has got as far as to be answered. */
  private final List<String> answered = new CopyOnWriteArrayList<>();

  /** Answers {@code ping}; {@code change} changes something. */
  private final class Answers implements ControlSocket.Answers {
    @Override
    public boolean changes(ControlRequest request) throws ControlException {
      return switch (request.name()) {
        case "ping", "cannot", "break" -> false;
        case "change", "local" -> true;
        default -> throw new ControlException(Reason.UNKNOWN_REQUEST, "no " + request.name());
      };
    }

    @Override
    public boolean isForThisMachine(ControlRequest request) {
      return request.name().equals("local");
    }

    @Override
    public CompletableFuture<Map<String, Object>> answer(
        ControlRequest request, Executor socketThread) {
      answered.add(request.name());
      return switch (request.name()) {
        case "cannot" ->
            CompletableFuture.failedFuture(new ControlException(Reason.NOT_POSSIBLE, "not now"));
        case "break" -> CompletableFuture.failedFuture(new IllegalStateException("broken"));
        default -> CompletableFuture.completedFuture(Map.of("pong", request.arguments()));
      };
    }
  }

  private final class Monitored implements HttpServer.Monitored {
    @Override
    public CompletableFuture<String> metrics(Executor serverThread) {
      answered.add("metrics");
      return CompletableFuture.supplyAsync(() -> "mipd_bindings 1.0\n", serverThread);
    }

    @Override
    public CompletableFuture<HttpServer.Health> health() {
      answered.add("health");
      // One that does not answer is down.
      return health == HttpServer.Health.DOWN
          ? new CompletableFuture<>()
          : CompletableFuture.completedFuture(health);
    }
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : open) {
      one.close();
    }
  }

  private void serve(boolean mayChange) throws IOException {
    HttpServer server =
        HttpServer.open(
            new HttpServer.Settings(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                ImmutableSet.of("ha.example.org"),
                BearerToken.of(TOKEN),
                mayChange),
            new Answers(),
            new Monitored(),
            events,
            messages);
    open.add(server);
    address = server.address();
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + address.getPort() + path));
  }

  private HttpResponse<String> get(String path, String... headers) throws Exception {
    HttpRequest.Builder request = request(path);
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.build(), BodyHandlers.ofString());
  }

  private HttpResponse<String> asked(String path) throws Exception {
    return get(path, "Authorization", BEARER);
  }

  private HttpResponse<String> posted(String path, String type, String body) throws Exception {
    return client.send(
        request(path)
            .headers("Authorization", BEARER, "Content-Type", type)
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build(),
        BodyHandlers.ofString());
  }

  /** What a client that knows nothing of HTTP is told, until it is hung up on. */
  private String raw(String text) throws IOException {
    try (Socket socket = connect()) {
      socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    }
  }

  private Socket connect() throws IOException {
    return new Socket(address.getAddress(), address.getPort());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/metrics", "/health", "/api/v1/ping", "/events", "/messages", "/nothing", "//"})
  void nothingButThePageIsForWhoHasNoToken(String path) throws Exception {
    serve(true);
    happens(events, Kind.LINK, "eth0 is up");
    happens(messages, Kind.MESSAGE, "sent binding update");
    for (HttpResponse<String> refused :
        List.of(
            get(path),
            get(path, "Authorization", "Bearer " + TOKEN.replace('0', '1')),
            get(path, "Authorization", "Bearer"),
            get(path, "Authorization", "Basic " + TOKEN),
            get(path, "Cookie", "token=" + TOKEN),
            get(path + "?token=" + TOKEN + "&access_token=" + TOKEN))) {
      assertThat(refused.statusCode()).isEqualTo(401);
      assertThat(refused.headers().firstValue("www-authenticate")).isPresent();
      assertThat(refused.body()).isEqualTo("the token is missing or wrong\n");
    }
    assertThat(answered).isEmpty();
  }

  @Test
  void nothingIsChangedForWhoHasNoToken() throws Exception {
    serve(true);
    HttpRequest.Builder change =
        request("/api/v1/change")
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString("{}"));
    assertThat(client.send(change.build(), BodyHandlers.ofString()).statusCode()).isEqualTo(401);
    assertThat(answered).isEmpty();
    assertThat(posted("/api/v1/change", "application/json", "{}").statusCode()).isEqualTo(200);
    assertThat(answered).containsExactly("change");
  }

  @Test
  void thePageMayAskNobodyElse() throws Exception {
    serve(false);
    HttpResponse<String> page = get("/");
    assertThat(page.statusCode()).isEqualTo(200);
    assertThat(page.headers().firstValue("content-type")).hasValue("text/html; charset=utf-8");
    assertThat(page.headers().firstValue("content-security-policy").orElseThrow())
        .startsWith("default-src 'none'; connect-src 'self'; ")
        .containsPattern("script-src 'sha256-[A-Za-z0-9+/]{43}='")
        .containsPattern("style-src 'sha256-[A-Za-z0-9+/]{43}='")
        .contains("frame-ancestors 'none'")
        .doesNotContain("unsafe");
    assertThat(page.body()).doesNotContain(TOKEN).doesNotContainPattern("(src|href)=\"?https?:");
  }

  @Test
  void answersAreThoseOfTheControlSocket() throws Exception {
    serve(false);
    HttpResponse<String> answer = asked("/api/v1/ping?peer=2001%3Adb8%3A%3A1&on=true");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body())
        .isEqualTo(
            "{\"answer\":{\"pong\":{\"on\":\"true\",\"peer\":\"2001:db8::1\"}},\"version\":1}\n");
    assertThat(answer.headers().firstValue("cache-control")).hasValue("no-store");
    assertThat(answer.headers().firstValue("x-content-type-options")).hasValue("nosniff");
    assertThat(answer.headers().firstValue("access-control-allow-origin")).isEmpty();

    assertThat(asked("/api/v1/nothing").statusCode()).isEqualTo(404);
    assertThat(asked("/api/v1/").statusCode()).isEqualTo(404);
    assertThat(asked("/api/v1/cannot").statusCode()).isEqualTo(409);
    assertThat(asked("/api/v1/break").statusCode()).isEqualTo(500);
    HttpResponse<String> twice = asked("/api/v1/ping?a=1&a=2");
    assertThat(twice.statusCode()).isEqualTo(400);
    assertThat(Json.parse(twice.body()).getString("error.reason")).isEqualTo("bad-argument");
    assertThat(asked("/favicon.ico").statusCode()).isEqualTo(404);
  }

  @Test
  void whatChangesSomethingNeedsMoreThanTheToken() throws Exception {
    serve(false);
    HttpResponse<String> refused = posted("/api/v1/change", "application/json", "{}");
    assertThat(refused.statusCode()).isEqualTo(403);
    assertThat(refused.body()).contains("http.changes = on");
    assertThat(asked("/api/v1/change").statusCode()).isEqualTo(403);
  }

  @Test
  void whatChangesSomethingIsPosted() throws Exception {
    serve(true);
    assertThat(asked("/api/v1/change").statusCode()).isEqualTo(405);
    assertThat(posted("/api/v1/change", "text/plain", "{}").statusCode()).isEqualTo(400);
    assertThat(posted("/api/v1/change", "application/json", "[1]").statusCode()).isEqualTo(400);
    assertThat(posted("/metrics", "application/json", "{}").statusCode()).isEqualTo(405);
    assertThat(posted("/api/v1/local", "application/json", "{}").body())
        .contains("not-permitted", "local is for the control socket only");
    assertThat(posted("/api/v1/change", "application/json", "{\"to\":\"eth0\"}").body())
        .contains("{\"pong\":{\"to\":\"eth0\"}}");
    assertThat(posted("/api/v1/change", "application/json; charset=utf-8", "").statusCode())
        .isEqualTo(200);
  }

  @Test
  void pagesOfOtherSitesAreRefused() throws Exception {
    serve(true);
    String here = "127.0.0.1:" + address.getPort();
    for (String origin :
        List.of("https://evil.example", "null", "http://127.0.0.1:1", "http://localhost")) {
      assertThat(get("/metrics", "Authorization", BEARER, "Origin", origin).statusCode())
          .as(origin)
          .isEqualTo(403);
    }
    assertThat(get("/", "Origin", "https://evil.example").statusCode()).isEqualTo(403);
    for (String site : List.of("cross-site", "same-site")) {
      assertThat(get("/metrics", "Authorization", BEARER, "Sec-Fetch-Site", site).statusCode())
          .isEqualTo(403);
    }
    assertThat(
            get(
                    "/metrics",
                    "Authorization",
                    BEARER,
                    "Origin",
                    "http://" + here,
                    "Sec-Fetch-Site",
                    "same-origin")
                .statusCode())
        .isEqualTo(200);
  }

  private String status(String host) throws IOException {
    return raw("GET /metrics HTTP/1.1\r\n"
            + host
            + "Authorization: "
            + BEARER
            + "\r\nConnection: close\r\n\r\n")
        .split("\r\n", 2)[0];
  }

  @Test
  void aNameThatLeadsHereByATrickIsRefused() throws Exception {
    serve(true);
    for (String host :
        List.of(
            "Host: evil.example\r\n",
            "Host: localhost.evil.example\r\n",
            "Host: ::1:80\r\nHost: evil.example\r\n",
            "Host: \r\n",
            "")) {
      assertThat(status(host)).as(host).isEqualTo("HTTP/1.1 421 Misdirected Request");
    }
    for (String host :
        List.of("[::1]:8480", "127.0.0.1", "localhost:80", "LOCALHOST", "HA.example.org")) {
      assertThat(status("Host: " + host + "\r\n")).as(host).isEqualTo("HTTP/1.1 200 OK");
    }
  }

  @Test
  void monitoringReads() throws Exception {
    serve(false);
    HttpResponse<String> metrics = asked("/metrics");
    assertThat(metrics.body()).isEqualTo("mipd_bindings 1.0\n");
    assertThat(metrics.headers().firstValue("content-type")).hasValue(HttpServer.METRICS_TYPE);
    assertThat(asked("/health").body()).isEqualTo("{\"status\":\"up\"}\n");
    health = HttpServer.Health.DEGRADED;
    assertThat(asked("/health").statusCode()).isEqualTo(503);
    health = HttpServer.Health.DOWN;
    HttpResponse<String> down = asked("/health");
    assertThat(down.statusCode()).isEqualTo(503);
    assertThat(down.body()).isEqualTo("{\"status\":\"down\"}\n");
  }

  private void happens(EventLog log, Kind kind, String words) {
    log.add(Instant.EPOCH, kind, words, ImmutableMap.of("a", "b"));
  }

  /** The next event of a stream: its lines up to the empty one. */
  private static List<String> next(BufferedReader stream) throws IOException {
    List<String> lines = new ArrayList<>();
    for (String line = stream.readLine(); line != null; line = stream.readLine()) {
      if (!line.isEmpty()) {
        lines.add(line);
      } else if (!lines.isEmpty()) {
        return lines;
      }
    }
    return lines;
  }

  private BufferedReader stream(String path, String... headers) throws Exception {
    HttpRequest.Builder request = request(path).header("Authorization", BEARER);
    if (headers.length > 0) {
      request.headers(headers);
    }
    HttpResponse<InputStream> response = client.send(request.build(), BodyHandlers.ofInputStream());
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("content-type")).hasValue("text/event-stream");
    open.add(0, response.body());
    return new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8));
  }

  @Test
  void eventsAreTold() throws Exception {
    serve(false);
    happens(events, Kind.LINK, "eth0 is up");
    happens(events, Kind.HANDOVER, "moves");
    happens(messages, Kind.MESSAGE, "sent binding update");
    BufferedReader all = stream("/events");
    assertThat(next(all))
        .containsExactly(
            "id: 1",
            "event: link",
            "data: {\"facts\":{\"a\":\"b\"},\"kind\":\"link\",\"number\":1,"
                + "\"time\":\"1970-01-01T00:00:00Z\",\"words\":\"eth0 is up\"}");
    assertThat(next(all)).contains("id: 2");
    happens(events, Kind.NOTE, "live");
    assertThat(next(all)).contains("id: 3", "event: note");

    assertThat(next(stream("/events?after=2"))).contains("id: 3");
    // As browsers ask again.
    assertThat(next(stream("/events?after=0", "Last-Event-ID", "1"))).contains("id: 2");
    assertThat(next(stream("/messages"))).contains("event: message");
    assertThat(asked("/events?before=1").statusCode()).isEqualTo(400);
    assertThat(asked("/events?after=x").statusCode()).isEqualTo(400);
    assertThat(Json.parse(asked("/api/v1/events?after=2").body()).getList("answer.events"))
        .hasSize(1);
  }

  @Test
  void aSlowReaderFindsAGapAndKeepsNobodyWaiting() throws Exception {
    serve(false);
    try (Socket socket = connect()) {
      socket
          .getOutputStream()
          .write(
              ("GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + BEARER + "\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      var reader =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
      assertThat(reader.readLine()).isEqualTo("HTTP/1.1 200 OK");
      String words = "x".repeat(10_000);
      for (int i = 0; i < 10_000; i++) {
        happens(events, Kind.NOTE, words);
      }
      assertThat(asked("/api/v1/ping").statusCode()).isEqualTo(200);
      long last = 0;
      boolean gap = false;
      while (last < 10_000) {
        String line = reader.readLine();
        if (line.startsWith("id: ")) {
          long number = Long.parseLong(line.substring(4));
          gap |= number > last + 1;
          last = number;
        }
      }
      assertThat(gap).isTrue();
    }
  }

  @Test
  void requestsAreAnsweredInTheirOrder() throws Exception {
    serve(false);
    var text = new StringBuilder();
    for (int i = 0; i < 20; i++) {
      text.append("GET /api/v1/ping?n=" + i + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: ");
      text.append(BEARER).append(i == 19 ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n");
    }
    String said = raw(text.toString());
    int at = 0;
    for (int i = 0; i < 20; i++) {
      at = said.indexOf("{\"pong\":{\"n\":\"" + i + "\"}}", at);
      assertThat(at).as("answer %s in %s", i, said).isPositive();
    }
  }

  @Test
  void whatIsNoRequestIsRefused() throws Exception {
    serve(true);
    String host = "Host: localhost\r\nAuthorization: " + BEARER + "\r\n";
    assertThat(raw("hello\r\n\r\n")).doesNotContain("200 OK");
    assertThat(raw("GET / HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 421");
    assertThat(raw("GET /" + "x".repeat(10_000) + " HTTP/1.1\r\n" + host + "\r\n"))
        .startsWith("HTTP/1.1 400");
    assertThat(raw("GET / HTTP/1.1\r\nX: " + "x".repeat(20_000) + "\r\n" + host + "\r\n"))
        .startsWith("HTTP/1.1 400");
    assertThat(
            raw(
                "POST /api/v1/change HTTP/1.1\r\n"
                    + host
                    + "Content-Type: application/json\r\nConnection: close\r\n"
                    + "Content-Length: 100000\r\n\r\n"
                    + "{".repeat(100_000)))
        .startsWith("HTTP/1.1 413");
    assertThat(raw("GET /api/v1/ping?a=%zz HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n"))
        .startsWith("HTTP/1.1 400");
    assertThat(raw("DELETE /metrics HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n"))
        .startsWith("HTTP/1.1 405");
    assertThat(asked("/api/v1/ping").statusCode()).as("and goes on").isEqualTo(200);
  }

  @Test
  void thereIsRoomForSoManyAndNoMore() throws Exception {
    serve(false);
    List<Socket> silent = new ArrayList<>();
    for (int i = 0; i < HttpServer.CONNECTIONS; i++) {
      Socket one = connect();
      silent.add(one);
      open.add(0, one);
    }
    try (Socket more = connect()) {
      assertThat(more.getInputStream().read()).as("hung up on").isEqualTo(-1);
    }
    silent.get(0).close();
    // Its room is free as soon as the server has learnt of it.
    String said = "";
    while (!said.startsWith("HTTP/1.1 200")) {
      try {
        said = raw("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      } catch (IOException e) {
        said = "";
      }
    }
  }

  /** Octet by octet, so that they are never idle: none of them ever has a whole request. */
  private void trickle(String begin, List<Socket> sockets) {
    byte[] octets = begin.getBytes(StandardCharsets.US_ASCII);
    var ending = new AtomicBoolean();
    var trickling =
        new Thread(
            () -> {
              for (int i = 0; !ending.get(); i++) {
                for (Socket one : sockets) {
                  try {
                    one.getOutputStream().write(i < octets.length ? octets[i] : 'x');
                  } catch (IOException e) {
                    // Hung up on.
                  }
                }
                LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
              }
            });
    trickling.start();
    open.add(
        0,
        () -> {
          ending.set(true);
          trickling.join();
        });
  }

  @Test
  void slowRequestsDoNotLockOthersOut() throws Exception {
    serve(false);
    List<Socket> slow = new ArrayList<>();
    for (int i = 0; i < HttpServer.CONNECTIONS; i++) {
      Socket one = connect();
      slow.add(one);
      open.add(0, one);
    }
    trickle("GET / HTTP/1.1\r\nX: ", slow);
    long began = System.nanoTime();
    for (Socket one : slow) {
      assertThat(end(one)).as("closed, and not answered").isEmpty();
    }
    assertThat(Duration.ofNanos(System.nanoTime() - began))
        .isLessThan(HttpServer.REQUEST_LIMIT.multipliedBy(4));
    assertThat(asked("/api/v1/ping").statusCode()).isEqualTo(200);
  }

  /** All that a server says until it hangs up. */
  private static String end(Socket socket) throws IOException {
    try {
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    } catch (SocketException e) {
      // What was still on its way when it closed is answered by a reset.
      return "";
    }
  }

  @Test
  void aSlowBodyHasNoMoreTimeThanASlowHead() throws Exception {
    serve(true);
    try (Socket socket = connect()) {
      String head =
          "POST /api/v1/change HTTP/1.1\r\nHost: localhost\r\nAuthorization: "
              + BEARER
              + "\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n";
      trickle(head, List.of(socket));
      assertThat(end(socket)).isEmpty();
    }
    assertThat(answered).isEmpty();
  }

  @Test
  void aConnectionThatIsKeptHasTimeForEachOfItsRequests() throws Exception {
    serve(false);
    String request =
        "GET /api/v1/ping HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + BEARER + "\r\n\r\n";
    try (Socket socket = connect()) {
      var reader =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
      Instant end = Instant.now().plus(HttpServer.REQUEST_LIMIT.multipliedBy(3).dividedBy(2));
      while (Instant.now().isBefore(end)) {
        for (String half : List.of(request.substring(0, 20), request.substring(20))) {
          socket.getOutputStream().write(half.getBytes(StandardCharsets.US_ASCII));
          LockSupport.parkNanos(Duration.ofMillis(250).toNanos());
        }
        assertThat(next(reader).get(0)).isEqualTo("HTTP/1.1 200 OK");
        assertThat(reader.readLine()).contains("pong");
      }
    }
  }

  @Test
  void aPlaceThatIsTakenIsSaid() throws Exception {
    serve(false);
    InetSocketAddress taken = address;
    assertThatThrownBy(
            () ->
                HttpServer.open(
                    new HttpServer.Settings(taken, ImmutableSet.of(), BearerToken.of(TOKEN), false),
                    new Answers(),
                    new Monitored(),
                    events,
                    messages))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("HTTP at ")
        .hasMessageContaining("Address already in use");
  }

  @Test
  void aTokenIsLongAndNeverTold() {
    String fresh = BearerToken.newText(new SecureRandom());
    assertThat(BearerToken.of(fresh).isIn("bearer " + fresh)).isTrue();
    assertThat(fresh).hasSize(64).isNotEqualTo(BearerToken.newText(new SecureRandom()));
    assertThat(BearerToken.of(TOKEN))
        .hasToString("bearer token")
        .isNotEqualTo(BearerToken.of(fresh));
    assertThatThrownBy(() -> BearerToken.of("short")).hasMessage("not a token");
    assertThatThrownBy(() -> BearerToken.of(TOKEN + "\n" + TOKEN)).hasMessage("not a token");
  }
}

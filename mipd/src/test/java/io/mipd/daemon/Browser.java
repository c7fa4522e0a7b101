package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableMap;
import com.typesafe.config.Config;
import io.mipd.control.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A page in headless Chromium in a network namespace, driven by the DevTools protocol over a pipe
 * ({@code --remote-debugging-pipe}): each message ends with a zero octet. Notes what is asked for
 * and what goes wrong.
 */
final class Browser implements AutoCloseable {
  private final Process process;
  private final InputStream in;
  private final OutputStream out;
  private final List<String> requests = new ArrayList<>();
  private final List<String> responses = new ArrayList<>();
  private final Map<String, String> urls = new HashMap<>();
  private final List<String> troubles = new ArrayList<>();
  private final String session;
  private int last;

  /**
   * @param options further ones of its command line
   */
  Browser(String namespace, Path folder, String... options) throws IOException {
    // Chromium reads from descriptor 3 and writes to 4.
    var command =
        new ArrayList<>(
            List.of(
                "ip",
                "netns",
                "exec",
                namespace,
                "sh",
                "-c",
                "exec \"$@\" 3<&0 4>&1 >\"$0\" 2>&1 </dev/null",
                folder.resolve("chromium.log").toString(),
                "chromium",
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--no-first-run",
                "--force-color-profile=srgb",
                "--user-data-dir=" + folder.resolve("chromium-" + namespace),
                "--remote-debugging-pipe"));
    command.addAll(List.of(options));
    var builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
    // What it leaves goes with the folder.
    builder.environment().put("TMPDIR", folder.toString());
    process = builder.start();
    in = process.getInputStream();
    out = process.getOutputStream();
    String target =
        call("", "Target.createTarget", Map.of("url", "about:blank")).getString("targetId");
    session =
        call("", "Target.attachToTarget", Map.of("targetId", target, "flatten", true))
            .getString("sessionId");
    for (String domain : List.of("Page", "Network", "Runtime", "Log")) {
      call(domain + ".enable", Map.of());
    }
  }

  private Config call(String method, Map<String, ?> parameters) throws IOException {
    return call(session, method, parameters);
  }

  private Config call(String toSession, String method, Map<String, ?> parameters)
      throws IOException {
    int id = ++last;
    var message =
        ImmutableMap.<String, Object>builder()
            .put("id", id)
            .put("method", method)
            .put("params", parameters);
    if (!toSession.isEmpty()) {
      message.put("sessionId", toSession);
    }
    out.write((Json.render(message.buildOrThrow()) + "\0").getBytes(StandardCharsets.UTF_8));
    out.flush();
    while (true) {
      Config answer = next();
      if (answer.hasPath("id") && answer.getInt("id") == id) {
        assertThat(answer.hasPath("error")).as("%s: %s", method, answer).isFalse();
        return answer.getConfig("result");
      }
      note(answer);
    }
  }

  private Config next() throws IOException {
    var octets = new ByteArrayOutputStream();
    for (int octet = in.read(); octet != 0; octet = in.read()) {
      if (octet < 0) {
        throw new IOException("Chromium has ended");
      }
      octets.write(octet);
    }
    return Json.parse(octets.toString(StandardCharsets.UTF_8));
  }

  private void note(Config event) {
    switch (event.getString("method")) {
      case "Network.requestWillBeSent" -> {
        requests.add(event.getString("params.request.url"));
        urls.put(event.getString("params.requestId"), event.getString("params.request.url"));
      }
      case "Network.responseReceivedExtraInfo" ->
          responses.add(
              event.getInt("params.statusCode")
                  + " "
                  + urls.getOrDefault(event.getString("params.requestId"), "?"));
      case "Runtime.exceptionThrown" ->
          troubles.add(event.getConfig("params.exceptionDetails").root().render());
      case "Log.entryAdded" -> {
        // A violation of the page's policy among them.
        if (event.getString("params.entry.level").equals("error")) {
          troubles.add(
              event.getString("params.entry.text")
                  + (event.hasPath("params.entry.url")
                      ? " " + event.getString("params.entry.url")
                      : ""));
        }
      }
      default -> {}
    }
  }

  void open(String url) throws IOException {
    call("Page.navigate", Map.of("url", url));
  }

  /** What an expression comes to, as text; what is promised is waited for. */
  String value(String expression) throws IOException {
    Config result =
        call(
            "Runtime.evaluate",
            Map.of(
                "expression", "(async () => String(" + expression + "))()",
                "returnByValue", true,
                "awaitPromise", true));
    assertThat(result.hasPath("exceptionDetails")).as("%s: %s", expression, result).isFalse();
    return result.getString("result.value");
  }

  /** All text of the elements that a CSS selector finds. */
  String text(String selector) throws IOException {
    return value(
        "[...document.querySelectorAll('"
            + selector
            + "')].map(one => one.textContent).join('\\n')");
  }

  /** How many elements a CSS selector finds. */
  int count(String selector) throws IOException {
    return Integer.parseInt(value("document.querySelectorAll('" + selector + "').length"));
  }

  void look(String scheme, int width, int height, boolean phone) throws IOException {
    call(
        "Emulation.setEmulatedMedia",
        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
    call(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", phone));
  }

  /** The whole page as it is now. */
  void screenshot(Path file) throws IOException {
    String data =
        call("Page.captureScreenshot", Map.of("format", "png", "captureBeyondViewport", true))
            .getString("data");
    Files.createDirectories(file.toAbsolutePath().getParent());
    Files.write(file, Base64.getDecoder().decode(data));
  }

  /** Addresses of all that the page has asked for so far. */
  List<String> requests() throws IOException {
    value("''");
    return requests;
  }

  /** Statuses and addresses of all that was answered so far, also what scripts may not read. */
  List<String> responses() throws IOException {
    value("''");
    return responses;
  }

  /** Errors of scripts and violations of policy so far. */
  List<String> troubles() throws IOException {
    value("''");
    return troubles;
  }

  @Override
  public void close() throws IOException {
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

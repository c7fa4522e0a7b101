package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/** Scrapes of a home agent that has many bindings. Also for {@code bench/scrape.sh}. */
public final class Scrapes {
  private static final String TOKEN = "0123456789abcdef0123456789abcdef";
  private static final long HOMES = 0x2001_0db8_0001_0000L;
  private static final long CARE_OF = 0x2001_0db8_000a_0000L;
  private static final int FIRST = 0x1_0000;
  private static final int WARM_UP = 50;
  private static final Duration START = Duration.ofMinutes(20);

  private Scrapes() {}

  /**
   * @param seconds from the question to the last octet of the answer
   * @param loopWait of them until the event loop was asked
   * @param loopWork of them in the event loop
   */
  record Scrape(double seconds, double loopWait, double loopWork, String text) {}

  /** So many, one after the other, of a home agent in a world of its own that has such bindings. */
  static ImmutableList<Scrape> of(TestNet net, int bindings, int scrapes) throws Exception {
    var nodes = new StringBuilder("mobile-nodes = [\n");
    for (int i = 0; i < bindings; i++) {
      nodes.append("{ home-address = \"").append(home(i)).append("\", ipsec = off }\n");
    }
    net.keys("ha", "http.token", TOKEN + "\n");
    Path configuration =
        net.configuration(
            "ha",
            "home-agent.conf",
            "tunnel-mtu = 1400",
            "tunnel-mtu = 1400\nhttp { token = http.token }",
            "mobile-nodes = [",
            nodes.toString());
    Path state = Files.createDirectories(configuration.resolveSibling("state"));
    // What a home agent that was killed has left.
    try (var store = DurableBindingStore.ofHomeAgent(state, () -> {})) {
      for (int i = 0; i < bindings; i++) {
        store.put(
            new BindingStore.Entry(
                home(i),
                new SequenceNumber(1),
                Optional.of(
                    new BindingStore.StoredBinding(
                        new CareOfAddress(new Ipv6Address(CARE_OF, FIRST + i)),
                        0xc000,
                        Instant.now().plus(Duration.ofHours(1))))));
      }
      store.flush();
    }
    List<String> daemon = new ArrayList<>(TestNet.java(Main.class, "-Dmipd.log=WARN", "-Xmx1g"));
    daemon.addAll(List.of("run", "--config", configuration.toString()));
    net.start("ha", "ha", daemon.toArray(new String[0]));
    // It takes its bindings up one after the other.
    net.until("it serves", START, () -> net.said("ha").contains("mipd ready: "));
    String command = String.join(" ", TestNet.java(Scrapes.class, new String[0]));
    Path folder = Files.createDirectories(net.folder().resolve("scrapes"));
    net.in("ha", command + " " + (WARM_UP + scrapes) + " " + folder);
    var all = ImmutableList.<Scrape>builder();
    for (int i = WARM_UP; i < WARM_UP + scrapes; i++) {
      String text = Files.readString(folder.resolve("" + i));
      String seconds = text.substring(0, text.indexOf('\n'));
      all.add(
          new Scrape(
              Double.parseDouble(seconds),
              value(text, "mipd_loop_wait_seconds"),
              value(text, "mipd_loop_work_seconds"),
              text.substring(seconds.length() + 1)));
    }
    return all.build();
  }

  private static HomeAddress home(int number) {
    return new HomeAddress(new Ipv6Address(HOMES, FIRST + number));
  }

  /** Of a series without labels. */
  static double value(String text, String series) {
    return text.lines()
        .filter(line -> line.startsWith(series + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1)))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + series + " in\n" + text));
  }

  /**
   * In the namespace of the home agent.
   *
   * @param arguments how many, and the folder that they go to; or bindings and scrapes for a
   *     measurement
   */
  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals("--measure")) {
      measure(Integer.parseInt(arguments[1]), Integer.parseInt(arguments[2]));
      return;
    }
    HttpClient client = HttpClient.newHttpClient();
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://[::1]:8480/metrics"))
            .header("Authorization", "Bearer " + TOKEN)
            .build();
    for (int i = 0; i < Integer.parseInt(arguments[0]); i++) {
      long begun = System.nanoTime();
      String text = client.send(request, BodyHandlers.ofString()).body();
      double seconds = (System.nanoTime() - begun) / 1e9;
      Files.writeString(Path.of(arguments[1]).resolve("" + i), seconds + "\n" + text);
      // Not all in one breath: other packets have their turn, as between real scrapes.
      TimeUnit.MILLISECONDS.sleep(20);
    }
    Runtime.getRuntime().halt(0);
  }

  private static void measure(int bindings, int scrapes) throws Exception {
    Path folder = Files.createTempDirectory("mipd-scrapes");
    try (TestNet net = TestNet.create(folder)) {
      ImmutableList<Scrape> all = of(net, bindings, scrapes);
      System.out.printf(
          Locale.ROOT,
          "| %,d | %d | %d | %s | %s | %s |%n",
          bindings,
          scrapes,
          all.get(0).text().length(),
          milliseconds(all, Scrape::seconds),
          milliseconds(all, Scrape::loopWait),
          milliseconds(all, Scrape::loopWork));
    } finally {
      MoreFiles.deleteRecursively(folder, RecursiveDeleteOption.ALLOW_INSECURE);
    }
  }

  /** Median and worst. */
  private static String milliseconds(
      ImmutableList<Scrape> scrapes, ToDoubleFunction<Scrape> seconds) {
    double[] sorted = scrapes.stream().mapToDouble(seconds).toArray();
    Arrays.sort(sorted);
    return String.format(
        Locale.ROOT,
        "%.2f (%.2f)",
        sorted[sorted.length / 2] * 1e3,
        sorted[sorted.length - 1] * 1e3);
  }
}

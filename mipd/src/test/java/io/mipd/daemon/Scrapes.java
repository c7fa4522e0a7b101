package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.io.MoreFiles;
import com.google.common.io.RecursiveDeleteOption;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
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
import java.util.regex.Pattern;

/** Scrapes of a home agent that has many bindings. Also for {@code bench/scrape.sh}. */
public final class Scrapes {
  private static final String TOKEN = "0123456789abcdef0123456789abcdef";
  private static final long HOMES = 0x2001_0db8_0001_0000L;
  private static final long CARE_OF = 0x2001_0db8_000a_0000L;
  private static final int FIRST = 0x1_0000;
  private static final int WARM_UP = 50;

  /** Between two scrapes of a series, in milliseconds. */
  private static final int BREATH = 20;

  private static final int PAYLOAD = 1000;
  private static final int DISCARD_PORT = 9;
  private static final int ROUNDS = 5;
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
    serve(net, bindings);
    return scrapes(net, scrapes);
  }

  /** A home agent with such bindings, which were there before it. */
  private static void serve(TestNet net, int bindings) throws Exception {
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
    // It takes all its bindings up first.
    net.until("it serves", START, () -> net.said("ha").contains("mipd ready: "));
  }

  private static ImmutableList<Scrape> scrapes(TestNet net, int scrapes) throws Exception {
    String command = String.join(" ", TestNet.java(Scrapes.class, new String[0]));
    Path folder = Files.createDirectories(net.folder().resolve("scrapes"));
    net.in("ha", command + " " + (WARM_UP + scrapes) + " " + folder + " " + BREATH);
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
   * @param arguments how many, the folder that they go to, and milliseconds between two; or
   *     bindings, scrapes and seconds for a measurement; or an address that is to be sent to
   */
  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals("--measure")) {
      measure(
          Integer.parseInt(arguments[1]),
          Integer.parseInt(arguments[2]),
          Duration.ofSeconds(Integer.parseInt(arguments[3])));
      return;
    } else if (arguments[0].equals("--send")) {
      send(arguments[1]);
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
      TimeUnit.MILLISECONDS.sleep(Long.parseLong(arguments[2]));
    }
    Runtime.getRuntime().halt(0);
  }

  /** Datagrams to an address, as many as will go, until it is ended. */
  private static void send(String address) throws IOException {
    var payload = ByteBuffer.allocate(PAYLOAD);
    try (var channel = DatagramChannel.open(StandardProtocolFamily.INET6)) {
      var to = new InetSocketAddress(InetAddress.getByName(address), DISCARD_PORT);
      while (true) {
        channel.send(payload.rewind(), to);
      }
    }
  }

  /** Tunnelled packets that have reached the first mobile node, counted and then thrown away. */
  private static long arrived(TestNet net) throws Exception {
    var counted =
        Pattern.compile("counter packets ([0-9]+)")
            .matcher(net.in("mn", "nft list chain ip6 count arrived"));
    if (!counted.find()) {
      throw new AssertionError("nothing is counted");
    }
    return Long.parseLong(counted.group(1));
  }

  /** How many arrive in a second. */
  private static double rate(TestNet net, Duration time) throws Exception {
    long before = arrived(net);
    long begun = System.nanoTime();
    TimeUnit.MILLISECONDS.sleep(time.toMillis());
    return (arrived(net) - before) * 1e9 / (System.nanoTime() - begun);
  }

  /**
   * What a home agent tunnels while a correspondent sends as much as it can, without scrapes and
   * with one in each second, by turns.
   *
   * @return medians, packets in a second
   */
  private static double[] rates(TestNet net, Duration time) throws Exception {
    net.plug("a");
    net.ip("mn", "addr add", new Ipv6Address(CARE_OF, FIRST) + "/64 dev eth0 nodad");
    net.in("mn", "nft add table ip6 count");
    net.in(
        "mn", "nft 'add chain ip6 count arrived { type filter hook prerouting priority -300; }'");
    net.in("mn", "nft add rule ip6 count arrived ip6 nexthdr ipv6 counter drop");
    List<String> sender = new ArrayList<>(TestNet.java(Scrapes.class, new String[0]));
    sender.addAll(List.of("--send", home(0).toString()));
    net.start("cn", "sender", sender.toArray(new String[0]));
    net.until("they arrive", TestNet.START, () -> arrived(net) > 10_000);
    double[] without = new double[ROUNDS];
    double[] with = new double[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
      without[i] = rate(net, time);
      Path scraped = Files.createDirectories(net.folder().resolve("while-sending-" + i));
      List<String> scraper = new ArrayList<>(TestNet.java(Scrapes.class, new String[0]));
      scraper.addAll(List.of("1000000", scraped.toString(), "1000"));
      Process scraping = net.start("ha", "scraper", scraper.toArray(new String[0]));
      net.until("it scrapes", TestNet.START, () -> Files.exists(scraped.resolve("2")));
      with[i] = rate(net, time);
      scraping.destroy();
      scraping.waitFor();
    }
    Arrays.sort(without);
    Arrays.sort(with);
    return new double[] {without[ROUNDS / 2], with[ROUNDS / 2]};
  }

  private static void measure(int bindings, int scrapes, Duration time) throws Exception {
    Path folder = Files.createTempDirectory("mipd-scrapes");
    try (TestNet net = TestNet.create(folder)) {
      ImmutableList<Scrape> all = of(net, bindings, scrapes);
      double[] rates = rates(net, time);
      System.out.printf(
          Locale.ROOT,
          "| %,d | %d | %d | %s | %s | %s | %,.0f | %,.0f |%n",
          bindings,
          scrapes,
          all.get(0).text().length(),
          milliseconds(all, Scrape::seconds),
          milliseconds(all, Scrape::loopWait),
          milliseconds(all, Scrape::loopWork),
          rates[0],
          rates[1]);
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

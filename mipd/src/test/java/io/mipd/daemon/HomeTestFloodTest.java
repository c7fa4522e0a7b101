package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.typesafe.config.Config;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.linux.NetworkNamespace;
import io.mipd.xfrm.linux.RawSender;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.transform.PacketBuffer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A correspondent holds nothing for who asks it for a test (RFC 6275 section 9.4.1): a flood of
 * Home Test Inits from addresses that nobody has neither fills its memory nor keeps a mobile node
 * from its route.
 */
@Tag("root")
@Tag("kernel")
class HomeTestFloodTest {
  private static final Duration FLOOD = Duration.ofSeconds(30);

  /** What lives in the correspondent's heap may vary by this, in octets. */
  private static final long SLACK = 4 << 20;

  private static final Ipv6Address PEER = Ipv6Address.parse(TestNet.CORRESPONDENT);
  private static final String NOBODYS = "2001:db8:dead:";
  private static final int SOURCES = 4096;

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @BeforeEach
  void build() throws Exception {
    net = TestNet.create(folder);
    TestNet.needsCommand("jcmd");
    // What is answered goes to addresses that nobody has.
    net.ip("r", "-6", "route", "add", "blackhole", NOBODYS + ":/48");
  }

  @AfterEach
  void takeDown() throws IOException {
    net.close();
  }

  /** Sends as many as the machine can, until it is stopped. */
  private final class Flood implements Callable<Long> {
    private final AtomicBoolean over = new AtomicBoolean();

    @Override
    public Long call() throws Exception {
      var random = new Random(6275);
      // As octets: each buffer has room for the largest packet, and a guest pays for each page.
      ImmutableList<byte[]> packets =
          random
              .longs(SOURCES)
              .mapToObj(HomeTestFloodTest::homeTestInit)
              .collect(ImmutableList.toImmutableList());
      long sent = 0;
      var buffer = new PacketBuffer();
      try (RawSender sender =
          NetworkNamespace.within(
              NetworkNamespace.named(net.ns("r")), () -> RawSender.anyInterface(0))) {
        while (!over.get()) {
          for (byte[] packet : packets) {
            buffer.set(packet, 0, packet.length);
            sender.add(buffer);
          }
          sender.flush();
          sent = sender.sent();
        }
      }
      return sent;
    }

    void end() {
      over.set(true);
    }
  }

  private static byte[] homeTestInit(long number) {
    return Forger.mobility(
        new MobilityMessage.HomeTestInit(number, ImmutableList.of()),
        Ipv6Address.parse(
            NOBODYS + Long.toHexString(number & 0xffff) + "::" + Long.toHexString(number >>> 48)),
        PEER);
  }

  /** Octets that live in the heap of a daemon. */
  private long live(Mipd mipd) throws Exception {
    Process process =
        new ProcessBuilder("jcmd", Long.toString(mipd.process().pid()), "GC.class_histogram")
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
    return said.lines()
        .filter(line -> line.startsWith("Total"))
        .map(line -> line.trim().split("\\s+"))
        .mapToLong(words -> Long.parseLong(words[2]))
        .findFirst()
        .orElseThrow(() -> new AssertionError(said));
  }

  private boolean isOptimized(Mipd mobile) throws Exception {
    List<? extends Config> routes = net.status(mobile).getConfigList("routes");
    return routes.size() == 1 && routes.get(0).getString("state").equals("optimized");
  }

  @Test
  @Tag("slow-in-guest")
  void neitherGrowsNorKeepsAnybodyOut() throws Exception {
    net.plug("a");
    Mipd agent = net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    Mipd peer = net.startQuietMipd("cn", net.configuration("cn", "correspondent.conf"));
    Mipd mobile =
        net.startMipd(
            "mn",
            net.configuration(
                "mn",
                "mobile-node.conf",
                "mobile-node {",
                "mobile-node {\n  route-optimization { enabled = on }\n"));
    net.until(
        "registered", TestNet.LONG, () -> !net.status(agent).getConfigList("bindings").isEmpty());

    var flood = new Flood();
    var sender = new FutureTask<>(flood);
    long begun = System.nanoTime();
    new Thread(sender, "flood").start();
    try {
      net.start("cn", "ping", "ping", "-n", "-i", "0.1", TestNet.HOME_ADDRESS);
      net.until("optimized meanwhile", FLOOD, () -> isOptimized(mobile));
      long optimized = System.nanoTime() - begun;
      // By then all buffers are there, which are made when they are first needed.
      net.until(
          "a third of them",
          FLOOD,
          () -> sender.isDone() || System.nanoTime() - begun >= FLOOD.toNanos() / 3);
      long before = live(peer);
      net.until(
          "thirty seconds",
          FLOOD.multipliedBy(2),
          () -> sender.isDone() || System.nanoTime() - begun >= FLOOD.toNanos());
      flood.end();
      long sent = sender.get();
      double seconds = (System.nanoTime() - begun) / 1e9;
      long after = live(peer);
      System.out.printf(
          "%d Home Test Inits in %.1f s (%.0f/s), optimized after %.1f s; live heap of the"
              + " correspondent %d, then %d octets%n",
          sent, seconds, sent / seconds, optimized / 1e9, before, after);
      assertThat(sent).isGreaterThan(SOURCES);
      assertThat(after - before).isLessThan(SLACK);
      assertThat(net.status(peer).getConfigList("correspondent-bindings")).hasSize(1);
    } finally {
      flood.end();
    }
  }
}

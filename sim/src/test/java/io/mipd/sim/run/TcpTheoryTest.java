package io.mipd.sim.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.sim.scenario.Library;
import io.mipd.sim.sweep.Estimate;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Connections over a network against what can be reckoned without a simulator. */
class TcpTheoryTest {
  /** Octets of data in a segment. */
  private static final int SEGMENT = 1000;

  /** Datagrams before, so that nobody has to ask who his neighbours are. */
  private static final String ACQUAINTED =
      """
      traffic += {
        kind = request, from = one, to = two, start = 7s, stop = 9.9s, interval = 100ms, size = 40, answer = 40
      }
      """;

  @TempDir private Path folder = Path.of("");

  /**
   * Two hosts, two links.
   *
   * @param line of the second link, of 1 ms by itself
   */
  private Map<String, Double> measured(String line, String flow, String more, long seed)
      throws Exception {
    Path file = folder.resolve("tcp.conf");
    Files.writeString(
        file,
        """
        title = "a connection"
        duration = 120s
        links {
          x { prefix = "2001:db8:1::/64", delay = 1ms }
          y { prefix = "2001:db8:2::/64", %s }
        }
        routers { core { links = [x, y] } }
        hosts {
          one { link = x, address = "2001:db8:1::1:1", correspondent = off }
          two { link = y, address = "2001:db8:2::1:1", correspondent = off }
        }
        traffic = [ { kind = tcp, from = one, to = two, start = 10s, segment = %d, %s } ]
        %s
        """
            .formatted(line, SEGMENT, flow, more));
    Outcome outcome =
        Simulation.run(Library.find(file.toString()).read().withSeed(seed), Optional.empty());
    assertThat(outcome.violations()).isEmpty();
    return outcome.measures();
  }

  private static double of(Map<String, Double> all, String measure) {
    return Objects.requireNonNull(all.get("tcp one>two." + measure), measure);
  }

  /**
   * Neighbours are asked for over 1 ms, and twice over 39, by the router and by the receiver; then
   * one round trip to open, four of data.
   */
  @Test
  void slowStartTakesARoundTripForEachDoubling() throws Exception {
    int segments = 10 + 20 + 40 + 80;
    Map<String, Double> all = measured("delay = 39ms", "octets = " + segments * SEGMENT, "", 1);
    assertThat(of(all, "complete_ms")).isEqualTo(2 * 1 + 2 * 2 * 39 + 5 * 2 * (39 + 1));
    assertThat(of(all, "sent")).isEqualTo(segments);
    assertThat(of(all, "lost")).isZero();
    assertThat(of(all, "retransmissions")).isZero();
  }

  /** The line is full: its rate less the headers of Ethernet, IPv6 and TCP. */
  @Test
  void fillsALine() throws Exception {
    for (String algorithm : new String[] {"newreno", "cubic"}) {
      Map<String, Double> all =
          measured(
              "delay = 9ms, rate = 8e6, queue = 100", "congestion-control = " + algorithm, "", 1);
      double share = 8e6 * SEGMENT / (SEGMENT + 14 + 40 + 20);
      assertThat(of(all, "throughput_bps")).as(algorithm).isBetween(0.95 * share, share);
    }
  }

  /**
   * Round trips of 400 ms; the first of data begins at 10.4 s, the third at 11.2 s. What that one
   * sends arrives, but nothing passes from 11.3 s on for 2.5 s: no acknowledgement. Sent again
   * after 1 s in vain, after 2 more not, and a round trip later the next comes.
   */
  @Test
  void comesBackWithTheSecondTimeOutOfAnOutage() throws Exception {
    Map<String, Double> all =
        measured(
            "delay = 199ms",
            "congestion-control = newreno, octets = 100000",
            ACQUAINTED + "faults = [ { kind = partition, link = y, at = 11.3s, for = 2.5s } ]",
            1);
    assertThat(of(all, "timeouts")).isEqualTo(2);
    assertThat(of(all, "longest_gap_ms")).isEqualTo(1000.0 + 2000 + 400);
    assertThat(of(all, "lost")).isZero();
  }

  /**
   * The first SYN is lost, the second leaves a second later; then one segment, which is
   * acknowledged after 40 ms, and two.
   */
  @Test
  void beginsWithOneSegmentAfterALostSyn() throws Exception {
    Map<String, Double> all =
        measured(
            "delay = 39ms",
            "octets = " + 3 * SEGMENT,
            ACQUAINTED + "faults = [ { kind = partition, link = y, at = 9.999s, for = 20ms } ]",
            1);
    assertThat(of(all, "complete_ms")).isEqualTo(1000.0 + 80 + (80 + 40) + 80);
    assertThat(of(all, "timeouts")).isZero();
  }

  /** Segments a round trip, of so many seeds. */
  private Estimate window(double loss, double roundTrip, int seeds) throws Exception {
    double[] all = new double[seeds];
    for (int i = 0; i < seeds; i++) {
      Map<String, Double> one =
          measured(
              "delay = " + (roundTrip * 500 - 1) + "ms, loss = " + loss,
              "congestion-control = newreno",
              "",
              i + 1);
      all[i] = of(one, "throughput_bps") / 8 / SEGMENT * roundTrip;
    }
    return Estimate.of(all);
  }

  /**
   * M. Mathis and others (1997): the square root of 3/2p segments a round trip, for a loss after
   * each 1/p of them. Here losses are drawn.
   */
  @Test
  void renosThroughputFollowsTheSquareRootOfLoss() throws Exception {
    for (double loss : new double[] {0.002, 0.008}) {
      double expected = Math.sqrt(1.5 / loss);
      Estimate found = window(loss, 0.05, 2);
      System.out.println("NewReno, loss " + loss + ": " + expected + " expected, " + found);
      assertThat(found.mean())
          .as("loss %s: %s", loss, found)
          .isBetween(0.75 * expected, 1.25 * expected);
    }
  }
}

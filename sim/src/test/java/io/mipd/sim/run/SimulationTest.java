package io.mipd.sim.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.hash.Hashing;
import io.mipd.sim.event.EventLog;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.mobile.Joints;
import io.mipd.sim.report.CapturedFrame;
import io.mipd.sim.report.Dissector;
import io.mipd.sim.report.Endpoints;
import io.mipd.sim.report.HandoverRow;
import io.mipd.sim.report.Results;
import io.mipd.sim.report.Tshark;
import io.mipd.sim.scenario.Library;
import io.mipd.sim.scenario.Scenario;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The lab's scene in virtual time. */
class SimulationTest {
  private static final Endpoints ENDS =
      new Endpoints("2001:db8:1::1", "2001:db8:1::100", "2001:db8:c::c", 20_000, 20_001);

  @TempDir private Path folder = Path.of("");

  private static Scenario scene() throws Exception {
    return Library.find("handover").read();
  }

  private static List<String> lines(Path file) throws IOException {
    return Files.readAllLines(file);
  }

  private static double column(String row, int index) {
    return Double.parseDouble(Splitter.on(',').splitToList(row).get(index));
  }

  private static double measure(Outcome outcome, String name) {
    return Objects.requireNonNull(outcome.measures().get(name), name);
  }

  /** Each end notes it, who sends it counts it. */
  @Test
  void countsOnceWhatTwoMobileNodesSayToEachOther() throws Exception {
    Outcome outcome =
        Simulation.run(
            Library.find("mn-mn")
                .with("duration", "20s")
                .with(
                    "movement", "[ {node = mn1, at = 5s, to = a}, {node = mn2, at = 6s, to = b} ]")
                .read(),
            Optional.of(folder));
    for (String message : List.of("Home Test Init", "Care-of Test Init", "Home Test")) {
      long noted =
          lines(folder.resolve("signals.csv")).stream()
              .filter(line -> line.endsWith("," + message))
              .count();
      assertThat(noted).as(message).isPositive();
      assertThat(measure(outcome, "signalling." + message)).as(message).isEqualTo(noted / 2.0);
    }
  }

  /** 1, 2 and 2 ms are the direct way; the home agent is 25 ms behind the first two. */
  @Test
  void tellsHowFarPacketsGoRoundAndWhatTheirHeadersTake() throws Exception {
    Outcome outcome =
        Simulation.run(
            Library.find("ro-triangle")
                .with("mobile-nodes.mn.route-optimization", "off")
                .with("duration", "20s")
                .with("traffic", "[ {kind = cbr, from = mn, to = cn, start = 15s, size = 100} ]")
                .read(),
            Optional.empty());
    assertThat(measure(outcome, "cbr mn>cn.lost")).isLessThanOrEqualTo(6);
    assertThat(measure(outcome, "cbr mn>cn.stretch"))
        .isCloseTo((1 + 2 + 25 + 25 + 2) / (1.0 + 2 + 2), withinPercentage(1));
    assertThat(measure(outcome, "payload.ipv6_octets_per_packet")).isEqualTo(80);
    assertThat(measure(outcome, "payload.udp_octets_per_packet")).isEqualTo(8);
    assertThat(
            outcome.measures().entrySet().stream()
                .filter(one -> one.getKey().matches("payload[.].+_octets_per_packet"))
                .mapToDouble(Map.Entry::getValue)
                .sum())
        .isEqualTo(measure(outcome, "payload.octets_per_packet") - 100);
    // A Binding Update, and a second later, after Duplicate Address Detection, its answer.
    assertThat(measure(outcome, "ha.most_messages_per_s")).isEqualTo(1);
    assertThat(measure(outcome, "ha.messages_per_s")).isEqualTo(2 / 20.0);
  }

  /** Somebody sends the first hundred once more, a second later: they have been there. */
  @Test
  void copiesDoNotCountForHowFarPacketsGoRound() throws Exception {
    Outcome outcome =
        Simulation.run(
            Library.find("ro-triangle")
                .with("mobile-nodes.mn.route-optimization", "off")
                .with("duration", "20s")
                .with("mobile-nodes.mn.payload-ipsec", "off")
                .with("traffic", "[ {kind = cbr, from = mn, to = cn, start = 15s, size = 100} ]")
                .with("faults", "[ {kind = repeat, at = 16s, from = mn, count = 100, after = 1s} ]")
                .read(),
            Optional.of(folder));
    assertThat(lines(folder.resolve("flow-1-cbr-mn-to-cn.csv")))
        .filteredOn(line -> line.endsWith(",2"))
        .hasSize(100);
    assertThat(measure(outcome, "cbr mn>cn.stretch"))
        .isCloseTo((1 + 2 + 25 + 25 + 2) / (1.0 + 2 + 2), withinPercentage(1));
  }

  /**
   * At 11 s the mobile node changes its link: 50 ms without one, 37 until it hears a router, 58
   * until its home agent answers; two time-outs at most, of 1 and 2 s.
   */
  @Test
  void connectionsLiveThroughAHandover() throws Exception {
    Outcome outcome =
        Simulation.run(
            Library.find("tcp")
                .with("duration", "15s")
                .with("values.access.rate", "2e6")
                .with("values.access.queue", "20")
                .read(),
            Optional.empty());
    assertThat(outcome.violations()).isEmpty();
    for (String flow : ImmutableList.of("tcp mn>cn", "tcp cn>mn")) {
      assertThat(measure(outcome, flow + ".longest_gap_ms")).as(flow).isBetween(145.0, 3000.0);
      assertThat(measure(outcome, flow + ".throughput_bps")).as(flow).isBetween(0.5e6, 2e6);
    }
  }

  @Test
  void movesUnderEspAndLosesLittle() throws Exception {
    Outcome outcome = Simulation.run(scene(), Optional.of(folder));
    assertThat(outcome.violations()).isEmpty();
    assertThat(outcome.results().verdicts()).allMatch(Results.Verdict::ok);

    List<String> table = lines(folder.resolve("handovers.csv"));
    assertThat(table).hasSize(4).first().isEqualTo(HandoverRow.HEADER);
    assertThat(table.subList(1, 4))
        .allSatisfy(
            row -> {
              // The routers advertise each 30 to 70 ms, at home each 100 ms, in answer sooner.
              assertThat(column(row, 3)).as("router of " + row).isBetween(0.0, 100.0);
              // Optimistic, so at once; the update with the address; the answer on lines without
              // delay.
              assertThat(column(row, 4)).as("address of " + row).isEqualTo(column(row, 3));
              assertThat(column(row, 5)).as("update of " + row).isEqualTo(column(row, 4));
              assertThat(column(row, 6)).as("answer of " + row).isEqualTo(column(row, 5));
              // A datagram each 10 ms, and 13 ms without a cable.
              assertThat(column(row, 9)).as("lost of " + row).isLessThanOrEqualTo(12);
              assertThat(column(row, 11))
                  .as("outage of " + row)
                  .isBetween(column(row, 3) + 13, column(row, 3) + 13 + 20);
            });
    // Before the first registration the home link is asked for a second (RFC 6275 section 10.3.1).
    assertThat(lines(folder.resolve("parts.csv")).get(1))
        .startsWith("mn,0,home,a,10.013000000,13.0,")
        .contains(",0.0,0.0,1000.0,");
  }

  @Test
  void whatIsOnTheWireIsWhatTsharkReads() throws Exception {
    Simulation.run(scene(), Optional.of(folder));
    Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/bin/tshark")), "no tshark");
    var tshark = new Tshark(folder.resolve("wireshark"));
    for (String node : ImmutableList.of("mn", "ha", "cn", "core")) {
      Tshark.Findings findings = tshark.findings(folder.resolve(node + ".pcap"));
      assertThat(findings.clean()).as(node + ": " + findings).isTrue();
    }
    // Our own dissection, from which everything is measured, says the same of every frame.
    List<CapturedFrame> theirs = tshark.frames(folder.resolve("mn.pcap"), ENDS);
    assertThat(theirs).hasSizeGreaterThan(10_000);
    List<CapturedFrame> ours = dissected(folder.resolve("mn.pcap"));
    assertThat(ours).containsExactlyElementsOf(theirs);
  }

  private static List<CapturedFrame> dissected(Path capture) throws Exception {
    var network = new Network(scene(), new EventQueue(), EventLog.NONE, Joints.PLAIN);
    var dissector = new Dissector(network.associations());
    byte[] octets = Files.readAllBytes(capture);
    var in = ByteBuffer.wrap(octets, 24, octets.length - 24);
    List<CapturedFrame> frames = new ArrayList<>();
    while (in.hasRemaining()) {
      long nanos = in.getInt() * 1_000_000_000L + in.getInt();
      byte[] frame = new byte[in.getInt()];
      in.getInt();
      in.get(frame);
      CapturedFrame one = dissector.dissect(nanos, frame);
      if (one.icmpTypes().contains(134)
          || !one.mobilityTypes().isEmpty()
          || one.udpPorts().contains(ENDS.portOut())
          || one.udpPorts().contains(ENDS.portIn())) {
        frames.add(one);
      }
    }
    return frames;
  }

  /** Files by name, as hashes of their content. */
  private static Map<String, String> hashes(Path of) throws IOException {
    Map<String, String> all = new TreeMap<>();
    try (Stream<Path> files = Files.walk(of)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        all.put(
            of.relativize(file).toString(),
            Hashing.sha256().hashBytes(Files.readAllBytes(file)).toString());
      }
    }
    return all;
  }

  /** The scene with traffic of each kind, over a line that connections fill. */
  private static Scenario ofAllKinds(long seed) throws Exception {
    return Library.find("handover")
        .with("links.wan.delay", "10ms")
        .with("links.wan.rate", "2e6")
        .with("links.wan.queue", "20")
        .with("duration", "35s")
        .with(
            "traffic",
            """
            [
              { kind = cbr, from = mn, to = cn, interval = 20ms, size = 100, start = 5s }
              { kind = request, from = cn, to = mn, interval = 20ms, size = 100, answer = 50, start = 5s }
              { kind = echo, from = mn, to = cn, interval = 200ms, size = 56, start = 5s }
              { kind = tcp, from = mn, to = cn, start = 15s, stop = 25s, congestion-control = cubic }
              { kind = tcp, from = cn, to = mn, start = 15s, stop = 25s, congestion-control = newreno }
            ]
            """)
        .read()
        .withSeed(seed);
  }

  /** Losses and handovers; a user's IPsec; both ends mobile. Cut short. */
  private static final ImmutableMap<String, String> OTHERS =
      ImmutableMap.of("ping-pong", "12s", "user-ipsec", "18s", "mn-mn", "33s");

  /** The scene of all kinds, and each of the others into a folder beside it. */
  private static void runAll(Path into, long seed) throws Exception {
    Simulation.run(ofAllKinds(seed), Optional.of(Files.createDirectories(into.resolve("all"))));
    for (Map.Entry<String, String> other : OTHERS.entrySet()) {
      Scenario scenario = Library.find(other.getKey()).with("duration", other.getValue()).read();
      Path folder = Files.createDirectories(into.resolve(other.getKey()));
      Simulation.run(scenario.withSeed(seed), Optional.of(folder));
    }
  }

  /** Whole runs by themselves, in a JVM of their own. */
  static final class InAnotherJvm {
    private InAnotherJvm() {}

    public static void main(String[] arguments) throws Exception {
      runAll(Path.of(arguments[0]), Long.parseLong(arguments[1]));
    }
  }

  private void runInAnotherJvm(Path into, long seed) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                // Another order of hash maps that hash by identity, if there are any.
                "-XX:+UnlockExperimentalVMOptions",
                "-XX:hashCode=3",
                "-cp",
                System.getProperty("java.class.path"),
                InAnotherJvm.class.getName(),
                into.toString(),
                Long.toString(seed))
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("other.out").toFile())
            .start();
    assertThat(process.waitFor()).as(Files.readString(folder.resolve("other.out"))).isZero();
  }

  @Test
  void theSameSeedIsTheSameRunInAnotherJvm() throws Exception {
    Path here = folder.resolve("here");
    runAll(here, 7);
    Path there = folder.resolve("there");
    runInAnotherJvm(there, 7);
    Map<String, String> ours = hashes(here);
    assertThat(ours)
        .containsKeys(
            "all/mn.pcap", "all/ha.pcap", "all/core.pcap", "all/mn.log", "all/result.json")
        .containsKeys("ping-pong/mn.pcap", "user-ipsec/cn.pcap", "mn-mn/mn2.pcap");
    assertThat(hashes(there)).isEqualTo(ours);

    Path other = Files.createDirectories(folder.resolve("other"));
    Simulation.run(ofAllKinds(8), Optional.of(other));
    assertThat(hashes(other).get("mn.pcap")).isNotEqualTo(ours.get("all/mn.pcap"));
  }
}

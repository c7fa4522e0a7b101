package io.mipd.sim.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.google.common.collect.ImmutableList;
import io.mipd.sim.report.HandoverRow;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The lab itself: its network, its line, its traffic, its captures, and that nothing is left. */
@Tag("root")
class LabTest {
  record Ended(int status, String output, long pid) {}

  @BeforeAll
  static void needsRootAndTools() throws Exception {
    var missing = new ArrayList<String>();
    if (!System.getProperty("user.name").equals("root")) {
      missing.add("root");
    }
    for (String tool :
        ImmutableList.of("ip", "radvd", "tcpdump", "tshark", "mergecap", "ethtool", "nft")) {
      if (Program.local("sh", "-c", "command -v " + tool).run().status() != 0) {
        missing.add(tool);
      }
    }
    if (!missing.isEmpty()) {
      System.err.println("LabTest is skipped, missing: " + missing);
      assertThat(System.getenv("CI"))
          .as("in CI nothing may be missing: " + missing)
          .isNotEqualTo("true");
    }
    assumeThat(missing).isEmpty();
  }

  private static Process start(String... options) throws Exception {
    return start(Path.of("..").toAbsolutePath().normalize(), options);
  }

  private static Process start(Path home, String... options) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dmipd.home=" + home,
                "-cp",
                System.getProperty("java.class.path"),
                Lab.class.getName()));
    command.addAll(List.of(options));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  static Ended lab(String... options) throws Exception {
    return end(start(options));
  }

  private static Ended end(Process process) throws Exception {
    String output =
        new String(
            process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    return new Ended(process.waitFor(), output, process.pid());
  }

  static void assertNothingIsLeftOf(long pid) throws Exception {
    assertThat(Program.local("ip", "netns", "list").must()).doesNotContain("-" + pid + "-");
    assertThat(Path.of("/run", Network.PREFIX + pid)).doesNotExist();
  }

  @Test
  void atHomeEverythingArrivesAndTheLineDelays(@TempDir Path folder) throws Exception {
    Ended ended = lab("--no-daemons", "--delay", "20", "--keep", "--out", folder.toString());
    assertThat(ended.output()).endsWith("results: " + folder + "\n");
    assertThat(ended.status()).as(ended.output()).isZero();
    assertThat(Files.readString(folder.resolve("handovers.csv")))
        .isEqualTo(HandoverRow.HEADER + "\n");
    assertThat(folder.resolve("mn.pcap")).isNotEmptyFile();
    assertThat(folder.resolve("result.json")).content().contains("\"ok\" : true");
    // ping's own words: mobile node to correspondent and back crosses the line twice.
    List<String> times =
        Files.readAllLines(folder.resolve("ping.txt")).stream()
            .filter(line -> line.contains("time="))
            .map(line -> line.replaceAll(".*time=([0-9.]+) ms.*", "$1"))
            .toList();
    assertThat(times).isNotEmpty();
    assertThat(times).allMatch(time -> Double.parseDouble(time) >= 40);
    assertThat(times).anyMatch(time -> Double.parseDouble(time) < 50);
    // It is there for a look, with its line.
    String mobile = Network.PREFIX + ended.pid() + "-mn";
    assertThat(ended.output()).contains("kept: ip netns exec " + mobile + " bash");
    Program.local("ip", "netns", "exec", mobile, "ping", "-c", "1", "-W", "5", "2001:db8:c::c")
        .must();
    assertThat(lab("--cleanup").status()).isZero();
    assertNothingIsLeftOf(ended.pid());
  }

  /** The simulator's own file, with all that a lab can play of one. */
  @Test
  void aScenarioIsPlayedWithRealDaemons(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("scene.conf");
    Files.writeString(
        file,
        """
        title = "away, a crash, and home again"
        duration = 16s
        links {
          home { prefix = "2001:db8:1::/64" }
          a    { prefix = "2001:db8:a::/64", delay = 3ms, rate = 50e6, queue = 100 }
          wan  { prefix = "2001:db8:f0::/64", delay = 10ms }
          lan  { prefix = "2001:db8:c::/64" }
        }
        routers {
          core { links = [wan, lan] }
          ara { links = [a, lan], advertise { a { answer-within = 0s, unicast-answers = on } }, filter-sources = [a] }
        }
        home-agents { ha { home-link = home, links = [home, wan], address = "2001:db8:1::1" } }
        mobile-nodes { mn { home-agent = ha, home-address = "2001:db8:1::100" } }
        hosts { cn { link = lan, address = "2001:db8:c::c" } }
        movement = [
          { node = mn, at = 2s, to = a, attach-delay = 20ms }
          { node = mn, at = 10s, to = home, attach-delay = 20ms }
        ]
        traffic = [
          { kind = cbr, from = mn, to = cn, interval = 20ms, start = 1s }
          { kind = request, from = cn, to = mn, interval = 50ms, size = 40, answer = 200, start = 1s }
          { kind = echo, from = mn, to = cn, interval = 200ms, start = 1s }
        ]
        faults = [ { kind = crash, at = 6s, node = cn, for = 1s } ]
        observe { captures = [mn] }
        """);
    Path results = folder.resolve("results");
    Ended ended = lab("--scenario", file.toString(), "--out", results.toString());
    assertThat(ended.status()).as(ended.output()).isZero();
    assertThat(ended.output()).contains("mipd at cn is killed", "mipd at cn starts again");
    List<String> parts = Files.readAllLines(results.resolve("parts.csv"));
    assertThat(parts).hasSize(3);
    assertThat(parts.get(1)).startsWith("mn,0,home,a,");
    assertThat(parts.get(2)).startsWith("mn,1,a,home,");
    // There and back over two lines, and a second for whether anybody at home has the address.
    assertThat(Double.parseDouble(parts.get(1).split(",", -1)[9])).isBetween(1026.0, 8000.0);
    assertThat(Files.readAllLines(results.resolve("handovers.csv")))
        .hasSize(2)
        .first()
        .isEqualTo(HandoverRow.HEADER);
    for (String flow : List.of("1-cbr-mn-to-cn", "2-request-cn-to-mn", "3-echo-mn-to-cn")) {
      long arrived =
          Files.readAllLines(results.resolve("flow-" + flow + ".csv")).stream()
              .skip(1)
              .filter(line -> !line.split(",", -1)[2].isEmpty())
              .count();
      assertThat(arrived).as(flow).isGreaterThan(20);
    }
    assertNothingIsLeftOf(ended.pid());
  }

  /** One node has a kernel of its own, and is wired to the others by TAP devices. */
  @ParameterizedTest
  @ValueSource(strings = {"mixed-ha-kernel", "mixed-mn-kernel"})
  void aNodeMayLiveInAGuest(String world, @TempDir Path folder) throws Exception {
    boolean guest = Files.exists(Path.of("/usr/bin/linux.uml"));
    if (!guest) {
      System.err.println("LabTest skips " + world + ", missing: package user-mode-linux");
      assertThat(System.getenv("CI")).as("user-mode-linux").isNotEqualTo("true");
    }
    assumeThat(guest).isTrue();
    Ended ended = lab("--world", world, "--no-daemons", "--out", folder.toString());
    assertThat(ended.status()).as(ended.output()).isZero();
    assertThat(ended.output()).contains("a cable is out and in: noticed; all goes on");
    assertNothingIsLeftOf(ended.pid());
  }

  /** Real daemons and real packets: everything the lab looks at must be well, or it says so. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void daemonsCarryTheTrafficFromLinkToLink(int interfaces, @TempDir Path folder) throws Exception {
    Ended ended =
        lab("--interfaces", Integer.toString(interfaces), "--handovers", "2", "--out", folder + "");
    assertThat(ended.status()).as(ended.output()).isZero();
    assertThat(folder.resolve("result.json")).content().contains("\"ok\" : true");
    List<String> rows = Files.readAllLines(folder.resolve("handovers.csv"));
    assertThat(rows).hasSize(3);
    if (interfaces == 2) {
      assertThat(rows.subList(1, 3)).allMatch(row -> row.split(",", -1)[9].equals("0"));
      assertThat(rows.subList(1, 3)).allMatch(row -> row.split(",", -1)[10].equals("0"));
    }
    assertNothingIsLeftOf(ended.pid());
  }

  @Test
  void whatALabThatWasKilledHasLeftIsRemoved(@TempDir Path folder) throws Exception {
    Process process = start("--no-daemons", "--out", folder.toString());
    long limit = System.nanoTime() + 30_000_000_000L;
    while (!Files.exists(folder.resolve("mn-eth0.tcpdump")) && System.nanoTime() < limit) {
      Thread.sleep(20);
    }
    process.destroyForcibly().waitFor();
    String before = Program.local("ip", "netns", "list").must();
    assertThat(before).contains("-" + process.pid() + "-mn");
    Ended cleanup = lab("--cleanup");
    assertThat(cleanup.status()).isZero();
    assertThat(cleanup.output()).contains("removing " + Network.PREFIX + process.pid() + "-mn");
    assertNothingIsLeftOf(process.pid());
  }

  @Test
  void aLabThatIsAskedToEndTidiesUp(@TempDir Path folder) throws Exception {
    Process process = start("--no-daemons", "--out", folder.toString());
    long limit = System.nanoTime() + 30_000_000_000L;
    while (!Files.exists(folder.resolve("mn-eth0.tcpdump")) && System.nanoTime() < limit) {
      Thread.sleep(20);
    }
    process.destroy();
    process.waitFor();
    assertNothingIsLeftOf(process.pid());
  }

  @Test
  void aLabThatIsAskedToEndWhileDaemonsRunTidiesUp(@TempDir Path folder) throws Exception {
    Process process = start("--out", folder.toString());
    long limit = System.nanoTime() + 60_000_000_000L;
    Path log = folder.resolve("mn.log");
    while (!(Files.exists(log) && Files.readString(log).contains("mipd ready"))
        && System.nanoTime() < limit) {
      Thread.sleep(20);
    }
    assertThat(log).content().contains("mipd ready");
    process.destroy();
    process.waitFor();
    assertNothingIsLeftOf(process.pid());
  }

  /** There is no bin/mipd in an empty folder. */
  @Test
  void aSceneThatFailsIsSaidAndTidiedUp(@TempDir Path folder, @TempDir Path empty)
      throws Exception {
    Ended ended = end(start(empty, "--out", folder.toString()));
    assertThat(ended.status()).as(ended.output()).isEqualTo(1);
    assertThat(ended.output())
        .contains("FAILED the scene runs to its end: mipd at ha has ended")
        .endsWith("results: " + folder + "\n");
    assertThat(folder.resolve("result.json")).content().contains("\"ok\" : false");
    assertNothingIsLeftOf(ended.pid());
  }

  @Test
  void wrongOptionsEndWithStatusTwo() throws Exception {
    assertThat(lab("--ike").status()).isEqualTo(2);
  }
}

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
    Ended ended = lab("--no-daemons", "--delay", "20", "--out", folder.toString());
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

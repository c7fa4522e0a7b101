package io.mipd.sim.lab;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The route-optimization experiment of docs/tutorials.md: its commands as they stand there. */
@Tag("root")
@Tag("long")
class TutorialTest {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final String PEER = "2001:db8:c::c";

  @BeforeAll
  static void needsRootAndTools() throws Exception {
    LabTest.needsRootAndTools();
  }

  /** The commands of a numbered step. */
  private static ImmutableList<String> step(int number) throws IOException {
    String text = Files.readString(ROOT.resolve("docs/tutorials.md"));
    String section = text.substring(text.indexOf("\n## A route-optimization experiment\n"));
    String from = section.substring(section.indexOf("\n" + number + ". ") + 1);
    int next = from.indexOf("\n" + (number + 1) + ". ");
    return from.substring(0, next < 0 ? from.length() : next)
        .lines()
        .filter(line -> line.startsWith("       "))
        .map(String::strip)
        .collect(ImmutableList.toImmutableList());
  }

  /** {@code bin/lab} of the classes as they are built; bin/lab itself would build first. */
  private static LabTest.Ended lab(String command, String... more) throws Exception {
    List<String> words = Splitter.on(' ').splitToList(command);
    assertThat(words.get(0)).isEqualTo("bin/lab");
    LabTest.Ended ended =
        LabTest.lab(Stream.concat(words.stream().skip(1), Stream.of(more)).toArray(String[]::new));
    assertThat(ended.status()).as(ended.output()).isZero();
    return ended;
  }

  private static String shell(String command) throws IOException {
    return Program.local("sh", "-c", "cd " + ROOT + " && " + command).must();
  }

  /** The round-trip times that ping tells, in milliseconds. */
  private static ImmutableList<Double> times(String output) {
    return output
        .lines()
        .filter(line -> line.contains("time="))
        .map(line -> Double.valueOf(line.replaceAll(".*time=([0-9.]+) ms.*", "$1")))
        .collect(ImmutableList.toImmutableList());
  }

  @Test
  void theTriangleIsPaidForUntilTheRouteIsOptimized(@TempDir Path folder) throws Exception {
    Path tunnel = folder.resolve("tunnel");
    Path direct = folder.resolve("direct");
    lab(step(1).get(0), "--out", tunnel.toString());
    assertThat(Files.readAllLines(tunnel.resolve("handovers.csv"))).hasSize(5);
    // At home the way crosses the line too; away it does so twice in each direction.
    ImmutableList<Double> times = times(Files.readString(tunnel.resolve("ping.txt")));
    assertThat(times).anyMatch(time -> time >= 100 && time < 150);

    String table = lab(step(2).get(0), "--out", direct.toString()).output();
    assertThat(table).contains("direct");
    assertThat(Files.readAllLines(direct.resolve("routes.csv"))).hasSizeGreaterThan(1);
    String command = step(2).get(1).replace("DIR/", direct + "/");
    assertThat(shell(command)).contains("Home Test Init", "Care-of Test Init", "Binding Update");
  }

  @Test
  void aMobileNodeOfALabThatIsKeptIsMovedByHand(@TempDir Path folder) throws Exception {
    ImmutableList<String> commands = step(3);
    LabTest.Ended kept = lab(commands.get(0), "--out", folder.toString());
    List<String> rest =
        commands.stream()
            .skip(1)
            .map(line -> line.replace("PID", "" + kept.pid()).replace("DIR/", folder + "/"))
            .toList();
    try {
      String move = rest.get(0);
      String ping = rest.get(1);
      String why = rest.get(2);
      assertThat(shell(why)).contains("at-home");
      shell(move);
      // It has to find its link and to register first.
      shell(ping.replace("-c 5", "-c 1 -w 30"));
      ImmutableList<Double> times = times(shell(ping));
      long end = System.nanoTime() + 30_000_000_000L;
      while (!shell(why).contains("optimized") && System.nanoTime() < end) {
        shell(ping);
      }
      assertThat(shell(why)).contains(PEER, "optimized");
      assertThat(times(shell(ping))).as("first: " + times).allMatch(time -> time < 50);
    } finally {
      lab(rest.get(3));
    }
    LabTest.assertNothingIsLeftOf(kept.pid());
  }
}

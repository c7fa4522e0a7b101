package io.mipd.sim.sweep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSortedMap;
import io.mipd.daemon.ConfigurationException;
import io.mipd.sim.page.Report;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A small sweep, whole, in parts, and after an interruption. */
class SweepTest {
  private static final String SWEEP =
      """
      title = "the triangle"
      scenario = ro-triangle
      vary = [
        { value = "links.wan.delay", from = 10, to = 30, step = 20, unit = "ms" }
        { value = "mobile-nodes.mn.route-optimization", in = [on, off] }
      ]
      repetitions = 2
      plot { x = "links.wan.delay", y = "cbr mn>cn.median_ms", by = "mobile-nodes.mn.route-optimization" }
      """;

  @TempDir private Path folder = Path.of("");

  private Path file() throws Exception {
    Path file = folder.resolve("triangle.conf");
    Files.writeString(file, SWEEP);
    return file;
  }

  private SweepFolder sweep(String into, int part, int parts) throws Exception {
    SweepPlan plan = SweepPlan.read(file());
    SweepFolder opened = SweepFolder.open(folder.resolve(into), file(), plan);
    new Sweep(plan, opened).run(2, part, parts, (done, of) -> {});
    return opened;
  }

  private String results(String of) throws Exception {
    return Files.readString(folder.resolve(of).resolve("results.csv"));
  }

  @Test
  void partsAndInterruptionsMakeTheSameTable() throws Exception {
    SweepFolder whole = sweep("whole", 1, 1);
    assertThat(whole.isComplete()).isTrue();
    assertThat(whole.failures()).isEmpty();
    // 5 ms directly; by the home agent twice the line to it besides.
    assertThat(results("whole"))
        .contains("10ms,on,cbr mn>cn.median_ms,2,5.00000,0.00000,5.00000,5.00000")
        .contains("10ms,off,cbr mn>cn.median_ms,2,25.0000,0.00000,25.0000,25.0000")
        .contains("30ms,off,cbr mn>cn.median_ms,2,65.0000,0.00000,65.0000,65.0000");

    // Interrupted: some lines are there, the last one is not whole.
    Path again = Files.createDirectories(folder.resolve("again"));
    List<String> lines = Files.readAllLines(folder.resolve("whole/runs.jsonl"));
    assertThat(lines).hasSize(8);
    Files.copy(folder.resolve("whole/sweep.conf"), again.resolve("sweep.conf"));
    Files.copy(folder.resolve("whole/scenario.conf"), again.resolve("scenario.conf"));
    Files.writeString(
        again.resolve("runs.jsonl"),
        String.join("\n", lines.subList(0, 6)) + "\n" + lines.get(6).substring(0, 20));
    // What there is can be seen, and stays as it is, for somebody may be at it.
    assertThat(Files.readString(Report.write(again)))
        .contains("FAILED: 6 of 8 runs have ended")
        .contains(
            "<td>10ms</td><td>off</td><td>cbr mn&gt;cn.median_ms</td><td>2</td><td>25.0000</td>");
    assertThat(Files.readAllLines(again.resolve("runs.jsonl"))).hasSize(7);
    SweepPlan plan = SweepPlan.read(file());
    assertThat(SweepFolder.open(again, file(), plan).left(1, 1)).hasSize(2);
    sweep("again", 1, 1);
    assertThat(results("again")).isEqualTo(results("whole"));

    // What another part has done is taken over.
    SweepFolder second = SweepFolder.open(folder.resolve("merged"), file(), plan);
    assertThat(second.left(1, 2)).hasSize(4);
    second.merge(folder.resolve("whole"));
    second.finish();
    assertThat(results("merged")).isEqualTo(results("whole"));

    String page = Files.readString(Report.write(folder.resolve("whole")));
    assertThat(page)
        .contains("<svg")
        .contains("route-optimization = off")
        // Nothing is fetched from anywhere.
        .doesNotContain("<script")
        .doesNotContain("<link")
        .doesNotContain("src=");

    // A later version, which does not take the scenario any more, can still tell of it.
    Path kept = folder.resolve("whole/scenario.conf");
    Files.writeString(kept, Files.readString(kept) + "\nof-an-older-version = 1\n");
    assertThat(Files.readString(Report.write(folder.resolve("whole")))).contains("<svg");
  }

  @Test
  void anotherSweepsFolderIsRefused() throws Exception {
    SweepPlan plan = SweepPlan.read(file());
    SweepFolder.open(folder.resolve("mine"), file(), plan);
    Files.writeString(folder.resolve("mine/sweep.conf"), SWEEP + "seed = 5\n");
    assertThatThrownBy(() -> SweepFolder.open(folder.resolve("mine"), file(), plan))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("it has the results of another sweep");
  }

  @Test
  void aValueThatDoesNotFitIsToldAtOnce() throws Exception {
    Path file = folder.resolve("wrong.conf");
    Files.writeString(file, SWEEP.replace("[on, off]", "[on, perhaps]"));
    assertThatThrownBy(() -> SweepPlan.read(file))
        .hasMessageContaining("mobile-nodes.mn.route-optimization: neither true nor false");
  }

  private Path protection(String ipsec, String payload) throws Exception {
    Path file = folder.resolve("protection.conf");
    Files.writeString(
        file,
        """
        title = "protection"
        scenario = handover
        vary = [
          { value = "mobile-nodes.mn.ipsec", in = [%s] }
          { value = "mobile-nodes.mn.payload-ipsec", in = [%s] }
        ]
        """
            .formatted(ipsec, payload));
    return file;
  }

  /** The scenario has payload in ESP: without that of signalling it must not be. */
  @Test
  void valuesThatFitTogetherOnlyAreTaken() throws Exception {
    assertThat(SweepPlan.read(protection("off", "off")).runs()).hasSize(10);
  }

  @Test
  void valuesThatDoNotFitTogetherAreToldAtOnce() throws Exception {
    Path file = protection("on, off", "off, on");
    assertThatThrownBy(() -> SweepPlan.read(file))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("protection.conf:3: vary: ")
        .hasMessageContaining(
            "mobile-nodes.mn.ipsec = off, mobile-nodes.mn.payload-ipsec = on is no scenario: ")
        .hasMessageContaining("on although ipsec is off");
  }

  @Test
  void quotationMarksOfAValueAreThereInTableAndReport() throws Exception {
    Path file = folder.resolve("quoted.conf");
    Files.writeString(
        file,
        """
        title = "quoted"
        scenario = handover
        vary = [
          { value = duration, in = [6s] }
          { value = "hosts.cn.address", in = ["\\"2001:db8:c::c\\""] }
        ]
        repetitions = 1
        """);
    SweepPlan plan = SweepPlan.read(file);
    SweepFolder opened = SweepFolder.open(folder.resolve("quoted"), file, plan);
    new Sweep(plan, opened).run(1, 1, 1, (done, of) -> {});
    assertThat(results("quoted"))
        .contains("6s,\"\"\"2001:db8:c::c\"\"\",handovers,1,0.00000,,0.00000,0.00000");
    assertThat(Files.readString(Report.write(folder.resolve("quoted"))))
        .contains("<td>6s</td><td>&quot;2001:db8:c::c&quot;</td><td>handovers</td>");
  }

  /** A run with its measure, in the folder that {@code withRuns} makes. */
  private static RunRecord run(int number, boolean sound, boolean ok, double median) {
    return new RunRecord(
        number,
        1 + number % 2,
        sound,
        ok,
        ok ? ImmutableList.of() : ImmutableList.of("failure of " + number),
        "bin/sim run it --seed " + number,
        ImmutableSortedMap.of("cbr mn>cn.median_ms", median));
  }

  private String reportOf(SweepPlan plan, Path file, RunRecord... runs) throws Exception {
    SweepFolder opened = SweepFolder.open(folder.resolve("some"), file, plan);
    for (RunRecord run : runs) {
      opened.add(run);
    }
    opened.finish();
    return Files.readString(Report.write(folder.resolve("some")));
  }

  @Test
  void theReportTellsWhatIsMissingAndWhatWasBroken() throws Exception {
    String page =
        reportOf(
            SweepPlan.read(file()),
            file(),
            run(0, true, true, 10),
            run(1, false, false, 1e6),
            run(2, true, true, 20),
            run(3, true, false, 30));
    assertThat(page)
        .contains("FAILED: 4 of 8 runs have ended")
        .contains(">links.wan.delay, ms</text")
        .contains(">cbr mn&gt;cn.median_ms</text")
        .contains("FAILED: 1 of them broke what must always hold: no mean has their figures")
        .contains("failure of 1; to repeat it: bin/sim run it --seed 1")
        .contains("FAILED: 1 others did not register each movement")
        .contains("failure of 3; to repeat it: bin/sim run it --seed 3");
    assertThat(results("some"))
        .contains("10ms,on,cbr mn>cn.median_ms,1,10.0000,,10.0000,10.0000")
        .contains("10ms,off,cbr mn>cn.median_ms,2,25.0000,");
  }

  @Test
  void aLineForEachCombinationOfTheOtherValues() throws Exception {
    Path file = folder.resolve("three.conf");
    Files.writeString(
        file,
        SWEEP
            .replace(
                "vary = [",
                "vary = [ { value = \"links.a.delay\", in = [1ms, 2ms] }, "
                    + "{ value = \"links.to-a.delay\", in = [1ms, 3ms] }, "
                    + "{ value = duration, in = [40s] }, ")
            .replace("plot {", "plot { x-label = \"one way, ms\", y-label = \"delay, ms\",")
            .replace("repetitions = 2", "repetitions = 1"));
    SweepPlan plan = SweepPlan.read(file);
    String page =
        reportOf(
            plan,
            file,
            plan.runs().stream()
                .map(run -> run(run.number(), true, true, run.number()))
                .toArray(RunRecord[]::new));
    for (String values : List.of("1ms, links.to-a.delay = 3ms", "2ms, links.to-a.delay = 1ms")) {
      assertThat(page).contains(">route-optimization = off, links.a.delay = " + values + "</text");
    }
    assertThat(page)
        .contains("ok: 16 of 16 runs have ended")
        .contains(">one way, ms</text")
        .contains(">delay, ms</text")
        .doesNotContain("duration = 40s</text");
    assertThat(Splitter.on(">route-optimization = ").splitToList(page))
        .as("the key")
        .hasSize(1 + 8);
  }
}

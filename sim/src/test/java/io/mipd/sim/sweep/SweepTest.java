package io.mipd.sim.sweep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
}

package io.mipd.sim.command;

import com.google.common.base.Splitter;
import io.mipd.daemon.ConfigurationException;
import io.mipd.sim.sweep.Sweep;
import io.mipd.sim.sweep.SweepFolder;
import io.mipd.sim.sweep.SweepPlan;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sim sweep} and {@code sim merge}. */
@Command(
    name = "sweep",
    description = {
      "Runs a scenario over values and seeds, on all cores. Interrupted, it goes on where it was"
          + " when it is started again.",
      "Exit status: 0 all runs were as they should be, 1 some were not, 2 the sweep is wrong."
    })
final class SweepCommand implements Callable<Integer> {
  private static final int BAR = 40;

  @Spec private @Nullable CommandSpec spec;

  @Parameters(paramLabel = "FILE", description = "What varies, see docs/simulator.md")
  private Path file = Path.of("");

  @Option(names = "--out", required = true, paramLabel = "DIR", description = "Where results go")
  private Path out = Path.of("");

  @Option(
      names = "--shard",
      paramLabel = "I/N",
      description = "Only each N-th run, from the I-th on; sim merge puts the parts together")
  private String shard = "1/1";

  @Option(names = "--threads", paramLabel = "N", description = "Runs at a time (default: cores)")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Override
  public Integer call() throws Exception {
    List<String> parts = Splitter.on('/').splitToList(shard);
    int part = number(parts.get(0));
    int count = parts.size() == 2 ? number(parts.get(1)) : 0;
    if (part < 1 || count < part || threads < 1) {
      throw ConfigurationException.at(
          file, 0, "--shard", "\"" + shard + "\"", "I/N with I from 1 to N, and --threads above 0");
    }
    SweepPlan plan = SweepPlan.read(file);
    SweepFolder folder = SweepFolder.open(out, file, plan);
    PrintWriter err = spec().commandLine().getErr();
    int left = folder.left(part, count).size();
    err.println(plan.title() + ": " + plan.runs().size() + " runs, " + left + " left here");
    new Sweep(plan, folder).run(threads, part, count, (runs, of) -> show(err, runs, of));
    err.println();
    return finish(spec().commandLine().getOut(), folder);
  }

  private CommandSpec spec() {
    if (spec == null) {
      throw new IllegalStateException("not called by picocli");
    }
    return spec;
  }

  private static int number(String text) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  private static void show(PrintWriter err, int runs, int of) {
    int filled = BAR * runs / of;
    err.printf(
        Locale.ROOT, "\r[%s%s] %d of %d", "#".repeat(filled), " ".repeat(BAR - filled), runs, of);
    err.flush();
  }

  /** What a sweep or its merged parts have come to. */
  static int finish(PrintWriter print, SweepFolder folder) throws IOException {
    List<String> failures = folder.failures();
    failures.forEach(failure -> print.println("FAILED " + failure));
    if (!folder.isComplete()) {
      print.println("parts of it are missing: sim merge puts them together");
    }
    print.println("results: " + folder.path());
    return failures.isEmpty() ? Main.OK : Main.FAILURE;
  }

  /** {@code sim merge}. */
  @Command(name = "merge", description = "Puts the parts of a sweep (--shard) together.")
  static final class Merge implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "A new folder")
    private Path out = Path.of("");

    @Option(
        names = "--sweep",
        required = true,
        paramLabel = "FILE",
        description = "The sweep's file")
    private Path file = Path.of("");

    @Parameters(paramLabel = "DIR", arity = "1..*", description = "The parts' folders")
    private List<Path> parts = new ArrayList<>();

    @Override
    public Integer call() throws Exception {
      SweepFolder folder = SweepFolder.open(out, file, SweepPlan.read(file));
      for (Path part : parts) {
        folder.merge(part);
      }
      folder.finish();
      return finish(RunCommand.out(spec), folder);
    }
  }
}

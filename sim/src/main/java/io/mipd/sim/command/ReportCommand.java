package io.mipd.sim.command;

import io.mipd.sim.page.Report;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sim report}. */
@Command(
    name = "report",
    description =
        "Makes report.html, one page that needs nothing else, of a run's or a sweep's results.")
final class ReportCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Parameters(paramLabel = "DIR", description = "What sim run or sim sweep have left")
  private Path folder = Path.of("");

  @Override
  public Integer call() throws Exception {
    RunCommand.out(spec).println("report: " + Report.write(folder));
    return Main.OK;
  }
}

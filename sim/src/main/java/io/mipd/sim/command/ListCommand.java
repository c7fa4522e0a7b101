package io.mipd.sim.command;

import io.mipd.sim.scenario.Library;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sim list}. */
@Command(name = "list", description = "The ready scenarios: the name first, then what it is.")
final class ListCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    PrintWriter out = RunCommand.out(spec);
    for (String name : Library.NAMES) {
      out.printf(Locale.ROOT, "%-18s %s%n", name, Library.find(name).read().title());
    }
    return Main.OK;
  }
}

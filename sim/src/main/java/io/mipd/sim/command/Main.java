package io.mipd.sim.command;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.mipd.daemon.ConfigurationException;
import java.io.PrintWriter;
import java.util.Objects;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The simulator's command line. */
@Command(
    name = "sim",
    mixinStandardHelpOptions = true,
    description = "Mobile IPv6 in virtual time: the daemon's own code over simulated links",
    subcommands = {
      ListCommand.class,
      RunCommand.class,
      SweepCommand.class,
      SweepCommand.Merge.class,
      ReportCommand.class,
      SoakCommand.class
    })
public final class Main {
  static final int OK = 0;

  /** Something did not hold, or could not be done. */
  static final int FAILURE = 1;

  static final int BAD_CONFIGURATION = 2;

  private Main() {}

  public static void main(String[] arguments) {
    System.exit(run(new CommandLine(new Main()), arguments));
  }

  static int run(CommandLine line, String... arguments) {
    quieten();
    String version = Main.class.getPackage().getImplementationVersion();
    line.getCommandSpec().version("sim " + Objects.requireNonNullElse(version, "unpackaged"));
    line.setExecutionExceptionHandler(
        (exception, where, result) -> {
          PrintWriter err = where.getErr();
          err.println("sim: " + exception.getMessage());
          if (exception instanceof ConfigurationException) {
            return BAD_CONFIGURATION;
          }
          if (exception instanceof RuntimeException) {
            exception.printStackTrace(err);
          }
          return FAILURE;
        });
    int code = line.execute(arguments);
    line.getOut().flush();
    line.getErr().flush();
    return code;
  }

  /** What cores say has the wall clock's time; the simulator's own logs have the virtual one. */
  private static void quieten() {
    if (LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME) instanceof Logger root) {
      root.setLevel(Level.OFF);
    }
  }
}

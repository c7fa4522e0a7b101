package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.control.ControlException;
import io.mipd.xfrm.linux.KernelInterface;
import io.mipd.xfrm.linux.SystemCalls;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The command line. */
@Command(
    name = "mipd",
    mixinStandardHelpOptions = true,
    description = "Mobile IPv6 for Linux (RFC 6275)",
    subcommands = {
      Main.Run.class,
      ControlCommands.Status.class,
      ControlCommands.Bindings.class,
      ControlCommands.Associations.class,
      ControlCommands.Policies.class,
      ControlCommands.Neighbours.class,
      ControlCommands.Events.class,
      ControlCommands.Why.class,
      ControlCommands.Log.class,
      ControlCommands.Handover.class,
      ControlCommands.Deregister.class,
      ControlCommands.Drain.class,
      ControlCommands.ReloadCommand.class,
      ControlCommands.CaptureCommand.class,
      PolicyCommand.class,
      MoveInCommands.Import.class,
      MoveInCommands.Keygen.class,
      MoveInCommands.Token.class,
      LoadClasses.class,
      Main.ProbeCommand.class,
      Main.CleanupCommand.class,
      AutoComplete.GenerateCompletion.class
    })
public final class Main {
  /** Stopped as asked. */
  static final int STOPPED = 0;

  static final int FAILURE = 1;
  static final int BAD_CONFIGURATION = 2;
  static final int SYSTEM_LACKS = 3;

  private static final String RUN = "run";

  private Main() {}

  public static void main(String[] arguments) {
    int code = run(arguments);
    // Not exit() within a shutdown that SIGTERM has begun: it would wait for itself.
    Runtime.getRuntime().halt(code);
  }

  static int run(String... arguments) {
    if (arguments.length > 0 && arguments[0].equals(RUN)) {
      // To serve need not wait for the model of all other commands.
      return run(
          new CommandLine(new Run()).setCommandName("mipd run"),
          Arrays.copyOfRange(arguments, 1, arguments.length));
    }
    return run(commandLine(), arguments);
  }

  static CommandLine commandLine() {
    var line = new CommandLine(new Main());
    String version = Main.class.getPackage().getImplementationVersion();
    tellVersion(line, "mipd " + Objects.requireNonNullElse(version, "unpackaged"));
    return line;
  }

  static int run(CommandLine line, String... arguments) {
    line.setExecutionExceptionHandler(
        (exception, where, result) -> {
          PrintWriter err = where.getErr();
          err.println("mipd: " + exception.getMessage());
          if (exception instanceof ConfigurationException) {
            return BAD_CONFIGURATION;
          }
          if (exception instanceof ControlException refused) {
            return ControlCommands.status(refused);
          }
          if (exception instanceof SystemLacksException) {
            return SYSTEM_LACKS;
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

  /** Each command answers {@code --version}. */
  private static void tellVersion(CommandLine line, String version) {
    line.getCommandSpec().version(version);
    line.getSubcommands().values().forEach(it -> tellVersion(it, version));
  }

  static void print(CommandSpec spec, String text) {
    spec.commandLine().getOut().print(text);
    spec.commandLine().getOut().flush();
  }

  @Command(name = RUN, description = "Runs the daemon in the foreground; SIGTERM stops it.")
  static final class Run implements Callable<Integer> {
    @Option(names = "--config", required = true, paramLabel = "FILE", description = "Configuration")
    private Path config = Path.of("");

    @Override
    public Integer call() throws Exception {
      SystemCalls.prepare();
      return Daemon.run(config);
    }
  }

  @Command(
      name = "cleanup",
      description = "Removes everything that a dead mipd left, the guard included.")
  static final class CleanupCommand implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Option(
        names = "--config",
        paramLabel = "FILE",
        description = "The dead daemon's configuration")
    private @Nullable Path config;

    @Option(names = "--state-directory", paramLabel = "DIR", description = "Its state directory")
    private @Nullable Path directory;

    @Override
    public Integer call() throws Exception {
      Path state = DaemonConfiguration.DEFAULT_STATE_DIRECTORY;
      if (directory != null) {
        state = directory;
      } else if (config != null) {
        state = DaemonConfiguration.read(config).stateDirectory();
      }
      for (String removed : Cleanup.run(new StateDirectory(state))) {
        if (spec != null) {
          print(spec, "removed: " + removed + "\n");
        }
      }
      return STOPPED;
    }
  }

  @Command(name = "probe", description = "Says which worlds work here, and what is missing.")
  static final class ProbeCommand implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
      boolean works = false;
      for (var world :
          ImmutableMap.of(
                  "kernel",
                  ImmutableList.<Probe.Finding>builder()
                      .addAll(Probe.kernelWorld(KernelInterface.NETLINK))
                      .add(Probe.pfKey(false))
                      .build(),
                  "engine",
                  Probe.engineWorld())
              .entrySet()) {
        boolean one = Probe.works(world.getValue());
        works |= one;
        if (spec != null) {
          print(spec, world.getKey() + " world: " + (one ? "works" : "does not work") + "\n");
          for (Probe.Finding finding : world.getValue()) {
            print(spec, "  " + finding + "\n");
          }
        }
      }
      return works ? STOPPED : SYSTEM_LACKS;
    }
  }
}

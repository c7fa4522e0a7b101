package io.mipd.daemon;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigRenderOptions;
import io.mipd.control.ControlClient;
import io.mipd.control.ControlException;
import io.mipd.control.ControlRequest;
import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The commands that ask a running daemon, and those that have it do something. */
final class ControlCommands {
  private ControlCommands() {}

  /** Which daemon, and how its answer is told. */
  static final class Asked {
    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec spec;

    @Option(names = "--config", paramLabel = "FILE", description = "The daemon's configuration")
    private @Nullable Path config;

    @Option(
        names = "--socket",
        paramLabel = "PATH",
        description = "Its control socket; default: /run/mipd/control.sock")
    private @Nullable Path socket;

    @Option(names = "--json", description = "JSON in place of text; docs/schema describes it")
    private boolean json;

    Path path() throws ConfigurationException {
      if (socket != null) {
        return socket;
      }
      return config == null
          ? DaemonConfiguration.DEFAULT_CONTROL_SOCKET
          : DaemonConfiguration.read(config).controlSocket();
    }

    String told(Config answer, Function<Config, String> text) throws IOException {
      if (json) {
        return answer.root().render(ConfigRenderOptions.concise()) + "\n";
      }
      try {
        return text.apply(answer);
      } catch (ConfigException e) {
        throw new IOException("not what a mipd of this version answers: " + e.getMessage(), e);
      }
    }

    void print(String text) {
      if (spec != null) {
        Main.print(spec, text);
      }
    }

    Integer tell(ControlRequest request, Function<Config, String> text) throws Exception {
      print(told(ControlClient.ask(path(), request), text));
      return Main.STOPPED;
    }
  }

  /** A view that may be looked at again and again. */
  abstract static class View implements Callable<Integer> {
    @Mixin private Asked asked = new Asked();

    @Option(
        names = "--watch",
        paramLabel = "SECONDS",
        arity = "0..1",
        fallbackValue = "2",
        description = "Again and again, every 2 seconds if not told otherwise, until Ctrl-C")
    private double watch;

    @Option(names = "--times", paramLabel = "N", description = "With --watch: so often")
    private int times = Integer.MAX_VALUE;

    abstract ControlRequest request();

    abstract String text(Config answer);

    /** What is asked again and again, for so many lines: less, where the rest would not be seen. */
    ControlRequest request(int lines) {
      return request();
    }

    @Override
    public Integer call() throws Exception {
      if (watch <= 0) {
        return asked.tell(request(), this::text);
      }
      Path path = asked.path();
      for (int i = 1; ; i++) {
        Terminal terminal = Terminal.current();
        ControlRequest request = asked.json ? request() : request(terminal.room());
        String told = asked.told(ControlClient.ask(path, request), this::text);
        asked.print(
            asked.json ? told : Terminal.CLEAR + terminal.screen(title(request.name()), told));
        if (i >= times) {
          return Main.STOPPED;
        }
        TimeUnit.MILLISECONDS.sleep((long) (watch * 1000));
      }
    }

    private static String title(String name) {
      return "mipd "
          + name
          + "  "
          + LocalTime.now(ZoneId.systemDefault()).truncatedTo(ChronoUnit.SECONDS);
    }
  }

  @Command(
      name = "status",
      mixinStandardHelpOptions = true,
      description = "How the running daemon is: role, registration or bindings, links, counters.")
  static final class Status extends View {
    @Override
    ControlRequest request() {
      return ControlRequest.of("status");
    }

    @Override
    ControlRequest request(int lines) {
      return request().with("limit", 0);
    }

    @Override
    String text(Config answer) {
      return ControlText.status(answer);
    }
  }

  @Command(
      name = "bindings",
      mixinStandardHelpOptions = true,
      description = {
        "Who is bound where: a home agent's binding cache, a mobile node's registration and its"
            + " optimized peers, a correspondent's bindings."
      })
  static final class Bindings extends View {
    @Override
    ControlRequest request() {
      return ControlRequest.of("bindings");
    }

    @Override
    ControlRequest request(int lines) {
      return request().with("limit", lines);
    }

    @Override
    String text(Config answer) {
      return ControlText.bindings(answer);
    }
  }

  @Command(
      name = "associations",
      mixinStandardHelpOptions = true,
      description = "The security associations of mobility and of user-ipsec; no keys.")
  static final class Associations extends View {
    @Override
    ControlRequest request() {
      return ControlRequest.of("associations");
    }

    @Override
    String text(Config answer) {
      return ControlText.associations(answer);
    }
  }

  @Command(
      name = "policies",
      mixinStandardHelpOptions = true,
      description = {
        "The policies in force, each with the rules that made it, and findings.",
        "mipd policy explain tells what becomes of a packet."
      })
  static final class Policies extends View {
    @Override
    ControlRequest request() {
      return ControlRequest.of("policies");
    }

    @Override
    ControlRequest request(int lines) {
      return request().with("limit", lines).with("findings", false);
    }

    @Override
    String text(Config answer) {
      return ControlText.policies(answer);
    }
  }

  @Command(
      name = "neighbours",
      aliases = "neighbors",
      mixinStandardHelpOptions = true,
      description = "Routers that are heard, and home agents that are known.")
  static final class Neighbours extends View {
    @Override
    ControlRequest request() {
      return ControlRequest.of("neighbours");
    }

    @Override
    String text(Config answer) {
      return ControlText.neighbours(answer);
    }
  }

  @Command(
      name = "why",
      mixinStandardHelpOptions = true,
      description = "Whether packets to a peer go directly, and if not, why not.")
  static final class Why extends View {
    @Parameters(paramLabel = "PEER", description = "Its address, or its home address")
    private String peer = "";

    @Override
    ControlRequest request() {
      return ControlRequest.of("why").with("peer", peer);
    }

    @Override
    String text(Config answer) {
      return ControlText.why(answer);
    }
  }

  @Command(
      name = "events",
      mixinStandardHelpOptions = true,
      description = {
        "What has happened lately: registrations, handovers, routes, findings. The daemon keeps the"
            + " latest 1024."
      })
  static final class Events implements Callable<Integer> {
    @Mixin private Asked asked = new Asked();

    @Option(names = "--follow", description = "And what happens from now on, until Ctrl-C")
    private boolean follow;

    @Option(
        names = "--after",
        paramLabel = "NUMBER",
        description = "Only those with a greater number; default: all that are kept")
    private long after;

    @Override
    public Integer call() throws Exception {
      ControlRequest request = ControlRequest.of("events").with("after", after);
      if (!follow) {
        return asked.tell(request, ControlText::events);
      }
      long last = after;
      try (ControlClient client = ControlClient.open(asked.path())) {
        for (Config answer = client.ask(request.with("follow", true)); ; answer = client.next()) {
          for (Config event : answer.getConfigList("events")) {
            long number = event.getLong("number");
            if (last > 0 && number > last + 1 && !asked.json) {
              asked.print("... " + (number - last - 1) + " events are lost\n");
            }
            last = number;
          }
          if (!answer.getConfigList("events").isEmpty()) {
            asked.print(asked.told(answer, ControlText::events));
          }
        }
      }
    }
  }

  @Command(
      name = "log",
      mixinStandardHelpOptions = true,
      description = "How much the running daemon logs, until it ends.")
  static final class Log implements Callable<Integer> {
    @Mixin private Asked asked = new Asked();

    @Parameters(paramLabel = "LEVEL", description = "error, warn, info, debug or trace")
    private String level = "";

    @Override
    public Integer call() throws Exception {
      return asked.tell(ControlRequest.of("log").with("level", level), ControlText::log);
    }
  }

  @Command(
      name = "handover",
      mixinStandardHelpOptions = true,
      description = {
        "Has a mobile node use this interface, or this care-of address, as long as it can be used;"
            + " auto lets it choose again."
      })
  static final class Handover implements Callable<Integer> {
    @Mixin private Asked asked = new Asked();

    @Parameters(paramLabel = "TO", description = "An interface, a care-of address, or auto")
    private String to = "";

    @Override
    public Integer call() throws Exception {
      return asked.tell(ControlRequest.of("handover").with("to", to), ControlText::handover);
    }
  }

  @Command(
      name = "deregister",
      mixinStandardHelpOptions = true,
      description = {
        "Has a mobile node end its registration, and make none until mipd handover or a restart.",
        "Has a home agent end a binding. The mobile node is not told (RFC 6275 has no message for"
            + " it): it registers again when it renews its binding or moves, unless the home agent"
            + " drains."
      })
  static final class Deregister implements Callable<Integer> {
    @Mixin private Asked asked = new Asked();

    @Parameters(
        paramLabel = "HOME-ADDRESS",
        arity = "0..1",
        description = "Whose binding; at a mobile node its own")
    private @Nullable String home;

    @Override
    public Integer call() throws Exception {
      ControlRequest request = ControlRequest.of("deregister");
      return asked.tell(
          home == null ? request : request.with("home-address", home), ControlText::deregister);
    }
  }

  @Command(
      name = "drain",
      mixinStandardHelpOptions = true,
      description = {
        "Has a home agent refuse mobile nodes that are not bound (status 129), until it is started"
            + " again. Those that are bound stay, and may move."
      })
  static final class Drain implements Callable<Integer> {
    @Mixin private Asked asked = new Asked();

    @Option(names = "--off", description = "New ones are taken again")
    private boolean off;

    @Override
    public Integer call() throws Exception {
      return asked.tell(ControlRequest.of("drain").with("on", !off), ControlText::drain);
    }
  }

  @Command(
      name = "reload",
      mixinStandardHelpOptions = true,
      description = {
        "Has the daemon read its configuration again. What can be is applied at once, all of it;"
            + " for the rest the answer names what needs a restart. A file with a mistake changes"
            + " nothing."
      })
  static final class ReloadCommand implements Callable<Integer> {
    @Mixin private Asked asked = new Asked();

    @Option(names = "--dry", description = "Only tell what would change")
    private boolean dry;

    @Override
    public Integer call() throws Exception {
      return asked.tell(ControlRequest.of("reload").with("dry", dry), ControlText::reload);
    }
  }

  @Command(
      name = "capture",
      mixinStandardHelpOptions = true,
      description = {
        "Has the daemon write the packets that it, or the kernel, works on to a new file (pcapng,"
            + " mode 0600), until it is told to stop. Beside it, in FILE.wireshark, are the keys of"
            + " configured associations: WIRESHARK_CONFIG_DIR=FILE.wireshark tshark -r FILE"
            + " decrypts."
      })
  static final class CaptureCommand implements Callable<Integer> {
    @Mixin private Asked asked = new Asked();

    @ArgGroup(exclusive = true, multiplicity = "1")
    private What what = new What();

    /** Either of them. */
    static final class What {
      @Parameters(paramLabel = "FILE", description = "The file to make")
      private @Nullable Path file;

      @Option(names = "--off", description = "Ends the capture that runs")
      private boolean off;
    }

    @Override
    public Integer call() throws Exception {
      ControlRequest request = ControlRequest.of("capture");
      return asked.tell(
          what.off || what.file == null
              ? request.with("off", true)
              : request.with("file", what.file.toAbsolutePath()),
          ControlText::capture);
    }
  }

  /** The exit status for a request that was refused. */
  static int status(ControlException refused) {
    return refused.reason() == ControlException.Reason.BAD_ARGUMENT
        ? Main.BAD_CONFIGURATION
        : Main.FAILURE;
  }
}

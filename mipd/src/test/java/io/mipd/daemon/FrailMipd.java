package io.mipd.daemon;

import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmReply;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;

/**
 * {@code mipd run} that ends without a further word, or has a change of policies or states refused,
 * at the command after so many from when the file {@link #dies} or {@link #refuses}, with the
 * number, appears. The file is gone when it has happened.
 */
final class FrailMipd {
  private static final int KILLED = 137;

  private FrailMipd() {}

  static Path dies(Path configuration) {
    return configuration.resolveSibling(configuration.getFileName() + ".dies");
  }

  static Path refuses(Path configuration) {
    return configuration.resolveSibling(configuration.getFileName() + ".refuses");
  }

  /**
   * @param arguments {@code run --config FILE}
   */
  public static void main(String[] arguments) throws Exception {
    Path configuration = Path.of(arguments[2]);
    Runtime.getRuntime()
        .halt(
            Daemon.run(
                DaemonConfiguration.read(configuration),
                backend ->
                    new Frail(
                        backend,
                        new Countdown(dies(configuration)),
                        new Countdown(refuses(configuration)))));
  }

  private static final class Countdown {
    private final Path file;
    private OptionalInt left = OptionalInt.empty();

    Countdown(Path file) {
      this.file = file;
    }

    boolean isOver() {
      try {
        if (left.isEmpty() && Files.exists(file)) {
          left = OptionalInt.of(Integer.parseInt(Files.readString(file)));
        }
        if (left.isEmpty()) {
          return false;
        }
        if (left.getAsInt() > 0) {
          left = OptionalInt.of(left.getAsInt() - 1);
          return false;
        }
        left = OptionalInt.empty();
        Files.delete(file);
        return true;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private record Frail(XfrmBackend backend, Countdown death, Countdown refusal)
      implements XfrmBackend {
    @Override
    public XfrmReply apply(XfrmCommand command) {
      if (death.isOver()) {
        Runtime.getRuntime().halt(KILLED);
      }
      return refusal.isOver()
          ? new XfrmReply.Failed(XfrmError.NO_MEMORY, "ENOMEM, says the test")
          : backend.apply(command);
    }

    @Override
    public Limits limits() {
      return backend.limits();
    }
  }
}

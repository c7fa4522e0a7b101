package io.mipd.daemon;

import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmReply;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * {@code mipd run} in a kernel that has no memory for any change of policies and Mobile IPv6's
 * states, as long as the file {@link #noMemory} is there.
 */
final class StarvedMipd {
  private StarvedMipd() {}

  static Path noMemory(Path configuration) {
    return configuration.resolveSibling("no-memory");
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
                kernel -> new Starved(kernel, noMemory(configuration))));
  }

  private record Starved(XfrmBackend kernel, Path noMemory) implements XfrmBackend {
    @Override
    public XfrmReply apply(XfrmCommand command) {
      return Files.exists(noMemory)
          ? new XfrmReply.Failed(XfrmError.NO_MEMORY, "ENOMEM, says the test")
          : kernel.apply(command);
    }

    @Override
    public Limits limits() {
      return kernel.limits();
    }
  }
}

package io.mipd.sim.lab;

import io.mipd.sim.report.Results;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

/**
 * What a run of the lab has beside its scene: folders, processes, results. Its end removes all but
 * the results.
 */
final class LabRun implements AutoCloseable {
  /** The lab's own; namespaces and folders carry it. */
  static final long PID = ProcessHandle.current().pid();

  private final Path build;
  private final Path folder;
  private final Path sockets;
  private final Runnable network;
  private final Children children = new Children();
  private final Results results = new Results();
  private final AtomicBoolean tidied = new AtomicBoolean(false);

  private LabRun(Path build, Path folder, Path sockets, Runnable network) {
    this.build = build;
    this.folder = folder;
    this.sockets = sockets;
    this.network = network;
  }

  /**
   * @param network removes it
   */
  static LabRun open(LabOptions options, Runnable network) throws IOException {
    Path build = Path.of(System.getProperty("mipd.home", ".")).toAbsolutePath().normalize();
    Path folder = options.out().orElseGet(() -> defaultFolder(build, PID));
    prepare(folder);
    Path sockets = Path.of("/run", Network.PREFIX + PID);
    Files.createDirectories(sockets);
    var run = new LabRun(build, folder, sockets, network);
    // Also when somebody presses Ctrl-C or the lab is asked to end.
    Runtime.getRuntime().addShutdownHook(new Thread(run::tidyUp, "tidy up"));
    return run;
  }

  /** The top of the build tree. */
  Path build() {
    return build;
  }

  /** For the results. */
  Path folder() {
    return folder;
  }

  /** A folder with a short name. */
  Path sockets() {
    return sockets;
  }

  Children children() {
    return children;
  }

  Results results() {
    return results;
  }

  /** Leaves everything for a look. */
  void keep() {
    tidied.set(true);
  }

  /** Once, and not what is kept. */
  void tidyUp() {
    if (!tidied.getAndSet(true)) {
      children.stopAll();
      network.run();
      removeFolder(sockets);
    }
  }

  @Override
  public void close() {
    tidyUp();
  }

  private static Path defaultFolder(Path build, long pid) {
    String time =
        LocalDateTime.now(ZoneId.systemDefault())
            .format(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss"));
    return build.resolve("lab-results").resolve(time + "-" + pid);
  }

  /** Makes the folder, and removes what an earlier run has left there under our names. */
  static void prepare(Path folder) throws IOException {
    Files.createDirectories(folder);
    try (Stream<Path> old = Files.list(folder)) {
      for (Path file :
          old.filter(
                  path ->
                      ("" + path.getFileName())
                          .matches(
                              ".*\\.(log|pcap|part|tcpdump|pid)|ping(-\\d+)?\\.txt"
                                  + "|(flow|handovers)-.*\\.csv|(parts|results|routes)\\.csv"
                                  + "|compare\\.(md|csv|svg)"))
              .toList()) {
        Files.delete(file);
      }
    }
    removeFolder(folder.resolve("state"));
    // Others, too, call a folder config: ours has wireshark beside it.
    if (Files.isDirectory(folder.resolve("wireshark"))) {
      removeFolder(folder.resolve("config"));
    }
  }

  static void removeFolder(Path folder) {
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (Stream<Path> inside = Files.walk(folder)) {
      for (Path path : inside.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.delete(path);
      }
    } catch (IOException e) {
      System.err.println("lab: cannot remove " + folder + ": " + e.getMessage());
    }
  }
}

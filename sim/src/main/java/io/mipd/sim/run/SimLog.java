package io.mipd.sim.run;

import io.mipd.sim.event.EventLog;
import io.mipd.sim.event.EventQueue;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** The event logs of nodes, {@code NODE.log}: seconds since the beginning, and words. */
final class SimLog implements EventLog, AutoCloseable {
  private final EventQueue events;
  private final Map<String, BufferedWriter> files = new TreeMap<>();

  /**
   * @param nodes whose words are written; others' are not
   */
  SimLog(EventQueue events, Path folder, Set<String> nodes) throws IOException {
    this.events = events;
    for (String node : nodes) {
      files.put(node, Files.newBufferedWriter(folder.resolve(node + ".log")));
    }
  }

  @Override
  public void say(String node, String words) {
    BufferedWriter file = files.get(node);
    if (file == null) {
      return;
    }
    Duration since = Duration.between(EventQueue.BEGINNING, events.now());
    try {
      file.write(
          String.format(
              Locale.ROOT, "%d.%09d %s%n", since.toSeconds(), since.toNanosPart(), words));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    for (BufferedWriter file : files.values()) {
      file.close();
    }
  }
}

package io.mipd.sim.lab;

import com.google.common.base.Splitter;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.mipd.sim.report.FlowRecord;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** The lab's end of a {@link Traffic} program: gives orders and notes what it tells. */
final class TrafficEnd {
  /**
   * What one end has said of a stream when it was through.
   *
   * @param octets that it sent or received
   * @param hash SHA-256 of them
   */
  record Total(long octets, String hash) {}

  /**
   * @param nanos when the receiver read something last, since the epoch
   */
  record Progress(long nanos, long octets) {}

  private final PrintStream orders;
  private final Map<String, FlowRecord> flows;

  @GuardedBy("this")
  private final Map<String, Total> totals = new HashMap<>();

  @GuardedBy("this")
  private final Map<String, Progress> progress = new HashMap<>();

  @GuardedBy("this")
  private final Map<String, String> broken = new HashMap<>();

  @GuardedBy("this")
  private boolean ready;

  @GuardedBy("this")
  private int refused;

  TrafficEnd(Process process, Map<String, FlowRecord> flows, String name) {
    this.flows = flows;
    this.orders = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
    BufferedReader told = process.inputReader(StandardCharsets.UTF_8);
    var reader =
        new Thread(
            () -> {
              try (told) {
                for (String line = told.readLine(); line != null; line = told.readLine()) {
                  note(line);
                }
              } catch (IOException e) {
                // Process.destroy() closes the stream: the end, as good as any.
                if (process.isAlive() && !Objects.equals(e.getMessage(), "Stream closed")) {
                  System.err.println(name + ": " + e);
                }
              }
            },
            name);
    reader.setDaemon(true);
    reader.start();
  }

  void order(String order) {
    orders.println(order);
  }

  private synchronized void note(String line) {
    List<String> words = Splitter.on(' ').limit(5).splitToList(line);
    switch (words.get(0)) {
      case "ready" -> ready = true;
      case "s" -> flow(words).sent(Integer.parseInt(words.get(2)), Long.parseLong(words.get(3)));
      case "f" -> {
        refused++;
        flow(words).sent(Integer.parseInt(words.get(2)), Long.parseLong(words.get(3)));
      }
      case "r" ->
          flow(words).received(Integer.parseInt(words.get(2)), Long.parseLong(words.get(3)));
      case "tcp" -> noteStream(line);
      default -> System.err.println("traffic: " + line);
    }
  }

  private FlowRecord flow(List<String> words) {
    FlowRecord flow = flows.get(words.get(1));
    if (flow == null) {
      throw new IllegalStateException("no flow " + words.get(1));
    }
    return flow;
  }

  @GuardedBy("this")
  private void noteStream(String line) {
    List<String> words = Splitter.on(' ').limit(4).splitToList(line);
    String stream = words.get(1);
    String rest = words.get(3);
    if (words.get(2).equals("broken")) {
      broken.put(stream, rest);
      return;
    }
    List<String> values = Splitter.on(' ').splitToList(rest);
    if (words.get(2).equals("progress")) {
      progress.put(
          stream, new Progress(Long.parseLong(values.get(0)), Long.parseLong(values.get(1))));
    } else {
      totals.put(stream, new Total(Long.parseLong(values.get(0)), values.get(1)));
    }
  }

  synchronized boolean isReady() {
    return ready;
  }

  /** Datagrams that the system refused to send. */
  synchronized int refused() {
    return refused;
  }

  synchronized Optional<Total> total(String stream) {
    return Optional.ofNullable(totals.get(stream));
  }

  synchronized Progress progress(String stream) {
    return progress.getOrDefault(stream, new Progress(0, 0));
  }

  /** Why a stream has ended too early. */
  synchronized Optional<String> broken(String stream) {
    return Optional.ofNullable(broken.get(stream));
  }
}

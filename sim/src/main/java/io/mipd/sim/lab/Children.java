package io.mipd.sim.lab;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.Lists;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The processes that this lab has started; each is stopped when the lab ends. */
final class Children {
  private static final long PATIENCE_SECONDS = 10;

  private final List<Process> all = new ArrayList<>();

  /** How a command ended, and what it wrote. */
  record Ended(int status, String output) {}

  /** Runs a short command to its end. */
  static Ended run(List<String> command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Ended(await(process), output);
  }

  /** Runs a short command that must not fail. */
  static String must(List<String> command) throws IOException {
    Ended ended = run(command);
    if (ended.status() != 0) {
      throw new IOException(String.join(" ", command) + ": " + ended.output().strip());
    }
    return ended.output();
  }

  private static int await(Process process) throws IOException {
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** Starts a long one; what it says goes to the end of a file. */
  Process start(List<String> command, Path log) throws IOException {
    ProcessBuilder.Redirect redirect = ProcessBuilder.Redirect.appendTo(log.toFile());
    return remember(
        new ProcessBuilder(command)
            .redirectInput(new File("/dev/null"))
            .redirectOutput(redirect)
            .redirectError(redirect)
            .start());
  }

  /** Starts a long one that is talked with; what it says on standard error goes to a file. */
  Process talk(List<String> command, Path log) throws IOException {
    return remember(
        new ProcessBuilder(command)
            .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start());
  }

  /** Starts a long one that is given input; all that it says goes to the end of a file. */
  Process talkInto(List<String> command, Path log) throws IOException {
    ProcessBuilder.Redirect redirect = ProcessBuilder.Redirect.appendTo(log.toFile());
    return remember(
        new ProcessBuilder(command).redirectOutput(redirect).redirectError(redirect).start());
  }

  private synchronized Process remember(Process process) {
    all.add(process);
    return process;
  }

  /** Asks a process to stop, and makes it if it does not in time. */
  static int stop(Process process) throws IOException {
    process.destroy();
    try {
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    return await(process);
  }

  /** Stops all that still run, the youngest first. */
  void stopAll() {
    ImmutableList<Process> running;
    synchronized (this) {
      running = ImmutableList.copyOf(all);
      all.clear();
    }
    for (Process process : Lists.reverse(running)) {
      process.destroy();
    }
    for (Process process : Lists.reverse(running)) {
      try {
        stop(process);
      } catch (IOException e) {
        System.err.println("lab: " + e.getMessage());
      }
    }
  }
}

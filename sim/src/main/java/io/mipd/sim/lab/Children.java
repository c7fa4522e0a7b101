package io.mipd.sim.lab;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.Lists;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The processes that this lab has started; each is stopped when the lab ends. */
final class Children {
  private static final long PATIENCE_SECONDS = 10;

  private final List<Process> all = new ArrayList<>();

  static int await(Process process) throws IOException {
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** Starts a long one; what it says goes to the end of a file. */
  Process start(Program program, Path log) throws IOException {
    return start(program, log, log);
  }

  /** Starts a long one; its output goes to the end of one file, its complaints of another. */
  Process start(Program program, Path out, Path log) throws IOException {
    return remember(
        program.start(
            Program.nothing(), Redirect.appendTo(out.toFile()), Redirect.appendTo(log.toFile())));
  }

  /** Starts a long one that is talked with; what it says on standard error goes to a file. */
  Process talk(Program program, Path log) throws IOException {
    return remember(program.start(Redirect.PIPE, Redirect.PIPE, Redirect.appendTo(log.toFile())));
  }

  /** Starts a long one that is given input; all that it says goes to the end of a file. */
  Process talkInto(Program program, Path log) throws IOException {
    Redirect redirect = Redirect.appendTo(log.toFile());
    return remember(program.start(Redirect.PIPE, redirect, redirect));
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

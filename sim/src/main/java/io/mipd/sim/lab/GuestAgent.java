package io.mipd.sim.lab;

import com.google.common.base.Splitter;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.mipd.sim.lab.GuestMessage.Kind;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** In a guest: starts the programs that the lab asks for and passes on what they say. */
final class GuestAgent {
  private static final int PIECE = 8192;
  private static final int CANNOT_START = 127;

  private final Map<Integer, Process> running = new ConcurrentHashMap<>();

  @GuardedBy("this")
  private final DataOutputStream out;

  private GuestAgent(DataOutputStream out) {
    this.out = out;
  }

  public static void main(String[] args) throws IOException {
    var agent =
        new GuestAgent(
            new DataOutputStream(
                new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 2 * PIECE)));
    try {
      agent.serve(
          new DataInputStream(new BufferedInputStream(new FileInputStream(FileDescriptor.in))));
    } catch (EOFException e) {
      // The lab has gone; the guest follows.
      System.exit(0);
    }
  }

  private void serve(DataInputStream in) throws IOException {
    say(new GuestMessage(0, Kind.READY, ""));
    while (true) {
      GuestMessage message = whole(in);
      Process process = running.get(message.program());
      if (message.kind() == Kind.START) {
        start(message);
      } else if (message.kind() == Kind.CLOCK) {
        say(new GuestMessage(message.program(), Kind.CLOCK, Long.toString(now())));
      } else if (process != null) {
        tell(process, message);
      }
    }
  }

  /** The next message, put together from its parts. The lab is told what has been read. */
  private GuestMessage whole(DataInputStream in) throws IOException {
    var content = new StringBuilder();
    while (true) {
      GuestMessage piece = GuestMessage.read(in);
      int length = GuestMessage.HEADER + piece.content().length();
      say(new GuestMessage(0, Kind.TAKEN, Integer.toString(length)));
      content.append(piece.content());
      if (piece.kind() != Kind.PART) {
        return new GuestMessage(piece.program(), piece.kind(), content.toString());
      }
    }
  }

  private static long now() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  private static void tell(Process process, GuestMessage message) {
    try {
      switch (message.kind()) {
        case INPUT -> {
          process.getOutputStream().write(message.octets());
          process.getOutputStream().flush();
        }
        case END_OF_INPUT -> process.getOutputStream().close();
        case TERMINATE -> process.destroy();
        case KILL -> process.destroyForcibly();
        default -> System.err.println("agent: " + message.kind());
      }
    } catch (IOException e) {
      // It reads no more: its end will be told.
      System.err.println("agent: program " + message.program() + ": " + e.getMessage());
    }
  }

  private void start(GuestMessage message) throws IOException {
    int program = message.program();
    List<String> command =
        Splitter.on('\0').splitToList(new String(message.octets(), StandardCharsets.UTF_8));
    Process process;
    try {
      process = new ProcessBuilder(command).start();
    } catch (IOException e) {
      say(new GuestMessage(program, Kind.ERROR, e.getMessage() + "\n"));
      say(new GuestMessage(program, Kind.EXITED, Integer.toString(CANNOT_START)));
      return;
    }
    running.put(program, process);
    Thread output = pass(program, Kind.OUTPUT, process.getInputStream());
    Thread error = pass(program, Kind.ERROR, process.getErrorStream());
    begin(
        "end of " + program,
        () -> {
          int status = process.waitFor();
          output.join();
          error.join();
          running.remove(program);
          say(new GuestMessage(program, Kind.EXITED, Integer.toString(status)));
        });
  }

  private Thread pass(int program, Kind kind, InputStream from) {
    return begin(
        kind + " of " + program,
        () -> {
          byte[] piece = new byte[PIECE];
          for (int length = from.read(piece); length >= 0; length = from.read(piece)) {
            say(GuestMessage.ofOctets(program, kind, piece, length));
          }
        });
  }

  private synchronized void say(GuestMessage message) throws IOException {
    message.write(out);
  }

  /** What a thread does. */
  private interface Work {
    void run() throws IOException, InterruptedException;
  }

  private static Thread begin(String name, Work work) {
    var thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (IOException e) {
                System.err.println("agent: " + name + ": " + e.getMessage());
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }
}

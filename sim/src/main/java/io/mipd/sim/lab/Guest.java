package io.mipd.sim.lab;

import com.google.common.collect.ImmutableList;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.mipd.sim.lab.GuestMessage.Kind;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A machine with a kernel of its own (User-Mode Linux, by {@code bin/uml}) and a {@link GuestAgent}
 * that starts programs there for us.
 */
final class Guest implements Machine {
  /** As many as there are CPUs run at once; others wait for their turn. */
  private static final long BOOT_SECONDS = 1800;

  private static final long ANSWER_SECONDS = 60;
  private static final int CLOCK_TRIALS = 20;
  private static final int CLOCK_SETTINGS = 20;
  private static final long USUALLY_LATE_NANOS = 5_000_000;
  private static final long CLOCK_ACCURACY_NANOS = 500_000;
  private static final int LOST = 125;

  /**
   * A terminal of the guest holds 4096 octets that nobody has read yet; one that was full once
   * stays deaf (seen with User-Mode Linux 6.1). So no more than this many are under way.
   */
  private static final int WINDOW = 2048;

  private static final int LONGEST_PIECE = 1024;

  private final Process process;
  private final AtomicInteger counter = new AtomicInteger();
  private final Map<Integer, GuestProcess> running = new ConcurrentHashMap<>();
  private final LinkedBlockingQueue<GuestMessage> answers = new LinkedBlockingQueue<>();
  private final Semaphore room = new Semaphore(WINDOW);
  private volatile boolean gone;

  @GuardedBy("this")
  private final DataOutputStream out;

  private Guest(Process process) {
    this.process = process;
    this.out = new DataOutputStream(process.getOutputStream());
  }

  /**
   * Boots one and waits until it serves.
   *
   * @param uml starts {@code bin/uml}, up to and including its options
   * @param agent the command of the agent
   * @param log what {@code bin/uml} and the agent say on standard error
   */
  static Guest boot(
      Children children, ImmutableList<String> uml, ImmutableList<String> agent, Path log)
      throws IOException, InterruptedException {
    var guest =
        new Guest(
            children.talk(
                Program.local(
                    ImmutableList.<String>builder()
                        .addAll(uml)
                        .add("--stdin", "--")
                        .addAll(agent)
                        .build()),
                log));
    var reader = new Thread(guest::listen, "guest");
    reader.setDaemon(true);
    reader.start();
    if (guest.answers.poll(BOOT_SECONDS, TimeUnit.SECONDS) == null || guest.gone) {
      throw new IOException("the guest does not serve, see " + log);
    }
    return guest;
  }

  private void listen() {
    try (var in = new DataInputStream(new BufferedInputStream(process.getInputStream()))) {
      while (true) {
        GuestMessage message = GuestMessage.read(in);
        GuestProcess program = running.get(message.program());
        if (message.kind() == Kind.READY || message.kind() == Kind.CLOCK) {
          answers.add(message);
        } else if (message.kind() == Kind.TAKEN) {
          room.release(Integer.parseInt(message.content()));
        } else if (program != null) {
          program.take(message);
          if (message.kind() == Kind.EXITED) {
            running.remove(message.program());
          }
        }
      }
    } catch (EOFException e) {
      lose();
    } catch (IOException e) {
      // Process.destroy() closes the stream: the end, as good as any.
      if (process.isAlive() && !Objects.equals(e.getMessage(), "Stream closed")) {
        System.err.println("guest: " + e.getMessage());
      }
      lose();
    }
  }

  /** The guest has ended, and with it all that ran there. */
  private void lose() {
    // Who waits to say something learns from the closed pipe that nobody listens.
    room.release(gone ? 0 : Integer.MAX_VALUE / 2);
    gone = true;
    answers.add(new GuestMessage(0, Kind.READY, ""));
    running.forEach(
        (number, program) -> {
          try {
            program.take(new GuestMessage(number, Kind.EXITED, Integer.toString(LOST)));
          } catch (IOException e) {
            System.err.println("guest: " + e.getMessage());
          }
        });
    running.clear();
  }

  synchronized void say(GuestMessage message) throws IOException {
    byte[] octets = message.octets();
    int from = 0;
    for (; octets.length - from > LONGEST_PIECE; from += LONGEST_PIECE) {
      byte[] piece = Arrays.copyOfRange(octets, from, from + LONGEST_PIECE);
      write(GuestMessage.ofOctets(message.program(), Kind.PART, piece, piece.length));
    }
    byte[] rest = Arrays.copyOfRange(octets, from, octets.length);
    write(GuestMessage.ofOctets(message.program(), message.kind(), rest, rest.length));
  }

  @GuardedBy("this")
  private void write(GuestMessage message) throws IOException {
    room.acquireUninterruptibly(GuestMessage.HEADER + message.content().length());
    message.write(out);
  }

  @Override
  public Process start(ProcessBuilder program) throws IOException {
    int number = counter.incrementAndGet();
    var started =
        new GuestProcess(
            this,
            number,
            fileOf(program.redirectOutput()),
            program.redirectErrorStream() ? null : fileOf(program.redirectError()),
            program.redirectErrorStream());
    running.put(number, started);
    byte[] words = String.join("\0", program.command()).getBytes(StandardCharsets.UTF_8);
    say(GuestMessage.ofOctets(number, Kind.START, words, words.length));
    if (program.redirectInput().type() != Redirect.Type.PIPE) {
      started.getOutputStream().close();
    }
    if (gone) {
      lose();
    }
    return started;
  }

  private static @Nullable File fileOf(Redirect redirect) {
    return redirect.file();
  }

  /** How far its clock is ahead of ours; a program there has the same time. */
  long clockAheadNanos() throws IOException, InterruptedException {
    long best = Long.MAX_VALUE;
    long ahead = 0;
    for (int i = 0; i < CLOCK_TRIALS; i++) {
      long asked = now();
      say(new GuestMessage(0, Kind.CLOCK, ""));
      GuestMessage answer = answers.poll(ANSWER_SECONDS, TimeUnit.SECONDS);
      long answered = now();
      if (answer == null || gone) {
        throw new IOException("the guest does not answer");
      }
      if (answered - asked < best) {
        best = answered - asked;
        ahead = Long.parseLong(answer.content()) - (asked + answered) / 2;
      }
    }
    return ahead;
  }

  /**
   * Sets its clock by ours, so that times of both can be compared; returns what is left. The
   * command takes its time between reading the clock and setting it: what it usually is late by is
   * added the next time.
   */
  long synchronizeClock() throws IOException, InterruptedException {
    long ahead = clockAheadNanos();
    long late = 0;
    for (int i = 0; i < CLOCK_SETTINGS && Math.abs(ahead) > CLOCK_ACCURACY_NANOS; i++) {
      String shift = String.format(Locale.ROOT, "now %+.6f sec", (late - ahead) / 1e9);
      new Program(this, ImmutableList.of("date", "--set", shift)).must();
      ahead = clockAheadNanos();
      if (Math.abs(late - ahead) < USUALLY_LATE_NANOS) {
        late -= ahead;
      }
    }
    return ahead;
  }

  private static long now() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }
}

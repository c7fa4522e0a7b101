package io.mipd.sim.lab;

import io.mipd.sim.lab.GuestMessage.Kind;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A program that runs in a guest, as its starter sees it. */
final class GuestProcess extends Process {
  private final Guest guest;
  private final int number;
  private final Output output;
  private final Output error;
  private final CountDownLatch ended = new CountDownLatch(1);
  private final OutputStream input = new Input();
  private volatile int status;

  /**
   * @param outFile what it says goes to the end of this file; otherwise the starter reads it
   * @param merged standard error goes where standard output goes
   */
  GuestProcess(
      Guest guest, int number, @Nullable File outFile, @Nullable File errFile, boolean merged)
      throws IOException {
    this.guest = guest;
    this.number = number;
    output = new Output(outFile);
    error = merged ? output : new Output(errFile);
  }

  /** Called in one thread with what the guest tells of this program. */
  void take(GuestMessage message) throws IOException {
    switch (message.kind()) {
      case OUTPUT -> output.add(message.octets());
      case ERROR -> error.add(message.octets());
      case EXITED -> {
        status = Integer.parseInt(message.content());
        output.end();
        error.end();
        ended.countDown();
      }
      default -> throw new IOException("not of a program: " + message.kind());
    }
  }

  private void say(Kind kind) {
    try {
      guest.say(new GuestMessage(number, kind, ""));
    } catch (IOException e) {
      // The guest is gone, and so is the program.
      ended.countDown();
    }
  }

  /** What goes to the program. */
  private final class Input extends OutputStream {
    private boolean closed;

    @Override
    public void write(int octet) throws IOException {
      write(new byte[] {(byte) octet}, 0, 1);
    }

    @Override
    public void write(byte[] octets, int from, int length) throws IOException {
      byte[] piece = Arrays.copyOfRange(octets, from, from + length);
      guest.say(GuestMessage.ofOctets(number, Kind.INPUT, piece, length));
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        say(Kind.END_OF_INPUT);
      }
    }
  }

  /** What comes from the program: into a file, or kept until it is read. */
  private static final class Output extends InputStream {
    private final @Nullable OutputStream file;
    private final LinkedBlockingQueue<byte[]> pieces = new LinkedBlockingQueue<>();
    private byte[] current = new byte[0];
    private int position;
    private boolean over;

    Output(@Nullable File file) throws IOException {
      this.file = file == null ? null : new FileOutputStream(file, true);
    }

    void add(byte[] octets) throws IOException {
      if (file != null) {
        file.write(octets);
      } else if (octets.length > 0) {
        pieces.add(octets);
      }
    }

    void end() throws IOException {
      if (file != null) {
        file.close();
      }
      // An empty piece is the last one.
      pieces.add(new byte[0]);
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int from, int length) throws IOException {
      if (over || length == 0) {
        return over ? -1 : 0;
      }
      if (position == current.length) {
        try {
          current = pieces.take();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new IOException("interrupted", e);
        }
        position = 0;
        if (current.length == 0) {
          over = true;
          return -1;
        }
      }
      int count = Math.min(length, current.length - position);
      System.arraycopy(current, position, into, from, count);
      position += count;
      return count;
    }

    @Override
    public int available() {
      return current.length - position;
    }
  }

  @Override
  public OutputStream getOutputStream() {
    return input;
  }

  @Override
  public InputStream getInputStream() {
    return output;
  }

  @Override
  public InputStream getErrorStream() {
    return error;
  }

  @Override
  public int waitFor() throws InterruptedException {
    ended.await();
    return status;
  }

  @Override
  public boolean waitFor(long timeout, TimeUnit unit) throws InterruptedException {
    return ended.await(timeout, unit);
  }

  @Override
  public int exitValue() {
    if (ended.getCount() > 0) {
      throw new IllegalThreadStateException("program " + number + " runs");
    }
    return status;
  }

  @Override
  public void destroy() {
    say(Kind.TERMINATE);
  }

  @Override
  public Process destroyForcibly() {
    say(Kind.KILL);
    return this;
  }

  @Override
  public boolean isAlive() {
    return ended.getCount() > 0;
  }
}

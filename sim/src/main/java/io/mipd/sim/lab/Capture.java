package io.mipd.sim.lab;

import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A capture that {@code tcpdump} is still writing, and parts of it.
 *
 * <pre>
 *   file header (24 octets): magic, version, zone, accuracy, longest packet, link type
 *   record header (16 octets): seconds, microseconds, captured length, length on the wire
 * </pre>
 */
final class Capture {
  private static final int FILE_HEADER = 24;
  private static final int RECORD_HEADER = 16;
  private static final int MICROSECONDS = 4;
  private static final int CAPTURED_LENGTH = 8;
  private static final int MAGIC_MICROSECONDS = 0xa1b2c3d4;
  private static final int LONGEST = 1 << 18;

  private final Path file;

  Capture(Path file) {
    this.file = file;
  }

  Path file() {
    return file;
  }

  /**
   * The command that captures one interface to its standard output. (It would want to own a file.)
   *
   * @param bufferKib what may wait to be written: the more, the slower the machine
   */
  ImmutableList<String> command(String device, int bufferKib) {
    return ImmutableList.of(
        "tcpdump",
        "-i",
        device,
        "-n",
        "-U",
        "-Z",
        "root",
        "-B",
        Integer.toString(bufferKib),
        "-w",
        "-");
  }

  /** The end of the last whole record, from {@code from} on; 0 if there is no file header yet. */
  long end(long from) throws IOException {
    return written(from).end();
  }

  /**
   * Whether what was captured before a time has been written: a whole record, from {@code from} on,
   * is not older.
   *
   * @param nanos since the epoch
   */
  boolean reaches(long from, long nanos) throws IOException {
    return written(from).newest() >= nanos;
  }

  /**
   * What there is from a record on.
   *
   * @param end of the last whole one
   * @param newest when that was captured, in nanoseconds since the epoch; 0 if there is none
   */
  private record Written(long end, long newest) {}

  private Written written(long from) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size < FILE_HEADER) {
        return new Written(0, 0);
      }
      ByteBuffer header = ByteBuffer.allocate(RECORD_HEADER).order(order(channel));
      long position = Math.max(from, FILE_HEADER);
      long newest = 0;
      while (position + RECORD_HEADER <= size) {
        header.clear();
        channel.read(header, position);
        int length = header.getInt(CAPTURED_LENGTH);
        if (length < 0 || length > LONGEST) {
          throw new IOException(file + ": no record at " + position);
        }
        if (position + RECORD_HEADER + length > size) {
          break;
        }
        position += RECORD_HEADER + length;
        newest =
            Integer.toUnsignedLong(header.getInt(0)) * 1_000_000_000L
                + Integer.toUnsignedLong(header.getInt(MICROSECONDS)) * 1_000;
      }
      return new Written(position, newest);
    }
  }

  private ByteOrder order(FileChannel channel) throws IOException {
    ByteBuffer magic = ByteBuffer.allocate(4);
    channel.read(magic, 0);
    if (magic.order(ByteOrder.LITTLE_ENDIAN).getInt(0) == MAGIC_MICROSECONDS) {
      return ByteOrder.LITTLE_ENDIAN;
    }
    if (magic.order(ByteOrder.BIG_ENDIAN).getInt(0) == MAGIC_MICROSECONDS) {
      return ByteOrder.BIG_ENDIAN;
    }
    throw new IOException(file + ": not a capture with microseconds");
  }

  /** Copies the records between two ends into a capture of their own. */
  void slice(long from, long until, Path target) throws IOException {
    try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ);
        FileChannel out =
            FileChannel.open(
                target,
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE,
                StandardOpenOption.TRUNCATE_EXISTING)) {
      copy(in, 0, FILE_HEADER, out);
      long start = Math.max(from, FILE_HEADER);
      copy(in, start, until - start, out);
    }
  }

  private static void copy(FileChannel in, long from, long length, FileChannel out)
      throws IOException {
    long done = 0;
    while (done < length) {
      long moved = in.transferTo(from + done, length - done, out);
      if (moved <= 0) {
        throw new IOException("the capture has become shorter");
      }
      done += moved;
    }
  }
}

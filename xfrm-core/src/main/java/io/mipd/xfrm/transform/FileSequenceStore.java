package io.mipd.xfrm.transform;

import io.mipd.xfrm.crypto.KeyFingerprint;
import io.mipd.xfrm.model.SecurityAssociation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Sequence numbers that go on across restarts, a file for each association and direction. With keys
 * configured by hand a number must never be sent twice, or anti-replay is of no use (RFC 4303
 * section 3.3.3).
 *
 * <p>A sender reserves numbers in blocks: the block's last number is on the disk before its first
 * is used, so what a crash loses is at most the rest of a block. A receiver keeps its window's
 * right edge in a mapped file, which the kernel writes even if this process is killed; after a
 * restart all up to the edge are refused. (A crash of the whole machine may set the edge back by
 * what was not yet written, up to the kernel's write-back time.)
 *
 * <p>Files are named by protocol, SPI and a fingerprint of the keys, so that new keys begin afresh
 * and movement changes nothing. They hold no secret; their mode is 0600.
 */
public final class FileSequenceStore implements SequenceStore {
  /** Numbers reserved at a time: one write to the disk for so many packets. */
  static final int BLOCK = 1 << 16;

  private static final long MAGIC = 0x6d69_7064_7365_7131L; // "mipdseq1"
  private static final int LENGTH = 16;

  private final Path directory;

  /**
   * @param directory is made if it is not there
   * @throws IOException if that fails
   */
  public FileSequenceStore(Path directory) throws IOException {
    Files.createDirectories(directory);
    this.directory = directory;
  }

  /**
   * @throws UncheckedIOException if its file cannot be used
   */
  @Override
  public SequenceSource outbound(SecurityAssociation association) {
    Path file = file("out", association);
    try {
      FileChannel channel = open(file);
      return new Reserved(channel, read(channel, file), SequenceLimits.last(association));
    } catch (IOException e) {
      throw new UncheckedIOException("sequence numbers in " + file + ": " + e.getMessage(), e);
    }
  }

  /**
   * @throws UncheckedIOException if its file cannot be used
   */
  @Override
  public AntiReplay inbound(SecurityAssociation association) {
    if (association.replayWindow() == 0) {
      return new ReplayWindow(0, false, 0);
    }
    Path file = file("in", association);
    try (FileChannel channel = open(file)) {
      long edge = read(channel, file);
      MappedByteBuffer mapped = channel.map(FileChannel.MapMode.READ_WRITE, 0, LENGTH);
      return new Mapped(association, edge, mapped);
    } catch (IOException e) {
      throw new UncheckedIOException("anti-replay window in " + file + ": " + e.getMessage(), e);
    }
  }

  /**
   * The same numbers for an association that the kernel holds.
   *
   * @throws IOException if its files cannot be used
   */
  public SequenceLedger ledger(SecurityAssociation association) throws IOException {
    Path out = file("out", association);
    long reserved;
    try (FileChannel channel = open(out)) {
      reserved = read(channel, out);
    }
    if (association.replayWindow() == 0) {
      return new Ledger(out, reserved, null, 0);
    }
    Path in = file("in", association);
    try (FileChannel channel = open(in)) {
      long taken = read(channel, in);
      return new Ledger(
          out, reserved, channel.map(FileChannel.MapMode.READ_WRITE, 0, LENGTH), taken);
    }
  }

  private Path file(String direction, SecurityAssociation association) {
    String fingerprint = KeyFingerprint.of(association.encryptionKey(), association.integrityKey());
    return directory.resolve(
        "%s-%s-%08x-%s"
            .formatted(
                direction,
                association.id().protocol().kernelName(),
                association.id().spi().value(),
                fingerprint));
  }

  private static FileChannel open(Path file) throws IOException {
    Set<StandardOpenOption> options =
        EnumSet.of(StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
    return FileChannel.open(
        file,
        options,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
  }

  /** The number that the file holds; a new file is given its form first. */
  private static long read(FileChannel channel, Path file) throws IOException {
    if (channel.size() == 0) {
      // In one write, so that being killed leaves all of it or nothing; and its name is made to
      // last as well, for a file that a power failure takes away would begin at 1 again.
      write(channel, 0, ByteBuffer.allocate(LENGTH).putLong(0, MAGIC));
      channel.force(false);
      try (FileChannel parent = FileChannel.open(directory(file), StandardOpenOption.READ)) {
        parent.force(true);
      }
      return 0;
    }
    var content = ByteBuffer.allocate(LENGTH);
    while (content.hasRemaining() && channel.read(content, content.position()) > 0) {
      // reads on
    }
    content.flip();
    if (content.limit() < LENGTH || content.getLong(0) != MAGIC || content.getLong(8) < 0) {
      throw new IOException(
          "it is not a file of mipd's. If its numbers are lost, change the keys of this association,"
              + " then remove "
              + file.getFileName());
    }
    return content.getLong(8);
  }

  private static Path directory(Path file) {
    Path parent = file.getParent();
    return parent == null ? Path.of(".") : parent;
  }

  private static void write(FileChannel channel, long at, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer, at + buffer.position());
    }
  }

  private static final class Reserved implements SequenceSource {
    private final FileChannel channel;
    private final long last;
    private long number;
    private long reserved;

    Reserved(FileChannel channel, long reserved, long last) {
      this.channel = channel;
      this.last = last;
      this.reserved = reserved;
      number = reserved;
    }

    @Override
    public long next() {
      if (number == reserved && !reserve()) {
        return EXHAUSTED;
      }
      return ++number;
    }

    private boolean reserve() {
      long wanted = Math.min(last, reserved + BLOCK);
      if (wanted == reserved) {
        return false;
      }
      try {
        write(channel, 8, ByteBuffer.allocate(8).putLong(0, wanted));
        channel.force(false);
      } catch (IOException e) {
        return false; // Without a reservation nothing may be sent; it is tried again with the next.
      }
      reserved = wanted;
      return true;
    }
  }

  /** Opens its file only to write: a home agent has tens of thousands of them. */
  private static final class Ledger implements SequenceLedger {
    private final Path file;
    private final @Nullable MappedByteBuffer inbound;
    private long reserved;
    private long taken;

    Ledger(Path file, long reserved, @Nullable MappedByteBuffer inbound, long taken) {
      this.file = file;
      this.reserved = reserved;
      this.inbound = inbound;
      this.taken = taken;
    }

    @Override
    public long reserved() {
      return reserved;
    }

    @Override
    public void reserve(long last) throws IOException {
      if (last > reserved) {
        set(last, true);
      }
    }

    /** Not forced to the disk: if that is lost, what was reserved is skipped. */
    @Override
    public void settle(long last) throws IOException {
      set(last, false);
    }

    private void set(long last, boolean forced) throws IOException {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        write(channel, 8, ByteBuffer.allocate(8).putLong(0, last));
        if (forced) {
          channel.force(false);
        }
      }
      reserved = last;
    }

    @Override
    public long taken() {
      return taken;
    }

    @Override
    public void take(long highest) {
      if (inbound != null && highest > taken) {
        taken = highest;
        inbound.putLong(8, highest);
      }
    }
  }

  private static final class Mapped extends ReplayWindow {
    private final MappedByteBuffer file;

    Mapped(SecurityAssociation association, long edge, MappedByteBuffer file) {
      super(association.replayWindow(), association.extendedSequenceNumbers(), edge);
      this.file = file;
    }

    @Override
    protected void edgeMoved(long newEdge) {
      file.putLong(8, newEdge);
    }
  }
}

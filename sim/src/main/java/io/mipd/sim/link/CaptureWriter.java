package io.mipd.sim.link;

import io.mipd.sim.event.EventQueue;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

// magic (4) version (2, 2) zone (4) accuracy (4) longest (4) link type (4)
// then for each frame: seconds (4) nanoseconds (4) captured (4) on the wire (4) octets
//
// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-03.txt sections 4 and 5; big endian.
/** A capture in the making: pcap with nanoseconds of virtual time, link type Ethernet. */
public final class CaptureWriter implements AutoCloseable {
  private static final int MAGIC_NANOSECONDS = 0xa1b23c4d;
  private static final int LONGEST = 1 << 18;
  private static final int ETHERNET = 1;

  private final EventQueue events;
  private final OutputStream out;

  /**
   * Begins a file; one that is there is replaced.
   *
   * @throws IOException if it cannot be written
   */
  public CaptureWriter(Path file, EventQueue events) throws IOException {
    this.events = events;
    out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16);
    ByteBuf header = Unpooled.buffer(24);
    header.writeInt(MAGIC_NANOSECONDS).writeShort(2).writeShort(4).writeInt(0).writeInt(0);
    header.writeInt(LONGEST).writeInt(ETHERNET);
    write(header);
  }

  /** Has all frames of an interface, in both directions. */
  public void capture(Interface one) {
    one.tap(this::frame);
  }

  private void frame(Frame frame) {
    Instant now = events.now();
    ByteBuf record = Unpooled.buffer(16 + frame.length());
    record.writeInt((int) now.getEpochSecond()).writeInt(now.getNano());
    record.writeInt(frame.length()).writeInt(frame.length());
    record.writeBytes(frame.whole());
    try {
      write(record);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void write(ByteBuf octets) throws IOException {
    octets.readBytes(out, octets.readableBytes());
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}

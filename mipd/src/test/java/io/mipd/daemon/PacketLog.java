package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Predicate;

/**
 * What tcpdump sees of IPv6 on an interface.
 *
 * <pre>
 *   file header (24 octets): magic, version, zone, accuracy, longest packet, link type
 *   record header (16 octets): seconds, microseconds, captured length, length on the wire
 * </pre>
 */
final class PacketLog implements AutoCloseable {
  private static final int FILE_HEADER = 24;
  private static final int LINK_TYPE = 20;
  private static final int ETHERNET = 1;
  private static final int ETHERNET_HEADER = 14;
  private static final int RECORD_HEADER = 16;
  private static final int CAPTURED_LENGTH = 8;

  private final Path file;
  private final Process tcpdump;

  private PacketLog(Path file, Process tcpdump) {
    this.file = file;
    this.tcpdump = tcpdump;
  }

  static PacketLog start(TestNet net, String node, String device, String name) throws Exception {
    Path file = net.folder().resolve(name + ".pcap");
    Process tcpdump =
        net.start(
            node,
            name,
            "tcpdump",
            "-i",
            device,
            "-n",
            "-U",
            "--immediate-mode",
            "-Z",
            "root",
            "-w",
            file.toString(),
            "ip6");
    net.until(name + " captures", TestNet.LONG, () -> net.said(name).contains("listening on"));
    return new PacketLog(file, tcpdump);
  }

  Path file() {
    return file;
  }

  /** All so far, from the IPv6 header on, oldest first. */
  ImmutableList<byte[]> packets() throws IOException {
    ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.nativeOrder());
    var packets = ImmutableList.<byte[]>builder();
    if (in.limit() < FILE_HEADER) {
      return packets.build();
    }
    int skip = in.getInt(LINK_TYPE) == ETHERNET ? ETHERNET_HEADER : 0;
    int at = FILE_HEADER;
    while (at + RECORD_HEADER <= in.limit()) {
      int end = at + RECORD_HEADER + in.getInt(at + CAPTURED_LENGTH);
      if (end > in.limit()) {
        break;
      }
      packets.add(Arrays.copyOfRange(in.array(), at + RECORD_HEADER + skip, end));
      at = end;
    }
    return packets.build();
  }

  ImmutableList<byte[]> packets(Predicate<byte[]> which) throws IOException {
    return packets().stream().filter(which).collect(ImmutableList.toImmutableList());
  }

  /** The newest. */
  byte[] last(Predicate<byte[]> which) throws IOException {
    ImmutableList<byte[]> all = packets(which);
    if (all.isEmpty()) {
      throw new AssertionError("none in " + file);
    }
    return all.get(all.size() - 1);
  }

  /** Whether the text stands in any packet in clear. */
  boolean shows(String text) throws IOException {
    String all = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    return all.contains(text);
  }

  // Of packets.

  static Predicate<byte[]> from(Ipv6Address source) {
    return packet -> Ipv6Address.read(packet, 8).equals(source);
  }

  static Predicate<byte[]> to(Ipv6Address destination) {
    return packet -> Ipv6Address.read(packet, 24).equals(destination);
  }

  static Predicate<byte[]> contains(String text) {
    return packet -> new String(packet, StandardCharsets.ISO_8859_1).contains(text);
  }

  /** ESP directly behind the IPv6 header or behind one more header of 24 octets. */
  static Predicate<byte[]> esp(int spi) {
    return packet -> {
      int at = espOffset(packet);
      return at > 0 && at + 8 <= packet.length && ByteBuffer.wrap(packet).getInt(at) == spi;
    };
  }

  /** Of a packet that {@link #esp} admits. */
  static int sequence(byte[] packet) {
    return ByteBuffer.wrap(packet).getInt(espOffset(packet) + 4);
  }

  private static int espOffset(byte[] packet) {
    if (packet.length < 48) {
      return 0;
    }
    if (packet[6] == 50) {
      return 40;
    }
    boolean option = packet[6] == 60 || packet[6] == 43;
    return option && packet[40] == 50 && packet[41] == 2 ? 64 : 0;
  }

  @Override
  public void close() {
    tcpdump.destroy();
    tcpdump.onExit().join();
  }
}

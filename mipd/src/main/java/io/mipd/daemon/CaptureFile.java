package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.packet.ExtensionHeader;
import io.mipd.xfrm.packet.Ipv6Packet;
import io.mipd.xfrm.packet.Ipv6PacketCodec;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

// pcap:   magic (4) version (4) zone (4) accuracy (4) longest (4) link type (4)
//         then for each packet: seconds (4) fraction (4) captured (4) on the wire (4) octets
// pcapng: blocks: type (4) length (4) body, padded to 4, length again (4)
//         Section Header  0x0a0d0d0a: byte order magic (4) ...
//         Interface       1: link type (2) reserved (2) longest (4) options
//         Simple Packet   3: on the wire (4) octets
//         Enhanced Packet 6: interface (4) time (8) captured (4) on the wire (4) octets options
/** The IPv6 packets of a capture, pcap or pcapng. */
final class CaptureFile {
  private static final int PCAP_HEADER = 24;
  private static final int PCAP_LINK_TYPE = 20;
  private static final int PCAP_RECORD = 16;
  private static final int MICROSECONDS = 0xa1b2c3d4;
  private static final int NANOSECONDS = 0xa1b23c4d;
  private static final int SECTION = 0x0a0d0d0a;
  private static final int BYTE_ORDER = 0x1a2b3c4d;
  private static final int INTERFACE = 1;
  private static final int SIMPLE_PACKET = 3;
  private static final int ENHANCED_PACKET = 6;
  private static final int BLOCK = 12;

  /** More than any packet that an interface hands over. */
  private static final int LONGEST = 1 << 18;

  private static final int ETHERTYPE_IPV6 = 0x86dd;
  private static final int ETHERTYPE_VLAN = 0x8100;
  private static final int ETHERTYPE_SERVICE_VLAN = 0x88a8;

  /** The IPv6 header, and its Payload Length field (RFC 8200 section 3). */
  private static final int IPV6_HEADER = 40;

  private static final int PAYLOAD_LENGTH = 4;

  private final Path file;
  private final ByteBuffer in;
  private final ImmutableList.Builder<Captured> packets = ImmutableList.builder();
  private int number;

  /**
   * @param number from 1, as other programs count: packets that are not IPv6 count, too
   * @param flow of its stable addresses: a home address, where an extension header has one
   * @param length octets of the whole packet
   */
  record Captured(int number, Flow flow, int length) {}

  private CaptureFile(Path file, byte[] octets) {
    this.file = file;
    in = ByteBuffer.wrap(octets);
  }

  /**
   * @throws IOException if it is no capture; one that ends within a packet is read up to there
   */
  static ImmutableList<Captured> read(Path file) throws IOException {
    return read(file, Files.readAllBytes(file));
  }

  /**
   * @param file names the octets in complaints
   */
  static ImmutableList<Captured> read(Path file, byte[] octets) throws IOException {
    var capture = new CaptureFile(file, octets);
    capture.read();
    return capture.packets.build();
  }

  private void read() throws IOException {
    if (in.limit() >= BLOCK && in.getInt(0) == SECTION) {
      blocks();
      return;
    }
    for (ByteOrder order : List.of(ByteOrder.BIG_ENDIAN, ByteOrder.LITTLE_ENDIAN)) {
      in.order(order);
      if (in.limit() >= PCAP_HEADER
          && (in.getInt(0) == MICROSECONDS || in.getInt(0) == NANOSECONDS)) {
        records();
        return;
      }
    }
    throw new IOException(file + ": neither pcap nor pcapng");
  }

  private void records() throws IOException {
    int linkType = in.getInt(PCAP_LINK_TYPE) & 0xffff;
    in.position(PCAP_HEADER);
    while (in.remaining() >= PCAP_RECORD) {
      int length = in.getInt(in.position() + 8);
      checkLength(length);
      in.position(in.position() + PCAP_RECORD);
      if (in.remaining() < length) {
        return;
      }
      packet(linkType, in.position(), length);
      in.position(in.position() + length);
    }
  }

  private void blocks() throws IOException {
    List<Integer> linkTypes = new ArrayList<>();
    ByteOrder sectionOrder = ByteOrder.BIG_ENDIAN;
    while (in.remaining() >= BLOCK) {
      int at = in.position();
      if (in.order(ByteOrder.BIG_ENDIAN).getInt(at) == SECTION) {
        sectionOrder =
            in.getInt(at + 8) == BYTE_ORDER ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
        linkTypes.clear();
      }
      in.order(sectionOrder);
      int length = in.getInt(at + 4);
      if (length < BLOCK || length % 4 != 0 || length > in.remaining()) {
        if (length >= BLOCK && length % 4 == 0) {
          return;
        }
        throw new IOException(file + ": no block at octet " + at);
      }
      block(in.getInt(at), at + 8, length - BLOCK, linkTypes);
      in.position(at + length);
    }
  }

  private void block(int type, int body, int length, List<Integer> linkTypes) throws IOException {
    if (type == INTERFACE && length >= 8) {
      linkTypes.add(in.getShort(body) & 0xffff);
    } else if (type == SIMPLE_PACKET && length >= 4 && !linkTypes.isEmpty()) {
      packet(linkTypes.get(0), body + 4, Math.min(in.getInt(body), length - 4));
    } else if (type == ENHANCED_PACKET && length >= 20) {
      int index = in.getInt(body);
      int captured = in.getInt(body + 12);
      if (index < 0 || index >= linkTypes.size() || captured < 0 || captured > length - 20) {
        throw new IOException(file + ": a packet of no interface at octet " + body);
      }
      packet(linkTypes.get(index), body + 20, captured);
    }
  }

  private void checkLength(int length) throws IOException {
    if (length < 0 || length > LONGEST) {
      throw new IOException(file + ": no packet at octet " + in.position());
    }
  }

  private void packet(int linkType, int at, int length) throws IOException {
    number++;
    int skip = networkHeader(linkType, at, length);
    if (skip >= 0 && length - skip >= IPV6_HEADER && (in.get(at + skip) & 0xf0) == 0x60) {
      decode(Unpooled.wrappedBuffer(in.array(), at + skip, length - skip)).ifPresent(packets::add);
    }
  }

  /** Where the IPv6 header begins; -1 if it is another protocol's. */
  private int networkHeader(int linkType, int at, int length) throws IOException {
    return switch (linkType) {
      case 1 -> etherType(at, 12, length);
      case 113 -> etherType(at, 14, length);
      case 276 -> length >= 20 && bigEndian(at) == ETHERTYPE_IPV6 ? 20 : -1;
      case 0, 108 -> 4;
      case 12, 14, 101, 229 -> 0;
      default ->
          throw new IOException(
              file
                  + ": link type "
                  + linkType
                  + "; known: Ethernet, Linux cooked (1 and 2), raw IP, loopback");
    };
  }

  private int etherType(int at, int field, int length) {
    int skip = field;
    while (skip + 2 <= length) {
      int type = bigEndian(at + skip);
      if (type == ETHERTYPE_IPV6) {
        return skip + 2;
      }
      if (type != ETHERTYPE_VLAN && type != ETHERTYPE_SERVICE_VLAN) {
        return -1;
      }
      skip += 4;
    }
    return -1;
  }

  private int bigEndian(int at) {
    return (in.get(at) & 0xff) << 8 | (in.get(at + 1) & 0xff);
  }

  /** What was cut short when it was captured has the length that its header tells. */
  private Optional<Captured> decode(ByteBuf octets) {
    int length = IPV6_HEADER + octets.getUnsignedShort(octets.readerIndex() + PAYLOAD_LENGTH);
    if (octets.readableBytes() < length) {
      octets = Unpooled.wrappedBuffer(octets, Unpooled.buffer(length).writeZero(length));
    }
    try {
      return Optional.of(new Captured(number, flow(Ipv6PacketCodec.decode(octets)), length));
    } catch (MalformedPacketException e) {
      return Optional.empty();
    }
  }

  private static Flow flow(Ipv6Packet packet) {
    Flow plain = Flow.of(packet.stableSource(), packet.stableDestination(), protocol(packet));
    var payload = packet.payload();
    boolean later =
        packet
            .extension(ExtensionHeader.Fragment.class)
            .map(fragment -> fragment.offset() > 0)
            .orElse(false);
    if (later || plain.protocol() != packet.protocol() || payload.length() < 4) {
      return plain;
    }
    int first = payload.at(0) << 8 | payload.at(1);
    int second = payload.at(2) << 8 | payload.at(3);
    if (IpProtocol.hasPorts(plain.protocol())) {
      return Flow.withPorts(plain.source(), plain.destination(), plain.protocol(), first, second);
    }
    return switch (plain.protocol()) {
      case IpProtocol.ICMPV6 ->
          Flow.icmpv6(plain.source(), plain.destination(), payload.at(0), payload.at(1));
      // MH Type is the third octet (RFC 6275 section 6.1.1).
      case IpProtocol.MOBILITY -> Flow.mobility(plain.source(), plain.destination(), payload.at(2));
      default -> plain;
    };
  }

  /** To a policy AH is a protocol of its own, and what it protects cannot be seen. */
  private static int protocol(Ipv6Packet packet) {
    return packet.extension(ExtensionHeader.Authentication.class).isPresent()
        ? IpProtocol.AH
        : packet.protocol();
  }
}

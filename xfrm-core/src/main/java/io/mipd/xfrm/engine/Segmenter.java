package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.transform.Discard;
import io.mipd.xfrm.transform.PacketBuffer;
import io.mipd.xfrm.transform.PacketBuffer.Segmentation;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a super-packet into the segments that the local stack meant, and completes the transport
 * checksum that it left undone: what a network interface does for it.
 */
public final class Segmenter {
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //  |          Source Port          |       Destination Port        |
  //  |                        Sequence Number                        |
  //  |                     Acknowledgment Number                     |
  //  |  Data |       |C|E|U|A|P|R|S|F|                               |
  //  | Offset| Rsrvd |W|C|R|C|S|S|Y|I|            Window             |
  //  |       |       |R|E|G|K|H|T|N|N|                               |
  //  |           Checksum            |         Urgent Pointer        |
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //
  // RFC 9293 section 3.1.
  private static final int TCP_SEQUENCE = 4;
  private static final int TCP_DATA_OFFSET = 12;
  private static final int TCP_FLAGS = 13;
  private static final int TCP_CHECKSUM = 16;
  private static final int TCP_HEADER = 20;
  private static final int CWR = 0x80;
  private static final int PSH_AND_FIN = 0x09;

  //  +--------+--------+--------+--------+
  //  |   Source Port   | Destination Port|
  //  |     Length      |    Checksum     |
  //  +--------+--------+--------+--------+
  //
  // RFC 768.
  private static final int UDP_LENGTH = 4;
  private static final int UDP_CHECKSUM = 6;
  private static final int UDP_HEADER = 8;

  private final PacketBuffer segment = new PacketBuffer();
  private @Nullable PacketBuffer whole;
  private boolean tcp;
  private int transport;
  private int headers;
  private int size;
  private int at;
  private long pseudoSum;

  /**
   * Completes the checksum of a packet that is no super-packet.
   *
   * @return null if it was whole or is now
   */
  public static @Nullable Discard completeChecksum(PacketBuffer p) {
    if (!p.isChecksumPartial()) {
      return null;
    }
    int from = p.start() + p.checksumStart();
    int field = from + p.checksumOffset();
    if (p.checksumStart() < Wire.IPV6_HEADER
        || p.checksumOffset() < 0
        || field + 2 > p.end()
        || field < from) {
      return Discard.MALFORMED_CHECKSUM;
    }
    // The field holds the pseudo-header's sum and is summed with the rest (virtio 1.2, 5.1.6.2).
    int checksum = ~Wire.fold(Wire.sum(p.array(), from, p.end(), 0)) & 0xffff;
    // Zero would mean "no checksum" to UDP (RFC 8200 section 8.1).
    boolean udp = p.checksumOffset() == UDP_CHECKSUM;
    Wire.putShort(p.array(), field, checksum == 0 && udp ? 0xffff : checksum);
    p.completeChecksum();
    return null;
  }

  /** Takes a super-packet whose transport header stands at {@code transportOffset}. */
  @Nullable Discard begin(PacketBuffer superPacket, int protocol, int transportOffset) {
    byte[] octets = superPacket.array();
    tcp = superPacket.segmentation() == Segmentation.TCP;
    transport = transportOffset;
    size = superPacket.segmentSize();
    int available = superPacket.end() - transportOffset;
    if (size <= 0
        || protocol != (tcp ? IpProtocol.TCP : IpProtocol.UDP)
        || available < (tcp ? TCP_HEADER : UDP_HEADER)
        || (superPacket.isChecksumPartial()
            && superPacket.start() + superPacket.checksumStart() != transportOffset)) {
      return Discard.MALFORMED_SEGMENTATION;
    }
    int transportHeader =
        tcp ? (Wire.octet(octets, transportOffset + TCP_DATA_OFFSET) >>> 4) * 4 : UDP_HEADER;
    if (transportHeader < (tcp ? TCP_HEADER : UDP_HEADER) || transportHeader >= available) {
      return Discard.MALFORMED_SEGMENTATION;
    }
    headers = transportOffset + transportHeader - superPacket.start();
    at = transportOffset + transportHeader;
    whole = superPacket;
    pseudoSum =
        superPacket.isChecksumPartial()
            ? Wire.getShort(octets, transportOffset + checksumField()) + (~available & 0xffffL)
            : Wire.pseudoHeader(octets, superPacket.start(), protocol, 0);
    return null;
  }

  private int checksumField() {
    return tcp ? TCP_CHECKSUM : UDP_CHECKSUM;
  }

  /** Octets of the largest segment, from its IPv6 header on. */
  int segmentLength() {
    PacketBuffer p = whole;
    return p == null ? 0 : headers + Math.min(size, p.length() - headers);
  }

  /** The next segment, valid until the call after; null when there are no more. */
  @Nullable PacketBuffer next() {
    PacketBuffer p = whole;
    if (p == null || at >= p.end()) {
      whole = null;
      return null;
    }
    byte[] in = p.array();
    int payload = Math.min(size, p.end() - at);
    boolean first = at - p.start() == headers;
    boolean last = at + payload == p.end();
    segment.clear();
    segment.setMark(p.mark());
    int to = segment.append(headers + payload);
    byte[] out = segment.array();
    System.arraycopy(in, p.start(), out, to, headers);
    System.arraycopy(in, at, out, to + headers, payload);
    Wire.putShort(out, to + Wire.PAYLOAD_LENGTH, headers - Wire.IPV6_HEADER + payload);
    int header = to + transport - p.start();
    if (tcp) {
      int passed = at - p.start() - headers;
      Wire.putInt(out, header + TCP_SEQUENCE, Wire.getInt(out, header + TCP_SEQUENCE) + passed);
      int flags = Wire.octet(out, header + TCP_FLAGS);
      flags &= first ? 0xff : ~CWR;
      flags &= last ? 0xff : ~PSH_AND_FIN;
      out[header + TCP_FLAGS] = (byte) flags;
    } else {
      Wire.putShort(out, header + UDP_LENGTH, segment.end() - header);
    }
    int field = header + checksumField();
    Wire.putShort(out, field, 0);
    long sum = pseudoSum + (segment.end() - header);
    int checksum = ~Wire.fold(Wire.sum(out, header, segment.end(), sum)) & 0xffff;
    Wire.putShort(out, field, checksum == 0 && !tcp ? 0xffff : checksum);
    at += payload;
    return segment;
  }
}

package io.mipd.sim.node;

import static com.google.common.base.Preconditions.checkArgument;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Checksum;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Optional;

// +-------------------------------+-------------------------------+
// |          Source Port          |       Destination Port        |
// +-------------------------------+-------------------------------+
// |                        Sequence Number                        |
// +---------------------------------------------------------------+
// |                     Acknowledgment Number                     |
// +-------+-------+---------------+-------------------------------+
// | Offset| Rsrvd | ... |A| . |S|.|            Window             |
// +-------+-------+---------------+-------------------------------+
// |           Checksum            |        Urgent Pointer         |
// +-------------------------------+-------------------------------+
// |                     Options, to 4 octets                      |
// +---------------------------------------------------------------+
//
// RFC 9293. Of options a SYN has its largest segment (kind 2) and the scale of windows (kind 3).
/**
 * A segment of TCP.
 *
 * @param sequence 32 bits
 * @param acknowledgement 32 bits; of no meaning without {@code ack}
 * @param window as it is on the wire, 16 bits
 * @param largest octets of data that its sender takes in one, in a SYN; 0 otherwise
 */
public record TcpSegment(
    int sourcePort,
    int destinationPort,
    long sequence,
    long acknowledgement,
    boolean syn,
    boolean ack,
    int window,
    int largest,
    Octets data) {
  /** Of every window but that of a SYN: shifted by so many bits. */
  public static final int WINDOW_SCALE = 7;

  private static final int HEADER = 20;
  private static final int OPTIONS = 8;
  private static final int CHECKSUM = 16;
  private static final int SYN = 0x02;
  private static final int ACK = 0x10;
  private static final long WORD = 0xffff_ffffL;

  public TcpSegment {
    checkArgument(isPort(sourcePort) && isPort(destinationPort), "no port");
    checkArgument(sequence >= 0 && sequence <= WORD, "not 32 bits: %s", sequence);
    checkArgument(
        acknowledgement >= 0 && acknowledgement <= WORD, "not 32 bits: %s", acknowledgement);
    checkArgument(window >= 0 && window <= 0xffff, "not 16 bits: %s", window);
    checkArgument(syn == (largest > 0) && largest <= 0xffff, "not of a SYN: %s", largest);
  }

  private static boolean isPort(int port) {
    return port > 0 && port <= 0xffff;
  }

  /** Reads one; empty if it is none, or its checksum is wrong. */
  static Optional<TcpSegment> decode(Ipv6Address source, Ipv6Address destination, Octets octets) {
    ByteBuf in = Unpooled.wrappedBuffer(octets.toArray());
    if (in.readableBytes() < HEADER) {
      return Optional.empty();
    }
    int offset = (in.getUnsignedByte(12) >> 4) * 4;
    int flags = in.getUnsignedByte(13);
    boolean syn = (flags & SYN) != 0;
    if (offset < HEADER + (syn ? OPTIONS : 0)
        || offset > in.readableBytes()
        || in.getUnsignedShort(0) == 0
        || in.getUnsignedShort(2) == 0
        || (syn && in.getUnsignedShort(HEADER + 2) == 0)
        || Checksum.of(source, destination, IpProtocol.TCP, in) != 0) {
      return Optional.empty();
    }
    in.skipBytes(offset);
    return Optional.of(
        new TcpSegment(
            in.getUnsignedShort(0),
            in.getUnsignedShort(2),
            in.getUnsignedInt(4),
            in.getUnsignedInt(8),
            syn,
            (flags & ACK) != 0,
            in.getUnsignedShort(14),
            syn ? in.getUnsignedShort(HEADER + 2) : 0,
            Octets.read(in, in.readableBytes())));
  }

  Octets encode(Ipv6Address source, Ipv6Address destination) {
    int offset = HEADER + (syn ? OPTIONS : 0);
    ByteBuf out = Unpooled.buffer(offset + data.length());
    out.writeShort(sourcePort).writeShort(destinationPort);
    out.writeInt((int) sequence).writeInt((int) acknowledgement);
    out.writeByte((offset / 4) << 4).writeByte((syn ? SYN : 0) | (ack ? ACK : 0));
    out.writeShort(window).writeInt(0);
    if (syn) {
      out.writeByte(2).writeByte(4).writeShort(largest);
      out.writeByte(1).writeByte(3).writeByte(3).writeByte(WINDOW_SCALE);
    }
    data.writeTo(out);
    out.setShort(CHECKSUM, Checksum.of(source, destination, IpProtocol.TCP, out));
    return Octets.read(out, out.readableBytes());
  }
}

package io.mipd.sim.node;

import static com.google.common.base.Preconditions.checkArgument;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Checksum;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Optional;

// +---------------+---------------+
// |  Source Port  |   Dest. Port  |
// +---------------+---------------+
// |    Length     |   Checksum    |
// +---------------+---------------+
// |             Data              |
//
// RFC 768; RFC 8200 section 8.1: the checksum is not optional.
/** A UDP datagram. */
record UdpDatagram(int sourcePort, int destinationPort, Octets data) {
  private static final int HEADER = 8;
  private static final int CHECKSUM = 6;

  UdpDatagram {
    checkArgument(isPort(sourcePort) && isPort(destinationPort), "no port");
  }

  private static boolean isPort(int port) {
    return port > 0 && port <= 0xffff;
  }

  /** Reads one; empty if it is none, or its checksum is wrong. */
  static Optional<UdpDatagram> decode(Ipv6Address source, Ipv6Address destination, Octets octets) {
    ByteBuf in = Unpooled.wrappedBuffer(octets.toArray());
    if (in.readableBytes() < HEADER
        || in.getUnsignedShort(4) != in.readableBytes()
        || in.getUnsignedShort(0) == 0
        || in.getUnsignedShort(2) == 0
        || in.getUnsignedShort(CHECKSUM) == 0
        || Checksum.of(source, destination, IpProtocol.UDP, in) != 0) {
      return Optional.empty();
    }
    int from = in.readUnsignedShort();
    int to = in.readUnsignedShort();
    in.readerIndex(HEADER);
    return Optional.of(new UdpDatagram(from, to, Octets.read(in, in.readableBytes())));
  }

  Octets encode(Ipv6Address source, Ipv6Address destination) {
    ByteBuf out = Unpooled.buffer(HEADER + data.length());
    out.writeShort(sourcePort).writeShort(destinationPort);
    out.writeShort(HEADER + data.length()).writeShort(0);
    data.writeTo(out);
    int checksum = Checksum.of(source, destination, IpProtocol.UDP, out);
    // RFC 8200 section 8.1: zero would say that there is none.
    out.setShort(CHECKSUM, checksum == 0 ? 0xffff : checksum);
    return Octets.read(out, out.readableBytes());
  }
}

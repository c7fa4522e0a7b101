package io.mipd.sim.link;

import static com.google.common.base.Preconditions.checkArgument;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Optional;

// +-----------------------+-----------------------+-----------+-------------+
// |      Destination      |         Source        | EtherType | IPv6 packet |
// |           6           |           6           |     2     |             |
// +-----------------------+-----------------------+-----------+-------------+
//
// RFC 2464 section 3.
/** An Ethernet frame with an IPv6 packet. Nobody changes its octets. */
public final class Frame {
  /** Octets before the packet. */
  public static final int HEADER = 14;

  private static final int ETHERTYPE_IPV6 = 0x86dd;
  private static final int GROUP = 1;

  /** In the IPv6 header (RFC 8200 section 3). */
  private static final int DESTINATION = 24;

  private final byte[] octets;

  private Frame(byte[] octets) {
    this.octets = octets;
  }

  /**
   * Makes a frame around a packet, whose octets are copied.
   *
   * @param packet an IPv6 packet, all readable octets
   */
  public static Frame of(LinkLayerAddress source, LinkLayerAddress destination, ByteBuf packet) {
    byte[] octets = new byte[HEADER + packet.readableBytes()];
    ByteBuf out = Unpooled.wrappedBuffer(octets).clear();
    destination.octets().writeTo(out);
    source.octets().writeTo(out);
    out.writeShort(ETHERTYPE_IPV6);
    packet.getBytes(packet.readerIndex(), octets, HEADER, packet.readableBytes());
    return new Frame(octets);
  }

  public LinkLayerAddress destination() {
    return addressAt(0);
  }

  public LinkLayerAddress source() {
    return addressAt(LinkLayerAddress.LENGTH);
  }

  private LinkLayerAddress addressAt(int offset) {
    return new LinkLayerAddress(
        Octets.read(
            Unpooled.wrappedBuffer(octets, offset, LinkLayerAddress.LENGTH),
            LinkLayerAddress.LENGTH));
  }

  /** Whether it is for more than one. */
  public boolean isMulticast() {
    return (octets[0] & GROUP) != 0;
  }

  /** The group that its packet is for; empty if it is for one, or is no whole packet. */
  Optional<Ipv6Address> group() {
    if (octets.length < HEADER + DESTINATION + 16) {
      return Optional.empty();
    }
    return Optional.of(Ipv6Address.read(octets, HEADER + DESTINATION))
        .filter(Ipv6Address::isMulticast);
  }

  /** Octets with the header. */
  public int length() {
    return octets.length;
  }

  /** The IPv6 packet, read only. */
  public ByteBuf packet() {
    return Unpooled.wrappedBuffer(octets, HEADER, octets.length - HEADER).asReadOnly();
  }

  /** All of it, read only. */
  public ByteBuf whole() {
    return Unpooled.wrappedBuffer(octets).asReadOnly();
  }

  /** A copy of all of it. */
  public byte[] toArray() {
    return octets.clone();
  }

  /** Where the packets of a multicast group go (RFC 2464 section 7). */
  public static LinkLayerAddress groupOf(Ipv6Address group) {
    checkArgument(group.isMulticast(), "no group: %s", group);
    ByteBuf address = Unpooled.buffer(LinkLayerAddress.LENGTH);
    address.writeShort(0x3333).writeInt((int) group.low());
    return new LinkLayerAddress(Octets.read(address, LinkLayerAddress.LENGTH));
  }
}

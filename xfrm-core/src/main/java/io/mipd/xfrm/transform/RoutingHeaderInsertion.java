package io.mipd.xfrm.transform;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import org.jspecify.annotations.Nullable;

// +---------------+---------------+---------------+---------------+
// |  Next Header  | Hdr Ext Len=2 | Routing Type=2|Segments Left=1|
// +---------------+---------------+---------------+---------------+
// |                            Reserved                           |
// +---------------+---------------+---------------+---------------+
// |                        Home Address, 16 octets                |
//
// RFC 6275 section 6.4.1: behind another routing header, if there is one.
/** The care-of address becomes the destination, which goes into a type 2 routing header. */
public final class RoutingHeaderInsertion implements OutboundTransform {
  private static final int LENGTH = 24;
  private static final int DESTINATION = 24;

  private final byte[] careOf;
  private final HeaderWalk walk = new HeaderWalk();

  public RoutingHeaderInsertion(Ipv6Address careOf) {
    this.careOf = careOf.toOctets();
  }

  @Override
  public @Nullable Discard apply(PacketBuffer p) {
    if (!walk.find(p, HeaderWalk.Until.ROUTING_HEADER)) {
      return Discard.MALFORMED_EXTENSION_HEADER;
    }
    if (p.headroom() < LENGTH) {
      return Discard.NO_ROOM;
    }
    byte[] octets = p.array();
    int nextHeader = octets[walk.nextHeaderField()];
    octets[walk.nextHeaderField()] = IpProtocol.ROUTING;
    int at = Place.open(p, walk.offset(), LENGTH);
    octets[at] = (byte) nextHeader;
    octets[at + 1] = LENGTH / 8 - 1;
    octets[at + 2] = 2;
    octets[at + 3] = 1;
    Place.putInt(octets, at + 4, 0);
    System.arraycopy(octets, p.start() + DESTINATION, octets, at + 8, 16);
    System.arraycopy(careOf, 0, octets, p.start() + DESTINATION, 16);
    return Place.setPayloadLength(p) ? null : Discard.OUT_TOO_BIG;
  }

  @Override
  public int overhead(int length) {
    return LENGTH;
  }
}

package io.mipd.xfrm.transform;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import org.jspecify.annotations.Nullable;

// +---------------+---------------+---------------+---------------+
// |  Next Header  | Hdr Ext Len=2 |   PadN = 1    |       2       |
// +---------------+---------------+---------------+---------------+
// |       0       |       0       | Option = 0xC9 |      16       |
// +---------------+---------------+---------------+---------------+
// |                        Home Address, 16 octets                |
//
// RFC 6275 section 6.3: the option stands at 8n+6, behind routing headers, before Fragment, AH and
// ESP.
/** The care-of address becomes the source; the source goes into a Home Address option. */
public final class HomeAddressInsertion implements OutboundTransform {
  private static final int LENGTH = 24;
  private static final int SOURCE = 8;

  private final byte[] careOf;
  private final HeaderWalk walk = new HeaderWalk();

  public HomeAddressInsertion(Ipv6Address careOf) {
    this.careOf = careOf.toOctets();
  }

  @Override
  public @Nullable Discard apply(PacketBuffer p) {
    if (!walk.find(p, HeaderWalk.Until.HOME_ADDRESS_OPTION)) {
      return Discard.MALFORMED_EXTENSION_HEADER;
    }
    if (p.headroom() < LENGTH) {
      return Discard.NO_ROOM;
    }
    byte[] octets = p.array();
    int nextHeader = octets[walk.nextHeaderField()];
    octets[walk.nextHeaderField()] = IpProtocol.DESTINATION_OPTIONS;
    int at = Place.open(p, walk.offset(), LENGTH);
    octets[at] = (byte) nextHeader;
    octets[at + 1] = LENGTH / 8 - 1;
    Place.putInt(octets, at + 2, 0x0102_0000);
    octets[at + 6] = (byte) HeaderWalk.HOME_ADDRESS_OPTION;
    octets[at + 7] = 16;
    System.arraycopy(octets, p.start() + SOURCE, octets, at + 8, 16);
    System.arraycopy(careOf, 0, octets, p.start() + SOURCE, 16);
    return Place.setPayloadLength(p) ? null : Discard.OUT_TOO_BIG;
  }

  @Override
  public int overhead(int length) {
    return LENGTH;
  }
}

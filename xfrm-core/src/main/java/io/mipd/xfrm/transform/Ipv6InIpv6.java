package io.mipd.xfrm.transform;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import org.jspecify.annotations.Nullable;

/** A plain tunnel (RFC 2473). */
public final class Ipv6InIpv6 implements OutboundTransform {
  private final TunnelHeader header;

  public Ipv6InIpv6(Ipv6Address source, Ipv6Address destination) {
    header = new TunnelHeader(source, destination);
  }

  @Override
  public @Nullable Discard apply(PacketBuffer p) {
    if (p.headroom() < HeaderWalk.IPV6_HEADER) {
      return Discard.NO_ROOM;
    }
    int inner = p.start();
    int outer = p.prepend(HeaderWalk.IPV6_HEADER);
    header.write(p.array(), outer, inner, IpProtocol.IPV6);
    return Place.setPayloadLength(p) ? null : Discard.OUT_TOO_BIG;
  }

  @Override
  public int overhead(int length) {
    return HeaderWalk.IPV6_HEADER;
  }

  /**
   * Takes off all that is before the inner IPv6 header at {@code inner}, an offset in the array.
   *
   * @return null if that went well
   */
  public static @Nullable Discard decapsulate(PacketBuffer p, int inner) {
    byte[] octets = p.array();
    if (p.end() - inner < HeaderWalk.IPV6_HEADER || (octets[inner] & 0xf0) != 0x60) {
      return Discard.MALFORMED_IPV6;
    }
    if (!TunnelHeader.propagateCongestion(octets, p.start(), inner)) {
      return Discard.IN_STATE_PROTO_ERROR;
    }
    p.dropFront(inner - p.start());
    return null;
  }
}

package io.mipd.xfrm.transform;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.SecurityAssociation;
import org.jspecify.annotations.Nullable;

/**
 * AH on a packet that leaves (RFC 4302 section 3.3). Applied when Home Address option and type 2
 * routing header are in place, behind them.
 */
public final class AhOutbound implements OutboundTransform {
  private final AhIntegrity integrity;
  private final SequenceSource numbers;
  private final int spi;
  private final @Nullable TunnelHeader tunnel;
  private final HeaderWalk walk = new HeaderWalk();

  public AhOutbound(SecurityAssociation association, SequenceSource numbers) {
    integrity = new AhIntegrity(association);
    this.numbers = numbers;
    spi = association.id().spi().value();
    tunnel =
        association.mode() == Mode.TUNNEL
            ? new TunnelHeader(association.source(), association.destination())
            : null;
  }

  @Override
  public @Nullable Discard apply(PacketBuffer p) {
    int length = integrity.length();
    int room = length + (tunnel == null ? 0 : HeaderWalk.IPV6_HEADER);
    if (tunnel == null && !walk.find(p, HeaderWalk.Until.PROTECTION)) {
      return Discard.MALFORMED_EXTENSION_HEADER;
    }
    if (p.headroom() < room) {
      return Discard.NO_ROOM;
    }
    if (p.length() + room - HeaderWalk.IPV6_HEADER > 0xffff) {
      return Discard.OUT_TOO_BIG;
    }
    long sequence = numbers.next();
    if (sequence == SequenceSource.EXHAUSTED) {
      return Discard.OUT_STATE_SEQ_ERROR;
    }
    byte[] octets = p.array();
    int ah;
    int nextHeader;
    if (tunnel != null) {
      int inner = p.start();
      int outer = p.prepend(room);
      tunnel.write(octets, outer, inner, IpProtocol.AH);
      ah = outer + HeaderWalk.IPV6_HEADER;
      nextHeader = IpProtocol.IPV6;
    } else {
      nextHeader = octets[walk.nextHeaderField()] & 0xff;
      octets[walk.nextHeaderField()] = IpProtocol.AH;
      ah = Place.open(p, walk.offset(), length);
    }
    octets[ah] = (byte) nextHeader;
    octets[ah + 1] = (byte) (length / 4 - 2);
    Place.putShort(octets, ah + 2, 0);
    Place.putInt(octets, ah + 4, spi);
    Place.putInt(octets, ah + 8, (int) sequence);
    for (int i = AhIntegrity.FIXED; i < length; i++) {
      octets[ah + i] = 0;
    }
    Place.setPayloadLength(p);
    return integrity.write(p, ah, sequence);
  }

  @Override
  public int overhead(int length) {
    return integrity.length() + (tunnel == null ? 0 : HeaderWalk.IPV6_HEADER);
  }
}

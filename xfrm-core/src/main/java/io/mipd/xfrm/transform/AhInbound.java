package io.mipd.xfrm.transform;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.SecurityAssociation;
import org.jspecify.annotations.Nullable;

/**
 * AH of a packet that arrived (RFC 4302 section 3.4). The headers in front of it must stand as they
 * came over the wire, Home Address option and type 2 routing header included.
 */
public final class AhInbound implements InboundTransform {
  private final AhIntegrity integrity;
  private final AntiReplay replay;
  private final boolean tunnel;

  public AhInbound(SecurityAssociation association, AntiReplay replay) {
    integrity = new AhIntegrity(association);
    this.replay = replay;
    tunnel = association.mode() == Mode.TUNNEL;
  }

  @Override
  public @Nullable Discard apply(PacketBuffer p, int header, int nextHeaderField) {
    byte[] octets = p.array();
    int length = integrity.length();
    if (p.end() - header < length || ((octets[header + 1] & 0xff) + 2) * 4 != length) {
      return Discard.MALFORMED_AH;
    }
    long sequence = replay.reconstruct(Place.getInt(octets, header + 8));
    if (sequence == AntiReplay.REFUSED) {
      return Discard.IN_STATE_SEQ_ERROR;
    }
    Discard discard = integrity.verify(p, header, sequence);
    if (discard != null) {
      return discard;
    }
    replay.accept(sequence);
    int nextHeader = octets[header] & 0xff;
    if (!tunnel) {
      octets[nextHeaderField] = (byte) nextHeader;
      Place.close(p, header, length);
      Place.setPayloadLength(p);
      return null;
    }
    if (nextHeader != IpProtocol.IPV6) {
      return Discard.IN_STATE_MODE_ERROR;
    }
    return EspInbound.inner(p, header + length);
  }
}

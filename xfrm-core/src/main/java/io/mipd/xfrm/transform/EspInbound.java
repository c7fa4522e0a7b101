package io.mipd.xfrm.transform;

import io.mipd.xfrm.crypto.EspSuite;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.SecurityAssociation;
import org.jspecify.annotations.Nullable;

/** ESP of a packet that arrived (RFC 4303 section 3.4); the layout is drawn in EspOutbound. */
public final class EspInbound implements InboundTransform {
  private static final int HEADER = 8;
  private static final int TRAILER = 2;

  private final EspSuite suite;
  private final AntiReplay replay;
  private final boolean tunnel;

  public EspInbound(SecurityAssociation association, AntiReplay replay) {
    suite = Suites.of(association);
    this.replay = replay;
    tunnel = association.mode() == Mode.TUNNEL;
  }

  @Override
  public @Nullable Discard apply(PacketBuffer p, int header, int nextHeaderField) {
    int text = header + HEADER + suite.ivLength();
    int length = p.end() - text - suite.icvLength();
    if (length < TRAILER || length % 4 != 0 || length % suite.blockLength() != 0) {
      return Discard.MALFORMED_ESP;
    }
    byte[] octets = p.array();
    long sequence = replay.reconstruct(Place.getInt(octets, header + 4));
    if (sequence == AntiReplay.REFUSED) {
      return Discard.IN_STATE_SEQ_ERROR;
    }
    if (!suite.open(octets, header, length, sequence)) {
      return Discard.IN_STATE_PROTO_ERROR;
    }
    replay.accept(sequence);
    int end = text + length - TRAILER;
    int padding = octets[end] & 0xff;
    int nextHeader = octets[end + 1] & 0xff;
    if (nextHeader == IpProtocol.NO_NEXT_HEADER) {
      return Discard.IN_ESP_DUMMY;
    }
    if (padding > end - text || !isPadding(octets, end - padding, padding)) {
      return Discard.IN_STATE_PROTO_ERROR;
    }
    p.dropEnd(p.end() - (end - padding));
    if (!tunnel) {
      octets[nextHeaderField] = (byte) nextHeader;
      Place.close(p, header, text - header);
      Place.setPayloadLength(p);
      return null;
    }
    if (nextHeader != IpProtocol.IPV6) {
      return Discard.IN_STATE_MODE_ERROR;
    }
    return inner(p, text);
  }

  /** TFC padding may follow the inner packet, whose own length tells its end (section 2.7). */
  static @Nullable Discard inner(PacketBuffer p, int inner) {
    Discard discard = Ipv6InIpv6.decapsulate(p, inner);
    if (discard != null) {
      return discard;
    }
    byte[] octets = p.array();
    int length =
        HeaderWalk.IPV6_HEADER
            + (((octets[p.start() + 4] & 0xff) << 8) | (octets[p.start() + 5] & 0xff));
    if (length > p.length()) {
      return Discard.MALFORMED_IPV6;
    }
    p.dropEnd(p.length() - length);
    return null;
  }

  /** Padding is 1, 2, 3 and so on; a receiver should look (RFC 4303 section 2.4). */
  private static boolean isPadding(byte[] octets, int at, int length) {
    for (int i = 0; i < length; i++) {
      if ((octets[at + i] & 0xff) != i + 1) {
        return false;
      }
    }
    return true;
  }
}

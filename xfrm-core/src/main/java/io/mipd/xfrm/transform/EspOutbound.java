package io.mipd.xfrm.transform;

import io.mipd.xfrm.crypto.EspSuite;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.SecurityAssociation;
import java.security.SecureRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

// +---------------------------------------------------------------+
// |              Security Parameters Index (SPI)                  |
// +---------------------------------------------------------------+
// |                      Sequence Number                          |
// +---------------------------------------------------------------+
// |   IV, payload data, padding 1, 2, 3 ...                       |
// |                               +---------------+---------------+
// |                               |  Pad Length   |  Next Header  |
// +-------------------------------+---------------+---------------+
// |         Integrity Check Value-ICV   (variable)                |
// +---------------------------------------------------------------+
//
// RFC 4303 section 2. In transport mode behind Hop-by-Hop, Routing and Fragment headers (section
// 3.1.1); fragments are not given to transport mode (section 3.3.4).
/** ESP on a packet that leaves. */
public final class EspOutbound implements OutboundTransform {
  private static final int HEADER = 8;
  private static final int TRAILER = 2;

  private final EspSuite suite;
  private final SequenceSource numbers;
  private final int spi;
  private final @Nullable TunnelHeader tunnel;
  private final HeaderWalk walk = new HeaderWalk();

  public EspOutbound(SecurityAssociation association, SequenceSource numbers) {
    this(association, numbers, new SecureRandom());
  }

  /**
   * @param random for initialization vectors; must not be predictable outside simulations
   */
  public EspOutbound(
      SecurityAssociation association, SequenceSource numbers, RandomGenerator random) {
    suite = Suites.of(association, random);
    this.numbers = numbers;
    spi = association.id().spi().value();
    tunnel =
        association.mode() == Mode.TUNNEL
            ? new TunnelHeader(association.source(), association.destination())
            : null;
  }

  @Override
  public @Nullable Discard apply(PacketBuffer p) {
    int header = HEADER + suite.ivLength();
    int room = header + (tunnel == null ? 0 : HeaderWalk.IPV6_HEADER);
    int at = p.start();
    if (tunnel == null) {
      if (!walk.find(p, HeaderWalk.Until.PROTECTION)) {
        return Discard.MALFORMED_EXTENSION_HEADER;
      }
      at = walk.offset();
    }
    int payload = p.end() - at;
    int padding = padding(payload);
    int trailer = padding + TRAILER + suite.icvLength();
    if (p.headroom() < room || p.tailroom() < trailer) {
      return Discard.NO_ROOM;
    }
    if (p.length() + room + trailer - HeaderWalk.IPV6_HEADER > 0xffff) {
      return Discard.OUT_TOO_BIG;
    }
    long sequence = numbers.next();
    if (sequence == SequenceSource.EXHAUSTED) {
      return Discard.OUT_STATE_SEQ_ERROR;
    }
    byte[] octets = p.array();
    int esp;
    int nextHeader;
    if (tunnel != null) {
      nextHeader = IpProtocol.IPV6;
      int outer = p.prepend(room);
      tunnel.write(octets, outer, at, IpProtocol.ESP);
      esp = outer + HeaderWalk.IPV6_HEADER;
    } else {
      nextHeader = octets[walk.nextHeaderField()] & 0xff;
      octets[walk.nextHeaderField()] = IpProtocol.ESP;
      esp = Place.open(p, at, room);
    }
    int end = p.append(trailer);
    for (int i = 1; i <= padding; i++) {
      octets[end++] = (byte) i;
    }
    octets[end++] = (byte) padding;
    octets[end] = (byte) nextHeader;
    Place.putInt(octets, esp, spi);
    Place.putInt(octets, esp + 4, (int) sequence);
    Place.setPayloadLength(p);
    suite.seal(octets, esp, payload + padding + TRAILER, sequence);
    return null;
  }

  /** So that the text is a multiple of the block, and ends on four octets (RFC 4303 2.4). */
  private int padding(int payload) {
    int multiple = Math.max(4, suite.blockLength());
    return Math.floorMod(-(payload + TRAILER), multiple);
  }

  @Override
  public int overhead(int length) {
    // Reckoned without extension headers in front of ESP: with them the padding may differ by a
    // block, and a packet of exactly the path's size is then sent in fragments.
    int fixed = HEADER + suite.ivLength() + TRAILER + suite.icvLength();
    return tunnel == null
        ? fixed + padding(length - HeaderWalk.IPV6_HEADER)
        : fixed + padding(length) + HeaderWalk.IPV6_HEADER;
  }
}

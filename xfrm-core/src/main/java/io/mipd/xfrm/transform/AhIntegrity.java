package io.mipd.xfrm.transform;

import io.mipd.xfrm.crypto.Hmac;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.SecurityAssociation;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

// +---------------+---------------+-------------------------------+
// |  Next Header  |  Payload Len  |           RESERVED            |
// +---------------+---------------+-------------------------------+
// |              Security Parameters Index (SPI)                  |
// +---------------------------------------------------------------+
// |                    Sequence Number Field                      |
// +---------------------------------------------------------------+
// |   Integrity Check Value-ICV, padded to a multiple of 8 octets |
// +---------------------------------------------------------------+
//
// RFC 4302 section 2. Payload Len in units of four octets, less two.
/**
 * What AH covers of a packet (RFC 4302 section 3.3.3): headers as they are at the receiver, without
 * what changes on the way. With a Home Address option or a type 2 routing header that is with the
 * home address in the IPv6 header and the care-of address in the other (RFC 6275 sections 9.3.1,
 * 9.3.2, 11.3.1).
 */
final class AhIntegrity {
  static final int FIXED = 12;

  /** Headers before AH that are looked at; no packet that we make or take has more. */
  private static final int MAX_HEADERS = 1024;

  private static final int CHANGES_EN_ROUTE = 0x20;
  private static final int SOURCE = 8;
  private static final int DESTINATION = 24;

  private final Hmac hmac;
  private final int icvLength;
  private final boolean extended;
  private final byte[] headers = new byte[MAX_HEADERS];
  private final byte[] zeros = new byte[32];

  AhIntegrity(SecurityAssociation association) {
    hmac = new Hmac(association.integrity(), association.integrityKey());
    icvLength = association.integrity().icvLength();
    extended = association.extendedSequenceNumbers();
  }

  int icvLength() {
    return icvLength;
  }

  /** Octets of the whole header: with IPv6 a multiple of eight (RFC 4302 section 2.6). */
  int length() {
    return (FIXED + icvLength + 7) / 8 * 8;
  }

  /**
   * Takes in all that the value covers.
   *
   * @return null if that went well
   */
  private @Nullable Discard cover(PacketBuffer p, int ah, long sequence) {
    byte[] octets = p.array();
    int before = ah - p.start();
    if (before > MAX_HEADERS) {
      return Discard.TOO_MANY_HEADERS;
    }
    System.arraycopy(octets, p.start(), headers, 0, before);
    if (!normalize(before)) {
      return Discard.MALFORMED_EXTENSION_HEADER;
    }
    hmac.update(headers, 0, before);
    hmac.update(octets, ah, FIXED);
    hmac.update(zeros, 0, icvLength);
    int behind = ah + FIXED + icvLength;
    hmac.update(octets, behind, p.end() - behind);
    if (extended) {
      hmac.update((int) (sequence >>> 32));
    }
    return null;
  }

  @Nullable Discard write(PacketBuffer p, int ah, long sequence) {
    Discard discard = cover(p, ah, sequence);
    if (discard == null) {
      hmac.finish(p.array(), ah + FIXED);
    }
    return discard;
  }

  @Nullable Discard verify(PacketBuffer p, int ah, long sequence) {
    Discard discard = cover(p, ah, sequence);
    if (discard != null) {
      return discard;
    }
    return hmac.verify(p.array(), ah + FIXED) ? null : Discard.IN_STATE_PROTO_ERROR;
  }

  /** Sets what changes on the way to zero, and what will change to what it will be. */
  private boolean normalize(int end) {
    // Class, flow label and hop limit (section 3.3.3.1.2).
    headers[0] = 0x60;
    headers[1] = 0;
    headers[2] = 0;
    headers[3] = 0;
    headers[7] = 0;
    int type = headers[HeaderWalk.NEXT_HEADER] & 0xff;
    int at = HeaderWalk.IPV6_HEADER;
    while (at < end) {
      if (at + 8 > end) {
        return false;
      }
      int next = at + 8 * ((headers[at + 1] & 0xff) + 1);
      if (next > end) {
        return false;
      }
      switch (type) {
        case IpProtocol.HOP_BY_HOP, IpProtocol.DESTINATION_OPTIONS -> {
          if (!options(at + 2, next)) {
            return false;
          }
        }
        case IpProtocol.ROUTING -> routing(at, next);
        default -> {
          return false;
        }
      }
      type = headers[at] & 0xff;
      at = next;
    }
    return at == end;
  }

  private boolean options(int from, int end) {
    int at = from;
    while (at < end) {
      int type = headers[at] & 0xff;
      if (type == 0) {
        at++;
        continue;
      }
      if (at + 2 > end) {
        return false;
      }
      int length = headers[at + 1] & 0xff;
      int data = at + 2;
      if (data + length > end) {
        return false;
      }
      if (type == HeaderWalk.HOME_ADDRESS_OPTION && length == 16) {
        swap(SOURCE, data);
      } else if ((type & CHANGES_EN_ROUTE) != 0) {
        Arrays.fill(headers, data, data + length, (byte) 0);
      }
      at = data + length;
    }
    return true;
  }

  private void routing(int at, int end) {
    boolean type2 = headers[at + 2] == 2;
    if (type2 && headers[at + 3] == 1 && end - at == 24) {
      swap(DESTINATION, at + 8);
      headers[at + 3] = 0;
    }
  }

  private void swap(int one, int other) {
    for (int i = 0; i < 16; i++) {
      byte octet = headers[one + i];
      headers[one + i] = headers[other + i];
      headers[other + i] = octet;
    }
  }
}

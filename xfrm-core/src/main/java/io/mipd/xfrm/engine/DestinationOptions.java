package io.mipd.xfrm.engine;

/** Reads the options of a Destination Options or Hop-by-Hop Options header. */
final class DestinationOptions {
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //                                  |  Option Type  | Option Length |
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //  |              Home Address, 16 octets (type 201)               |
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //
  // RFC 8200 section 4.2, RFC 6275 section 6.3.
  static final int OPTIONS = 2;
  static final int DATA = 2;
  static final int PAD1 = 0;
  static final int PADN = 1;
  static final int TUNNEL_ENCAPSULATION_LIMIT = 4;
  static final int ROUTER_ALERT = 5;
  static final int HOME_ADDRESS = 201;
  static final int HOME_ADDRESS_LENGTH = 16;

  private DestinationOptions() {}

  /** What the two highest bits of an unknown option's type ask for (RFC 8200 section 4.2). */
  enum Unknown {
    SKIP,
    DISCARD,
    REPORT,
    REPORT_UNLESS_MULTICAST;

    private static final Unknown[] VALUES = values();

    static Unknown of(int type) {
      return VALUES[type >>> 6];
    }
  }

  /** Where the option behind the one at {@code at} begins. */
  static int next(byte[] octets, int at, int end) {
    if (Wire.octet(octets, at) == PAD1) {
      return at + 1;
    }
    return at + 1 < end ? at + DATA + Wire.octet(octets, at + 1) : end;
  }

  /** Where a Home Address option of this header stands; -1 if there is none before {@code end}. */
  static int findHomeAddress(byte[] octets, int header, int end) {
    for (int at = header + OPTIONS; at < end; at = next(octets, at, end)) {
      if (Wire.octet(octets, at) == HOME_ADDRESS) {
        return at;
      }
    }
    return -1;
  }
}

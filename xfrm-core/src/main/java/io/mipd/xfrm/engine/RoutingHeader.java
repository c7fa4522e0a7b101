package io.mipd.xfrm.engine;

/** Where the type 2 routing header has its fields. */
final class RoutingHeader {
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //  |  Next Header  | Hdr Ext Len=2 | Routing Type=2|Segments Left=1|
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //  |                            Reserved                           |
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //  |                    Home Address, 16 octets                    |
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //
  // RFC 6275 section 6.4.1.
  static final int EXTENSION_LENGTH = 1;
  static final int TYPE = 2;
  static final int SEGMENTS_LEFT = 3;
  static final int ADDRESS = 8;
  static final int LENGTH = 24;
  static final int TYPE_2 = 2;

  private RoutingHeader() {}

  /** The checks of RFC 6275 section 11.3.3 that need no more than the header. */
  static boolean isWellFormed(byte[] octets, int header) {
    return Wire.octet(octets, header + EXTENSION_LENGTH) == 2
        && Wire.octet(octets, header + SEGMENTS_LEFT) == 1;
  }
}

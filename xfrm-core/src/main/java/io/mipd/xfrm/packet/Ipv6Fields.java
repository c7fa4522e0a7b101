package io.mipd.xfrm.packet;

/** Where the IPv6 header has its fields (RFC 8200 section 3): offsets in octets, and its length. */
public final class Ipv6Fields {
  public static final int PAYLOAD_LENGTH = 4;
  public static final int NEXT_HEADER = 6;
  public static final int HOP_LIMIT = 7;
  public static final int SOURCE = 8;
  public static final int DESTINATION = 24;
  public static final int HEADER = 40;

  private Ipv6Fields() {}
}

package io.mipd.mobility;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;

// Where interface identifiers have 64 bits in EUI-64 format, their universal/local bit is clear:
//
//   +---------------------------------+------------------+------------+
//   |         subnet prefix           | 1111110111...111 | anycast ID |
//   +---------------------------------+------------------+------------+
//     64 bits                           57 bits            7 bits
//
// and with other prefixes all are ones:
//
//   +---------------------------------+------------------+------------+
//   |         subnet prefix           | 1111111111...111 | anycast ID |
//   +---------------------------------+------------------+------------+
//     n bits                            121-n bits         7 bits
//
// RFC 2526 section 2.
/** Anycast addresses that each subnet has. */
public final class AnycastAddress {
  /** RFC 2526 section 3. */
  private static final int MOBILE_IPV6_HOME_AGENTS = 0x7e;

  private static final int ID_MASK = 0x7f;
  private static final long UNIVERSAL_BIT = 1L << 57;
  private static final int EUI_64 = 64;

  private AnycastAddress() {}

  /** Mobile IPv6 Home-Agents of a subnet. */
  public static Ipv6Address homeAgents(Ipv6Prefix subnet) {
    long identifier = ~(long) ID_MASK | MOBILE_IPV6_HOME_AGENTS;
    if (subnet.length() == EUI_64) {
      identifier &= ~UNIVERSAL_BIT;
    }
    return new Ipv6Address(
        subnet.address().high() | ~Ipv6Prefix.maskHigh(subnet.length()),
        subnet.address().low() | (identifier & ~Ipv6Prefix.maskLow(subnet.length())));
  }
}

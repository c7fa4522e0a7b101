package io.mipd.mobility.autoconf;

import static com.google.common.base.Preconditions.checkArgument;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.LinkLayerAddress;

/**
 * The last 64 bits of an address.
 *
 * @param value in network order
 */
public record InterfaceIdentifier(long value) {
  public static final int BITS = 64;

  /** Inverted: 1 for a globally unique link-layer address (RFC 4291 section 2.5.1). */
  private static final long UNIVERSAL = 0x0200_0000_0000_0000L;

  /** The modified EUI-64 of an address of six octets (RFC 2464 section 4). */
  public static InterfaceIdentifier modifiedEui64(LinkLayerAddress address) {
    long company = 0;
    long extension = 0;
    for (int i = 0; i < LinkLayerAddress.LENGTH / 2; i++) {
      company = company << 8 | address.octets().at(i);
      extension = extension << 8 | address.octets().at(i + LinkLayerAddress.LENGTH / 2);
    }
    return new InterfaceIdentifier((company << 40 | 0xff_fe00_0000L | extension) ^ UNIVERSAL);
  }

  /**
   * The address of a prefix that has it.
   *
   * @throws IllegalArgumentException if the prefix has not 64 bits
   */
  public Ipv6Address in(Ipv6Prefix prefix) {
    checkArgument(prefix.length() == Ipv6Address.BITS - BITS, "no room: %s", prefix);
    return new Ipv6Address(prefix.address().high(), value);
  }
}

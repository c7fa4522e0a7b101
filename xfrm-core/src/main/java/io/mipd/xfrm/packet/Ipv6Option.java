package io.mipd.xfrm.packet;

import static com.google.common.base.Preconditions.checkArgument;

import io.mipd.xfrm.model.Ipv6Address;

/**
 * An option of a Hop-by-Hop or Destination Options header (RFC 8200 section 4.2). Padding is kept:
 * where an option stands is part of the packet.
 */
public sealed interface Ipv6Option {
  int PAD1 = 0;
  int PADN = 1;
  int HOME_ADDRESS = 0xc9;

  /** Its type on the wire, with the bits that say what to do with an unknown one. */
  int type();

  /** One octet. */
  record Pad1() implements Ipv6Option {
    @Override
    public int type() {
      return PAD1;
    }
  }

  /** Two octets and those of {@code data}, which should be zero. */
  record PadN(Octets data) implements Ipv6Option {
    @Override
    public int type() {
      return PADN;
    }
  }

  /** RFC 6275 section 6.3. */
  record HomeAddressOption(Ipv6Address homeAddress) implements Ipv6Option {
    @Override
    public int type() {
      return HOME_ADDRESS;
    }
  }

  /** An option that we do not know. */
  record Unknown(int type, Octets data) implements Ipv6Option {
    public Unknown {
      checkArgument(type > PADN && type <= 255, "not the type of an option: %s", type);
      checkArgument(data.length() <= 255, "too long: %s", data.length());
    }
  }
}

package io.mipd.mobility.wire;

import com.google.common.collect.ImmutableSet;
import java.util.Set;

/** The flags of a Binding Update (RFC 6275 section 6.1.7); bits that it reserves are ignored. */
public enum BindingFlag {
  /** A: a Binding Acknowledgement is wanted. */
  ACKNOWLEDGE(0x8000),
  /** H: the receiver shall act as home agent. */
  HOME_REGISTRATION(0x4000),
  /** L: the home address has the interface identifier of the link-local address. */
  LINK_LOCAL_ADDRESS_COMPATIBILITY(0x2000),
  /** K: the IKE security associations survive movement. */
  KEY_MANAGEMENT_MOBILITY(0x1000);

  private final int bit;

  BindingFlag(int bit) {
    this.bit = bit;
  }

  /** Its bit in the 16 bits that follow the sequence number. */
  int bit() {
    return bit;
  }

  /** The 16 bits that follow the sequence number. */
  public static int bitsOf(Set<BindingFlag> flags) {
    int bits = 0;
    for (BindingFlag flag : flags) {
      bits |= flag.bit;
    }
    return bits;
  }

  /** Whether it is among 16 bits. */
  public boolean isIn(int bits) {
    return (bits & bit) != 0;
  }

  /** The flags among 16 bits. */
  public static ImmutableSet<BindingFlag> of(int bits) {
    var flags = ImmutableSet.<BindingFlag>builder();
    for (BindingFlag flag : values()) {
      if ((bits & flag.bit) != 0) {
        flags.add(flag);
      }
    }
    return flags.build();
  }
}

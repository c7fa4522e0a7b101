package io.mipd.xfrm.netlink;

import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Sets;
import java.util.EnumSet;

/** {@code IFA_F_*} of {@code linux/if_addr.h}: what an address of an interface may be used for. */
public enum AddressFlag {
  /** A privacy address (RFC 8981). */
  TEMPORARY(0x01),
  /** No duplicate address detection. */
  NODAD(0x02),
  /** Usable with the restrictions of RFC 4429 while duplicate address detection runs. */
  OPTIMISTIC(0x04),
  /** Duplicate address detection found another owner. */
  DADFAILED(0x08),
  /** The home address of a mobile node (RFC 6275). */
  HOMEADDRESS(0x10),
  /** Its preferred lifetime is over (RFC 4862 section 5.5.4). */
  DEPRECATED(0x20),
  /** Duplicate address detection runs; together with {@link #OPTIMISTIC} it may be used. */
  TENTATIVE(0x40),
  /** It has no lifetime. */
  PERMANENT(0x80),
  MANAGETEMPADDR(0x100),
  /** No route for its prefix is made. */
  NOPREFIXROUTE(0x200),
  MCAUTOJOIN(0x400),
  STABLE_PRIVACY(0x800);

  private final int bit;

  AddressFlag(int bit) {
    this.bit = bit;
  }

  public int bit() {
    return bit;
  }

  /** The flags whose bits are set; unknown bits are left out. */
  public static ImmutableSet<AddressFlag> of(int bits) {
    var flags = EnumSet.noneOf(AddressFlag.class);
    for (AddressFlag flag : values()) {
      if ((bits & flag.bit) != 0) {
        flags.add(flag);
      }
    }
    return Sets.immutableEnumSet(flags);
  }

  public static int bits(ImmutableSet<AddressFlag> flags) {
    int bits = 0;
    for (AddressFlag flag : flags) {
      bits |= flag.bit;
    }
    return bits;
  }
}

package io.mipd.xfrm.netlink;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;

/**
 * An IPv6 address of an interface.
 *
 * @param interfaceIndex greater than 0
 * @param prefixLength in bits, 0 to 128
 * @param preferredSeconds what is left of its preferred lifetime, {@link #FOREVER} if it has none
 * @param validSeconds what is left of its valid lifetime, {@link #FOREVER} if it has none
 */
public record InterfaceAddress(
    int interfaceIndex,
    Ipv6Address address,
    int prefixLength,
    ImmutableSet<AddressFlag> flags,
    long preferredSeconds,
    long validSeconds) {
  /** No end: all bits of the kernel's 32. */
  public static final long FOREVER = 0xffff_ffffL;

  public InterfaceAddress {
    checkArgument(
        prefixLength >= 0 && prefixLength <= Ipv6Address.BITS,
        "not a prefix length: %s",
        prefixLength);
    checkArgument(
        preferredSeconds >= 0 && preferredSeconds <= FOREVER, "not 32 bits: %s", preferredSeconds);
    checkArgument(validSeconds >= 0 && validSeconds <= FOREVER, "not 32 bits: %s", validSeconds);
  }

  /** An address without lifetimes. */
  public static InterfaceAddress permanent(
      int interfaceIndex, Ipv6Address address, int prefixLength, AddressFlag... flags) {
    return new InterfaceAddress(
        interfaceIndex, address, prefixLength, ImmutableSet.copyOf(flags), FOREVER, FOREVER);
  }

  /** The same, for new communication as long as it is valid, or deprecated from now on. */
  public InterfaceAddress preferred(boolean preferred) {
    return new InterfaceAddress(
        interfaceIndex, address, prefixLength, flags, preferred ? validSeconds : 0, validSeconds);
  }

  public Ipv6Prefix prefix() {
    return Ipv6Prefix.of(address, prefixLength);
  }

  public boolean has(AddressFlag flag) {
    return flags.contains(flag);
  }

  /** Whether packets may have it as their source: optimistic counts (RFC 4429 section 3.3). */
  public boolean isUsable() {
    return !has(AddressFlag.DADFAILED)
        && (!has(AddressFlag.TENTATIVE) || has(AddressFlag.OPTIMISTIC));
  }

  /**
   * Whether new connections should not use it any more (RFC 4862 section 5.5.4). The lifetime tells
   * it, too: with each router advertisement that says 0 the kernel takes the flag away for a
   * moment.
   */
  public boolean isDeprecated() {
    return has(AddressFlag.DEPRECATED) || preferredSeconds == 0;
  }
}

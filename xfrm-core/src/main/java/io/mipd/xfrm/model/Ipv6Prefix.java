package io.mipd.xfrm.model;

import static com.google.common.base.Preconditions.checkArgument;

/**
 * A prefix: the first {@code length} bits of {@code address}; the remaining bits are zero.
 *
 * @param length in bits, 0 to 128
 */
public record Ipv6Prefix(Ipv6Address address, int length) implements Comparable<Ipv6Prefix> {
  public static final Ipv6Prefix ANY = new Ipv6Prefix(Ipv6Address.UNSPECIFIED, 0);

  public Ipv6Prefix {
    checkArgument(length >= 0 && length <= Ipv6Address.BITS, "not a prefix length: %s", length);
    checkArgument(
        (address.high() & ~maskHigh(length)) == 0 && (address.low() & ~maskLow(length)) == 0,
        "%s has bits beyond its prefix length %s",
        address,
        length);
  }

  /** The prefix of {@code length} bits that {@code address} lies in. */
  public static Ipv6Prefix of(Ipv6Address address, int length) {
    checkArgument(length >= 0 && length <= Ipv6Address.BITS, "not a prefix length: %s", length);
    return new Ipv6Prefix(
        new Ipv6Address(address.high() & maskHigh(length), address.low() & maskLow(length)),
        length);
  }

  /** The prefix of one address only. */
  public static Ipv6Prefix host(Ipv6Address address) {
    return new Ipv6Prefix(address, Ipv6Address.BITS);
  }

  /**
   * Reads {@code address/length}, or an address alone for {@code /128}.
   *
   * @throws IllegalArgumentException if the text is no prefix
   */
  public static Ipv6Prefix parse(String text) {
    int slash = text.indexOf('/');
    if (slash < 0) {
      return host(Ipv6Address.parse(text));
    }
    String length = text.substring(slash + 1);
    checkArgument(length.matches("[0-9]{1,3}"), "not a prefix: %s", text);
    return new Ipv6Prefix(Ipv6Address.parse(text.substring(0, slash)), Integer.parseInt(length));
  }

  /** Of the first eight octets, the bits that belong to a prefix of this length. */
  public static long maskHigh(int length) {
    return length == 0 ? 0 : length >= 64 ? -1L : -1L << (64 - length);
  }

  /** Of the last eight octets, the bits that belong to a prefix of this length. */
  public static long maskLow(int length) {
    return length <= 64 ? 0 : length == 128 ? -1L : -1L << (128 - length);
  }

  public boolean contains(Ipv6Address candidate) {
    return (candidate.high() & maskHigh(length)) == address.high()
        && (candidate.low() & maskLow(length)) == address.low();
  }

  public boolean contains(Ipv6Prefix other) {
    return other.length >= length && contains(other.address);
  }

  /** Two prefixes overlap exactly when one contains the other. */
  public boolean overlaps(Ipv6Prefix other) {
    return contains(other) || other.contains(this);
  }

  public Ipv6Address lastAddress() {
    return new Ipv6Address(address.high() | ~maskHigh(length), address.low() | ~maskLow(length));
  }

  /**
   * The prefix that differs from this one in its last bit only; together they make the one that is
   * a bit shorter.
   *
   * @throws IllegalArgumentException for the prefix of no length
   */
  public Ipv6Prefix sibling() {
    checkArgument(length > 0, "all addresses have no sibling");
    long high = length <= 64 ? 1L << (64 - length) : 0;
    long low = length > 64 ? 1L << (128 - length) : 0;
    return new Ipv6Prefix(new Ipv6Address(address.high() ^ high, address.low() ^ low), length);
  }

  public boolean isAny() {
    return length == 0;
  }

  public boolean isHost() {
    return length == Ipv6Address.BITS;
  }

  @Override
  public int compareTo(Ipv6Prefix other) {
    int byAddress = address.compareTo(other.address);
    return byAddress != 0 ? byAddress : Integer.compare(length, other.length);
  }

  @Override
  public String toString() {
    return address + "/" + length;
  }
}

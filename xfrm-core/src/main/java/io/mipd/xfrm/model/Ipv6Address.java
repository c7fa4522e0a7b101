package io.mipd.xfrm.model;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.net.InetAddresses;
import io.netty.buffer.ByteBuf;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * An IPv6 address (RFC 4291), as two 64-bit halves in network order.
 *
 * @param high the first eight octets
 * @param low the last eight octets
 */
public record Ipv6Address(long high, long low) implements Comparable<Ipv6Address> {
  public static final int LENGTH = 16;
  public static final int BITS = 128;
  public static final Ipv6Address UNSPECIFIED = new Ipv6Address(0, 0);
  public static final Ipv6Address LOOPBACK = new Ipv6Address(0, 1);
  public static final Ipv6Address ALL_NODES = new Ipv6Address(0xff02L << 48, 1);
  public static final Ipv6Address ALL_ROUTERS = new Ipv6Address(0xff02L << 48, 2);

  /** 2^64 by the golden ratio. */
  private static final long MIXER = 0x9e37_79b9_7f4a_7c15L;

  private static final String NO_ADDRESS = "not an IPv6 address: %s";

  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  /**
   * Reads the text form of RFC 4291 section 2.2. Names are never looked up, zones are refused.
   *
   * @throws IllegalArgumentException if the text is no IPv6 address
   */
  public static Ipv6Address parse(String text) {
    checkArgument(
        text.indexOf(':') >= 0 && text.indexOf('%') < 0 && text.indexOf('[') < 0, NO_ADDRESS, text);
    byte[] octets;
    try {
      // An IPv4-mapped address comes back as four octets.
      octets = InetAddresses.forString(text).getAddress();
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(NO_ADDRESS.replace("%s", text), e);
    }
    if (octets.length == 4) {
      return new Ipv6Address(0, 0xffff_0000_0000L | (readInt(octets) & 0xffff_ffffL));
    }
    return read(octets, 0);
  }

  private static int readInt(byte[] octets) {
    return (octets[0] & 0xff) << 24
        | (octets[1] & 0xff) << 16
        | (octets[2] & 0xff) << 8
        | (octets[3] & 0xff);
  }

  /** Reads sixteen octets of {@code octets} from {@code offset}. */
  public static Ipv6Address read(byte[] octets, int offset) {
    return new Ipv6Address((long) LONG.get(octets, offset), (long) LONG.get(octets, offset + 8));
  }

  /** Reads sixteen octets at the reader index, which moves past them. */
  public static Ipv6Address read(ByteBuf in) {
    return new Ipv6Address(in.readLong(), in.readLong());
  }

  public void write(byte[] octets, int offset) {
    LONG.set(octets, offset, high);
    LONG.set(octets, offset + 8, low);
  }

  public void write(ByteBuf out) {
    out.writeLong(high);
    out.writeLong(low);
  }

  /** Whether the sixteen octets at {@code offset} are this address; allocates nothing. */
  public boolean isAt(byte[] octets, int offset) {
    return high == (long) LONG.get(octets, offset) && low == (long) LONG.get(octets, offset + 8);
  }

  public byte[] toOctets() {
    var octets = new byte[LENGTH];
    write(octets, 0);
    return octets;
  }

  public Inet6Address toInetAddress() {
    try {
      return Inet6Address.getByAddress(null, toOctets(), -1);
    } catch (UnknownHostException e) {
      throw new AssertionError("sixteen octets are an address", e);
    }
  }

  /** The same address in the JDK's terms may be IPv4 (mapped addresses); those are refused. */
  public static Ipv6Address of(InetAddress address) {
    byte[] octets = address.getAddress();
    checkArgument(octets.length == LENGTH, "not an IPv6 address: %s", address);
    return read(octets, 0);
  }

  public boolean isUnspecified() {
    return high == 0 && low == 0;
  }

  public boolean isLoopback() {
    return equals(LOOPBACK);
  }

  public boolean isMulticast() {
    return high >>> 56 == 0xff;
  }

  /** fe80::/10 (RFC 4291 section 2.5.6). */
  public boolean isLinkLocal() {
    return high >>> 54 == 0x3fa;
  }

  /** ff02::/16, and the interface-local ff01::/16: what never leaves the link. */
  public boolean isLinkScopeMulticast() {
    long scope = (high >>> 48) & 0x0f;
    return isMulticast() && (scope == 1 || scope == 2);
  }

  /** A multicast address of global scope, E (RFC 4291 section 2.7). */
  public boolean isGlobalMulticast() {
    return isMulticast() && ((high >>> 48) & 0x0f) == 0x0e;
  }

  /**
   * A unicast address of global scope, the only kind that can be a home or care-of address: not
   * unspecified, loopback, multicast or link-local. Unique local addresses (RFC 4193) count.
   */
  public boolean isGlobalUnicast() {
    return !isUnspecified() && !isLoopback() && !isMulticast() && !isLinkLocal();
  }

  /** ff02::1:ffXX:XXXX (RFC 4291 section 2.7.1). */
  public Ipv6Address solicitedNodeMulticast() {
    return new Ipv6Address(0xff02L << 48, 0x1_ff00_0000L | (low & 0xff_ffffL));
  }

  /** The address with the prefix of {@code network} and this address's remaining bits. */
  public Ipv6Address withPrefix(Ipv6Prefix network) {
    long maskHigh = Ipv6Prefix.maskHigh(network.length());
    long maskLow = Ipv6Prefix.maskLow(network.length());
    return new Ipv6Address(
        network.address().high | (high & ~maskHigh), network.address().low | (low & ~maskLow));
  }

  @Override
  public int compareTo(Ipv6Address other) {
    int byHigh = Long.compareUnsigned(high, other.high);
    return byHigh != 0 ? byHigh : Long.compareUnsigned(low, other.low);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Ipv6Address it && high == it.high && low == it.low;
  }

  /**
   * Mixes what is above the last 32 bits: addresses of one site differ in few bits. Addresses that
   * follow each other have numbers that do, so that to go through very many, as a home agent does
   * at its start, is to go through a hash table from one end to the other.
   */
  @Override
  public int hashCode() {
    long above = high * MIXER + (low >>> 32);
    above = (above ^ above >>> 32) * MIXER;
    return (int) low + (int) (above >>> 32);
  }

  /** The canonical text form of RFC 5952. */
  @Override
  public String toString() {
    return InetAddresses.toAddrString(toInetAddress());
  }
}

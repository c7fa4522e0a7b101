package io.mipd.conformance;

import com.google.common.collect.ImmutableBiMap;
import com.google.common.net.InetAddresses;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.HexFormat;

/** What addresses are called in cases. */
final class Names {
  /** By name, 32 hexadecimal digits. */
  private static final ImmutableBiMap<String, String> KNOWN =
      ImmutableBiMap.<String, String>builder()
          // The mobile node: a home address, another's, care-of addresses on links B, C and D.
          .put("H", hex("2001:db8:1::100"))
          .put("H2", hex("2001:db8:1::200"))
          // A home address of a prefix that comes, with the identifier of H.
          .put("N", hex("2001:db8:9::100"))
          .put("B", hex("2001:db8:b::100"))
          .put("C", hex("2001:db8:c::100"))
          .put("D", hex("2001:db8:d::100"))
          .put("hlocal", hex("fe80::100"))
          // The home agent, another one, and somebody on the home link who is not served.
          .put("A", hex("2001:db8:1::1"))
          .put("A2", hex("2001:db8:1::2"))
          .put("A3", hex("2001:db8:1::3"))
          .put("alocal", hex("fe80::1"))
          .put("X", hex("2001:db8:1::bad"))
          .put("anycast", hex("2001:db8:1:0:fdff:ffff:ffff:fffe"))
          // Correspondents, and somebody far from home who claims to be a mobile node.
          .put("P", hex("2001:db8:e::e"))
          .put("Q", hex("2001:db8:e::f"))
          .put("Y", hex("2001:db8:f::bad"))
          // Routers of the links.
          .put("rb", hex("fe80::b"))
          .put("rc", hex("fe80::c"))
          .put("rd", hex("fe80::d"))
          .put("none", hex("::"))
          .put("all", hex("ff02::1"))
          .put("routers", hex("ff02::2"))
          .put("group", hex("ff0e::101"))
          .put("group2", hex("ff1e::202"))
          .put("mldrouters", hex("ff02::16"))
          .buildOrThrow();

  private Names() {}

  static byte[] octets(String name) {
    String known = KNOWN.get(name);
    return HexFormat.of().parseHex(known == null ? hex(name) : known);
  }

  static String of(byte[] octets, int at) {
    String digits = HexFormat.of().formatHex(octets, at, at + 16);
    String name = KNOWN.inverse().get(digits);
    return name == null ? text(HexFormat.of().parseHex(digits)) : name;
  }

  private static String text(byte[] octets) {
    try {
      return InetAddresses.toAddrString(Inet6Address.getByAddress("", octets, -1));
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private static String hex(String text) {
    InetAddress address;
    try {
      address = InetAddresses.forString(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("no address and no name of one: " + text, e);
    }
    if (!(address instanceof Inet6Address)) {
      throw new IllegalArgumentException("no IPv6 address: " + text);
    }
    return HexFormat.of().formatHex(address.getAddress());
  }
}

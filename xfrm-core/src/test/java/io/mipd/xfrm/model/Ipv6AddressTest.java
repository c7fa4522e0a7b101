package io.mipd.xfrm.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.HashSet;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class Ipv6AddressTest {
  private static final RandomGenerator RANDOM =
      RandomGeneratorFactory.of("L64X128MixRandom").create(6275);

  @ParameterizedTest
  @CsvSource({
    // RFC 5952 section 4: leading zeros go, the longest run of zeros is shortened, lower case.
    "2001:0db8:0:0:0:0:0:0001, 2001:db8::1",
    "2001:DB8:0:0:1:0:0:1, 2001:db8::1:0:0:1",
    "2001:db8:0:1:1:1:1:1, 2001:db8:0:1:1:1:1:1",
    "::, ::",
    "::1, ::1",
    "fe80::ff:fe00:aa, fe80::ff:fe00:aa"
  })
  void printsTheCanonicalForm(String text, String canonical) {
    assertThat(Ipv6Address.parse(text)).hasToString(canonical);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "localhost", "192.0.2.1", "2001:db8::1%eth0", "[2001:db8::1]", "2001:db8::g"})
  void refusesWhatIsNoAddress(String text) {
    assertThatThrownBy(() -> Ipv6Address.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(text);
  }

  @Test
  void agreesWithTheJdkOnRandomAddresses() throws UnknownHostException {
    var octets = new byte[16];
    for (int i = 0; i < 1000; i++) {
      RANDOM.nextBytes(octets);
      var address = Ipv6Address.read(octets, 0);
      var jdk = InetAddress.getByAddress(octets);

      assertThat(address.toOctets()).isEqualTo(octets);
      assertThat(address.isMulticast()).isEqualTo(jdk.isMulticastAddress());
      assertThat(address.isLinkLocal()).isEqualTo(jdk.isLinkLocalAddress());
      assertThat(Ipv6Address.parse(jdk.getHostAddress())).isEqualTo(address);
      assertThat(Ipv6Address.parse(address.toString())).isEqualTo(address);
    }
  }

  /** A hash table of the JDK's with room for 2^16: chance fills 63 % of it. */
  @ParameterizedTest
  @CsvSource({
    "0, 1", // numbered in the last group
    "0, 0x1_0000", // in the one before
    "0, 0x1_0000_0000",
    "0, 0x1_0000_0000_0000",
    "1, 0", // links of one site
    "0x1_0000, 0", // sites of one provider
    "0x1_0000_0000, 0",
    "1, 1",
    "0x1_0000, 0xffff_ffff_ffff_0000"
  })
  void addressesThatDifferInFewBitsDoNotMeetInAHashTable(String ofHigh, String ofLow) {
    long high = Long.parseUnsignedLong(hexadecimal(ofHigh), 16);
    long low = Long.parseUnsignedLong(hexadecimal(ofLow), 16);
    var places = new HashSet<Integer>();
    for (long i = 0; i < 1 << 16; i++) {
      int hash = new Ipv6Address((0x2001_0db8L << 32) + i * high, 1 + i * low).hashCode();
      places.add((hash ^ hash >>> 16) & 0xffff);
    }

    assertThat(places).hasSizeGreaterThan((1 << 16) / 2);
  }

  /** A table that they are put into one after the other is gone through in order. */
  @Test
  void addressesThatFollowEachOtherHaveNumbersThatDo() {
    long high = 0x2001_0db8_0001_0000L;
    for (long low = 0x100; low < 0x4000; low++) {
      assertThat(new Ipv6Address(high, low + 1).hashCode())
          .isEqualTo(new Ipv6Address(high, low).hashCode() + 1);
    }
  }

  private static String hexadecimal(String text) {
    return text.replace("0x", "").replace("_", "");
  }

  @Test
  void keepsAnIpv4MappedAddressInItsSixteenOctets() {
    var mapped = Ipv6Address.parse("::ffff:192.0.2.1");

    assertThat(mapped).isEqualTo(new Ipv6Address(0, 0xffff_c000_0201L));
  }

  @Test
  void derivesTheSolicitedNodeAddress() {
    // The example of RFC 4291 section 2.7.1.
    assertThat(Ipv6Address.parse("4037::01:800:200E:8C6C").solicitedNodeMulticast())
        .isEqualTo(Ipv6Address.parse("FF02::1:FF0E:8C6C"));
  }

  @Test
  void knowsWhatCanBeAHomeAddress() {
    assertThat(Ipv6Address.parse("2001:db8:1::100").isGlobalUnicast()).isTrue();
    assertThat(Ipv6Address.parse("fd00::1").isGlobalUnicast()).isTrue();
    assertThat(Ipv6Address.UNSPECIFIED.isGlobalUnicast()).isFalse();
    assertThat(Ipv6Address.LOOPBACK.isGlobalUnicast()).isFalse();
    assertThat(Ipv6Address.ALL_NODES.isGlobalUnicast()).isFalse();
    assertThat(Ipv6Address.parse("fe80::1").isGlobalUnicast()).isFalse();
  }

  @Test
  void ordersAsUnsignedOctets() {
    assertThat(Ipv6Address.parse("ff02::1")).isGreaterThan(Ipv6Address.parse("2001:db8::1"));
    assertThat(Ipv6Address.parse("2001:db8::8000:0:0:0"))
        .isGreaterThan(Ipv6Address.parse("2001:db8::1"));
  }

  @Test
  void combinesAPrefixWithAnInterfaceIdentifier() {
    assertThat(
            Ipv6Address.parse("fe80::ff:fe00:aa").withPrefix(Ipv6Prefix.parse("2001:db8:a::/64")))
        .isEqualTo(Ipv6Address.parse("2001:db8:a::ff:fe00:aa"));
  }
}

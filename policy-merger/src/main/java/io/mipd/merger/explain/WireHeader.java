package io.mipd.merger.explain;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Spi;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * One part of a packet on the wire.
 *
 * @param depth how many tunnels it is in
 * @param between the addresses of an IPv6 header
 * @param nextHeader what it says of what follows; empty where it says nothing
 * @param spi of ESP and AH, where the association is known
 * @param words what else it carries
 * @param octets empty if they are not known
 */
public record WireHeader(
    Kind kind,
    int depth,
    Optional<Between> between,
    OptionalInt nextHeader,
    Optional<Spi> spi,
    String words,
    OptionalInt octets) {

  /** As text names it. */
  public enum Kind {
    IPV6("IPv6"),
    ROUTING("RTHDR 2"),
    DESTINATION_OPTIONS("DSTOPT"),
    ESP("ESP"),
    AH("AH"),
    IPCOMP("IPComp"),
    /** What the two ends exchange. */
    PAYLOAD("payload"),
    /** Padding and integrity check value, behind all that ESP protects. */
    ESP_TRAILER("ESP end");

    private final String title;

    Kind(String title) {
      this.title = title;
    }

    String title() {
      return title;
    }
  }

  /** Source and destination as the header bears them; unspecified where they may be any. */
  public record Between(Ipv6Address source, Ipv6Address destination) {
    @Override
    public String toString() {
      return words(source) + " > " + words(destination);
    }

    private static String words(Ipv6Address address) {
      return address.isUnspecified() ? "any" : address.toString();
    }
  }
}

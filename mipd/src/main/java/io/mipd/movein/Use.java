package io.mipd.movein;

import io.mipd.xfrm.model.Spi;

/** What a pair of associations between mobile node and home agent is for (RFC 3776 section 4.1). */
enum Use {
  SIGNALLING("signalling", false, "135"),
  RETURN_ROUTABILITY("return-routability", true, "135"),
  PAYLOAD("payload", true, ""),
  PREFIX_DISCOVERY("prefix-discovery", false, "ipv6-icmp");

  private static final int FIRST_SPI = 0x1001;

  private final String key;
  private final boolean tunnel;
  private final String upper;

  Use(String key, boolean tunnel, String upper) {
    this.key = key;
    this.tunnel = tunnel;
    this.upper = upper;
  }

  /** In our configuration. */
  String key() {
    return key;
  }

  boolean isTunnel() {
    return tunnel;
  }

  /** Whether an association whose selector names this protocol can be for this. */
  boolean takes(String protocol) {
    return switch (protocol) {
      case "", "any" -> true;
      case "135", "mobility-header", "ipv6-mh" -> upper.equals("135");
      case "58", "ipv6-icmp", "icmp6" -> upper.equals("ipv6-icmp");
      default -> upper.isEmpty();
    };
  }

  /** For associations that had no number: as in the samples. */
  Spi spi(boolean toHomeAgent) {
    return new Spi(FIRST_SPI + 2 * ordinal() + (toHomeAgent ? 0 : 1));
  }
}

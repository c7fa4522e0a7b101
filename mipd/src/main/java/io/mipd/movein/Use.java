package io.mipd.movein;

import io.mipd.xfrm.model.Spi;

/** What a pair of associations between mobile node and home agent is for (RFC 3776 section 4.1). */
enum Use {
  SIGNALLING("signalling", false, "135", 0x1001),
  RETURN_ROUTABILITY("return-routability", true, "135", 0x1003),
  PAYLOAD("payload", true, "", 0x1005),
  PREFIX_DISCOVERY("prefix-discovery", false, "ipv6-icmp", 0x1007);

  private final String key;
  private final boolean tunnel;
  private final String upper;
  private final int firstSpi;

  Use(String key, boolean tunnel, String upper, int firstSpi) {
    this.key = key;
    this.tunnel = tunnel;
    this.upper = upper;
    this.firstSpi = firstSpi;
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
    return new Spi(toHomeAgent ? firstSpi : firstSpi + 1);
  }
}

package io.mipd.xfrm.model;

import java.util.Optional;

/** What a template does to a packet, named by the header that it adds. */
public enum TransformProtocol {
  ESP(IpProtocol.ESP, "esp"),
  AH(IpProtocol.AH, "ah"),
  IPCOMP(IpProtocol.IPCOMP, "comp"),
  /** IPv6 in IPv6 without protection (RFC 2473). */
  IPV6(IpProtocol.IPV6, "ipv6"),
  /** The Home Address destination option (RFC 6275 section 6.3). */
  HAO(IpProtocol.DESTINATION_OPTIONS, "hao"),
  /** The type 2 routing header (RFC 6275 section 6.4). */
  ROUTE2(IpProtocol.ROUTING, "route2");

  private final int number;
  private final String kernelName;

  TransformProtocol(int number, String kernelName) {
    this.number = number;
    this.kernelName = kernelName;
  }

  /** The kernel's number, which is the Next Header value of the header added. */
  public int number() {
    return number;
  }

  /** As {@code ip xfrm} prints it. */
  public String kernelName() {
    return kernelName;
  }

  public static Optional<TransformProtocol> ofNumber(int number) {
    for (var protocol : values()) {
      if (protocol.number == number) {
        return Optional.of(protocol);
      }
    }
    return Optional.empty();
  }

  /** Whether the header is one of Mobile IPv6's, which change the addresses on the wire. */
  public boolean isRouteOptimization() {
    return this == HAO || this == ROUTE2;
  }

  public boolean isIpsec() {
    return this == ESP || this == AH || this == IPCOMP;
  }

  /** Whether it keeps others from reading or changing what it carries; compression does not. */
  public boolean isProtection() {
    return this == ESP || this == AH;
  }
}

package io.mipd.mobility;

import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.time.Duration;

/** Constants of Multicast Listener Discovery (RFC 3810 section 9), and its addresses. */
public final class ListenerDiscovery {
  /** Robustness Variable. */
  public static final int ROBUSTNESS = 2;

  public static final Duration QUERY_INTERVAL = Duration.ofSeconds(125);
  public static final Duration STARTUP_QUERY_INTERVAL = QUERY_INTERVAL.dividedBy(4);
  public static final Duration QUERY_RESPONSE_INTERVAL = Duration.ofSeconds(10);
  public static final Duration UNSOLICITED_REPORT_INTERVAL = Duration.ofSeconds(1);

  /** How long what was reported holds. */
  public static final Duration MULTICAST_ADDRESS_LISTENING_INTERVAL =
      QUERY_INTERVAL.multipliedBy(ROBUSTNESS).plus(QUERY_RESPONSE_INTERVAL);

  /** Where reports of version 2 go. */
  public static final Ipv6Address ALL_ROUTERS_2 = new Ipv6Address(0xff02L << 48, 0x16);

  private static final Ipv6Prefix LINK_LOCAL = Ipv6Prefix.of(new Ipv6Address(0xfe80L << 48, 0), 64);

  private ListenerDiscovery() {}

  /** What one end of a tunnel calls itself in these messages: with its own interface identifier. */
  public static Ipv6Address source(Ipv6Address end) {
    return end.withPrefix(LINK_LOCAL);
  }

  /** Likewise the mobile node. */
  public static Ipv6Address source(HomeAddress home) {
    return source(home.value());
  }
}

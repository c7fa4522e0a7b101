package io.mipd.xfrm.packet;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Duration;
import java.util.Optional;

/**
 * An ICMPv6 message (RFC 4443, RFC 4861 section 4, RFC 2710, RFC 3810, RFC 6275 sections 6.5 to
 * 6.8).
 */
public sealed interface Icmpv6Message {
  int DESTINATION_UNREACHABLE = 1;
  int PACKET_TOO_BIG = 2;
  int TIME_EXCEEDED = 3;
  int PARAMETER_PROBLEM = 4;
  int ECHO_REQUEST = 128;
  int ECHO_REPLY = 129;
  int LISTENER_QUERY = 130;
  int LISTENER_REPORT = 131;
  int LISTENER_DONE = 132;
  int ROUTER_SOLICITATION = 133;
  int ROUTER_ADVERTISEMENT = 134;
  int NEIGHBOR_SOLICITATION = 135;
  int NEIGHBOR_ADVERTISEMENT = 136;
  int LISTENER_REPORT_2 = 143;
  int HOME_AGENT_DISCOVERY_REQUEST = 144;
  int HOME_AGENT_DISCOVERY_REPLY = 145;
  int MOBILE_PREFIX_SOLICITATION = 146;
  int MOBILE_PREFIX_ADVERTISEMENT = 147;

  /** Whether it is the type of one of {@link OfListeners}. */
  static boolean isOfListeners(int type) {
    return (type >= LISTENER_QUERY && type <= LISTENER_DONE) || type == LISTENER_REPORT_2;
  }

  /** Its type on the wire. */
  int type();

  /** A message with options of Neighbor Discovery. */
  sealed interface WithOptions extends Icmpv6Message {
    ImmutableList<NdOption> options();

    /** The first option of a kind. */
    default <T extends NdOption> Optional<T> option(Class<T> kind) {
      return options().stream().filter(kind::isInstance).map(kind::cast).findFirst();
    }
  }

  /**
   * An error about a packet (RFC 4443 section 3).
   *
   * @param type 0 to 127
   * @param value the 32 bits behind the checksum: MTU, pointer, or unused
   * @param packet as much of it as came along
   */
  record ErrorMessage(int type, int code, long value, Octets packet) implements Icmpv6Message {}

  /** RFC 4443 section 4.1. */
  record EchoRequest(int identifier, int sequence, Octets data) implements Icmpv6Message {
    @Override
    public int type() {
      return ECHO_REQUEST;
    }
  }

  /** RFC 4443 section 4.2. */
  record EchoReply(int identifier, int sequence, Octets data) implements Icmpv6Message {
    @Override
    public int type() {
      return ECHO_REPLY;
    }
  }

  /** RFC 4861 section 4.1. */
  record RouterSolicitation(ImmutableList<NdOption> options) implements WithOptions {
    @Override
    public int type() {
      return ROUTER_SOLICITATION;
    }
  }

  /**
   * RFC 4861 section 4.2, with the home-agent flag of RFC 6275 section 7.1.
   *
   * @param hopLimit for the hosts of the link; 0 if not said
   * @param managed M
   * @param otherConfiguration O
   * @param homeAgent H
   * @param flags the octet's other five bits, as they are (preference, proxy)
   * @param routerLifetime in seconds, 16 bits; 0 for no default router
   * @param reachableTime in milliseconds, 32 bits; 0 if not said
   * @param retransTimer likewise
   */
  record RouterAdvertisement(
      int hopLimit,
      boolean managed,
      boolean otherConfiguration,
      boolean homeAgent,
      int flags,
      int routerLifetime,
      long reachableTime,
      long retransTimer,
      ImmutableList<NdOption> options)
      implements WithOptions {
    @Override
    public int type() {
      return ROUTER_ADVERTISEMENT;
    }
  }

  /** RFC 4861 section 4.3. */
  record NeighborSolicitation(Ipv6Address target, ImmutableList<NdOption> options)
      implements WithOptions {
    @Override
    public int type() {
      return NEIGHBOR_SOLICITATION;
    }
  }

  /**
   * RFC 4861 section 4.4.
   *
   * @param router R
   * @param solicited S
   * @param override O
   */
  record NeighborAdvertisement(
      boolean router,
      boolean solicited,
      boolean override,
      Ipv6Address target,
      ImmutableList<NdOption> options)
      implements WithOptions {
    @Override
    public int type() {
      return NEIGHBOR_ADVERTISEMENT;
    }
  }

  /** A message of Multicast Listener Discovery: on one link, with hop limit 1. */
  sealed interface OfListeners extends Icmpv6Message {}

  /**
   * RFC 2710 section 3, RFC 3810 section 5.1; sources that it asks of are not read.
   *
   * @param maximumResponseCode 16 bits: see {@link #maximumResponse}
   * @param group unspecified: of all
   * @param querier in version 2
   */
  record ListenerQuery(int maximumResponseCode, Ipv6Address group, Optional<Querier> querier)
      implements OfListeners {
    /**
     * What a querier of version 2 says of itself.
     *
     * @param robustness Querier's Robustness Variable, three bits
     * @param intervalCode Querier's Query Interval Code, eight bits; up to 127 it is in seconds
     */
    public record Querier(int robustness, int intervalCode) {}

    @Override
    public int type() {
      return LISTENER_QUERY;
    }

    /** By when it is to be answered (RFC 3810 section 5.1.3). */
    public Duration maximumResponse() {
      if (querier.isEmpty() || maximumResponseCode < 0x8000) {
        return Duration.ofMillis(maximumResponseCode);
      }
      int mantissa = (maximumResponseCode & 0xfff) | 0x1000;
      return Duration.ofMillis((long) mantissa << (((maximumResponseCode >> 12) & 7) + 3));
    }
  }

  /** RFC 2710 section 3. */
  record ListenerReport(Ipv6Address group) implements OfListeners {
    @Override
    public int type() {
      return LISTENER_REPORT;
    }
  }

  /** RFC 2710 section 3. */
  record ListenerDone(Ipv6Address group) implements OfListeners {
    @Override
    public int type() {
      return LISTENER_DONE;
    }
  }

  /** RFC 3810 section 5.2. */
  record ListenerReport2(ImmutableList<GroupRecord> records) implements OfListeners {
    @Override
    public int type() {
      return LISTENER_REPORT_2;
    }
  }

  /**
   * RFC 3810 section 5.2.4, without auxiliary data.
   *
   * @param type eight bits (section 5.2.12)
   */
  record GroupRecord(int type, Ipv6Address group, ImmutableList<Ipv6Address> sources) {
    public static final int MODE_IS_INCLUDE = 1;
    public static final int MODE_IS_EXCLUDE = 2;
    public static final int CHANGE_TO_INCLUDE = 3;
    public static final int CHANGE_TO_EXCLUDE = 4;
    public static final int ALLOW_NEW_SOURCES = 5;
    public static final int BLOCK_OLD_SOURCES = 6;
  }

  /** RFC 6275 section 6.5. */
  record HomeAgentDiscoveryRequest(int identifier) implements Icmpv6Message {
    @Override
    public int type() {
      return HOME_AGENT_DISCOVERY_REQUEST;
    }
  }

  /**
   * RFC 6275 section 6.6.
   *
   * @param homeAgents the most preferred first
   */
  record HomeAgentDiscoveryReply(int identifier, ImmutableList<Ipv6Address> homeAgents)
      implements Icmpv6Message {
    @Override
    public int type() {
      return HOME_AGENT_DISCOVERY_REPLY;
    }
  }

  /**
   * RFC 6275 section 6.7.
   *
   * @param options none are defined, and those that come are ignored
   */
  record MobilePrefixSolicitation(int identifier, ImmutableList<NdOption> options)
      implements WithOptions {
    @Override
    public int type() {
      return MOBILE_PREFIX_SOLICITATION;
    }
  }

  /**
   * RFC 6275 section 6.8.
   *
   * @param managed M
   * @param otherConfiguration O
   */
  record MobilePrefixAdvertisement(
      int identifier, boolean managed, boolean otherConfiguration, ImmutableList<NdOption> options)
      implements WithOptions {
    @Override
    public int type() {
      return MOBILE_PREFIX_ADVERTISEMENT;
    }
  }

  /** A message that we do not know; its body begins behind the checksum. */
  record Unknown(int type, int code, Octets body) implements Icmpv6Message {}
}

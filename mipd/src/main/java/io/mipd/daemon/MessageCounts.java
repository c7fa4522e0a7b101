package io.mipd.daemon;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.daemon.Series.Family;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.MobilityOption;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Counts what a core is told and has done, for what RFC 4295 counts. In the event loop's thread; a
 * series is there from the beginning, at zero.
 */
final class MessageCounts {
  static final String DIRECTION = "direction";
  static final String TYPE = "type";
  static final String REGISTRATION = "registration";
  static final String STATUS = "status";

  /** With our home agent, or as home agent. */
  static final String HOME = "home";

  static final String CORRESPONDENT = "correspondent";
  static final String SENT = "sent";
  static final String RECEIVED = "received";

  /** RFC 6275 section 6.1.8; others count as {@link #OTHER}. */
  private static final ImmutableSet<Integer> STATUSES =
      ImmutableSet.of(0, 1, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 174);

  private static final String OTHER = "other";

  /** Of IPv6 multicast to all nodes (RFC 4291 section 2.7.1). */
  private static final Ipv6Address ALL_NODES = Ipv6Address.parse("ff02::1");

  private static final ImmutableMap<Integer, String> TYPES =
      ImmutableMap.<Integer, String>builder()
          .put(MobilityMessage.BINDING_REFRESH_REQUEST, "binding-refresh-request")
          .put(MobilityMessage.HOME_TEST_INIT, "home-test-init")
          .put(MobilityMessage.CARE_OF_TEST_INIT, "care-of-test-init")
          .put(MobilityMessage.HOME_TEST, "home-test")
          .put(MobilityMessage.CARE_OF_TEST, "care-of-test")
          .put(MobilityMessage.BINDING_UPDATE, "binding-update")
          .put(MobilityMessage.BINDING_ACKNOWLEDGEMENT, "binding-acknowledgement")
          .put(MobilityMessage.BINDING_ERROR, "binding-error")
          .buildOrThrow();

  /** Codes of a Parameter Problem (RFC 4443 section 3.4) that RFC 4295 counts. */
  private static final int UNRECOGNIZED_NEXT_HEADER = 1;

  private static final int UNRECOGNIZED_OPTION = 2;

  private final Optional<Ipv6Address> homeAgent;
  private final boolean isAgent;
  private final Map<Series, Long> counts = new LinkedHashMap<>();

  /** A care-of address that has been registered, or begun to be, since we were at home. */
  private Optional<CareOfAddress> careOf = Optional.empty();

  /** That what is being handled now was refused. */
  private boolean refused;

  /** That a question for home agents has no answer yet. */
  private boolean asked;

  /**
   * @param homeAgent of ours, if we are a mobile node that knows it
   * @param isAgent whether we are a home agent
   */
  MessageCounts(Optional<Ipv6Address> homeAgent, boolean isAgent) {
    this.homeAgent = homeAgent;
    this.isAgent = isAgent;
    for (String direction : new String[] {SENT, RECEIVED}) {
      TYPES.forEach((type, word) -> zero(message(direction, word, CORRESPONDENT)));
      for (int type :
          new int[] {MobilityMessage.BINDING_UPDATE, MobilityMessage.BINDING_ACKNOWLEDGEMENT}) {
        zero(message(direction, word(type), HOME));
      }
      zero(message(direction, OTHER, CORRESPONDENT));
      for (String registration : new String[] {HOME, CORRESPONDENT}) {
        STATUSES.forEach(status -> zero(acknowledgement(direction, registration, "" + status)));
        zero(acknowledgement(direction, registration, OTHER));
      }
      for (String type :
          new String[] {
            "home-agent-discovery-request",
            "home-agent-discovery-reply",
            "mobile-prefix-solicitation",
            "mobile-prefix-advertisement",
            "home-agent-advertisement"
          }) {
        zero(icmpv6(direction, type));
      }
    }
    zero(Family.CORRESPONDENT_UPDATES.series("result", "accepted"));
    zero(Family.CORRESPONDENT_UPDATES.series("result", "refused"));
    zero(Family.MOVEMENTS.series("to", "foreign"));
    zero(Family.MOVEMENTS.series("to", HOME));
    zero(Family.BINDING_REFRESH_ADVICES.series(DIRECTION, SENT));
    zero(Family.BINDING_REFRESH_ADVICES.series(DIRECTION, RECEIVED));
    zero(Family.PREFIX_ADVERTISEMENTS_IGNORED.series());
    zero(Family.DISCOVERY_TIMEOUTS.series());
    zero(Family.PARAMETER_PROBLEMS.series());
  }

  /** The type of a message, as programs read it. */
  static String word(int type) {
    return TYPES.getOrDefault(type, OTHER);
  }

  private static Series message(String direction, String type, String registration) {
    return new Series(
        Family.MOBILITY_MESSAGES,
        ImmutableMap.of(DIRECTION, direction, TYPE, type, REGISTRATION, registration));
  }

  private static Series acknowledgement(String direction, String registration, String status) {
    return new Series(
        Family.BINDING_ACKNOWLEDGEMENTS,
        ImmutableMap.of(DIRECTION, direction, REGISTRATION, registration, STATUS, status));
  }

  private static Series icmpv6(String direction, String type) {
    return new Series(Family.ICMPV6_MESSAGES, ImmutableMap.of(DIRECTION, direction, TYPE, type));
  }

  private void zero(Series series) {
    counts.put(series, 0L);
  }

  private void count(Series series) {
    counts.merge(series, 1L, Long::sum);
  }

  ImmutableMap<Series, Long> all() {
    return ImmutableMap.copyOf(counts);
  }

  /** A core is about to be told something. */
  void happens(NodeEvent event) {
    if (event instanceof NodeEvent.MobilityMessageArrived arrived) {
      count(RECEIVED, arrived.message(), arrived.arrival().source());
    } else if (event instanceof NodeEvent.PrefixDiscoveryArrived arrived) {
      icmpv6(RECEIVED, arrived.message());
    } else if (event instanceof NodeEvent.Icmpv6Arrived arrived) {
      icmpv6(RECEIVED, arrived.message());
      asked &= !(arrived.message() instanceof Icmpv6Message.HomeAgentDiscoveryReply);
    } else if (event instanceof NodeEvent.PacketFailed failed
        && failed.packet().isParameterProblem()
        && (failed.packet().code() == UNRECOGNIZED_NEXT_HEADER
            || failed.packet().code() == UNRECOGNIZED_OPTION)) {
      count(Family.PARAMETER_PROBLEMS.series());
    }
  }

  /** It has been told, and what it wanted has been done. */
  void handled(NodeEvent event) {
    if (event instanceof NodeEvent.MobilityMessageArrived arrived
        && arrived.message() instanceof BindingUpdate update
        && !isHome(update)) {
      count(Family.CORRESPONDENT_UPDATES.series("result", refused ? "refused" : "accepted"));
    } else if (refused
        && event instanceof NodeEvent.PrefixDiscoveryArrived arrived
        && arrived.message() instanceof Icmpv6Message.MobilePrefixAdvertisement) {
      count(Family.PREFIX_ADVERTISEMENTS_IGNORED.series());
    }
    refused = false;
  }

  /** Something that a core wanted is done. */
  void carriedOut(NodeAction action) {
    if (action instanceof NodeAction.SendDiscovery send) {
      icmpv6(SENT, send.message());
      if (send.message() instanceof Icmpv6Message.HomeAgentDiscoveryRequest) {
        if (asked) {
          count(Family.DISCOVERY_TIMEOUTS.series());
        }
        asked = true;
      }
    } else if (action instanceof NodeAction.SendIcmpv6 send
        && send.destination().equals(ALL_NODES)) {
      icmpv6(SENT, send.message());
    } else if (action instanceof NodeAction.Refuse) {
      refused = true;
    } else if (action instanceof NodeAction.PlaceHomeAddress to
        && to.place() == NodeAction.Place.HOME
        && careOf.isPresent()) {
      careOf = Optional.empty();
      count(Family.MOVEMENTS.series("to", HOME));
    }
  }

  /** A message has left. */
  void sent(NodeAction.SendMessage send) {
    count(SENT, send.message(), send.destination());
    if (send.message() instanceof BindingUpdate update
        && isHome(update)
        && !update.lifetime().isZero()
        && send.careOf().isPresent()
        && !send.careOf().equals(careOf)) {
      careOf = send.careOf();
      count(Family.MOVEMENTS.series("to", "foreign"));
    } else if (send.message() instanceof BindingAcknowledgement acknowledgement
        && !acknowledgement.status().isAccepted()) {
      refused = true;
    }
  }

  private void count(String direction, MobilityMessage message, Ipv6Address peer) {
    String registration = CORRESPONDENT;
    if (message instanceof BindingUpdate update && isHome(update)) {
      registration = HOME;
    } else if (message instanceof BindingAcknowledgement acknowledgement) {
      registration = isHome(direction, acknowledgement, peer) ? HOME : CORRESPONDENT;
      int code = acknowledgement.status().code();
      count(acknowledgement(direction, registration, STATUSES.contains(code) ? "" + code : OTHER));
      if (acknowledgement.refreshAdvice().isPresent()) {
        count(Family.BINDING_REFRESH_ADVICES.series(DIRECTION, direction));
      }
    }
    count(message(direction, word(message.type()), registration));
  }

  private static boolean isHome(BindingUpdate update) {
    return update.has(BindingFlag.HOME_REGISTRATION);
  }

  /** It does not say so itself. What a correspondent's lacks is only in those about nonces. */
  private boolean isHome(
      String direction, BindingAcknowledgement acknowledgement, Ipv6Address peer) {
    if (direction.equals(RECEIVED)) {
      return homeAgent.equals(Optional.of(peer));
    }
    int code = acknowledgement.status().code();
    return isAgent
        && (code < 136 || code > 138)
        && acknowledgement.option(MobilityOption.BindingAuthorizationData.class).isEmpty();
  }

  private void icmpv6(String direction, Icmpv6Message message) {
    if (message instanceof Icmpv6Message.HomeAgentDiscoveryRequest) {
      count(icmpv6(direction, "home-agent-discovery-request"));
    } else if (message instanceof Icmpv6Message.HomeAgentDiscoveryReply) {
      count(icmpv6(direction, "home-agent-discovery-reply"));
    } else if (message instanceof Icmpv6Message.MobilePrefixSolicitation) {
      count(icmpv6(direction, "mobile-prefix-solicitation"));
    } else if (message instanceof Icmpv6Message.MobilePrefixAdvertisement) {
      count(icmpv6(direction, "mobile-prefix-advertisement"));
    } else if (message instanceof Icmpv6Message.RouterAdvertisement advertisement
        && advertisement.homeAgent()) {
      count(icmpv6(direction, "home-agent-advertisement"));
    }
  }
}

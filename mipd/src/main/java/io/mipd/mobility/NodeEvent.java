package io.mipd.mobility;

import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.engine.FailedPacket;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.LinkLayerAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/** What happens to a node. */
public sealed interface NodeEvent {

  /** The shell is ready; the first event. */
  record Started() implements NodeEvent {}

  /** A Mobility Header message for us, and how it came. */
  record MobilityMessageArrived(MobilityMessage message, Arrival arrival) implements NodeEvent {}

  /**
   * A packet was discarded for its Home Address option: there is no binding that bears it out (RFC
   * 6275 section 9.3.1).
   *
   * @param homeAddress of the option
   * @param careOf the source address on the wire
   */
  record HomeAddressOptionRefused(
      Ipv6Address homeAddress, Ipv6Address careOf, Ipv6Address destination) implements NodeEvent {}

  /**
   * Payload came through the tunnel from this peer to a home address of ours: a shorter way may be
   * worth while (RFC 6275 section 11.7.2). Told again from time to time while it goes on.
   *
   * @param sure false if it may have come otherwise: directly in a tunnel of the user's, or from a
   *     host on the link
   */
  record TunnelledPayload(HomeAddress homeAddress, Ipv6Address peer, boolean sure)
      implements NodeEvent {}

  /**
   * An ICMPv6 error says that a packet of ours, sent with a Home Address option, a type 2 routing
   * header, or as a Mobility Header, failed (RFC 6275 sections 9.3.4 and 11.3.5). Anybody can say
   * so.
   */
  record PacketFailed(FailedPacket packet) implements NodeEvent {}

  /**
   * Packets have gone or come directly, by these states, since it was told last. The shell tells it
   * every {@link #USE_INTERVAL}, messages of mobility's not told apart from payload.
   */
  record RoutesUsed(ImmutableSet<RouteOptimizationState.Id> states) implements NodeEvent {}

  /** How old the news of {@link RoutesUsed} may be. */
  Duration USE_INTERVAL = Duration.ofSeconds(10);

  /**
   * A message of ICMPv6 that a node of ours may care for: Neighbor Discovery, and what is found of
   * home agents.
   *
   * @param hopLimit as it arrived; 255 for what came from the link itself (RFC 4861 section 6.1)
   */
  record Icmpv6Arrived(
      int interfaceIndex,
      Ipv6Address source,
      Ipv6Address destination,
      int hopLimit,
      Icmpv6Message message)
      implements NodeEvent {}

  /**
   * A Mobile Prefix Solicitation or Advertisement for us, and how it came (RFC 6275 sections 6.7
   * and 6.8).
   */
  record PrefixDiscoveryArrived(Icmpv6Message message, Arrival arrival) implements NodeEvent {}

  /**
   * A message of Multicast Listener Discovery came out of a tunnel.
   *
   * @param group its destination
   * @param arrival its destination is the home address whose tunnel it came by (mobile node); else
   *     its security path tells the tunnel
   */
  record ListenerMessageArrived(
      Icmpv6Message.OfListeners message, Ipv6Address group, Arrival arrival) implements NodeEvent {}

  /** The multicast groups of global scope that programs of this host listen to, all of them. */
  record GroupsJoined(ImmutableSet<Ipv6Address> groups) implements NodeEvent {}

  /**
   * Another home address of the node has been told of the home link's prefixes, and has believed it
   * (RFC 6275 section 11.4.3).
   *
   * @param isProtected whether an association of that home address with the home agent proves it
   */
  record HomePrefixesTold(
      Icmpv6Message.MobilePrefixAdvertisement advertisement, boolean isProtected)
      implements NodeEvent {}

  /**
   * A link of ours came up or went down. The shell tells all that are there after {@link Started}.
   *
   * @param address empty if the link has none of six octets
   */
  record LinkChanged(
      int interfaceIndex, String name, boolean up, Optional<LinkLayerAddress> address)
      implements NodeEvent {}

  /** An address of a link of ours changed. The shell tells all that are there after its link. */
  record AddressChanged(
      int interfaceIndex, Ipv6Address address, int prefixLength, AddressState state)
      implements NodeEvent {}

  /** What may be done with an address of ours. */
  enum AddressState {
    /** Duplicate Address Detection is under way (RFC 4862 section 5.4): not to be used. */
    TENTATIVE,
    /** It is under way, and the address may be used with care (RFC 4429). */
    OPTIMISTIC,
    USABLE,
    /** Still there, not for new connections (RFC 4862 section 5.5.4). */
    DEPRECATED,
    /** Somebody else has it. */
    DUPLICATE,
    GONE
  }

  /** The answer to {@link NodeAction.StartDad}. */
  record DadFinished(HomeAddress address, boolean unique) implements NodeEvent {}

  /**
   * The operator chooses where a mobile node is: on this interface, or by this care-of address. It
   * is as before where that cannot be had, and registers again after {@link BindingDismissed}.
   *
   * @param interfaceIndex empty: any
   * @param careOf empty: any
   */
  record AttachmentChosen(OptionalInt interfaceIndex, Optional<CareOfAddress> careOf)
      implements NodeEvent {
    /** Whatever is best. */
    public static final AttachmentChosen FREE =
        new AttachmentChosen(OptionalInt.empty(), Optional.empty());
  }

  /**
   * The operator ends the binding of a home address. Told to the home agent, the mobile node learns
   * of it when it registers next; told to the mobile node, it de-registers, and registers no more
   * until {@link AttachmentChosen}.
   */
  record BindingDismissed(HomeAddress homeAddress) implements NodeEvent {}

  /**
   * The operator wants the home agent to take no new mobile nodes, or to take them again; those
   * that are bound stay, and may move.
   */
  record Draining(boolean on) implements NodeEvent {}

  /** {@link MobilityNode#nextDeadline} has come. */
  record DeadlineReached() implements NodeEvent {}

  /** The node shall stop; what it returns now is the last that is performed. */
  record ShutdownRequested() implements NodeEvent {}
}

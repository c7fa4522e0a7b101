package io.mipd.mobility;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.planner.HomeAgentWish;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.LinkLayerAddress;
import java.time.Duration;
import java.util.Optional;

/** What a node wants done. */
public sealed interface NodeAction {

  /**
   * Send a message, as its policy says.
   *
   * @param careOf the care-of address for its Home Address option or type 2 routing header, whether
   *     or not there is a state; empty for neither, unless a state says otherwise
   */
  record SendMessage(
      MobilityMessage message,
      Ipv6Address source,
      Ipv6Address destination,
      Optional<CareOfAddress> careOf)
      implements NodeAction {}

  /** Send a message on a link, with hop limit 255; the source may be unspecified. */
  record SendIcmpv6(
      int interfaceIndex, Ipv6Address source, Ipv6Address destination, Icmpv6Message message)
      implements NodeAction {}

  /**
   * Send a message of home agent address discovery or of prefix discovery (RFC 6275 sections 6.5 to
   * 6.8), routed as any packet, as its policy says.
   *
   * @param careOf as of {@link SendMessage}
   */
  record SendDiscovery(
      Icmpv6Message message,
      Ipv6Address source,
      Ipv6Address destination,
      Optional<CareOfAddress> careOf)
      implements NodeAction {}

  /**
   * Send a message of Multicast Listener Discovery through the tunnel of a home address (RFC 6275
   * sections 10.4.3 and 11.3.4).
   *
   * @param source link-local
   * @param destination a group
   * @param toMobileNode whether we are the home agent
   */
  record SendListenerMessage(
      HomeAddress through,
      boolean toMobileNode,
      Icmpv6Message.OfListeners message,
      Ipv6Address source,
      Ipv6Address destination)
      implements NodeAction {}

  /**
   * What is sent on the home link to this group is to go to the mobile node as well, or not any
   * more (RFC 6275 section 10.4.2).
   */
  record Subscribe(int interfaceIndex, HomeAddress homeAddress, Ipv6Address group, boolean on)
      implements NodeAction {}

  /** Have an anycast address on this interface, which is up (RFC 4291 section 2.6). */
  record JoinAnycast(int interfaceIndex, Ipv6Address address) implements NodeAction {}

  /**
   * These policies and states shall be in force for this owner, and no others of its. Replaces what
   * was wished for it before; performed in order with {@link MoveTunnel}.
   */
  record WantMobility(WishOwner owner, MobilityWish wish) implements NodeAction {
    public WantMobility(HomeAddress owner, MobilityWish wish) {
      this(WishOwner.of(owner), wish);
    }
  }

  /**
   * As {@link WantMobility}, of a home address at its home agent. The policies need not be there
   * before a packet needs them.
   */
  record WantAtHomeAgent(HomeAgentWish wish) implements NodeAction {}

  /**
   * How packets between an address of ours and one other are to go, as far as one end's mobility
   * goes; the other end may be mobile, too. Replaces what was wanted for this pair and end before.
   *
   * @param end whose home address is reached by the care-of address
   * @param use by which care-of address packets go directly; only together with the same in {@code
   *     accept}. Empty: by the tunnel, or to the home link
   * @param accept by which care-of address packets may come; what takes the tunnel, or comes from
   *     the home link, is accepted anyhow
   */
  record WantRoute(
      Ipv6Address local,
      Ipv6Address peer,
      End end,
      Optional<CareOfAddress> use,
      Optional<CareOfAddress> accept)
      implements NodeAction {}

  /** One of the two ends of a route. */
  enum End {
    /** The local address is a home address of ours, and we are away from home. */
    OURS,
    /** The peer's address is a home address, and we have its binding (RFC 6275 section 9.1). */
    PEERS
  }

  /**
   * The associations of this home address's tunnels end at other addresses from now on. Their
   * sequence numbers and windows go along. The next {@link WantMobility} names the new end points.
   *
   * @param from the mobile node's end until now: a care-of address, or the home address
   * @param to the mobile node's end from now on
   */
  record MoveTunnel(HomeAddress owner, Ipv6Address homeAgent, Ipv6Address from, Ipv6Address to)
      implements NodeAction {}

  /**
   * Find out whether anybody on the link has the address; {@link NodeEvent.DadFinished} answers.
   */
  record StartDad(int interfaceIndex, HomeAddress address) implements NodeAction {}

  /**
   * Answer for the home address on the home link, or stop doing so, and have its packets come to us
   * (RFC 6275 section 10.4.1).
   *
   * @param interfaceIndex the home link's; 0 to stop before it has come up
   */
  record Proxy(int interfaceIndex, HomeAddress address, boolean on) implements NodeAction {}

  /**
   * Packets of this node to a peer are to meet the policies, or need not any more. For a world in
   * which the kernel would send them by itself.
   *
   * @param local their source
   */
  record InterceptPeer(Ipv6Address local, Ipv6Address peer, boolean on) implements NodeAction {}

  /** Ask for routers at once, and again as RFC 4861 section 6.3.7 says, until one answers. */
  record SolicitRouters(int interfaceIndex) implements NodeAction {}

  /**
   * The interface is on another link: addresses, routes and neighbours that it has from the old one
   * shall go.
   *
   * @param keep what has been heard from the new one stays: the router's link-local address
   */
  record ForgetLink(int interfaceIndex, Ipv6Address keep) implements NodeAction {}

  /** Where the home address's packets go and come. */
  enum Place {
    /** On the home link: the address is on the interface, routes are the link's. */
    HOME,
    /** Away: the address is on the tunnel device only, and all its packets go there. */
    AWAY,
    /** Neither: all its packets are dropped. */
    NOWHERE
  }

  /**
   * @param interfaceIndex for {@link Place#HOME} the one on the home link; else 0
   */
  record PlaceHomeAddress(HomeAddress address, Place place, int interfaceIndex)
      implements NodeAction {}

  /**
   * Programs that have bound no address may take this home address, or shall take another while
   * there is one: it is deprecated, or not valid (RFC 4862 section 5.5.4). They may until this is
   * said.
   */
  record PreferHomeAddress(HomeAddress address, boolean preferred) implements NodeAction {}

  /**
   * Our link-local address, which the kernel has found to be another's, is ours: the home agent
   * defended it and does so no more. Without Duplicate Address Detection (RFC 6275 section 11.5.5).
   */
  record RetakeAddress(int interfaceIndex, Ipv6Address address) implements NodeAction {}

  /**
   * On the home link, the home agent has this link-layer address: so that we need not ask in the
   * home address's name while the home agent still answers for it (RFC 6275 section 11.5.5).
   */
  record KnowNeighbor(int interfaceIndex, Ipv6Address address, LinkLayerAddress linkLayerAddress)
      implements NodeAction {}

  /**
   * Must be durable before what comes after it in the list is performed: a binding that the home
   * agent acknowledges.
   *
   * @param lifetime that is left of it
   */
  record RememberBinding(
      HomeAddress homeAddress,
      CareOfAddress careOf,
      SequenceNumber sequence,
      int flags,
      Duration lifetime)
      implements NodeAction {}

  /** The binding is no more; its sequence number stays known. Durable as above. */
  record ForgetBinding(HomeAddress homeAddress, SequenceNumber sequence) implements NodeAction {}

  /** Durable likewise: the sequence number of the Binding Update that comes next. */
  record RememberSequence(HomeAddress homeAddress, SequenceNumber sequence) implements NodeAction {}

  /**
   * What was heard of the home link, in place of what was before: kept for the next daemon. Nothing
   * waits for it.
   */
  record RememberHomeLink(HomeLinkState state) implements NodeAction {}

  /**
   * These are the home agents of our home link, in their order (RFC 6275 section 11.4.1): durable.
   * Never empty.
   */
  record HomeAgentsFound(ImmutableList<Ipv6Address> addresses) implements NodeAction {}

  /**
   * Our home agent refuses us, or does not answer: if it was found, another one is to be tried (RFC
   * 6275 section 11.4.1).
   */
  record HomeAgentFails() implements NodeAction {}

  /** Something that people want to know of, in words; for the log. */
  record Tell(String words) implements NodeAction {}

  /** A message was refused: counted under the reason, and logged with limits. */
  record Refuse(Refusal reason, Ipv6Address source) implements NodeAction {}

  /** Why a message was not taken. */
  enum Refusal {
    /** A home registration outside the association of its home address (RFC 6275 10.3.1). */
    UNPROTECTED,
    /** It is for a home address that we do not serve; a status answers it, within limits. */
    NOT_SERVED,
    /** It came through the association of another home address. */
    FOREIGN_ASSOCIATION,
    /** It was sent to an address of ours at which no registration is taken. */
    WRONG_ADDRESS,
    /** It lacks what it must carry, or carries what it must not. */
    MALFORMED,
    /** The administrator keeps its care-of address out; a status answers it. */
    PROHIBITED,
    /** An answer to nothing that we asked. */
    UNEXPECTED,
    /** A correspondent's authenticator is missing or wrong (RFC 6275 section 9.5.1). */
    NOT_AUTHENTIC,
    /** It names a nonce that is none of ours, or too old; a status answers it, within limits. */
    EXPIRED_NONCE,
    /** An update that is authentic, but not newer than the last; a status answers it likewise. */
    OLD_SEQUENCE,
    /** More bindings, mobile nodes or groups of one than we keep. */
    LIMIT
  }
}

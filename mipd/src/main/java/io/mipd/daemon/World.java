package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.merger.rule.Finding;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.engine.AssociationStatus;
import io.mipd.xfrm.engine.FailedPacket;
import io.mipd.xfrm.engine.PoliciesOnDemand;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.netlink.RtnetlinkNotice;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * Where packets are transformed: by our engine, or by the kernel. One thread uses it; it tells
 * {@link Upward} what happens.
 */
interface World extends AutoCloseable {

  /** What comes from below; called on the event loop's thread. */
  interface Upward {
    void interfaceChanged(RtnetlinkNotice notice);

    /** The message is only valid during the call. */
    void icmpv6(
        int interfaceIndex,
        Ipv6Address source,
        Ipv6Address destination,
        int hopLimit,
        ByteBuf message);

    /**
     * A Mobility Header message: only to be noted, not to be acted upon, for it may come from
     * within the engine.
     *
     * @param message from the Payload Proto field on; only valid during the call
     */
    void mobility(ByteBuf message, Arrival arrival);

    /**
     * A Mobile Prefix Solicitation or Advertisement: likewise only to be noted.
     *
     * @param message from the Type field on; only valid during the call
     */
    void prefixDiscovery(ByteBuf message, Arrival arrival);

    /**
     * A message of Multicast Listener Discovery out of a tunnel: likewise only to be noted.
     *
     * @param message from the Type field on; only valid during the call
     * @param group its destination
     */
    void listener(ByteBuf message, Ipv6Address group, Arrival arrival);

    /** The multicast groups of global scope that programs listen to are others now. */
    void groupsJoined(ImmutableSet<Ipv6Address> groups);

    /** Likewise only to be noted. */
    void notice(XfrmNotice notice);

    /**
     * Payload came by the tunnel; told for each peer from time to time. Likewise.
     *
     * @param sure false if it may have come otherwise as well
     */
    void tunnelled(Ipv6Address peer, Ipv6Address homeAddress, boolean sure);

    /** An ICMPv6 error says that a packet of mobility's failed. Likewise. */
    void failed(FailedPacket packet);

    /** Something about policies that is not the merger's to find. Likewise. */
    void found(Finding finding);

    /** What {@link #others} says has changed. Likewise only to be noted. */
    void othersChanged();

    /** Between two packets: what was noted may be acted upon. */
    void settle();

    /** It cannot go on. */
    void broken(String why);
  }

  /**
   * What a role wants of its world.
   *
   * @param device name of the device that home addresses are on while they are away
   * @param deviceMtu its MTU in octets
   * @param router whether packets leave by whatever the routing table says (home agent), or by the
   *     interface that has their source
   * @param interfaces by which packets arrive; empty for all
   * @param home our own home addresses
   * @param served home addresses that we serve
   * @param homeLink empty for who has none (correspondent)
   * @param learning whether {@link Upward#tunnelled} is wanted
   * @param spis of inbound associations
   * @param user the user's own policies
   * @param tunnelsGroups whether packets for multicast groups pass the tunnels
   * @param negotiated request ids of associations with the home agent that a key manager makes
   */
  record Setup(
      String device,
      int deviceMtu,
      boolean router,
      ImmutableSet<String> interfaces,
      ImmutableSet<Ipv6Address> home,
      ImmutableSet<Ipv6Address> served,
      Optional<HomeLink> homeLink,
      boolean learning,
      ImmutableSet<Spi> spis,
      ImmutableList<Policy> user,
      boolean tunnelsGroups,
      ImmutableSet<ReqId> negotiated) {}

  /**
   * @param agent the home agent's address there: ours, or our home agent's
   */
  record HomeLink(Ipv6Address agent, Ipv6Prefix prefix) {}

  /**
   * Tells {@link Upward} of the interfaces and addresses that are there, and takes messages from
   * now on.
   *
   * @throws IOException if messages cannot be had
   */
  void begin() throws IOException;

  /** All that has been wished for is in force: what is left of a dead predecessor may go. */
  default void dropLeftovers() throws IOException {}

  /**
   * Puts the configured associations where packets find them; those of a dead predecessor that are
   * still good stay as they are.
   *
   * @throws IOException if one of them cannot be; those before it are in force then
   */
  void establish(ImmutableList<SecurityAssociation> associations) throws IOException;

  /** Holds the policies and associations. */
  XfrmBackend backend();

  /**
   * Has policies put in by this one when a packet first needs them.
   *
   * @return whether it will ask for them; if not, all of them are to be there
   */
  default boolean askOnDemand(PoliciesOnDemand source) {
    return false;
  }

  /**
   * The IPsec policies that others have installed where ours are; they act where none of ours does.
   */
  default ImmutableList<Policy> others() {
    return ImmutableList.of();
  }

  /** What {@link #others} says is merged and in force. */
  default void othersMerged() {}

  /** The node's interfaces, addresses and Neighbor Discovery. */
  NetworkWatch network();

  /** Whether what the kernel sends meets no policies unless a route leads it to us. */
  boolean needsRoutes();

  /** Index of the device that home addresses are on while they are away. */
  int homeDevice();

  /**
   * Whether programs that have bound no address may take this home address (RFC 4862 section
   * 5.5.4).
   */
  void preferHome(Ipv6Address home, boolean preferred) throws IOException;

  /**
   * The home agent is on this link. Said as soon as a router is heard there, when the kernel may
   * not yet have an address of the home prefix.
   */
  void homeLinkIs(int interfaceIndex) throws IOException;

  /**
   * Sends a message of our own, as its policy says.
   *
   * @param careOf the care-of address for its Home Address option or type 2 routing header, whether
   *     or not there is a state
   * @throws IOException if it did not leave this node
   */
  void send(
      MobilityMessage message,
      Ipv6Address source,
      Ipv6Address destination,
      Optional<CareOfAddress> careOf)
      throws IOException;

  /**
   * Sends an ICMPv6 message of our own to wherever it is routed; otherwise as above.
   *
   * @throws IOException if it did not leave this node
   */
  void send(
      Icmpv6Message message,
      Ipv6Address source,
      Ipv6Address destination,
      Optional<CareOfAddress> careOf)
      throws IOException;

  /** Where packets for multicast groups pass the tunnels: who sees to that. */
  default Optional<TunnelledGroups> groups() {
    return Optional.empty();
  }

  /**
   * Has somebody see its packets, or nobody any more.
   *
   * @throws IOException if they are not to be had
   */
  void tap(Optional<PacketTap> tap) throws IOException;

  /** Does what is due. */
  void turn(Instant now);

  /** When something will be due; empty if nothing is planned. */
  Optional<Instant> nextDeadline();

  ImmutableList<AssociationStatus> associations();

  AssociationCount associationCount();

  /**
   * How many associations there are.
   *
   * @param expired how many of them carry nothing any more
   */
  record AssociationCount(int all, int expired) {}

  /** Packets that each route optimization state has been used for, sent or arrived. */
  ImmutableMap<RouteOptimizationState.Id, Long> routePackets();

  /** What it has counted, by name, for the status; a value may be a map. */
  Map<String, Object> counters();

  /** Takes back all that it has put into the system. */
  @Override
  void close();
}

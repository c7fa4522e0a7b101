package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.daemon.JoinedGroups.Membership;
import io.mipd.host.GroupForwarder;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeAction.Place;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.xfrm.engine.PacketEngine;
import io.mipd.xfrm.engine.Segmenter;
import io.mipd.xfrm.linux.IcmpSocket;
import io.mipd.xfrm.linux.PacketSocket;
import io.mipd.xfrm.linux.Poller;
import io.mipd.xfrm.linux.RawSender;
import io.mipd.xfrm.linux.SocketFilter;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.packet.Ipv6Fields;
import io.mipd.xfrm.transform.PacketBuffer;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Packets for multicast groups through the tunnels, as far as the kernel has a part in it.
 *
 * <p>At the home agent it joins on the home link what mobile nodes listen to and takes copies of
 * what comes for it there; what they send through their tunnels it sends on the home link.
 *
 * <p>At a mobile node it looks which groups programs have joined, on whichever interface, and joins
 * them where they are to come in: while away where its world says, on the home link at home. While
 * away what programs send to groups of global scope without naming an interface goes into the
 * device of the home address, and so with that address.
 */
final class TunnelledGroups implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(TunnelledGroups.class);

  /** How soon it is seen that a program has joined a group or left it. */
  private static final Duration LOOK_INTERVAL = Duration.ofSeconds(1);

  /** Before the kernel's own routes to groups, of metric 256. */
  static final int METRIC = 128;

  /** How packets for groups pass the tunnels of a world. */
  interface Way extends GroupForwarder.Tunnels {
    /** What has been sent leaves, if it has not yet. */
    void flush();

    /** The interface by which it sees, while away, what comes out of the tunnel for groups. */
    OptionalInt arrivals(Ipv6Address home);

    /**
     * Whether what comes from a home address is the tunnel's to bring, and what a packet socket
     * shows of it no more than what comes out of the tunnel.
     */
    boolean isAway(Ipv6Address home);

    /** To be removed again when the daemon stops, or by the next one. */
    void putRoute(Route route) throws SystemCallException;

    void removeRoute(Route route) throws SystemCallException;
  }

  private final Poller poller;
  private final int device;
  private final Function<Integer, Optional<Link>> links;
  private final Supplier<OptionalInt> homeLink;
  private final Optional<Ipv6Address> listener;
  private final GroupForwarder forwarder;
  private final World.Upward up;
  private final Way way;

  /**
   * Apart from what the daemon needs for itself: the kernel lets one socket join no more groups
   * than its {@code net.core.optmem_max} has room for.
   */
  private final IcmpSocket memberships = IcmpSocket.open(ImmutableSet.of());

  private final Set<Membership> ours = new LinkedHashSet<>();

  /** Those that the kernel has not taken, each told once; they are tried again. */
  private final Set<Membership> refused = new LinkedHashSet<>();

  private Optional<Instant> lookAt;

  // Of a home agent.

  private final PacketBuffer[] arrived = new PacketBuffer[PacketSocket.BATCH];
  private @Nullable PacketSocket fromLink;
  private @Nullable RawSender toLink;

  // Of a mobile node.

  private ImmutableSet<Ipv6Address> wanted = ImmutableSet.of();
  private OptionalInt mirror = OptionalInt.empty();
  private boolean away;

  /**
   * @param device index of the device that has home addresses while they are away
   * @param links the interfaces by index
   * @param homeLink of a home agent, at present
   * @param listener the home address that groups come to, of a mobile node
   */
  TunnelledGroups(
      Poller poller,
      int device,
      Function<Integer, Optional<Link>> links,
      Supplier<OptionalInt> homeLink,
      Way way,
      World.Upward up,
      Optional<Ipv6Address> listener)
      throws SystemCallException {
    this.poller = poller;
    this.device = device;
    this.links = links;
    this.homeLink = homeLink;
    this.up = up;
    this.listener = listener;
    this.way = way;
    forwarder = new GroupForwarder(way);
    lookAt = listener.map(it -> Instant.MIN);
    for (int i = 0; i < arrived.length; i++) {
      arrived[i] = new PacketBuffer();
    }
  }

  /** Sends what the core wants said to the other end of a tunnel. */
  void send(NodeAction.SendListenerMessage send) {
    log.debug("{} {} to {}", send.through(), send.message(), send.destination());
    forwarder.send(send);
    way.flush();
  }

  // Of a home agent.

  void subscribe(NodeAction.Subscribe action) {
    if (forwarder.subscribe(action)) {
      log.debug(
          "group {}: {} the home link", action.group(), action.on() ? "joined on" : "left on");
      followHomeLink();
      lookAt = forwarder.groups().isEmpty() ? Optional.empty() : Optional.of(Instant.MIN);
    }
  }

  /** Listens on the home link, whichever interface that is now. */
  private void followHomeLink() {
    ImmutableSet<Ipv6Address> groups = forwarder.groups();
    OptionalInt at = groups.isEmpty() ? OptionalInt.empty() : homeLink.get();
    join(at, groups);
    if (fromLink != null && (at.isEmpty() || fromLink.interfaceIndex() != at.getAsInt())) {
      stopListening();
    }
    if (fromLink == null && at.isPresent()) {
      try {
        PacketSocket socket = PacketSocket.open(at.getAsInt(), SocketFilter.toGlobalGroups());
        fromLink = socket;
        poller.add(socket.fd(), () -> take(socket));
      } catch (SystemCallException e) {
        log.debug("groups on the home link: {}", e.toString());
      }
    }
  }

  private void stopListening() {
    if (fromLink != null) {
      poller.remove(fromLink.fd());
      fromLink.close();
      fromLink = null;
    }
  }

  private void take(PacketSocket socket) {
    try {
      int count = socket.receive(arrived);
      for (int i = 0; i < count; i++) {
        if (PacketEngine.isWhole(arrived[i]) && !way.isAway(source(arrived[i]))) {
          forwarder.forward(arrived[i]);
        }
      }
    } catch (SystemCallException e) {
      log.debug("groups on the home link: {}", e.toString());
    }
    way.flush();
  }

  private static Ipv6Address source(PacketBuffer packet) {
    return Ipv6Address.read(packet.array(), packet.start() + Ipv6Fields.SOURCE);
  }

  /**
   * A packet for a group that a mobile node has sent through its tunnel: one hop further on the
   * home link, and to the others that listen.
   */
  void fromTunnel(PacketBuffer packet) {
    byte[] octets = packet.array();
    int hopLimit = octets[packet.start() + Ipv6Fields.HOP_LIMIT] & 0xff;
    Ipv6Address group = Ipv6Address.read(octets, packet.start() + Ipv6Fields.DESTINATION);
    if (hopLimit <= 1
        || group.isLinkScopeMulticast()
        || Segmenter.completeChecksum(packet) != null) {
      return;
    }
    forwarder.forward(packet);
    way.flush();
    OptionalInt at = homeLink.get();
    Optional<Link> link = at.isPresent() ? links.apply(at.getAsInt()) : Optional.empty();
    if (link.isEmpty()) {
      return;
    }
    try {
      if (toLink == null || !toLink.interfaceName().equals(link.get().name())) {
        closeSender();
        toLink = RawSender.open(link.get().name(), 0);
      }
      octets[packet.start() + Ipv6Fields.HOP_LIMIT] = (byte) (hopLimit - 1);
      toLink.add(packet);
      toLink.flush();
    } catch (SystemCallException e) {
      log.debug("group {}: {}", group, e.toString());
    }
  }

  private void closeSender() {
    if (toLink != null) {
      toLink.close();
      toLink = null;
    }
  }

  // Of a mobile node.

  /**
   * Where the home address is, groups come in. What is sent to them leaves on the home link alone,
   * or through the tunnel: where there is none, nowhere, as with all that the home address sends.
   */
  void place(NodeAction.PlaceHomeAddress place) throws IOException {
    if (listener.filter(place.address().value()::equals).isEmpty()) {
      return;
    }
    away = place.place() == Place.AWAY;
    mirror =
        switch (place.place()) {
          case AWAY -> way.arrivals(place.address().value());
          case HOME -> OptionalInt.of(place.interfaceIndex());
          case NOWHERE -> OptionalInt.empty();
        };
    join(mirror, wanted);
    for (Ipv6Prefix groups : HomePolicies.GROUPS) {
      if (place.place() == Place.HOME) {
        way.removeRoute(route(groups));
      } else {
        way.putRoute(route(groups));
      }
    }
  }

  private Route route(Ipv6Prefix groups) {
    return Route.ofGroups(device, groups).withMetric(METRIC);
  }

  void turn(Instant now) {
    followTunnel();
    if (lookAt.filter(it -> !now.isBefore(it)).isEmpty()) {
      return;
    }
    lookAt = Optional.of(now.plus(LOOK_INTERVAL));
    if (listener.isEmpty()) {
      followHomeLink();
      return;
    }
    ImmutableSet<Ipv6Address> found;
    try {
      found = JoinedGroups.ofOthers(ours);
    } catch (IOException e) {
      log.warn("the groups that are joined: {}", e.getMessage());
      return;
    }
    boolean changed = !found.equals(wanted);
    wanted = found;
    join(mirror, wanted);
    if (changed) {
      up.groupsJoined(wanted);
    }
  }

  /** A tunnel moves with the mobile node. */
  private void followTunnel() {
    OptionalInt now = away ? way.arrivals(listener.orElseThrow()) : mirror;
    if (!now.equals(mirror)) {
      mirror = now;
      join(mirror, wanted);
    }
  }

  /** Is a member of these groups on that interface, and of no others; as far as the kernel lets. */
  private void join(OptionalInt at, ImmutableSet<Ipv6Address> groups) {
    Set<Membership> right = new LinkedHashSet<>();
    at.ifPresent(index -> groups.forEach(group -> right.add(new Membership(index, group))));
    for (Membership it : ImmutableList.copyOf(ours)) {
      if (!right.contains(it)) {
        ours.remove(it);
        try {
          memberships.leave(it.interfaceIndex(), it.group());
        } catch (SystemCallException e) {
          // The interface is gone, and the membership with it.
          log.debug("{}: {}", it, e.toString());
        }
      }
    }
    refused.retainAll(right);
    for (Membership it : right) {
      if (!ours.contains(it)) {
        try {
          memberships.join(it.interfaceIndex(), it.group());
          ours.add(it);
          refused.remove(it);
        } catch (SystemCallException e) {
          if (refused.add(it)) {
            log.warn("group {} is not joined: {}", it.group(), e.getMessage());
          }
        }
      }
    }
  }

  Optional<Instant> nextDeadline() {
    return lookAt;
  }

  @Override
  public void close() {
    stopListening();
    closeSender();
    memberships.close();
  }
}

package io.mipd.sim.node;

import com.google.common.collect.HashMultiset;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.LinkedHashMultiset;
import com.google.common.collect.Multiset;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.mobility.autoconf.InterfaceIdentifier;
import io.mipd.sim.event.Alarm;
import io.mipd.sim.link.Frame;
import io.mipd.sim.link.Interface;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.Icmpv6Message.NeighborAdvertisement;
import io.mipd.xfrm.packet.Icmpv6Message.NeighborSolicitation;
import io.mipd.xfrm.packet.Icmpv6Message.RouterAdvertisement;
import io.mipd.xfrm.packet.Icmpv6Message.RouterSolicitation;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.NdOption;
import io.netty.buffer.ByteBuf;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** IPv6 on one interface of a node: its addresses, neighbours and routers. */
final class Ipv6Interface implements NeighborCache.Wire {
  /** RFC 4862 section 5.3. */
  private static final Ipv6Prefix LINK_LOCAL = Ipv6Prefix.parse("fe80::/64");

  /** What a router told must not be smaller; the kernel takes it likewise. */
  private static final Duration LEAST_RETRANS_TIMER = Duration.ofMillis(10);

  /**
   * An address of the interface.
   *
   * @param prefixLength of the prefix that is on the link with it
   */
  record Own(int prefixLength, AddressState state) {
    /** Whether packets to it are taken. */
    boolean isOurs() {
      return switch (state) {
        case OPTIMISTIC, USABLE, DEPRECATED -> true;
        case TENTATIVE, DUPLICATE, GONE -> false;
      };
    }

    /** Whether it may stand in Neighbor Discovery for us (RFC 4429 section 3.3). */
    boolean isSafe() {
      return state == AddressState.USABLE || state == AddressState.DEPRECATED;
    }
  }

  private final Stack stack;
  private final Interface device;
  private final NeighborCache neighbors;
  private final DuplicateAddressDetection detection;
  private final RouterSolicitor solicitor;
  private final Ipv6Address linkLocal;
  private final Map<Ipv6Address, Own> addresses = new LinkedHashMap<>();

  /** As often as they were joined: several may want to hear of one. */
  private final Multiset<Ipv6Address> groups = LinkedHashMultiset.create();

  private final Set<Ipv6Address> proxied = new LinkedHashSet<>();

  /** The groups in which neighbours ask for an address, ours or one that we answer for. */
  private final Multiset<Ipv6Address> askedIn = HashMultiset.create();

  /** Routers that have said so, and until when (RFC 4861 section 6.3.4), the last one first. */
  private final Map<Ipv6Address, Instant> defaultRouters = new LinkedHashMap<>();

  private final Map<Ipv6Prefix, Instant> onLink = new LinkedHashMap<>();
  private @Nullable RouterAdvertiser advertiser;
  private final Alarm advertising;
  private Optional<Ipv6Prefix> sourceFilter = Optional.empty();

  Ipv6Interface(Stack stack, Interface device, RandomGenerator random, int transmits) {
    this.stack = stack;
    this.device = device;
    neighbors = new NeighborCache(stack.events(), random, this);
    detection =
        new DuplicateAddressDetection(
            stack.events(),
            random,
            transmits,
            it -> send(Ipv6Address.UNSPECIFIED, it.target().solicitedNodeMulticast(), it),
            this::detected);
    solicitor = new RouterSolicitor(stack.events(), random, this::solicitRouters);
    advertising = new Alarm(stack.events(), this::advertise);
    linkLocal = InterfaceIdentifier.modifiedEui64(device.address()).in(LINK_LOCAL);
  }

  int index() {
    return device.index();
  }

  Interface device() {
    return device;
  }

  NeighborCache neighbors() {
    return neighbors;
  }

  RouterSolicitor solicitor() {
    return solicitor;
  }

  Ipv6Address linkLocal() {
    return linkLocal;
  }

  void setAdvertiser(RouterAdvertiser router) {
    advertiser = router;
  }

  /** Drops what leaves here with a source of another prefix (RFC 2827). */
  void setSourceFilter(Ipv6Prefix prefix) {
    sourceFilter = Optional.of(prefix);
  }

  boolean admits(Ipv6Address source) {
    return sourceFilter.isEmpty() || source.isLinkLocal() || sourceFilter.get().contains(source);
  }

  // Addresses.

  ImmutableMap<Ipv6Address, Own> addresses() {
    return ImmutableMap.copyOf(addresses);
  }

  Optional<Own> own(Ipv6Address address) {
    return Optional.ofNullable(addresses.get(address));
  }

  /** Whether packets to an address of it are taken. */
  boolean isOurs(Ipv6Address address) {
    Own known = addresses.get(address);
    return known != null && known.isOurs();
  }

  /** Gives it an address that is checked first. */
  void addChecked(Ipv6Address address, int prefixLength) {
    set(address, prefixLength, AddressState.TENTATIVE);
    if (device.hasCarrier()) {
      detection.begin(address);
    }
  }

  /** Gives it an address in a state, or changes that. */
  void set(Ipv6Address address, int prefixLength, AddressState state) {
    Own next = new Own(prefixLength, state);
    Own before = addresses.put(address, next);
    if (before == null) {
      askedIn.add(address.solicitedNodeMulticast());
    }
    if (!next.equals(before)) {
      stack.addressChanged(this, address, next);
    }
  }

  void remove(Ipv6Address address, AddressState last) {
    detection.cancel(address);
    Own known = addresses.remove(address);
    if (known != null) {
      askedIn.remove(address.solicitedNodeMulticast());
      stack.addressChanged(this, address, new Own(known.prefixLength(), last));
    }
  }

  private void detected(Ipv6Address address, boolean unique) {
    Own known = addresses.get(address);
    if (known == null) {
      return;
    }
    set(address, known.prefixLength(), unique ? AddressState.USABLE : AddressState.DUPLICATE);
    if (unique && address.equals(linkLocal) && advertiser != null) {
      advertiser.begin(stack.events().now());
      advertising.set(advertiser.nextDeadline());
    }
  }

  void join(Ipv6Address group) {
    groups.add(group);
  }

  void leave(Ipv6Address group) {
    groups.remove(group);
  }

  /** Answers for an address that is somebody's who is away. */
  void proxy(Ipv6Address address, boolean on) {
    if (on ? proxied.add(address) : proxied.remove(address)) {
      if (on) {
        askedIn.add(address.solicitedNodeMulticast());
      } else {
        askedIn.remove(address.solicitedNodeMulticast());
      }
    }
  }

  /** Whether a multicast packet is for us. */
  boolean isMember(Ipv6Address group) {
    if (group.equals(Ipv6Address.ALL_NODES)
        || groups.contains(group)
        || stack.isJoinedEverywhere(group)
        || (stack.isRouter() && group.equals(Ipv6Address.ALL_ROUTERS))) {
      return true;
    }
    return askedIn.contains(group);
  }

  // The carrier.

  void carrierUp() {
    if (!addresses.containsKey(linkLocal)) {
      set(linkLocal, 64, AddressState.TENTATIVE);
    }
    for (Map.Entry<Ipv6Address, Own> entry : addresses().entrySet()) {
      if (entry.getValue().state() == AddressState.TENTATIVE
          && !detection.isRunning(entry.getKey())) {
        detection.begin(entry.getKey());
      }
    }
    if (advertiser != null && own(linkLocal).map(Own::isSafe).orElse(false)) {
      advertiser.begin(stack.events().now());
      advertising.set(advertiser.nextDeadline());
    }
  }

  /** What was learnt on the link is of no use elsewhere. Addresses stay: whoever put them acts. */
  void carrierDown() {
    neighbors.clear();
    solicitor.end();
    defaultRouters.clear();
    onLink.clear();
    for (Ipv6Address address : addresses().keySet()) {
      detection.cancel(address);
    }
    if (advertiser != null) {
      advertiser.end();
      advertising.set(Optional.empty());
    }
  }

  /** The interface is on another link; what this router of it has told stays. */
  void forget(Ipv6Address keep) {
    neighbors.retain(keep);
    defaultRouters.keySet().retainAll(Set.of(keep));
  }

  // Where packets go.

  /** The neighbour that a packet goes to by this interface, if it is known here who. */
  Optional<Ipv6Address> nextHop(Ipv6Address destination) {
    if (destination.isLinkLocal() || destination.isMulticast() || isOnLink(destination)) {
      return Optional.of(destination);
    }
    Instant now = stack.events().now();
    return defaultRouters.entrySet().stream()
        .filter(it -> it.getValue().isAfter(now))
        .map(Map.Entry::getKey)
        .findFirst();
  }

  private boolean isOnLink(Ipv6Address destination) {
    Instant now = stack.events().now();
    return onLink.entrySet().stream()
        .anyMatch(it -> it.getKey().contains(destination) && it.getValue().isAfter(now));
  }

  /** Sends a packet to a neighbour or a group. */
  void transmit(Ipv6Address neighbor, ByteBuf packet) {
    if (packet.readableBytes() > device.mtu()) {
      stack.tooBig(this, packet);
    } else if (neighbor.isMulticast()) {
      send(Frame.groupOf(neighbor), packet);
    } else {
      neighbors.send(neighbor, Ipv6Header.source(packet), packet);
    }
  }

  @Override
  public void send(LinkLayerAddress to, ByteBuf packet) {
    device.send(Frame.of(device.address(), to, packet));
  }

  // Neighbor Discovery, out.

  /** Sends a message on the link. */
  void send(Ipv6Address source, Ipv6Address destination, Icmpv6Message message) {
    transmit(destination, stack.packet(source, destination, Stack.LINK_HOP_LIMIT, message));
  }

  private ImmutableList<NdOption> sourceLinkLayerAddress() {
    return ImmutableList.of(new NdOption.SourceLinkLayerAddress(device.address()));
  }

  /** RFC 4861 section 7.2.2; never in the name of an optimistic address (RFC 4429 section 3.2). */
  @Override
  public void solicit(Ipv6Address target, Optional<LinkLayerAddress> at, Ipv6Address prompting) {
    Optional<Ipv6Address> source =
        own(prompting).map(Own::isSafe).orElse(false) ? Optional.of(prompting) : safeLinkLocal();
    if (source.isEmpty()) {
      return;
    }
    var message = new NeighborSolicitation(target, sourceLinkLayerAddress());
    Ipv6Address destination = at.isPresent() ? target : target.solicitedNodeMulticast();
    ByteBuf packet = stack.packet(source.get(), destination, Stack.LINK_HOP_LIMIT, message);
    send(at.orElseGet(() -> Frame.groupOf(destination)), packet);
  }

  private Optional<Ipv6Address> safeLinkLocal() {
    return own(linkLocal).filter(Own::isSafe).map(it -> linkLocal);
  }

  @Override
  public void unreachable(ByteBuf packet) {
    stack.addressUnreachable(packet);
  }

  private void solicitRouters() {
    Optional<Ipv6Address> source = safeLinkLocal();
    // RFC 4861 section 4.1: no link-layer address with the unspecified source.
    send(
        source.orElse(Ipv6Address.UNSPECIFIED),
        Ipv6Address.ALL_ROUTERS,
        new RouterSolicitation(source.isPresent() ? sourceLinkLayerAddress() : ImmutableList.of()));
  }

  private void advertise() {
    if (advertiser != null) {
      advertiser
          .turn(stack.events().now())
          .ifPresent(it -> send(linkLocal, Ipv6Address.ALL_NODES, it));
      advertising.set(advertiser.nextDeadline());
    }
  }

  // Neighbor Discovery, in. The hop limit was 255 and the checksum right.

  void received(Ipv6Address source, Ipv6Address destination, Icmpv6Message message) {
    if (message instanceof NeighborSolicitation solicitation) {
      solicited(source, destination, solicitation);
    } else if (message instanceof NeighborAdvertisement advertisement) {
      advertised(destination, advertisement);
    } else if (message instanceof RouterSolicitation solicitation) {
      routersSolicited(source, solicitation);
    } else if (message instanceof RouterAdvertisement advertisement
        && source.isLinkLocal()
        && !stack.isRouter()) {
      routerAdvertised(source, advertisement);
    }
  }

  /** RFC 4861 sections 7.1.1, 7.2.3 and 7.2.4; RFC 4862 section 5.4.3. */
  private void solicited(
      Ipv6Address source, Ipv6Address destination, NeighborSolicitation solicitation) {
    Ipv6Address target = solicitation.target();
    Optional<LinkLayerAddress> sender =
        solicitation
            .option(NdOption.SourceLinkLayerAddress.class)
            .map(NdOption.SourceLinkLayerAddress::address);
    boolean detecting = source.isUnspecified();
    if (target.isMulticast()
        || (detecting
            && (sender.isPresent() || !destination.equals(target.solicitedNodeMulticast())))) {
      return;
    }
    if (detecting) {
      detection.contested(target);
    }
    boolean ours = own(target).map(Own::isSafe).orElse(false);
    boolean forOther = !ours && proxied.contains(target);
    if (!ours && !forOther) {
      return;
    }
    if (!detecting) {
      sender.ifPresent(address -> neighbors.heardOf(source, address));
    }
    // RFC 4861 section 7.2.8: who answers for another does not override.
    var answer =
        new NeighborAdvertisement(
            stack.isRouter() && ours,
            !detecting,
            ours,
            target,
            ImmutableList.of(new NdOption.TargetLinkLayerAddress(device.address())));
    Ipv6Address from = ours ? target : safeLinkLocal().orElse(target);
    send(from, detecting ? Ipv6Address.ALL_NODES : source, answer);
  }

  /** RFC 4861 sections 7.1.2 and 7.2.5; RFC 4862 section 5.4.4. */
  private void advertised(Ipv6Address destination, NeighborAdvertisement advertisement) {
    if (destination.isMulticast() && advertisement.solicited()) {
      return;
    }
    detection.contested(advertisement.target());
    neighbors.advertised(
        advertisement.target(),
        advertisement.solicited(),
        advertisement.override(),
        advertisement
            .option(NdOption.TargetLinkLayerAddress.class)
            .map(NdOption.TargetLinkLayerAddress::address));
  }

  private void routersSolicited(Ipv6Address source, RouterSolicitation solicitation) {
    if (advertiser == null) {
      return;
    }
    if (!source.isUnspecified()) {
      solicitation
          .option(NdOption.SourceLinkLayerAddress.class)
          .ifPresent(option -> neighbors.heardOf(source, option.address()));
      Optional<Duration> delay = advertiser.answerToOne();
      if (delay.isPresent()) {
        RouterAdvertisement answer = advertiser.advertisement();
        stack.events().after(delay.get(), () -> send(linkLocal, source, answer));
        return;
      }
    }
    advertiser.solicited(stack.events().now());
    advertising.set(advertiser.nextDeadline());
  }

  /** RFC 4861 section 6.3.4, but for the addresses that are formed of it. */
  private void routerAdvertised(Ipv6Address router, RouterAdvertisement advertisement) {
    Instant now = stack.events().now();
    solicitor.end();
    if (advertisement.routerLifetime() > 0) {
      defaultRouters.put(router, now.plusSeconds(advertisement.routerLifetime()));
    } else {
      defaultRouters.remove(router);
    }
    advertisement
        .option(NdOption.SourceLinkLayerAddress.class)
        .ifPresent(option -> neighbors.heardOf(router, option.address()));
    if (advertisement.retransTimer() > 0) {
      Duration told = Duration.ofMillis(advertisement.retransTimer());
      neighbors.setRetransTimer(
          told.compareTo(LEAST_RETRANS_TIMER) < 0 ? LEAST_RETRANS_TIMER : told);
    }
    for (NdOption option : advertisement.options()) {
      if (option instanceof NdOption.PrefixInformation prefix && prefix.onLink()) {
        if (prefix.validLifetime() == 0) {
          onLink.remove(prefix.prefix());
        } else {
          onLink.put(
              prefix.prefix(),
              prefix.validLifetime() == NdOption.PrefixInformation.INFINITE
                  ? Instant.MAX
                  : now.plusSeconds(prefix.validLifetime()));
        }
      }
    }
  }
}

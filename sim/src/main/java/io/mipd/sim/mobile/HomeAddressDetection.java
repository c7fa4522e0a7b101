package io.mipd.sim.mobile;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.ProtocolConstants;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.node.Stack;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.Icmpv6Message.NeighborAdvertisement;
import io.mipd.xfrm.packet.Icmpv6Message.NeighborSolicitation;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * Duplicate Address Detection for addresses that the node does not have (RFC 4862 section 5.4): a
 * home agent makes sure of a home address before it answers for it (RFC 6275 section 10.3.1), a
 * mobile node before it takes it at home. One solicitation, at once.
 */
final class HomeAddressDetection {
  private final Stack stack;
  private final EventQueue events;
  private final BiConsumer<HomeAddress, Boolean> finished;
  private final Map<Key, EventQueue.Planned> running = new LinkedHashMap<>();

  private record Key(int interfaceIndex, Ipv6Address address) {}

  /**
   * @param finished learns whether an address is unique
   */
  HomeAddressDetection(Stack stack, EventQueue events, BiConsumer<HomeAddress, Boolean> finished) {
    this.stack = stack;
    this.events = events;
    this.finished = finished;
  }

  void start(int interfaceIndex, HomeAddress address) {
    var key = new Key(interfaceIndex, address.value());
    EventQueue.Planned before = running.remove(key);
    if (before != null) {
      before.cancel();
    }
    Ipv6Address group = address.value().solicitedNodeMulticast();
    stack.join(interfaceIndex, group);
    running.put(key, events.after(ProtocolConstants.RETRANS_TIMER, () -> finish(key, true)));
    stack.sendOnLink(
        interfaceIndex,
        Ipv6Address.UNSPECIFIED,
        group,
        new NeighborSolicitation(address.value(), ImmutableList.of()));
  }

  void received(int interfaceIndex, Ipv6Address source, Icmpv6Message message) {
    Ipv6Address target;
    if (message instanceof NeighborAdvertisement advertisement) {
      target = advertisement.target();
    } else if (message instanceof NeighborSolicitation solicitation && source.isUnspecified()) {
      target = solicitation.target();
    } else {
      return;
    }
    var key = new Key(interfaceIndex, target);
    EventQueue.Planned planned = running.get(key);
    if (planned != null) {
      planned.cancel();
      finish(key, false);
    }
  }

  /** Nobody wants to know any more. */
  void stop() {
    running.values().forEach(EventQueue.Planned::cancel);
    running.clear();
  }

  private void finish(Key key, boolean unique) {
    running.remove(key);
    stack.leave(key.interfaceIndex(), key.address().solicitedNodeMulticast());
    finished.accept(new HomeAddress(key.address()), unique);
  }
}

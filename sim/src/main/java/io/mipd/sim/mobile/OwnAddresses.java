package io.mipd.sim.mobile;

import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.mobility.autoconf.AutoconfAction;
import io.mipd.mobility.autoconf.AutoconfAction.Reason;
import io.mipd.mobility.autoconf.AutoconfEvent;
import io.mipd.mobility.autoconf.Autoconfiguration;
import io.mipd.sim.event.Alarm;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.link.Interface;
import io.mipd.sim.node.Stack;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Performs what {@link Autoconfiguration} decides on a mobile node's stack, as the daemon does
 * where it configures care-of addresses itself.
 */
final class OwnAddresses {
  private static final int PREFIX_LENGTH = 64;

  private final Stack stack;
  private final EventQueue events;
  private final Autoconfiguration core;
  private final int transmits;
  private final boolean mayBeOptimistic;
  private final Alarm alarm;
  private final Set<Ipv6Address> optimistic = new LinkedHashSet<>();

  /**
   * @param transmits DupAddrDetectTransmits of RFC 4862 section 5.1
   * @param mayBeOptimistic whether addresses are used while they are being checked (RFC 4429)
   */
  OwnAddresses(
      Stack stack,
      EventQueue events,
      Autoconfiguration core,
      int transmits,
      boolean mayBeOptimistic) {
    this.stack = stack;
    this.events = events;
    this.core = core;
    this.transmits = transmits;
    this.mayBeOptimistic = mayBeOptimistic;
    alarm = new Alarm(events, () -> handle(new AutoconfEvent.DeadlineReached()));
  }

  void carrierChanged(Interface device, boolean carrier) {
    handle(
        carrier
            ? new AutoconfEvent.LinkUp(
                device.index(), device.address(), transmits, /* router= */ !mayBeOptimistic)
            : new AutoconfEvent.LinkDown(device.index()));
  }

  void heard(
      int interfaceIndex, Ipv6Address source, Ipv6Address destination, Icmpv6Message message) {
    handle(new AutoconfEvent.Heard(interfaceIndex, source, destination, message));
  }

  void forget(int interfaceIndex, Ipv6Address keep) {
    handle(new AutoconfEvent.LinkForgotten(interfaceIndex, keep));
  }

  private void handle(AutoconfEvent event) {
    for (AutoconfAction action : core.handle(events.now(), event)) {
      perform(action);
    }
    alarm.set(core.nextDeadline());
  }

  private void perform(AutoconfAction action) {
    if (action instanceof AutoconfAction.Join join) {
      stack.join(join.interfaceIndex(), join.group());
    } else if (action instanceof AutoconfAction.Leave leave) {
      stack.leave(leave.interfaceIndex(), leave.group());
    } else if (action instanceof AutoconfAction.Send send) {
      send(send);
    } else if (action instanceof AutoconfAction.UseOptimistically use) {
      optimistic.add(use.address());
      stack.setAddress(use.interfaceIndex(), use.address(), PREFIX_LENGTH, AddressState.OPTIMISTIC);
    } else if (action instanceof AutoconfAction.Assign assign) {
      optimistic.remove(assign.address());
      stack.setAddress(
          assign.interfaceIndex(),
          assign.address(),
          PREFIX_LENGTH,
          assign.left().preferredSeconds() > 0 ? AddressState.USABLE : AddressState.DEPRECATED);
    } else if (action instanceof AutoconfAction.Withdraw withdraw) {
      withdraw(withdraw);
    } else if (action instanceof AutoconfAction.Tell words) {
      stack.say(words.words());
    }
  }

  private void send(AutoconfAction.Send send) {
    if (send.linkLayerDestination().isPresent()) {
      stack.sendOnLink(
          send.interfaceIndex(),
          send.source(),
          send.destination(),
          send.linkLayerDestination().get(),
          send.message());
    } else {
      stack.sendOnLink(send.interfaceIndex(), send.source(), send.destination(), send.message());
    }
  }

  private void withdraw(AutoconfAction.Withdraw withdraw) {
    boolean used = optimistic.remove(withdraw.address());
    if (withdraw.reason() == Reason.DUPLICATE) {
      stack.setAddress(
          withdraw.interfaceIndex(), withdraw.address(), PREFIX_LENGTH, AddressState.DUPLICATE);
    } else if (used) {
      // An address that goes under detection would be taken for another's: it has not failed.
      stack.setAddress(
          withdraw.interfaceIndex(), withdraw.address(), PREFIX_LENGTH, AddressState.DEPRECATED);
    }
    stack.removeAddress(withdraw.interfaceIndex(), withdraw.address(), AddressState.GONE);
  }
}

package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.autoconf.AutoconfAction;
import io.mipd.mobility.autoconf.AutoconfAction.Reason;
import io.mipd.mobility.autoconf.AutoconfEvent;
import io.mipd.mobility.autoconf.Autoconfiguration;
import io.mipd.mobility.autoconf.Lifetimes;
import io.mipd.xfrm.linux.IcmpSocket;
import io.mipd.xfrm.linux.Rtnetlink;
import io.mipd.xfrm.linux.Sysctl;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.netlink.AddressFlag;
import io.mipd.xfrm.netlink.InterfaceAddress;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.RtnetlinkNotice;
import io.mipd.xfrm.packet.Icmpv6Codec;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Performs what {@link Autoconfiguration} decides: the addresses of the uplinks are ours to
 * configure, the kernel's {@code autoconf} is off there. Routers, routes on the link, MTU and
 * timers stay the kernel's ({@code accept_ra}).
 *
 * <p>While an address is optimistic it is on the loopback device, not on its uplink. Linux takes
 * packets for any address of its own on any interface, and sends from it; but it answers
 * solicitations only for addresses of the interface on which they arrive, and always with Override.
 * So the answers are ours, without Override, and the kernel never names the address as the source
 * of a solicitation (RFC 4429 section 3.2). When Duplicate Address Detection has ended, the address
 * goes to the uplink before it leaves the loopback device. There it lives for a few seconds at a
 * time, so that nothing stays after a crash.
 */
final class CareOfAddresses {
  private static final Logger log = LoggerFactory.getLogger(CareOfAddresses.class);

  /** {@code LOOPBACK_IFINDEX} of the kernel, in every network namespace. */
  static final int LOOPBACK = 1;

  private static final int PREFIX_LENGTH = 64;

  /** How much later than expected we may be. The kernel counts by the second. */
  private static final Duration MARGIN = Duration.ofSeconds(2);

  private final ImmutableSet<String> uplinks;
  private final Autoconfiguration core;
  private final SystemChanges system;
  private final Rtnetlink netlink;
  private final IcmpSocket icmp;
  private final Consumer<RtnetlinkNotice> tell;
  private final Map<Integer, Link> links = new LinkedHashMap<>();

  /** Addresses on the loopback device, and their uplinks. */
  private final Map<Ipv6Address, Integer> optimistic = new LinkedHashMap<>();

  /** What the kernel has on our uplinks. */
  private final Map<Key, InterfaceAddress> present = new LinkedHashMap<>();

  /** What others are to learn as if the kernel said it, between two events. */
  private final Deque<RtnetlinkNotice> untold = new ArrayDeque<>();

  /** What comes back then is our own words. */
  private boolean telling;

  private record Key(int interfaceIndex, Ipv6Address address) {}

  /**
   * @param uplinks names of the interfaces
   * @param tell takes what the kernel would say of an address if it had configured it
   */
  CareOfAddresses(
      ImmutableSet<String> uplinks,
      Autoconfiguration core,
      SystemChanges system,
      Rtnetlink netlink,
      IcmpSocket icmp,
      Consumer<RtnetlinkNotice> tell) {
    this.uplinks = uplinks;
    this.core = core;
    this.system = system;
    this.netlink = netlink;
    this.icmp = icmp;
    this.tell = tell;
  }

  /** After everybody else has learnt of it. */
  void interfaceChanged(Instant now, RtnetlinkNotice notice) {
    if (notice instanceof RtnetlinkNotice.LinkNotice change) {
      linkChanged(now, change.link(), change.gone());
    } else if (notice instanceof RtnetlinkNotice.AddressNotice change
        && links.containsKey(change.address().interfaceIndex())
        && !telling) {
      addressChanged(now, change.address(), change.gone());
    }
  }

  private void linkChanged(Instant now, Link link, boolean gone) {
    if (gone || !uplinks.contains(link.name())) {
      if (links.remove(link.index()) != null) {
        handle(now, new AutoconfEvent.LinkDown(link.index()));
      }
      return;
    }
    links.put(link.index(), link);
    if (!link.isRunning()) {
      handle(now, new AutoconfEvent.LinkDown(link.index()));
    } else if (link.address().isEmpty()) {
      log.warn("{} has no link-layer address of six octets: no care-of address there", link.name());
    } else {
      handle(now, linkUp(link, link.address().get().toOctets()));
    }
  }

  private static AutoconfEvent.LinkUp linkUp(Link link, byte[] address) {
    return new AutoconfEvent.LinkUp(
        link.index(),
        new LinkLayerAddress(Octets.of(address)),
        isDetectionOff(link.name()) ? 0 : parameter(link.name(), "dad_transmits", 1),
        parameter(link.name(), "forwarding", 0) != 0);
  }

  /** As the kernel understands it. */
  private static boolean isDetectionOff(String name) {
    return parameter("all", "accept_dad", 1) < 1 && parameter(name, "accept_dad", 1) < 1;
  }

  private static int parameter(String name, String key, int byDefault) {
    try {
      return Sysctl.read("net/ipv6/conf/" + name + "/" + key)
          .map(Integer::parseInt)
          .orElse(byDefault);
    } catch (SystemCallException | NumberFormatException e) {
      log.debug("{} of {}: {}", key, name, e.toString());
      return byDefault;
    }
  }

  private void addressChanged(Instant now, InterfaceAddress address, boolean gone) {
    var key = new Key(address.interfaceIndex(), address.address());
    if (gone) {
      present.remove(key);
      handle(now, new AutoconfEvent.AddressAbsent(address.interfaceIndex(), address.address()));
      return;
    }
    present.put(key, address);
    handle(
        now,
        new AutoconfEvent.AddressPresent(
            address.interfaceIndex(),
            address.address(),
            !address.has(AddressFlag.PERMANENT) && !address.has(AddressFlag.TEMPORARY)));
  }

  /** Before anybody decides about the link. */
  void heard(
      Instant now,
      int interfaceIndex,
      Ipv6Address source,
      Ipv6Address destination,
      Icmpv6Message message) {
    if (links.containsKey(interfaceIndex)) {
      handle(now, new AutoconfEvent.Heard(interfaceIndex, source, destination, message));
    }
  }

  /** The interface is on another link, of which this router is. */
  void forget(Instant now, int interfaceIndex, Ipv6Address keep) {
    handle(now, new AutoconfEvent.LinkForgotten(interfaceIndex, keep));
  }

  void turn(Instant now) {
    Optional<Instant> due = core.nextDeadline();
    if (due.isPresent() && !due.get().isAfter(now)) {
      handle(now, new AutoconfEvent.DeadlineReached());
    }
    telling = true;
    for (RtnetlinkNotice notice = untold.poll(); notice != null; notice = untold.poll()) {
      tell.accept(notice);
    }
    telling = false;
  }

  Optional<Instant> nextDeadline() {
    return untold.isEmpty() ? core.nextDeadline() : Optional.of(Instant.MIN);
  }

  /** What is on an uplink goes with all other changes of the system. */
  void close() {
    for (Ipv6Address address : ImmutableList.copyOf(optimistic.keySet())) {
      try {
        takeBack(address);
      } catch (IOException e) {
        log.warn("{}: {}", address, e.getMessage());
      }
    }
  }

  private void handle(Instant now, AutoconfEvent event) {
    log.debug("autoconfiguration: {}", event);
    for (AutoconfAction action : core.handle(now, event)) {
      log.debug("action {}", action);
      try {
        perform(action);
      } catch (IOException e) {
        log.warn("{}: {}", action, e.getMessage());
      }
    }
  }

  private void perform(AutoconfAction action) throws IOException {
    if (action instanceof AutoconfAction.Join join) {
      icmp.join(join.interfaceIndex(), join.group());
    } else if (action instanceof AutoconfAction.Leave leave) {
      icmp.leave(leave.interfaceIndex(), leave.group());
    } else if (action instanceof AutoconfAction.Send send) {
      send(send);
    } else if (action instanceof AutoconfAction.UseOptimistically use) {
      useOptimistically(use);
    } else if (action instanceof AutoconfAction.Assign assign) {
      assign(assign);
    } else if (action instanceof AutoconfAction.Renew renew) {
      renew(renew);
    } else if (action instanceof AutoconfAction.Withdraw withdraw) {
      withdraw(withdraw);
    } else if (action instanceof AutoconfAction.Tell words) {
      log.warn("{}", words.words());
    }
  }

  private void send(AutoconfAction.Send send) throws IOException {
    ByteBuf out = Unpooled.buffer(128);
    Icmpv6Codec.encode(send.message(), send.source(), send.destination(), out);
    if (send.linkLayerDestination().isPresent()) {
      icmp.send(
          send.interfaceIndex(),
          send.source(),
          send.destination(),
          send.linkLayerDestination().get(),
          out);
    } else {
      icmp.send(send.interfaceIndex(), send.source(), send.destination(), out);
    }
  }

  /** Deprecated, so that nobody who has a choice takes it (RFC 4429 section 2.1). */
  private void useOptimistically(AutoconfAction.UseOptimistically use) throws IOException {
    long seconds = use.until().plus(MARGIN).plusMillis(999).toSeconds();
    netlink.replaceAddress(
        new InterfaceAddress(
            LOOPBACK,
            use.address(),
            Ipv6Address.BITS,
            ImmutableSet.of(AddressFlag.NODAD, AddressFlag.NOPREFIXROUTE),
            0,
            Math.min(seconds, InterfaceAddress.FOREVER - 1)));
    if (optimistic.put(use.address(), use.interfaceIndex()) == null) {
      log.info("{} is used optimistically on {}", use.address(), name(use.interfaceIndex()));
      say(
          use.interfaceIndex(),
          use.address(),
          false,
          AddressFlag.TENTATIVE,
          AddressFlag.OPTIMISTIC);
    }
  }

  private void assign(AutoconfAction.Assign assign) throws IOException {
    Link link = links.get(assign.interfaceIndex());
    if (link == null) {
      throw new IOException("there is no interface " + assign.interfaceIndex());
    }
    system.putAddress(
        link,
        address(
            assign.interfaceIndex(),
            assign.address(),
            // What is on the link is the router's to say, and the kernel's to note.
            ImmutableSet.of(AddressFlag.NODAD, AddressFlag.NOPREFIXROUTE),
            assign.left()));
    if (optimistic.containsKey(assign.address())) {
      takeBack(assign.address());
    }
  }

  private static InterfaceAddress address(
      int interfaceIndex,
      Ipv6Address address,
      ImmutableSet<AddressFlag> flags,
      Lifetimes.Left left) {
    return new InterfaceAddress(
        interfaceIndex,
        address,
        PREFIX_LENGTH,
        flags,
        left.preferredSeconds(),
        left.validSeconds());
  }

  /** It is the kernel's, and stays when we go. */
  private void renew(AutoconfAction.Renew renew) throws IOException {
    InterfaceAddress known = present.get(new Key(renew.interfaceIndex(), renew.address()));
    if (known == null) {
      return;
    }
    netlink.replaceAddress(
        address(renew.interfaceIndex(), renew.address(), known.flags(), renew.left()));
  }

  private void withdraw(AutoconfAction.Withdraw withdraw) throws IOException {
    log.info(
        "{} on {} goes: {}",
        withdraw.address(),
        name(withdraw.interfaceIndex()),
        withdraw.reason());
    boolean used = optimistic.containsKey(withdraw.address());
    if (used) {
      takeBack(withdraw.address());
    } else {
      String name = name(withdraw.interfaceIndex());
      system.dropAddress(name, withdraw.interfaceIndex(), withdraw.address(), PREFIX_LENGTH);
    }
    if (withdraw.reason() == Reason.DUPLICATE) {
      say(withdraw.interfaceIndex(), withdraw.address(), false, AddressFlag.DADFAILED);
      say(withdraw.interfaceIndex(), withdraw.address(), true);
    } else if (used) {
      // An address that goes under detection would be taken for another's: it has not failed.
      say(withdraw.interfaceIndex(), withdraw.address(), false, AddressFlag.DEPRECATED);
      say(withdraw.interfaceIndex(), withdraw.address(), true);
    }
  }

  private void takeBack(Ipv6Address address) throws IOException {
    optimistic.remove(address);
    netlink.removeAddress(LOOPBACK, address, Ipv6Address.BITS);
  }

  private String name(int interfaceIndex) {
    Link link = links.get(interfaceIndex);
    return link == null ? "interface " + interfaceIndex : link.name();
  }

  private void say(int interfaceIndex, Ipv6Address address, boolean gone, AddressFlag... flags) {
    untold.add(
        new RtnetlinkNotice.AddressNotice(
            InterfaceAddress.permanent(interfaceIndex, address, PREFIX_LENGTH, flags), gone));
  }
}

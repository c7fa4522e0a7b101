package io.mipd.daemon;

import io.mipd.mobility.ListenerDiscovery;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.xfrm.engine.PacketEngine;
import io.mipd.xfrm.engine.Segmenter;
import io.mipd.xfrm.linux.FlowSender;
import io.mipd.xfrm.linux.Poller;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.transform.PacketBuffer;
import java.io.IOException;
import java.time.Instant;
import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How packets for multicast groups pass the tunnels of the kernel.
 *
 * <p>What leaves is given to the kernel as a packet of the home address's: to the home agent's as
 * one for it, to the mobile node's as one from it ({@link FlowSender}), so that the tunnel of that
 * home address is around it. What comes out of them {@link KernelGroupArrivals} takes.
 */
final class KernelGroups implements TunnelledGroups.Way, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(KernelGroups.class);

  /** Nobody: an address of the prefix that is to be discarded (RFC 6666). */
  private static final Ipv6Address NOBODY = Ipv6Address.parse("100::");

  private final World.Setup setup;
  private final SystemChanges system;
  private final NetworkWatch watch;
  private final KernelLedger ledger;
  private final PlainTunnels tunnels;
  private final int device;
  private final TunnelledGroups groups;
  private final KernelGroupArrivals arriving;
  private final FlowSender sender = FlowSender.open();
  private long tooBig;

  /** Links where what is said of groups is listened to, and routes lead here. */
  private final Set<Integer> heard = new HashSet<>();

  /**
   * @param device index of the device that has home addresses while they are away
   * @param disturbed whether somebody else may have taken our policies away
   */
  KernelGroups(
      World.Setup setup,
      Poller poller,
      SystemChanges system,
      NetworkWatch watch,
      KernelLedger ledger,
      PlainTunnels tunnels,
      int device,
      BooleanSupplier disturbed,
      World.Upward up)
      throws SystemCallException {
    this.setup = setup;
    this.system = system;
    this.watch = watch;
    this.ledger = ledger;
    this.tunnels = tunnels;
    this.device = device;
    groups =
        new TunnelledGroups(
            poller,
            device,
            watch::link,
            this::homeLink,
            this,
            up,
            setup.router() ? Optional.empty() : setup.home().stream().findFirst());
    arriving = new KernelGroupArrivals(setup, poller, ledger, tunnels, disturbed, up, groups);
  }

  private OptionalInt homeLink() {
    return watch.addresses().interfaceOf(agent());
  }

  private Ipv6Address agent() {
    return setup.homeLink().orElseThrow().agent();
  }

  private Optional<Template> tunnelOf(Ipv6Address home) {
    return ledger.tunnelOf(home, agent());
  }

  TunnelledGroups groups() {
    return groups;
  }

  /** The first policies are in force by now. */
  void begin() throws SystemCallException {
    arriving.begin();
  }

  /** A link has changed: a home agent is to hear there what comes out of ESP. */
  void changed(Link link, boolean gone) {
    if (!setup.router()
        || link.isLoopback()
        || link.index() == device
        || tunnels.ends(link.index()).isPresent()) {
      return;
    }
    if (gone || !link.isUp()) {
      heard.remove(link.index());
    } else if (heard.add(link.index())) {
      try {
        watch.icmp().join(link.index(), ListenerDiscovery.ALL_ROUTERS_2);
        for (Ipv6Prefix groups : HomePolicies.GROUPS) {
          system.putRoute(
              Route.toThisHost(link.index(), groups, setup.homeLink().orElseThrow().prefix())
                  // Of equal ones the last would replace the others.
                  .withMetric(link.index()));
        }
      } catch (IOException e) {
        // The next that is heard of the link may have what it takes.
        heard.remove(link.index());
        log.warn(
            "{}: what mobile nodes send to groups in ESP is not seen: {}",
            link.name(),
            e.getMessage());
      }
    }
  }

  /** Whose tunnel it is, its packet is taken to be. */
  @Override
  public void send(PacketBuffer packet, Ipv6Address source, Ipv6Address destination) {
    Ipv6Address home = setup.router() ? destination : source;
    if (tunnelOf(home).isEmpty()) {
      return;
    }
    if (packet.segmentation() != PacketBuffer.Segmentation.NONE) {
      tooBig++;
      return;
    }
    OptionalInt protocol = PacketEngine.upperLayer(packet);
    if (protocol.isEmpty() || Segmenter.completeChecksum(packet) != null) {
      log.debug("for a group, and not to be sent as it is: {} octets", packet.length());
      return;
    }
    try {
      sender.send(packet, someone(source), someone(destination), protocol.getAsInt());
    } catch (SystemCallException e) {
      if (e.is("EMSGSIZE")) {
        tooBig++;
      }
      log.debug("for a group: {}", e.toString());
    }
  }

  /**
   * Packets that did not go through a tunnel because it has no room for them, or that were to be
   * segmented first. The kernel counts none of these.
   */
  long tooBig() {
    return tooBig;
  }

  private static Ipv6Address someone(Ipv6Address address) {
    return address.isUnspecified() ? NOBODY : address;
  }

  @Override
  public void putRoute(Route route) throws SystemCallException {
    system.putRoute(route);
  }

  @Override
  public void removeRoute(Route route) throws SystemCallException {
    system.removeRoute(route);
  }

  @Override
  public void flush() {}

  /** The kernel takes off ESP where it arrives; what came by a plain tunnel is sent once more. */
  @Override
  public OptionalInt arrivals(Ipv6Address home) {
    Optional<Template> tunnel = tunnelOf(home);
    if (tunnel.isEmpty()) {
      return OptionalInt.empty();
    }
    return tunnel.get().protocol().isIpsec()
        ? watch.addresses().interfaceOf(tunnel.get().destination())
        : OptionalInt.of(device);
  }

  @Override
  public boolean isAway(Ipv6Address home) {
    return setup.served().contains(home) && tunnelOf(home).isPresent();
  }

  void turn(Instant now) {
    arriving.forgetUnmet();
    groups.turn(now);
  }

  /** Leaves unseen what has come out of ESP and is queued. */
  void discard() {
    arriving.discard();
  }

  @Override
  public void close() {
    groups.close();
    arriving.close();
    sender.close();
  }
}

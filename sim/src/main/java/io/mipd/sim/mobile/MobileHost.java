package io.mipd.sim.mobile;

import io.mipd.host.Host;
import io.mipd.host.HostSettings;
import io.mipd.host.Surroundings;
import io.mipd.mobility.MobilityNode;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeAction.Place;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.mobility.autoconf.Autoconfiguration;
import io.mipd.sim.event.Alarm;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.event.Randomness;
import io.mipd.sim.link.Interface;
import io.mipd.sim.node.Stack;
import io.mipd.sim.node.Watcher;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A node of Mobile IPv6 on a {@link Stack}: the daemon's core, merger and packet engine ({@link
 * Host}) between the stack and its links. Where the daemon has a kernel for it, this has the stack;
 * addresses of a mobile node are configured by mipd's own autoconfiguration.
 *
 * <p>{@link #kill} and {@link #revive} are a daemon's death and its next start: what is durable
 * stays, and packets of home addresses that were bound, or that a user wants protected, are dropped
 * meanwhile.
 */
public final class MobileHost {
  /** Offsets in the IPv6 header (RFC 8200 section 3). */
  private static final int NEXT_HEADER = 6;

  private static final int SOURCE = 8;
  private static final int DESTINATION = 24;

  private static final int HOST_LENGTH = 128;

  /** Makes the cores; a node that has died is given new ones. */
  public interface Birth {
    Roles roles(Durable durable, Instant now);
  }

  private final Stack stack;
  private final EventQueue events;
  private final Randomness randomness;
  private final HostSettings settings;
  private final Duration processing;
  private final Joints joints;
  private final Birth birth;
  private final Optional<OwnAddresses> careOf;
  private final HomeAddressDetection detection;
  private final Durable durable = new Durable();
  private final Alarm alarm;

  /** What the host has said, to be done when it has finished. */
  private final Deque<Runnable> outbox = new ArrayDeque<>();

  private Runnable turned = () -> {};
  private boolean emptying;
  private int lives;
  private @Nullable Life life;

  /** Home addresses of others whose packets are ours while they are away. */
  private final Set<Ipv6Address> proxied = new LinkedHashSet<>();

  private long strayed;
  private long lostWhileDead;

  private record Life(Host host, Roles roles) {}

  /**
   * @param transmits DupAddrDetectTransmits of RFC 4862 section 5.1, of a mobile node's addresses
   * @param optimistic whether it uses them while they are being checked (RFC 4429)
   * @param processing how long its machine needs for what happens to its core
   */
  public MobileHost(
      Stack stack,
      EventQueue events,
      Randomness randomness,
      HostSettings settings,
      int transmits,
      boolean optimistic,
      Duration processing,
      Joints joints,
      Birth birth) {
    this.stack = stack;
    this.events = events;
    this.randomness = randomness;
    this.settings = settings;
    this.processing = processing;
    this.joints = joints;
    this.birth = birth;
    careOf =
        settings.home().isEmpty()
            ? Optional.empty()
            : Optional.of(
                new OwnAddresses(
                    stack,
                    events,
                    new Autoconfiguration(
                        settings.home(), randomness.of("addresses of " + stack.name())),
                    transmits,
                    optimistic));
    detection =
        new HomeAddressDetection(
            stack,
            events,
            (address, unique) ->
                withHost(
                    host -> host.handle(events.now(), new NodeEvent.DadFinished(address, unique))));
    alarm = new Alarm(events, () -> withHost(host -> host.turn(events.now())));
    stack.watch(new Ears());
    stack.hookArriving(this::arrives);
    stack.hookLeaving((index, packet) -> leaves(packet));
    stack.hookPassing((index, packet) -> passes(packet));
    for (Ipv6Address address : settings.home()) {
      stack.setUnlinked(address, true);
      // On its way home the home agent asks for it there (RFC 6275 section 11.5.5).
      stack.joinEverywhere(address.solicitedNodeMulticast());
    }
  }

  public Stack stack() {
    return stack;
  }

  /** The host as it lives; empty while it is dead. */
  public Optional<Host> host() {
    return Optional.ofNullable(life).map(Life::host);
  }

  /** Its cores as they live; empty while it is dead. */
  public Optional<Roles> roles() {
    return Optional.ofNullable(life).map(Life::roles);
  }

  public HostSettings settings() {
    return settings;
  }

  /** Packets of ours that had a source which we have no more. */
  public long strayed() {
    return strayed;
  }

  /** Packets for home addresses that nobody took care of. */
  public long lostWhileDead() {
    return lostWhileDead;
  }

  /** Something has happened to the host, and is done: a packet, a deadline, a notice. */
  public void whenTurned(Runnable listener) {
    turned = listener;
  }

  /** Begins, or begins again; the links may be up already. */
  public void revive() {
    if (life != null) {
      return;
    }
    lives++;
    Roles roles = birth.roles(durable, events.now());
    MobilityNode core = joints.core(stack.name(), roles.node());
    var host =
        new Host(
            processing.isZero() ? core : new DelayedCore(core, processing),
            settings,
            joints.sequences(stack.name(), durable.sequences()),
            randomness.of("engine of " + stack.name() + " " + lives),
            new Outside(),
            engine -> joints.backend(stack.name(), joints.engine(stack.name(), engine)));
    life = new Life(host, roles);
    withHost(it -> it.start(events.now()));
    stack.tell(new Ears());
  }

  /** Dies, without a word. */
  public void kill() {
    life = null;
    outbox.clear();
    detection.stop();
    alarm.set(Optional.empty());
  }

  private interface Use {
    void of(Host host);
  }

  /** Something for the host; then what that made it say is done, in order. */
  private void withHost(Use use) {
    if (emptying) {
      // A notice of something that it has said itself: after all that it said.
      outbox.add(() -> once(use));
      return;
    }
    once(use);
    empty();
  }

  private void once(Use use) {
    Life now = life;
    if (now != null) {
      use.of(now.host());
    }
  }

  private void empty() {
    emptying = true;
    for (Runnable next = outbox.poll(); next != null; next = outbox.poll()) {
      next.run();
    }
    emptying = false;
    alarm.set(host().flatMap(Host::nextDeadline));
    turned.run();
  }

  // Packets.

  private boolean arrives(int interfaceIndex, ByteBuf packet) {
    Life now = life;
    if (now == null || !concernsHost(packet)) {
      return false;
    }
    boolean[] taken = new boolean[1];
    byte[] octets = ByteBufUtil.getBytes(packet);
    once(host -> taken[0] = host.arrived(events.now(), interfaceIndex, octets));
    empty();
    return taken[0];
  }

  /** ICMPv6 that is only passed on is nobody's business. */
  private boolean concernsHost(ByteBuf packet) {
    return packet.getUnsignedByte(packet.readerIndex() + NEXT_HEADER) != IpProtocol.ICMPV6
        || stack.isOurs(addressAt(packet, DESTINATION));
  }

  private boolean leaves(ByteBuf packet) {
    if (life == null) {
      Ipv6Address source = addressAt(packet, SOURCE);
      Ipv6Address destination = addressAt(packet, DESTINATION);
      boolean lost =
          settings.home().contains(source)
              || proxied.contains(destination)
              || settings.user().stream().anyMatch(it -> protects(it, source, destination));
      lostWhileDead += lost ? 1 : 0;
      return lost;
    }
    byte[] octets = ByteBufUtil.getBytes(packet);
    withHost(host -> host.send(events.now(), octets));
    return true;
  }

  /** As the daemon's guard, which outlives it. */
  private static boolean protects(Policy policy, Ipv6Address source, Ipv6Address destination) {
    return policy.direction() == Direction.OUT
        && !policy.bundle().isEmpty()
        && policy.selector().source().contains(source)
        && policy.selector().destination().contains(destination);
  }

  /** What is for a home address that is away never gets to the home link. */
  private boolean passes(ByteBuf packet) {
    if (!proxied.contains(addressAt(packet, DESTINATION))) {
      return false;
    }
    return leaves(packet);
  }

  private static Ipv6Address addressAt(ByteBuf packet, int offset) {
    int at = packet.readerIndex() + offset;
    return new Ipv6Address(packet.getLong(at), packet.getLong(at + 8));
  }

  /** What the host says. */
  private final class Outside implements Surroundings {
    @Override
    public void transmit(byte[] packet) {
      outbox.add(
          () -> {
            ByteBuf octets = Unpooled.wrappedBuffer(packet);
            if (stack.isOurs(addressAt(octets, SOURCE))) {
              stack.transmit(octets);
            } else {
              strayed++;
            }
          });
    }

    @Override
    public void transmit(int interfaceIndex, byte[] packet) {
      outbox.add(() -> stack.transmitOnLink(interfaceIndex, Unpooled.wrappedBuffer(packet)));
    }

    @Override
    public void deliver(byte[] packet) {
      outbox.add(() -> stack.take(0, Unpooled.wrappedBuffer(packet)));
    }

    @Override
    public void perform(NodeAction action) {
      durable.perform(events.now(), action);
      outbox.add(() -> carryOut(action));
    }
  }

  private void carryOut(NodeAction action) {
    if (action instanceof NodeAction.StartDad it) {
      detection.start(it.interfaceIndex(), it.address());
    } else if (action instanceof NodeAction.JoinAnycast it) {
      stack.setUnlinked(it.address(), true);
      stack.proxy(it.interfaceIndex(), it.address(), true);
    } else if (action instanceof NodeAction.Proxy it) {
      proxy(it);
    } else if (action instanceof NodeAction.SolicitRouters it) {
      stack.solicitRouters(it.interfaceIndex());
    } else if (action instanceof NodeAction.ForgetLink it) {
      careOf.ifPresent(one -> one.forget(it.interfaceIndex(), it.keep()));
      stack.forgetLink(it.interfaceIndex(), it.keep());
    } else if (action instanceof NodeAction.PlaceHomeAddress it) {
      place(it);
    } else if (action instanceof NodeAction.RetakeAddress it) {
      stack.setAddress(it.interfaceIndex(), it.address(), 64, AddressState.USABLE);
    } else if (action instanceof NodeAction.KnowNeighbor it) {
      stack.knowNeighbor(it.interfaceIndex(), it.address(), it.linkLayerAddress());
    } else if (action instanceof NodeAction.Tell it) {
      stack.say(it.words());
    }
  }

  private void proxy(NodeAction.Proxy it) {
    Ipv6Address address = it.address().value();
    stack.say((it.on() ? "answers" : "no longer answers") + " for " + address);
    if (it.interfaceIndex() != 0) {
      // Before the home link has come up there is nothing to stop there.
      stack.proxy(it.interfaceIndex(), address, it.on());
    }
    if (it.on()) {
      proxied.add(address);
    } else {
      proxied.remove(address);
    }
  }

  /** Away it is on no link: the engine takes what leaves from it, and delivers what comes. */
  private void place(NodeAction.PlaceHomeAddress it) {
    Ipv6Address address = it.address().value();
    stack.say("home address " + address + " is " + it.place());
    stack
        .interfaceOf(address)
        .filter(index -> it.place() != Place.HOME || index != it.interfaceIndex())
        .ifPresent(index -> stack.removeAddress(index, address, AddressState.GONE));
    stack.setUnlinked(address, it.place() != Place.HOME);
    if (it.place() == Place.HOME) {
      stack.setAddress(it.interfaceIndex(), address, HOST_LENGTH, AddressState.USABLE);
    }
  }

  /** What the stack says. */
  private final class Ears implements Watcher {
    @Override
    public void icmpv6(
        int interfaceIndex,
        Ipv6Address source,
        Ipv6Address destination,
        int hopLimit,
        Icmpv6Message message) {
      if (interfaceIndex == 0) {
        return;
      }
      detection.received(interfaceIndex, source, message);
      if (hopLimit == 255) {
        careOf.ifPresent(it -> it.heard(interfaceIndex, source, destination, message));
      }
      if (destination.isMulticast()) {
        // What is for one has come by the host.
        withHost(
            host ->
                host.handle(
                    events.now(),
                    new NodeEvent.Icmpv6Arrived(
                        interfaceIndex, source, destination, hopLimit, message)));
      }
    }

    @Override
    public void carrierChanged(int interfaceIndex, boolean carrier) {
      Interface device = stack.device(interfaceIndex);
      withHost(
          host ->
              host.handle(
                  events.now(),
                  new NodeEvent.LinkChanged(
                      interfaceIndex, device.device(), carrier, Optional.of(device.address()))));
      careOf.ifPresent(it -> it.carrierChanged(device, carrier));
    }

    @Override
    public void addressChanged(
        int interfaceIndex, Ipv6Address address, int prefixLength, AddressState state) {
      withHost(
          host -> {
            host.handle(
                events.now(),
                new NodeEvent.AddressChanged(interfaceIndex, address, prefixLength, state));
            if (state != AddressState.GONE) {
              host.setLinkMtu(address, stack.mtu(interfaceIndex));
            }
          });
    }
  }
}

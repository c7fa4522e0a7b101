package io.mipd.sim.node;

import io.mipd.mobility.ProtocolConstants;
import io.mipd.sim.event.EventQueue;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.netty.buffer.ByteBuf;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Who is a neighbour on an interface, by which link-layer address, and whether he still is (RFC
 * 4861 sections 7.2 and 7.3). Upper layers give no hints of reachability here, as with UDP.
 */
final class NeighborCache {
  /** RFC 4861 section 10. */
  static final Duration REACHABLE_TIME = Duration.ofSeconds(30);

  /** RFC 4861 section 10. */
  static final Duration DELAY_FIRST_PROBE_TIME = Duration.ofSeconds(5);

  /** RFC 4861 section 10. */
  static final int MAX_UNICAST_SOLICIT = 3;

  /** Packets that wait for one neighbour's address; the oldest goes for another (section 7.2.2). */
  static final int MAX_WAITING = 100;

  /** Neighbours; packets to more than that are dropped. */
  static final int MAX_ENTRIES = 1 << 17;

  /** RFC 4861 section 7.3.2. */
  enum State {
    INCOMPLETE,
    REACHABLE,
    STALE,
    DELAY,
    PROBE
  }

  /** The interface's part. */
  interface Wire {
    void send(LinkLayerAddress to, ByteBuf packet);

    /**
     * Asks for an address.
     *
     * @param at whom to ask alone; empty for all
     * @param prompting source of the packet that is the reason
     */
    void solicit(Ipv6Address target, Optional<LinkLayerAddress> at, Ipv6Address prompting);

    /** Nobody has answered for the destination of this packet. */
    void unreachable(ByteBuf packet);
  }

  private static final class Entry {
    private State state = State.INCOMPLETE;
    private @Nullable LinkLayerAddress address;
    private final ArrayDeque<ByteBuf> waiting = new ArrayDeque<>();
    private Ipv6Address prompting;
    private int solicitations;
    private Instant reachableUntil = Instant.MIN;
    private EventQueue.@Nullable Planned timer;

    Entry(Ipv6Address prompting) {
      this.prompting = prompting;
    }

    private LinkLayerAddress known() {
      if (address == null) {
        throw new IllegalStateException("not resolved");
      }
      return address;
    }

    private void cancelTimer() {
      if (timer != null) {
        timer.cancel();
        timer = null;
      }
    }
  }

  private final EventQueue events;
  private final Wire wire;
  private final Map<Ipv6Address, Entry> entries = new LinkedHashMap<>();
  private final Duration reachableTime;
  private Duration retransTimer = ProtocolConstants.RETRANS_TIMER;
  private long dropped;

  NeighborCache(EventQueue events, RandomGenerator random, Wire wire) {
    this.events = events;
    this.wire = wire;
    // MIN_RANDOM_FACTOR and MAX_RANDOM_FACTOR of RFC 4861 section 10.
    long base = REACHABLE_TIME.toNanos();
    reachableTime = Duration.ofNanos(base / 2 + random.nextLong(base));
  }

  /** What a router has told (RFC 4861 section 6.3.4). */
  void setRetransTimer(Duration timer) {
    retransTimer = timer;
  }

  int size() {
    return entries.size();
  }

  /** Packets for which there was no room, or nobody. */
  long dropped() {
    return dropped;
  }

  Optional<State> stateOf(Ipv6Address neighbor) {
    Entry entry = entries.get(neighbor);
    if (entry == null) {
      return Optional.empty();
    }
    age(entry);
    return Optional.of(entry.state);
  }

  Optional<LinkLayerAddress> addressOf(Ipv6Address neighbor) {
    return Optional.ofNullable(entries.get(neighbor)).map(entry -> entry.address);
  }

  /** All neighbours are forgotten, and the packets that wait for them. */
  void clear() {
    for (Entry entry : entries.values()) {
      entry.cancelTimer();
      dropped += entry.waiting.size();
    }
    entries.clear();
    retransTimer = ProtocolConstants.RETRANS_TIMER;
  }

  /** All but one are forgotten. */
  void retain(Ipv6Address neighbor) {
    for (Ipv6Address other : List.copyOf(entries.keySet())) {
      if (!other.equals(neighbor)) {
        remove(other);
      }
    }
  }

  private void remove(Ipv6Address neighbor) {
    Entry entry = entries.remove(neighbor);
    if (entry != null) {
      entry.cancelTimer();
      dropped += entry.waiting.size();
    }
  }

  /**
   * Sends a packet to a neighbour, as soon as his address is known.
   *
   * @param source of the packet
   */
  void send(Ipv6Address neighbor, Ipv6Address source, ByteBuf packet) {
    Entry entry = entries.get(neighbor);
    if (entry == null) {
      if (entries.size() >= MAX_ENTRIES) {
        dropped++;
        return;
      }
      entry = new Entry(source);
      entries.put(neighbor, entry);
      entry.waiting.add(packet);
      ask(neighbor, entry);
      return;
    }
    age(entry);
    if (entry.state == State.INCOMPLETE) {
      if (entry.waiting.size() >= MAX_WAITING) {
        entry.waiting.remove();
        dropped++;
      }
      entry.waiting.add(packet);
      return;
    }
    if (entry.state == State.STALE) {
      entry.state = State.DELAY;
      entry.prompting = source;
      Entry probed = entry;
      entry.timer = events.after(DELAY_FIRST_PROBE_TIME, () -> probe(neighbor, probed));
    }
    wire.send(entry.known(), packet);
  }

  private void age(Entry entry) {
    if (entry.state == State.REACHABLE && !events.now().isBefore(entry.reachableUntil)) {
      entry.state = State.STALE;
    }
  }

  /** RFC 4861 section 7.2.2. */
  private void ask(Ipv6Address neighbor, Entry entry) {
    if (entry.solicitations >= ProtocolConstants.MAX_MULTICAST_SOLICIT) {
      entries.remove(neighbor);
      dropped += entry.waiting.size();
      entry.waiting.forEach(wire::unreachable);
      return;
    }
    entry.solicitations++;
    entry.timer = events.after(retransTimer, () -> ask(neighbor, entry));
    wire.solicit(neighbor, Optional.empty(), entry.prompting);
  }

  /** RFC 4861 section 7.3.3. */
  private void probe(Ipv6Address neighbor, Entry entry) {
    if (entry.state == State.DELAY) {
      entry.state = State.PROBE;
      entry.solicitations = 0;
    }
    if (entry.solicitations >= MAX_UNICAST_SOLICIT) {
      entries.remove(neighbor);
      return;
    }
    entry.solicitations++;
    entry.timer = events.after(retransTimer, () -> probe(neighbor, entry));
    wire.solicit(neighbor, Optional.of(entry.known()), entry.prompting);
  }

  /**
   * A neighbour has told his address of himself: in a solicitation of his, or as a router (RFC 4861
   * sections 6.2.6, 6.3.4 and 7.2.3). That he can be reached is not said.
   */
  void heardOf(Ipv6Address neighbor, LinkLayerAddress address) {
    Entry entry = entries.get(neighbor);
    if (entry == null) {
      if (entries.size() >= MAX_ENTRIES) {
        return;
      }
      entry = new Entry(Ipv6Address.UNSPECIFIED);
      entries.put(neighbor, entry);
    }
    if (!address.equals(entry.address)) {
      entry.cancelTimer();
      entry.address = address;
      entry.state = State.STALE;
      flush(neighbor, entry);
    }
  }

  /** We know for other reasons where he is. */
  void know(Ipv6Address neighbor, LinkLayerAddress address) {
    heardOf(neighbor, address);
    Entry entry = entries.get(neighbor);
    if (entry != null) {
      reachable(entry);
    }
  }

  /**
   * A Neighbor Advertisement (RFC 4861 section 7.2.5).
   *
   * @param address of its Target Link-Layer Address option
   */
  void advertised(
      Ipv6Address target, boolean solicited, boolean override, Optional<LinkLayerAddress> address) {
    Entry entry = entries.get(target);
    if (entry == null) {
      return;
    }
    age(entry);
    if (entry.state == State.INCOMPLETE) {
      if (address.isEmpty()) {
        return;
      }
      entry.cancelTimer();
      entry.address = address.get();
      if (solicited) {
        reachable(entry);
      } else {
        entry.state = State.STALE;
      }
      flush(target, entry);
      return;
    }
    boolean differs = address.isPresent() && !address.get().equals(entry.address);
    if (differs && !override) {
      if (entry.state == State.REACHABLE) {
        entry.state = State.STALE;
      }
      return;
    }
    if (differs) {
      entry.address = address.get();
    }
    if (solicited) {
      reachable(entry);
    } else if (differs) {
      entry.cancelTimer();
      entry.state = State.STALE;
    }
  }

  private void reachable(Entry entry) {
    entry.cancelTimer();
    entry.state = State.REACHABLE;
    entry.reachableUntil = events.now().plus(reachableTime);
  }

  /** What has waited goes. */
  private void flush(Ipv6Address neighbor, Entry entry) {
    List<ByteBuf> packets = List.copyOf(entry.waiting);
    entry.waiting.clear();
    packets.forEach(packet -> send(neighbor, Ipv6Header.source(packet), packet));
  }
}

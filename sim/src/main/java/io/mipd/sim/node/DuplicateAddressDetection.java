package io.mipd.sim.node;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.ProtocolConstants;
import io.mipd.sim.event.EventQueue;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message.NeighborSolicitation;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * Duplicate Address Detection of the addresses that an interface is given by hand, its link-local
 * address among them (RFC 4862 section 5.4). What is formed from prefixes checks itself ({@link
 * io.mipd.mobility.autoconf.Autoconfiguration}). On these links no frame comes back to its sender.
 */
final class DuplicateAddressDetection {
  private final EventQueue events;
  private final RandomGenerator random;
  private final int transmits;
  private final Consumer<NeighborSolicitation> ask;
  private final BiConsumer<Ipv6Address, Boolean> finished;
  private final Map<Ipv6Address, EventQueue.Planned> running = new LinkedHashMap<>();

  /**
   * @param transmits DupAddrDetectTransmits of RFC 4862 section 5.1; 0 for no detection
   * @param ask sends a solicitation from the unspecified address
   * @param finished learns whether an address is unique
   */
  DuplicateAddressDetection(
      EventQueue events,
      RandomGenerator random,
      int transmits,
      Consumer<NeighborSolicitation> ask,
      BiConsumer<Ipv6Address, Boolean> finished) {
    this.events = events;
    this.random = random;
    this.transmits = transmits;
    this.ask = ask;
    this.finished = finished;
  }

  /** Begins, with the random delay that RFC 4862 section 5.4.2 asks of what has just come up. */
  void begin(Ipv6Address address) {
    cancel(address);
    if (transmits == 0) {
      finished.accept(address, true);
      return;
    }
    long most = ProtocolConstants.MAX_RTR_SOLICITATION_DELAY.toNanos();
    Duration delay = Duration.ofNanos(random.nextLong(most + 1));
    running.put(address, events.after(delay, () -> solicit(address, transmits)));
  }

  private void solicit(Ipv6Address address, int left) {
    if (left == 0) {
      running.remove(address);
      finished.accept(address, true);
      return;
    }
    running.put(
        address, events.after(ProtocolConstants.RETRANS_TIMER, () -> solicit(address, left - 1)));
    ask.accept(new NeighborSolicitation(address, ImmutableList.of()));
  }

  boolean isRunning(Ipv6Address address) {
    return running.containsKey(address);
  }

  /** Somebody else asks for it or has it. */
  void contested(Ipv6Address address) {
    if (cancel(address)) {
      finished.accept(address, false);
    }
  }

  boolean cancel(Ipv6Address address) {
    Optional<EventQueue.Planned> planned = Optional.ofNullable(running.remove(address));
    planned.ifPresent(EventQueue.Planned::cancel);
    return planned.isPresent();
  }
}

package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.linux.IcmpSocket;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.Octets;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Duplicate Address Detection for addresses that are not ours (RFC 4862 section 5.4): a home agent
 * makes sure of a home address before it answers for it (RFC 6275 section 10.3.1).
 */
final class Dad {
  private static final Logger log = LoggerFactory.getLogger(Dad.class);

  /** RFC 4861 section 10. */
  private static final Duration RETRANS_TIMER = Duration.ofSeconds(1);

  /** DupAddrDetectTransmits of RFC 4862 section 5.1. */
  private static final int TRANSMITS = 1;

  /** RFC 3971 section 5.3.2, used as in RFC 7527 section 4.1: not to meet our own solicitation. */
  private static final int NONCE_OPTION = 14;

  private static final int NONCE_LENGTH = 6;

  /** Sends a message of ours. */
  interface Sender {
    void send(
        int interfaceIndex, Ipv6Address source, Ipv6Address destination, Icmpv6Message message)
        throws IOException;
  }

  /** Learns the result. */
  interface Listener {
    void finished(HomeAddress address, boolean unique);
  }

  private record Running(int interfaceIndex, HomeAddress address, Octets nonce, Instant end) {}

  private final IcmpSocket socket;
  private final Sender sender;
  private final RandomGenerator random;
  private final Listener listener;
  private final List<Running> all = new ArrayList<>();

  Dad(IcmpSocket socket, Sender sender, RandomGenerator random, Listener listener) {
    this.socket = socket;
    this.sender = sender;
    this.random = random;
    this.listener = listener;
  }

  void start(Instant now, int interfaceIndex, HomeAddress address) {
    byte[] nonce = new byte[NONCE_LENGTH];
    random.nextBytes(nonce);
    var running =
        new Running(
            interfaceIndex,
            address,
            Octets.of(nonce),
            now.plus(RETRANS_TIMER.multipliedBy(TRANSMITS)));
    all.add(running);
    Ipv6Address group = address.value().solicitedNodeMulticast();
    try {
      socket.join(interfaceIndex, group);
      sender.send(
          interfaceIndex,
          Ipv6Address.UNSPECIFIED,
          group,
          new Icmpv6Message.NeighborSolicitation(
              address.value(),
              ImmutableList.of(new NdOption.Unknown(NONCE_OPTION, running.nonce()))));
    } catch (IOException e) {
      // The link is down, say. Nobody there can have the address then; it is asked again when the
      // mobile node registers again.
      log.warn("duplicate address detection for {}: {}", address, e.getMessage());
    }
  }

  void received(int interfaceIndex, Ipv6Address source, Icmpv6Message message) {
    if (all.isEmpty()) {
      return;
    }
    Ipv6Address target;
    Optional<Octets> nonce = Optional.empty();
    if (message instanceof Icmpv6Message.NeighborAdvertisement advertisement) {
      target = advertisement.target();
    } else if (message instanceof Icmpv6Message.NeighborSolicitation solicitation
        && source.isUnspecified()) {
      target = solicitation.target();
      for (NdOption option : solicitation.options()) {
        if (option instanceof NdOption.Unknown unknown && unknown.type() == NONCE_OPTION) {
          nonce = Optional.of(unknown.data());
        }
      }
    } else {
      return;
    }
    for (Running running : ImmutableList.copyOf(all)) {
      if (running.interfaceIndex() == interfaceIndex
          && running.address().value().equals(target)
          && !nonce.equals(Optional.of(running.nonce()))) {
        all.remove(running);
        finish(running, false);
      }
    }
  }

  void turn(Instant now) {
    List<Running> due = new ArrayList<>();
    for (Iterator<Running> i = all.iterator(); i.hasNext(); ) {
      Running running = i.next();
      if (!running.end().isAfter(now)) {
        i.remove();
        due.add(running);
      }
    }
    due.forEach(running -> finish(running, true));
  }

  Optional<Instant> nextDeadline() {
    return all.stream().map(Running::end).min(Instant::compareTo);
  }

  private void finish(Running running, boolean unique) {
    try {
      socket.leave(running.interfaceIndex(), running.address().value().solicitedNodeMulticast());
    } catch (IOException e) {
      log.debug("leaving a multicast group: {}", e.toString());
    }
    listener.finished(running.address(), unique);
  }
}

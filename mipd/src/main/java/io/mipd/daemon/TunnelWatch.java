package io.mipd.daemon;

import io.mipd.host.PeerLearner;
import io.mipd.xfrm.linux.ArrivalSocket;
import io.mipd.xfrm.linux.Poller;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.netlink.MacAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whose payload the kernel takes out of the tunnel for a home address. It looks at a few packets
 * and then away for a while, so that it costs next to nothing however many there are. What comes
 * directly is for the care-of address and does not show.
 */
final class TunnelWatch implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(TunnelWatch.class);

  private static final Duration PAUSE = Duration.ofMillis(100);

  /** Is told of a peer, from time to time. */
  interface Listener {
    /**
     * @param sender of the frame that it was in, or that its tunnel was in; empty on a link without
     *     such addresses, as a tunnel's device is
     */
    void tunnelled(
        Ipv6Address peer, Ipv6Address home, int interfaceIndex, Optional<MacAddress> sender);
  }

  private final Ipv6Address home;
  private final Poller poller;
  private final Supplier<Instant> clock;
  private final ArrivalSocket socket;
  private final PeerLearner peers;
  private final Listener listener;
  private Optional<Instant> resumeAt = Optional.empty();

  TunnelWatch(Ipv6Address home, Poller poller, Supplier<Instant> clock, Listener listener)
      throws SystemCallException {
    this.home = home;
    this.poller = poller;
    this.clock = clock;
    this.listener = listener;
    peers = new PeerLearner(clock);
    socket = ArrivalSocket.open(home);
    poller.add(socket.fd(), this::look);
  }

  private void look() {
    try {
      socket.receive(
          (peer, interfaceIndex, sender) -> {
            if (peers.isNews(peer, home)) {
              listener.tunnelled(peer, home, interfaceIndex, sender);
            }
          });
    } catch (SystemCallException e) {
      log.debug("arrivals for {}: {}", home, e.toString());
    }
    poller.remove(socket.fd());
    resumeAt = Optional.of(clock.get().plus(PAUSE));
  }

  void turn(Instant now) {
    if (resumeAt.isEmpty() || now.isBefore(resumeAt.get())) {
      return;
    }
    resumeAt = Optional.empty();
    try {
      poller.add(socket.fd(), this::look);
    } catch (SystemCallException e) {
      log.warn("arrivals for {} are not seen any more: {}", home, e.getMessage());
    }
  }

  Optional<Instant> nextDeadline() {
    return resumeAt;
  }

  @Override
  public void close() {
    if (resumeAt.isEmpty()) {
      poller.remove(socket.fd());
    }
    socket.close();
  }
}

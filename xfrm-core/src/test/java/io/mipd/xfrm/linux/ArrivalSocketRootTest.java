package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.model.Ipv6Address;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Who sends to an address, and what of it does not count. */
@Tag("root")
class ArrivalSocketRootTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address OTHER = Ipv6Address.parse("2001:db8:1::101");
  private static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::1");
  private static final Ipv6Address LAST = Ipv6Address.parse("2001:db8:c::2");

  private TestNamespace here;
  private ArrivalSocket socket;
  private final List<Ipv6Address> senders = new ArrayList<>();

  @BeforeEach
  void open() throws Exception {
    TestNamespace.require("ip");
    here = TestNamespace.create();
    for (Ipv6Address address : List.of(HOME, OTHER, PEER, LAST)) {
      here.sh("ip -6 addr add " + address + "/128 dev lo nodad");
    }
    socket = here.within(() -> ArrivalSocket.open(HOME));
  }

  @AfterEach
  void close() {
    if (socket != null) {
      socket.close();
      here.close();
    }
  }

  private void send(Ipv6Address source, Ipv6Address destination, int port) throws Exception {
    here.within(
        () -> {
          try (var from = new DatagramSocket(new InetSocketAddress(source.toInetAddress(), 0))) {
            from.send(
                new DatagramPacket(
                    new byte[] {1}, 1, new InetSocketAddress(destination.toInetAddress(), port)));
          }
          return port;
        });
  }

  /** Who has sent, up to the one that is last. */
  private List<Ipv6Address> senders() throws Exception {
    send(LAST, HOME, 53);
    TestNamespace.await(
        "the last one",
        () -> {
          socket.receive((source, interfaceIndex, sender) -> senders.add(source));
          return senders.contains(LAST);
        });
    return senders;
  }

  @Test
  void tellsWhoSendsToTheAddress() throws Exception {
    send(PEER, OTHER, 53);
    send(PEER, HOME, 499);
    send(PEER, OTHER, 53);
    send(PEER, HOME, 501);
    assertThat(senders()).containsExactly(PEER, PEER, LAST);
  }

  @Test
  void keyExchangeDoesNotCount() throws Exception {
    send(PEER, HOME, 500);
    send(PEER, HOME, 4500);
    assertThat(senders()).containsExactly(LAST);
  }
}

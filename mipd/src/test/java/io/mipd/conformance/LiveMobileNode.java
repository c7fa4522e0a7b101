package io.mipd.conformance;

import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.xfrm.linux.PacketSocket;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * The mobile node H as it is, with its cable out; the routers of the links that it visits, its home
 * agent and its correspondents are played. The kernel makes its care-of addresses of what routers
 * say, with the identifier of H.
 */
final class LiveMobileNode extends LiveOnLink {
  private static final int UDP_HEADER = 8;
  private static final int PAYLOAD = 40 + UDP_HEADER;

  private final PacketSocket toPrograms;

  /** Takes what is delivered, so that the kernel does not complain. */
  private final DatagramChannel program;

  /**
   * Starts it.
   *
   * @param corresponds whether it is a correspondent as well
   * @param folder for its files, empty
   */
  LiveMobileNode(boolean corresponds, Path folder) throws Exception {
    super("mn", folder);
    try {
      build();
      sysctl("eth0.dad_transmits=0");
      daemons("token set ::100 dev eth0");
      daemons("addr add fe80::77/64 dev eth0 nodad");
      neighbors("rb", "rc", "rd", "alocal", "A", "P", "Q");
      unplug();
      // Where the sequence numbers of the cases go on.
      Path state = Files.createDirectory(folder.resolve("state"));
      Files.writeString(
          state.resolve("bindings"),
          "mipd bindings 1\n%s 65533 none\nend 1\n".formatted(Subject.address("H")));
      start(configuration(corresponds));
      toPrograms = within(() -> PacketSocket.open(indexOf("mipd0")));
      program =
          within(() -> DatagramChannel.open().bind(new InetSocketAddress(PacketMaker.UDP_TO)));
    } catch (Exception | Error e) {
      close();
      throw e;
    }
  }

  private String configuration(boolean corresponds) throws IOException {
    return """
        role = mobile-node, world = engine
        state-directory = state, control-socket = control.sock
        mobile-node {
          home-address = "%s", home-prefix = "2001:db8:1::/64", home-agent = "%s"
          interfaces = [ { name = eth0, preference = 10 } ]
          care-of-addresses = kernel
          route-optimization { enabled = on }
          protection %s
        }
        correspondent { enabled = %s }
        """
        .formatted(Subject.address("H"), Subject.address("A"), protection(1), corresponds);
  }

  /** The cable goes in or out; until it has noticed. */
  @Override
  void link(int index, boolean up) {
    try {
      if (up) {
        plug();
      } else {
        unplug();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (!becomes(() -> isUp() == up)) {
      throw new AssertionError("the daemon does not notice its cable");
    }
  }

  private boolean isUp() {
    return ask("status").getConfigList("interfaces").stream()
        .anyMatch(it -> it.getString("name").equals("eth0") && it.getBoolean("up"));
  }

  /** The kernel makes it, and it is known; or it is taken away, if it is still there. */
  @Override
  void address(int index, Ipv6Address address, AddressState state) {
    switch (state) {
      case USABLE -> {
        // What it sends from there shows it as well, and wants to be answered soon.
        if (!until(QUIET, () -> !sent.isEmpty()) && !becomes(() -> has(address))) {
          throw new AssertionError("the kernel makes no address " + address);
        }
      }
      case GONE -> {
        try {
          daemons("addr flush dev eth0 to " + address);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
      default -> throw notHere("address of such a state");
    }
  }

  private boolean has(Ipv6Address address) {
    return ask("status").getConfigList("interfaces").stream()
        .filter(it -> it.getString("name").equals("eth0"))
        .flatMap(it -> it.getStringList("addresses").stream())
        .anyMatch(it -> it.equals(address + "/64"));
  }

  /** A program sends it, from its home address. */
  @Override
  void sends(byte[] packet) {
    try (DatagramChannel socket = within(DatagramChannel::open)) {
      socket.bind(new InetSocketAddress(address(packet, 8), PacketMaker.UDP_FROM));
      socket.send(
          ByteBuffer.wrap(Arrays.copyOfRange(packet, PAYLOAD, packet.length)),
          new InetSocketAddress(address(packet, DESTINATION), PacketMaker.UDP_TO));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static InetAddress address(byte[] packet, int at) throws IOException {
    return InetAddress.getByAddress(Arrays.copyOfRange(packet, at, at + 16));
  }

  @Override
  void receive() {
    super.receive();
    take(
        toPrograms,
        packet -> {
          if (!isMulticast(packet)) {
            delivered.add(packet);
          }
        });
  }

  @Override
  NodeAction.Place place() {
    return NodeAction.Place.valueOf(
        ask("status").getString("place").toUpperCase(Locale.ROOT).replace('-', '_'));
  }

  @Override
  Optional<Ipv6Address> boundTo(Ipv6Address home) {
    throw notHere("bound");
  }

  @Override
  public void close() throws IOException {
    if (toPrograms != null) {
      toPrograms.close();
    }
    if (program != null) {
      program.close();
    }
    super.close();
  }
}

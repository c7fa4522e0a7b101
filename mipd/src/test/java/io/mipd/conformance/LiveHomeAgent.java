package io.mipd.conformance;

import com.google.common.collect.ImmutableList;
import com.typesafe.config.Config;
import io.mipd.control.ControlClient;
import io.mipd.control.ControlException;
import io.mipd.control.ControlRequest;
import io.mipd.xfrm.linux.NetworkInterfaces;
import io.mipd.xfrm.linux.NetworkNamespace;
import io.mipd.xfrm.linux.PacketSocket;
import io.mipd.xfrm.linux.RawSender;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.transform.PacketBuffer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * The home agent A as it is: {@code mipd run} in a network namespace, on an Ethernet whose other
 * end is in a second one, where whoever speaks to it is played. Clock and kernel are real.
 */
final class LiveHomeAgent extends LiveTested implements AutoCloseable {
  private static final Duration START = Duration.ofMinutes(2);

  /** Until what is expected must have come: Duplicate Address Detection takes a second of it. */
  private static final Duration PATIENCE = Duration.ofSeconds(15);

  /** Where nothing is expected: a round trip through the daemon takes a few milliseconds. */
  private static final Duration QUIET = Duration.ofMillis(250);

  private static final String MAC = "02:00:00:00:01:00";
  private static final String OTHER_MAC = "02:00:00:00:00:aa";
  private static final int HOP_LIMIT = 7;
  private static final int NEXT_HEADER = 6;
  private static final int SOURCE = 8;
  private static final int DESTINATION = 24;
  private static final int HEADER = 40;
  private static final int TARGET = HEADER + 8;
  private static final int SOLICITATION = 135;
  private static final int ADVERTISEMENT = 136;
  private static final int MULTICAST = 0xff;

  private static final ImmutableList<Ipv6Address> HOMES =
      ImmutableList.of(Subject.address("H"), Subject.address("H2"));

  private final String here = "mipd-live-" + ProcessHandle.current().pid() + "-ha";
  private final String there = here + "-link";
  private final Path folder;
  private final PacketBuffer[] arrived =
      Stream.generate(PacketBuffer::new).limit(PacketSocket.BATCH).toArray(PacketBuffer[]::new);
  private final PacketBuffer leaving = new PacketBuffer();
  private final RawSender sender;
  private final PacketSocket receiver;
  private final LiveDaemon daemon;

  /** Who has answered for an address, as somebody asked. */
  private Optional<Ipv6Address> answered = Optional.empty();

  /**
   * Starts it.
   *
   * @param folder for its files, empty
   */
  LiveHomeAgent(Path folder) throws Exception {
    this.folder = folder;
    LiveDaemon.run("ip netns add " + here);
    try {
      LiveDaemon.run("ip netns add " + there);
      link();
      sender = within(() -> RawSender.open("wire", 0));
      receiver = within(() -> PacketSocket.open(NetworkInterfaces.indexOf("wire").orElseThrow()));
      daemon = LiveDaemon.start(here, folder, configuration(), START);
    } catch (Exception | Error e) {
      removeNamespaces();
      throw e;
    }
  }

  private <T> T within(Callable<T> task) throws Exception {
    return NetworkNamespace.within(NetworkNamespace.named(there), task);
  }

  private void link() throws IOException {
    String daemons = "ip -n " + here + " ";
    String others = "ip -n " + there + " ";
    LiveDaemon.run(
        others + "link add wire address " + OTHER_MAC + " type veth peer name eth0 netns " + here);
    for (String namespace : ImmutableList.of(here, there)) {
      String device = namespace.equals(here) ? "eth0" : "wire";
      LiveDaemon.run(
          "ip netns exec "
              + namespace
              + " sysctl -q net.ipv6.conf."
              + device
              + ".addr_gen_mode=1 net.ipv6.conf.all.forwarding="
              + (namespace.equals(here) ? 1 : 0));
    }
    LiveDaemon.run(daemons + "link set eth0 address " + MAC);
    LiveDaemon.run(daemons + "link set lo up");
    LiveDaemon.run(daemons + "link set eth0 up");
    LiveDaemon.run(others + "link set wire up");
    LiveDaemon.run(daemons + "addr add " + Subject.address("A") + "/64 dev eth0 nodad");
    // Nobody is there to be asked for link-layer addresses.
    for (String name : ImmutableList.of("rb", "X", "A2", "A3", "H", "H2")) {
      neighbor(daemons, name, "eth0", OTHER_MAC);
    }
    LiveDaemon.run(daemons + "-6 route add default via " + Subject.address("rb") + " dev eth0");
    // The kernel sends nothing, whatever its source, without an address of its own.
    LiveDaemon.run(others + "addr add fe80::aa/64 dev wire nodad");
    neighbor(others, "alocal", "wire", MAC);
    LiveDaemon.run(others + "-6 route add default via " + Subject.address("alocal") + " dev wire");
  }

  private static void neighbor(String ip, String name, String device, String mac)
      throws IOException {
    LiveDaemon.run(ip + "neigh add " + Subject.address(name) + " lladdr " + mac + " dev " + device);
  }

  private String configuration() throws IOException {
    var keys = new StringBuilder();
    var nodes = new StringBuilder();
    for (int n = 1; n <= HOMES.size(); n++) {
      nodes.append(
          """
            { home-address = "%s", protection { keys = keys, encryption = null, integrity = hmac-sha1-96
          """
              .formatted(HOMES.get(n - 1)));
      for (String pair :
          ImmutableList.of("signalling", "prefix-discovery", "return-routability", "payload")) {
        int first =
            n << 12
                | switch (pair) {
                  case "signalling" -> 1;
                  case "prefix-discovery" -> 0x101;
                  case "return-routability" -> 0x201;
                  default -> 0x301;
                };
        nodes.append(
            "    %s { to-home-agent = 0x%x, to-mobile-node = 0x%x }\n"
                .formatted(pair, first, first + 1));
        for (int spi = first; spi <= first + 1; spi++) {
          keys.append("0x%x - %s\n".formatted(spi, Secrets.ipsecKey()));
        }
      }
      nodes.append("  } }\n");
    }
    Path file = Files.writeString(folder.resolve("keys"), keys);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    return """
        role = home-agent, world = engine
        state-directory = state, control-socket = control.sock
        home-agent {
          home-interface = eth0, address = "%s", home-prefix = "2001:db8:1::/64"
          router-advertisements { enabled = off }
          mobile-nodes = [
        %s  ]
        }
        """
        .formatted(Subject.address("A"), nodes);
  }

  @Override
  void arrives(int index, byte[] packet) {
    byte[] octets = packet.clone();
    if (HOMES.contains(Ipv6Address.read(octets, DESTINATION))) {
      // The kernel passes it on to the engine, and counts that as a hop.
      octets[HOP_LIMIT]++;
    }
    leaving.clear();
    leaving.set(octets, 0, octets.length);
    try {
      sender.add(leaving);
      sender.flush();
    } catch (SystemCallException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void receive() {
    try {
      for (int n = receiver.receive(arrived); n > 0; n = receiver.receive(arrived)) {
        for (int i = 0; i < n; i++) {
          received(arrived[i].toOctets());
        }
      }
    } catch (SystemCallException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void received(byte[] packet) {
    Ipv6Address source = Ipv6Address.read(packet, SOURCE);
    boolean toNeighbors = packet[NEXT_HEADER] == PacketMaker.ICMPV6 && packet.length >= TARGET + 16;
    if (toNeighbors && (packet[HEADER] & 0xff) == SOLICITATION) {
      if (source.isUnspecified()) {
        detections.add(Ipv6Address.read(packet, TARGET));
      }
    } else if (toNeighbors && (packet[HEADER] & 0xff) == ADVERTISEMENT) {
      answered = Optional.of(Ipv6Address.read(packet, TARGET));
    } else if ((packet[DESTINATION] & 0xff) == MULTICAST) {
      // What the kernel has to say to its link is not of the case.
      return;
    } else {
      sent.add(packet);
    }
  }

  private boolean until(Duration time, BooleanSupplier condition) {
    long end = System.nanoTime() + time.toNanos();
    for (receive(); !condition.getAsBoolean(); receive()) {
      if (System.nanoTime() > end) {
        return false;
      }
      try {
        TimeUnit.MILLISECONDS.sleep(2);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    return true;
  }

  @Override
  void settle(boolean isExpected) {
    until(isExpected ? PATIENCE : QUIET, () -> isExpected && !sent.isEmpty());
  }

  @Override
  boolean becomes(BooleanSupplier condition) {
    return until(PATIENCE, condition);
  }

  @Override
  void detected(Ipv6Address address, boolean unique) {
    becomes(() -> detections.contains(address));
    detections.remove(address);
    if (!unique) {
      String advertisement = "alocal>all na " + address + " flags O tlla(020000000099)";
      arrives(
          Subject.ETH0,
          new PacketMaker(new Secrets(), new byte[0], new byte[0]).make(advertisement));
    }
  }

  @Override
  Optional<Ipv6Address> boundTo(Ipv6Address home) {
    try {
      Config report =
          ControlClient.ask(folder.resolve("control.sock"), ControlRequest.of("bindings"));
      return report.getConfigList("bindings").stream()
          .filter(it -> it.getString("home-address").equals(home.toString()))
          .map(it -> Ipv6Address.parse(it.getString("care-of-address")))
          .findFirst();
    } catch (IOException | ControlException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Whether it answers a neighbor who asks. */
  @Override
  boolean standsInFor(Ipv6Address address) {
    answered = Optional.empty();
    String question =
        "X>" + address.solicitedNodeMulticast() + " ns " + address + " slla(0200000000aa)";
    arrives(Subject.ETH0, new PacketMaker(new Secrets(), new byte[0], new byte[0]).make(question));
    return until(QUIET, () -> answered.equals(Optional.of(address)));
  }

  private void removeNamespaces() throws IOException {
    LiveDaemon.run("ip netns del " + here);
    if (Files.exists(Path.of("/run/netns", there))) {
      LiveDaemon.run("ip netns del " + there);
    }
  }

  @Override
  public void close() throws IOException {
    daemon.close();
    receiver.close();
    sender.close();
    removeNamespaces();
  }
}

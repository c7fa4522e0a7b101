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
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * {@code mipd run} in a network namespace, on an Ethernet whose other end is in a second one, where
 * whoever speaks to it is played. Clock and kernel are real.
 */
abstract class LiveOnLink extends LiveTested implements AutoCloseable {
  private static final Duration START = Duration.ofMinutes(2);

  static final String OTHER_MAC = "02:00:00:00:00:aa";
  static final int NEXT_HEADER = 6;
  static final int DESTINATION = 24;

  private static final String MAC = "02:00:00:00:01:00";
  private static final int SOURCE = 8;
  private static final int HEADER = 40;
  private static final int TARGET = HEADER + 8;
  private static final int SOLICITATION = 135;
  private static final int ADVERTISEMENT = 136;
  private static final int MULTICAST = 0xff;

  /** SPIs of a home address are these, behind its number; the first towards the home agent. */
  private static final ImmutableList<String> PAIRS =
      ImmutableList.of("signalling", "prefix-discovery", "return-routability", "payload");

  private final Path folder;
  private final String here;
  private final String there;
  private final PacketBuffer[] arrived =
      Stream.generate(PacketBuffer::new).limit(PacketSocket.BATCH).toArray(PacketBuffer[]::new);
  private final PacketBuffer leaving = new PacketBuffer();
  private @Nullable RawSender sender;
  private @Nullable PacketSocket receiver;
  private @Nullable LiveDaemon daemon;

  /** Who has answered for an address, as somebody asked. */
  private Optional<Ipv6Address> answered = Optional.empty();

  /**
   * @param kind what its namespaces are called by
   * @param folder for its files, empty
   */
  LiveOnLink(String kind, Path folder) {
    this.folder = folder;
    here = "mipd-live-" + ProcessHandle.current().pid() + "-" + kind;
    there = here + "-link";
  }

  /** Makes the link, which is up. The daemon's end has its link-layer address, and nothing else. */
  final void build() throws Exception {
    LiveDaemon.run("ip netns add " + here);
    LiveDaemon.run("ip netns add " + there);
    others("link add wire address " + OTHER_MAC + " type veth peer name eth0 netns " + here);
    sysctl(here, "eth0.addr_gen_mode=1");
    sysctl(there, "wire.addr_gen_mode=1");
    daemons("link set eth0 address " + MAC);
    daemons("link set lo up");
    daemons("link set eth0 up");
    plug();
    sender = within(there, () -> RawSender.open("wire", 0));
    receiver = within(there, () -> PacketSocket.open(indexOf("wire")));
  }

  final void plug() throws IOException {
    others("link set wire up");
    // The kernel sends nothing, whatever its source, without an address of its own.
    others("addr add fe80::aa/64 dev wire nodad");
    others("neigh add " + Subject.address("alocal") + " lladdr " + MAC + " dev wire");
    others("-6 route add default via " + Subject.address("alocal") + " dev wire");
  }

  final void unplug() throws IOException {
    others("link set wire down");
  }

  final void start(String configuration) throws Exception {
    daemon = LiveDaemon.start(here, folder, configuration, START);
  }

  /** {@code ip} where the daemon is. */
  final void daemons(String command) throws IOException {
    LiveDaemon.run("ip -n " + here + " " + command);
  }

  private void others(String command) throws IOException {
    LiveDaemon.run("ip -n " + there + " " + command);
  }

  /** A setting of IPv6 where the daemon is. */
  final void sysctl(String setting) throws IOException {
    sysctl(here, setting);
  }

  private static void sysctl(String namespace, String setting) throws IOException {
    LiveDaemon.run("ip netns exec " + namespace + " sysctl -q net.ipv6.conf." + setting);
  }

  /** Nobody is there to be asked for link-layer addresses. */
  final void neighbors(String... names) throws IOException {
    for (String name : names) {
      daemons("neigh add " + Subject.address(name) + " lladdr " + OTHER_MAC + " dev eth0");
    }
  }

  /** Opens something where the daemon is. */
  final <T> T within(Callable<T> task) throws Exception {
    return within(here, task);
  }

  private static <T> T within(String namespace, Callable<T> task) throws Exception {
    return NetworkNamespace.within(NetworkNamespace.named(namespace), task);
  }

  static int indexOf(String device) {
    return NetworkInterfaces.indexOf(device).orElseThrow();
  }

  /**
   * The associations of a home address for a configuration; their keys go into the file {@code
   * keys}.
   *
   * @param n the home address's number, from 1
   */
  final String protection(int n) throws IOException {
    var text = new StringBuilder("{ keys = keys, encryption = null, integrity = hmac-sha1-96\n");
    var keys = new StringBuilder();
    for (int i = 0; i < PAIRS.size(); i++) {
      int first = n << 12 | i << 8 | 1;
      text.append(
          "    %s { to-home-agent = 0x%x, to-mobile-node = 0x%x }\n"
              .formatted(PAIRS.get(i), first, first + 1));
      for (int spi = first; spi <= first + 1; spi++) {
        keys.append("0x%x - %s\n".formatted(spi, Secrets.ipsecKey()));
      }
    }
    Path file = folder.resolve("keys");
    String before = Files.exists(file) ? Files.readString(file) : "";
    Files.writeString(file, before + keys);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    return text + "  }";
  }

  final Config ask(String command) {
    try {
      return ControlClient.ask(folder.resolve("control.sock"), ControlRequest.of(command));
    } catch (IOException | ControlException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  void arrives(int index, byte[] packet) {
    leaving.clear();
    leaving.set(packet, 0, packet.length);
    try {
      sender().add(leaving);
      sender().flush();
    } catch (SystemCallException e) {
      throw new UncheckedIOException(e);
    }
  }

  private RawSender sender() {
    return Objects.requireNonNull(sender, "the link is not built");
  }

  @Override
  void receive() {
    take(Objects.requireNonNull(receiver, "the link is not built"), this::received);
  }

  final void take(PacketSocket socket, Consumer<byte[]> to) {
    try {
      for (int n = socket.receive(arrived); n > 0; n = socket.receive(arrived)) {
        for (int i = 0; i < n; i++) {
          to.accept(arrived[i].toOctets());
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
    } else if (!isMulticast(packet)) {
      // What the kernel has to say to its link is not of the case.
      sent.add(packet);
    }
  }

  static boolean isMulticast(byte[] packet) {
    return (packet[DESTINATION] & 0xff) == MULTICAST;
  }

  @Override
  void detected(Ipv6Address address, boolean unique) {
    becomes(() -> detections.contains(address));
    detections.remove(address);
    if (!unique) {
      arrivesFrom("alocal>all na " + address + " flags O tlla(020000000099)");
    }
  }

  private void arrivesFrom(String packet) {
    arrives(Subject.ETH0, new PacketMaker(new Secrets(), new byte[0], new byte[0]).make(packet));
  }

  /** Whether it answers a neighbor who asks. */
  @Override
  boolean standsInFor(Ipv6Address address) {
    answered = Optional.empty();
    arrivesFrom("X>" + address.solicitedNodeMulticast() + " ns " + address + " slla(0200000000aa)");
    return until(QUIET, () -> answered.equals(Optional.of(address)));
  }

  @Override
  public void close() throws IOException {
    if (daemon != null) {
      daemon.close();
    }
    if (receiver != null) {
      receiver.close();
    }
    if (sender != null) {
      sender.close();
    }
    for (String namespace : ImmutableList.of(here, there)) {
      if (Files.exists(Path.of("/run/netns", namespace))) {
        LiveDaemon.run("ip netns del " + namespace);
      }
    }
  }
}

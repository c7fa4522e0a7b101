package io.mipd.conformance;

import io.mipd.xfrm.linux.NetworkNamespace;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.linux.TunDevice;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.transform.PacketBuffer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * The correspondent P as it is: {@code mipd run} in a network namespace of its own, whose only
 * interface is a TUN device of ours. Packets go in and come out there; clock and kernel are real.
 */
final class LiveNode extends LiveTested implements AutoCloseable {
  private static final Duration START = Duration.ofSeconds(60);

  private static final String INTERFACE = "eth0";
  private static final int DESTINATION = 24;
  private static final int MULTICAST = 0xff;

  private final String namespace = "mipd-live-" + ProcessHandle.current().pid();
  private final PacketBuffer buffer = new PacketBuffer();
  private final TunDevice device;
  private final LiveDaemon daemon;

  private LiveNode(Path folder) throws Exception {
    LiveDaemon.run("ip netns add " + namespace);
    try {
      device =
          NetworkNamespace.within(
              NetworkNamespace.named(namespace), () -> TunDevice.open(INTERFACE, false));
      String ip = "ip -n " + namespace + " ";
      LiveDaemon.run(
          "ip netns exec "
              + namespace
              + " sysctl -q net.ipv6.conf."
              + INTERFACE
              + ".addr_gen_mode=1");
      LiveDaemon.run(ip + "link set lo up");
      LiveDaemon.run(ip + "link set " + INTERFACE + " up");
      LiveDaemon.run(ip + "addr add " + Subject.address("P") + "/64 dev " + INTERFACE + " nodad");
      LiveDaemon.run(ip + "-6 route add default dev " + INTERFACE);
      daemon =
          LiveDaemon.start(
              namespace,
              folder,
              "role = cn, world = engine\nstate-directory = state, control-socket = control.sock\n",
              START);
    } catch (Exception | Error e) {
      LiveDaemon.run("ip netns del " + namespace);
      throw e;
    }
  }

  /**
   * Starts it.
   *
   * @param folder for its files
   */
  static LiveNode start(Path folder) throws Exception {
    return new LiveNode(folder);
  }

  /** Another case begins. */
  LiveNode anew() {
    settle();
    sent.clear();
    return this;
  }

  @Override
  void arrives(int index, byte[] packet) {
    buffer.clear();
    buffer.set(packet, 0, packet.length);
    try {
      if (!device.write(buffer)) {
        throw new AssertionError("the kernel does not take the packet");
      }
    } catch (SystemCallException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  void receive() {
    try {
      while (device.read(buffer)) {
        byte[] packet = buffer.toOctets();
        // What the kernel has to say to its link is not of the case.
        if ((packet[DESTINATION] & 0xff) != MULTICAST) {
          sent.add(packet);
        }
      }
    } catch (SystemCallException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  void detected(Ipv6Address address, boolean unique) {
    throw notHere("dad");
  }

  @Override
  Optional<Ipv6Address> boundTo(Ipv6Address home) {
    throw notHere("bound");
  }

  @Override
  public void close() throws IOException {
    daemon.close();
    device.close();
    LiveDaemon.run("ip netns del " + namespace);
  }
}

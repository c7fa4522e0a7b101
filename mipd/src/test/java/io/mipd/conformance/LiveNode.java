package io.mipd.conformance;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.xfrm.linux.NetworkNamespace;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.linux.TunDevice;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.transform.PacketBuffer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * The correspondent P as it is: {@code mipd run} in a network namespace of its own, whose only
 * interface is a TUN device of ours. Packets go in and come out there; clock and kernel are real.
 */
final class LiveNode extends Tested implements AutoCloseable {
  private static final Duration START = Duration.ofSeconds(60);

  /** Until what is expected must have come. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** Where nothing is expected: a round trip through the daemon takes a few milliseconds. */
  private static final Duration QUIET = Duration.ofMillis(250);

  private static final String INTERFACE = "eth0";
  private static final int DESTINATION = 24;
  private static final int MULTICAST = 0xff;

  private final String namespace = "mipd-live-" + ProcessHandle.current().pid();
  private final Path folder;
  private final PacketBuffer buffer = new PacketBuffer();
  private final TunDevice device;
  private final Process daemon;

  private LiveNode(Path folder) throws Exception {
    this.folder = folder;
    run("ip netns add " + namespace);
    try {
      device =
          NetworkNamespace.within(
              NetworkNamespace.named(namespace), () -> TunDevice.open(INTERFACE, false));
      String ip = "ip -n " + namespace + " ";
      run(
          "ip netns exec "
              + namespace
              + " sysctl -q net.ipv6.conf."
              + INTERFACE
              + ".addr_gen_mode=1");
      run(ip + "link set lo up");
      run(ip + "link set " + INTERFACE + " up");
      run(ip + "addr add " + Subject.address("P") + "/64 dev " + INTERFACE + " nodad");
      run(ip + "-6 route add default dev " + INTERFACE);
      daemon = start();
    } catch (Exception | Error e) {
      run("ip netns del " + namespace);
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

  private Process start() throws Exception {
    Path configuration =
        Files.writeString(
            folder.resolve("mipd.conf"),
            "role = cn, world = engine\nstate-directory = state, control-socket = control.sock\n");
    Path log = folder.resolve("mipd.log");
    Process process =
        new ProcessBuilder(
                "ip",
                "netns",
                "exec",
                namespace,
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Xmx128m",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                "io.mipd.daemon.Main",
                "run",
                "--config",
                configuration.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    long end = System.nanoTime() + START.toNanos();
    while (!Files.readString(log).contains("mipd ready: ")) {
      if (!process.isAlive() || System.nanoTime() > end) {
        process.destroyForcibly();
        throw new AssertionError("mipd does not become ready\n" + Files.readString(log));
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
    return process;
  }

  private static void run(String command) throws IOException {
    Process process =
        new ProcessBuilder(Splitter.on(' ').splitToList(command)).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.onExit().join().exitValue() != 0) {
      throw new IOException(command + ": " + said);
    }
  }

  /** Another case begins. */
  LiveNode anew() {
    settle(/* isExpected= */ false);
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
  void settle(boolean isExpected) {
    long end = System.nanoTime() + (isExpected ? PATIENCE : QUIET).toNanos();
    do {
      try {
        while (device.read(buffer)) {
          byte[] packet = buffer.toOctets();
          // What the kernel has to say to its link is not of the case.
          if ((packet[DESTINATION] & 0xff) != MULTICAST) {
            sent.add(packet);
          }
        }
        TimeUnit.MILLISECONDS.sleep(2);
      } catch (SystemCallException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    } while (System.nanoTime() < end && !(isExpected && !sent.isEmpty()));
  }

  @Override
  void passes(Duration time) {
    throw notHere("wait");
  }

  @Override
  void sends(byte[] packet) {
    throw notHere("app");
  }

  @Override
  void link(int index, boolean up) {
    throw notHere("link");
  }

  @Override
  void address(int index, Ipv6Address address, AddressState state) {
    throw notHere("address");
  }

  @Override
  void detected(Ipv6Address address, boolean unique) {
    throw notHere("dad");
  }

  @Override
  void listens(ImmutableSet<Ipv6Address> groups) {
    throw notHere("listens");
  }

  @Override
  void shutDown() {
    throw notHere("stop");
  }

  @Override
  Optional<Ipv6Address> boundTo(Ipv6Address home) {
    throw notHere("bound");
  }

  @Override
  NodeAction.Place place() {
    throw notHere("placed");
  }

  private static IllegalStateException notHere(String verb) {
    return new IllegalStateException("a live daemon has no step " + verb);
  }

  @Override
  public void close() throws IOException {
    daemon.destroy();
    daemon.onExit().join();
    device.close();
    run("ip netns del " + namespace);
  }
}

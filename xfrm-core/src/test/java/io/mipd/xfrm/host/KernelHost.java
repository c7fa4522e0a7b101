package io.mipd.xfrm.host;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Iterables;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.linux.KernelBackend;
import io.mipd.xfrm.linux.MarkedSocket;
import io.mipd.xfrm.linux.MobilitySocket;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.linux.TestNamespace;
import io.mipd.xfrm.linux.TunDevice;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.packet.Checksum;
import io.mipd.xfrm.transform.PacketBuffer;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A network namespace whose only way out is a TUN device, so that what leaves is read, and what
 * arrives is written, packet by packet and without neighbours.
 */
public final class KernelHost implements Host {
  /** Those that cases send, beside what the stack says of its own accord. */
  private static final ImmutableSet<Integer> ICMPV6_TYPES =
      ImmutableSet.of(1, 131, 135, 136, 143, 144, 145, 146, 147);

  /**
   * On the one CPU of the guest it is within the call, but for what goes through a tunnel device.
   */
  private static final long SOON_NANOS = 20_000_000;

  private static final long PATIENCE_NANOS = 5_000_000_000L;

  private final TestNamespace namespace;
  private final TunDevice tun;
  private final KernelBackend backend;
  private final MobilitySocket messages;
  private final MobilitySocket icmpv6;
  private final ImmutableList<DatagramChannel> receivers;
  private final Map<InetSocketAddress, DatagramChannel> senders = new HashMap<>();

  /** Two, for one thread may write while another reads. */
  private final PacketBuffer written = new PacketBuffer();

  private final PacketBuffer buffer = new PacketBuffer();

  private KernelHost(
      TestNamespace namespace,
      TunDevice tun,
      KernelBackend backend,
      MobilitySocket messages,
      MobilitySocket icmpv6,
      ImmutableList<DatagramChannel> receivers) {
    this.namespace = namespace;
    this.tun = tun;
    this.backend = backend;
    this.messages = messages;
    this.icmpv6 = icmpv6;
    this.receivers = receivers;
  }

  public static KernelHost create(ImmutableMap<Ipv6Address, Role> roles) throws Exception {
    var namespace = TestNamespace.create();
    try {
      var tun = namespace.within(() -> TunDevice.open("tun0", false));
      var script =
          new StringBuilder(
              "sysctl -qw net.ipv6.auto_flowlabels=0 net.ipv6.conf.all.accept_dad=0"
                  + " net.ipv6.conf.tun0.accept_dad=0 net.ipv6.conf.tun0.router_solicitations=0"
                  + " net.ipv6.conf.tun0.addr_gen_mode=1 net.ipv6.conf.default.addr_gen_mode=1"
                  + " net.ipv6.conf.default.router_solicitations=0");
      script.append(
          roles.containsValue(Role.SERVED) ? " && sysctl -qw net.ipv6.conf.all.forwarding=1" : "");
      script.append(" && ip link set tun0 up");
      roles.forEach(
          (address, role) -> {
            if (role.isOurs()) {
              script
                  .append(" && ip addr add ")
                  .append(address)
                  .append("/128 dev tun0 nodad")
                  .append(role == Role.HOME ? " home" : "");
            }
          });
      script.append(" && ip -6 route add default dev tun0");
      namespace.sh(script.toString());
      var host =
          new KernelHost(
              namespace,
              tun,
              namespace.within(KernelBackend::open),
              namespace.within(MobilitySocket::open),
              namespace.within(() -> MobilitySocket.openIcmpv6(ICMPV6_TYPES)),
              namespace.within(
                  () ->
                      ImmutableList.of(
                          bound(new InetSocketAddress("::", Datagram.PORT)),
                          bound(new InetSocketAddress("::", Datagram.KEY_EXCHANGE)))));
      host.putWildcards();
      return host;
    } catch (Exception | Error e) {
      namespace.close();
      throw e;
    }
  }

  /** Beside the one for any address, where the port is the same. */
  private static DatagramChannel bound(InetSocketAddress address) throws IOException {
    var channel = DatagramChannel.open(StandardProtocolFamily.INET6);
    channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
    channel.bind(address);
    channel.configureBlocking(false);
    return channel;
  }

  /** As the daemon does: options without a state come as far as the policies. */
  private void putWildcards() {
    for (var protocol : List.of(TransformProtocol.HAO, TransformProtocol.ROUTE2)) {
      if (backend.putWildcard(protocol) instanceof XfrmReply.Failed failed) {
        throw new AssertionError("this kernel has no Mobile IPv6: " + failed.text());
      }
    }
  }

  public TestNamespace namespace() {
    return namespace;
  }

  public KernelBackend backend() {
    return backend;
  }

  /** Without policies and states of ours again. */
  public void reset() throws Exception {
    if (backend.apply(new XfrmCommand.Flush()) instanceof XfrmReply.Failed failed) {
      throw new AssertionError(failed.text());
    }
    putWildcards();
    everythingThatLeft();
    arrived();
  }

  @Override
  public XfrmReply apply(XfrmCommand command) {
    return backend.apply(command);
  }

  @Override
  public ImmutableList<byte[]> sends(Datagram datagram) throws Exception {
    try {
      if (datagram.isUdp()) {
        byte[] text = datagram.text().getBytes(StandardCharsets.UTF_8);
        sender(datagram)
            .send(
                ByteBuffer.wrap(text),
                new InetSocketAddress(datagram.destination().toInetAddress(), datagram.port()));
      } else {
        (datagram.isIcmpv6() ? icmpv6 : messages)
            .send(
                datagram.source(),
                datagram.destination(),
                Unpooled.wrappedBuffer(datagram.message()));
      }
    } catch (IOException e) {
      // EPERM: a policy blocks it.
      return everythingThatLeft();
    }
    return whatLeaves();
  }

  /**
   * UDP from a socket of its own.
   *
   * @param mark of the socket
   */
  ImmutableList<byte[]> sends(Datagram datagram, int mark) throws Exception {
    try (MarkedSocket socket =
        namespace.within(() -> MarkedSocket.open(datagram.source(), datagram.number(), mark))) {
      socket.send(
          datagram.destination(),
          datagram.port(),
          datagram.text().getBytes(StandardCharsets.UTF_8));
    } catch (SystemCallException e) {
      // EPERM: a policy blocks it.
      return everythingThatLeft();
    }
    return whatLeaves();
  }

  /** The socket of a flow; each has its own, for connected ones keep their way. */
  public DatagramChannel sender(Datagram datagram) throws Exception {
    var address = new InetSocketAddress(datagram.source().toInetAddress(), datagram.number());
    DatagramChannel known = senders.get(address);
    if (known != null) {
      return known;
    }
    DatagramChannel channel = namespace.within(() -> bound(address));
    senders.put(address, channel);
    return channel;
  }

  @Override
  public Outcome receives(byte[] packet) throws Exception {
    write(packet);
    return outcome(PATIENCE_NANOS);
  }

  @Override
  public Outcome refuses(byte[] packet) throws Exception {
    write(packet);
    return outcome(SOON_NANOS);
  }

  /** What comes of a packet that {@link #refuses} had not waited for long enough. */
  public Outcome afterAll() throws Exception {
    return outcome(PATIENCE_NANOS);
  }

  private Outcome outcome(long patience) throws Exception {
    long deadline = System.nanoTime() + patience;
    while (true) {
      Optional<Datagram> delivered = arrived();
      ImmutableList<byte[]> left = everythingThatLeft();
      if (delivered.isPresent() || !left.isEmpty() || System.nanoTime() > deadline) {
        return new Outcome(delivered, left);
      }
      Thread.sleep(1);
    }
  }

  /** Lets it arrive, and does not look what becomes of it. */
  public void write(byte[] packet) throws Exception {
    written.clear();
    written.set(packet, 0, packet.length);
    if (!tun.write(written)) {
      throw new AssertionError("the TUN device refused a packet");
    }
  }

  private ImmutableList<byte[]> whatLeaves() throws Exception {
    long deadline = System.nanoTime() + SOON_NANOS;
    while (true) {
      ImmutableList<byte[]> left = everythingThatLeft();
      if (!left.isEmpty() || System.nanoTime() > deadline) {
        return left;
      }
      Thread.sleep(1);
    }
  }

  /** What has left meanwhile; what the stack says of its own accord is passed over. */
  public ImmutableList<byte[]> everythingThatLeft() throws SystemCallException {
    var left = ImmutableList.<byte[]>builder();
    while (tun.read(buffer)) {
      byte[] packet = checksummed(buffer);
      if (!isOfTheStack(packet)) {
        left.add(packet);
      }
    }
    return left.build();
  }

  /** A TUN device is handed packets whose transport checksum is still to be completed. */
  private static byte[] checksummed(PacketBuffer buffer) {
    byte[] packet = buffer.toOctets();
    if (buffer.isChecksumPartial()) {
      int start = buffer.checksumStart();
      int field = start + buffer.checksumOffset();
      packet[field] = 0;
      packet[field + 1] = 0;
      int checksum =
          Checksum.of(
              Ipv6Address.read(packet, 8),
              Ipv6Address.read(packet, 24),
              IpProtocol.UDP,
              Unpooled.wrappedBuffer(packet, start, packet.length - start));
      packet[field] = (byte) (checksum >>> 8);
      packet[field + 1] = (byte) checksum;
    }
    return packet;
  }

  /** What applications have got meanwhile. */
  public ImmutableList<Datagram> everythingThatArrived() throws Exception {
    var all = ImmutableList.<Datagram>builder();
    for (Optional<Datagram> one = arrived(); one.isPresent(); one = arrived()) {
      all.add(one.get());
    }
    return all.build();
  }

  /** Multicast listener reports, ICMPv6 errors but for Packet Too Big. */
  private static boolean isOfTheStack(byte[] packet) {
    return !Datagram.isSigned(packet)
        && Datagram.tooBig(packet).isEmpty()
        && (Ipv6Address.read(packet, 24).isMulticast() || Datagram.isErrorOfTheStack(packet));
  }

  /** One that has arrived; a connection's own socket has it rather than the one for all. */
  private Optional<Datagram> arrived() throws IOException, SystemCallException {
    for (DatagramChannel channel : Iterables.concat(receivers, senders.values())) {
      var memory = ByteBuffer.allocate(2048);
      var from = (InetSocketAddress) channel.receive(memory);
      if (from != null) {
        String text = new String(memory.array(), 0, memory.position(), StandardCharsets.UTF_8);
        return Optional.of(
            new Datagram(
                Ipv6Address.of(from.getAddress()),
                Ipv6Address.UNSPECIFIED,
                IpProtocol.UDP,
                from.getPort(),
                ((InetSocketAddress) channel.getLocalAddress()).getPort(),
                text));
      }
    }
    List<Datagram> all = new ArrayList<>();
    messages.receive(
        (index, source, destination, careOf, routing, message) ->
            all.add(
                Datagram.mobility(
                    source, destination, message.getByte(message.readerIndex() + 2))));
    icmpv6.receive(
        (index, source, destination, careOf, routing, message) ->
            all.add(
                Datagram.icmpv6(
                    source,
                    destination,
                    message.getUnsignedByte(message.readerIndex()),
                    message.getUnsignedByte(message.readerIndex() + 1))));
    return all.stream().findFirst();
  }

  @Override
  public String refusals() throws Exception {
    return namespace.sh("grep -v '[^0-9]0$' /proc/net/xfrm_stat || true").strip();
  }

  @Override
  public void close() {
    for (DatagramChannel channel : Iterables.concat(receivers, senders.values())) {
      try {
        channel.close();
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }
    icmpv6.close();
    messages.close();
    backend.close();
    tun.close();
    namespace.close();
  }
}

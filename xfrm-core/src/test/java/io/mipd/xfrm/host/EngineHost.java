package io.mipd.xfrm.host;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.engine.AddressTable;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.engine.EngineBackend;
import io.mipd.xfrm.engine.EngineSettings;
import io.mipd.xfrm.engine.EngineSink;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.engine.PacketEngine;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Checksum;
import io.mipd.xfrm.transform.Discard;
import io.mipd.xfrm.transform.MemorySequenceStore;
import io.mipd.xfrm.transform.PacketBuffer;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.random.RandomGeneratorFactory;

/** The engine between an application and a wire, with a stack that forwards by its TUN device. */
public final class EngineHost implements Host, EngineSink {
  private static final int HOP_LIMIT = 7;
  private static final int NEXT_HEADER = 6;
  private static final int HEADER = 40;
  private static final int UDP_HEADER = 8;

  private final AddressTable addresses = new AddressTable();
  private final PacketEngine engine;
  private final EngineBackend backend;
  private final PacketBuffer buffer = new PacketBuffer();
  private final List<byte[]> transmitted = new ArrayList<>();
  private final List<byte[]> handedOver = new ArrayList<>();
  private OptionalInt tooBig = OptionalInt.empty();

  public EngineHost(ImmutableMap<Ipv6Address, Role> roles) {
    engine =
        new PacketEngine(
            EngineSettings.DEFAULT,
            this,
            addresses,
            new MemorySequenceStore(),
            RandomGeneratorFactory.of("L64X128MixRandom").create(6275));
    backend = new EngineBackend(engine);
    engine.tick(Instant.ofEpochSecond(1_000_000));
    roles.forEach(addresses::set);
  }

  @Override
  public XfrmReply apply(XfrmCommand command) {
    return backend.apply(command);
  }

  @Override
  public ImmutableList<byte[]> sends(Datagram datagram) {
    return sends(datagram, 0);
  }

  /**
   * @param mark of its packet
   */
  ImmutableList<byte[]> sends(Datagram datagram, int mark) {
    long notOurs = notOurs();
    PacketBuffer packet = fill(datagram.octets());
    packet.setMark(mark);
    engine.output(packet);
    tooBig =
        handedOver.stream().map(Datagram::tooBig).flatMapToInt(OptionalInt::stream).findFirst();
    handedOver.removeIf(one -> Datagram.tooBig(one).isPresent());
    if (notOurs() > notOurs) {
      // What stays on its link the stack sends there, and no route leads it into the TUN device.
      return ImmutableList.of(datagram.octets());
    }
    return taken(transmitted);
  }

  /** Has it send ICMPv6 errors, which else it does not for want of a source. */
  void sendErrorsFrom(Ipv6Address source) {
    addresses.setErrorSource(source);
  }

  /** What the stack was told that would fit, when the last datagram that it sent did not. */
  OptionalInt tooBig() {
    return tooBig;
  }

  private long notOurs() {
    return engine.counters().discards().getOrDefault(Discard.NOT_OURS, 0L);
  }

  @Override
  public Outcome receives(byte[] packet) {
    if (engine.claims(fill(packet))) {
      engine.input(fill(packet));
    } else if (addresses.roleOf(Ipv6Address.read(packet, 24)) == Role.SERVED) {
      // The stack forwards it into the TUN device.
      engine.output(fill(forwarded(packet)));
    } else {
      // What bears none of our headers is the stack's.
      handedOver.add(packet);
    }
    Optional<Datagram> delivered = Optional.empty();
    for (byte[] one : taken(handedOver)) {
      if (addresses.roleOf(Ipv6Address.read(one, 24)).isOurs()) {
        delivered = isSound(one) ? Optional.of(datagram(one)) : delivered;
      } else {
        // Out of a tunnel, to be forwarded; or in clear, and we are a router.
        transmitted.add(forwarded(one));
      }
    }
    return new Outcome(delivered, taken(transmitted));
  }

  @Override
  public Outcome refuses(byte[] packet) {
    return receives(packet);
  }

  /** Whether the engine looks at what arrives; what it does not the stack does. */
  public boolean claims(byte[] packet) {
    return engine.claims(fill(packet));
  }

  @Override
  public String refusals() {
    return discards().toString();
  }

  /** How often packets were refused since the start, by reason. */
  public Map<Discard, Long> discards() {
    return engine.counters().discards();
  }

  private PacketBuffer fill(byte[] packet) {
    buffer.clear();
    buffer.set(packet, 0, packet.length);
    return buffer;
  }

  private static ImmutableList<byte[]> taken(List<byte[]> from) {
    var all = ImmutableList.copyOf(from);
    from.clear();
    return all;
  }

  private static byte[] forwarded(byte[] packet) {
    byte[] copy = packet.clone();
    copy[HOP_LIMIT]--;
    return copy;
  }

  /** Whether a stack hands it to an application: it looks at lengths and checksums. */
  private static boolean isSound(byte[] packet) {
    int protocol = packet[NEXT_HEADER] & 0xff;
    int length = packet.length - HEADER;
    if (protocol == IpProtocol.UDP) {
      // What follows a datagram is ignored.
      int said = length < UDP_HEADER ? 0 : port(packet, HEADER + 4);
      if (said < UDP_HEADER || said > length) {
        return false;
      }
      length = said;
    } else if (protocol != IpProtocol.MOBILITY && protocol != IpProtocol.ICMPV6) {
      return false;
    }
    return Checksum.of(
            Ipv6Address.read(packet, 8),
            Ipv6Address.read(packet, 24),
            protocol,
            Unpooled.wrappedBuffer(packet, HEADER, length))
        == 0;
  }

  private static Datagram datagram(byte[] packet) {
    var source = Ipv6Address.read(packet, 8);
    var destination = Ipv6Address.read(packet, 24);
    if (packet[NEXT_HEADER] == (byte) IpProtocol.MOBILITY) {
      return Datagram.mobility(source, destination, packet[HEADER + 2]);
    }
    if (packet[NEXT_HEADER] == (byte) IpProtocol.ICMPV6) {
      return Datagram.icmpv6(source, destination, packet[HEADER] & 0xff, packet[HEADER + 1] & 0xff);
    }
    byte[] text =
        Arrays.copyOfRange(packet, HEADER + UDP_HEADER, HEADER + port(packet, HEADER + 4));
    return new Datagram(
        source,
        destination,
        IpProtocol.UDP,
        port(packet, HEADER),
        port(packet, HEADER + 2),
        new String(text, StandardCharsets.UTF_8));
  }

  private static int port(byte[] packet, int at) {
    return (packet[at] & 0xff) << 8 | (packet[at + 1] & 0xff);
  }

  @Override
  public void transmit(PacketBuffer packet) {
    transmitted.add(packet.toOctets());
  }

  @Override
  public void deliver(PacketBuffer packet) {
    handedOver.add(packet.toOctets());
  }

  @Override
  public void mobility(PacketBuffer packet, Arrival arrival) {
    handedOver.add(packet.toOctets());
  }

  @Override
  public void notice(XfrmNotice notice) {
    // Tests look at packets.
  }

  @Override
  public void close() {
    // Nothing is open.
  }
}

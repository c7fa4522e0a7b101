package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.host.MobilityPacket;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityOption;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.linux.NetworkNamespace;
import io.mipd.xfrm.linux.RawSender;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.packet.Checksum;
import io.mipd.xfrm.transform.EspOutbound;
import io.mipd.xfrm.transform.HomeAddressInsertion;
import io.mipd.xfrm.transform.MemorySequenceStore;
import io.mipd.xfrm.transform.PacketBuffer;
import io.mipd.xfrm.transform.RoutingHeaderInsertion;
import io.mipd.xfrm.transform.SequenceSource;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** Sends whatever it is told to from a node, header and all, with a mobile node's keys or none. */
final class Forger implements AutoCloseable {
  private static final int HEADER = 40;
  private static final int NEXT_HEADER = 6;
  private static final int SOURCE = 8;
  private static final int DESTINATION = 24;
  private static final int UDP_HEADER = 8;
  private static final int DISCARD_PORT = 9;

  private final RawSender sender;
  private final KeyFile keys;
  private final Map<Spi, SequenceSource> numbers = new HashMap<>();

  private Forger(RawSender sender, KeyFile keys) {
    this.sender = sender;
    this.keys = keys;
  }

  /** At a node; its routing tables say where packets go. */
  static Forger at(TestNet net, String node, KeyFile keys) throws Exception {
    return new Forger(
        NetworkNamespace.within(
            NetworkNamespace.named(net.ns(node)), () -> RawSender.anyInterface(0)),
        keys);
  }

  void send(byte[] packet) throws Exception {
    sender.add(buffer(packet));
    sender.flush();
  }

  private static PacketBuffer buffer(byte[] packet) {
    var buffer = new PacketBuffer();
    buffer.set(packet, 0, packet.length);
    return buffer;
  }

  static byte[] ipv6(Ipv6Address source, Ipv6Address destination, int protocol, byte[] payload) {
    var packet = ByteBuffer.allocate(HEADER + payload.length);
    packet.putInt(6 << 28).putShort((short) payload.length).put((byte) protocol).put((byte) 64);
    packet.position(HEADER).put(payload);
    source.write(packet.array(), SOURCE);
    destination.write(packet.array(), DESTINATION);
    return packet.array();
  }

  /** A UDP datagram to the discard port that carries a text. */
  static byte[] datagram(Ipv6Address source, Ipv6Address destination, String text) {
    byte[] data = text.getBytes(StandardCharsets.US_ASCII);
    var datagram = ByteBuffer.allocate(UDP_HEADER + data.length);
    datagram.putShort((short) DISCARD_PORT).putShort((short) DISCARD_PORT);
    datagram.putShort((short) datagram.capacity()).putShort((short) 0).put(data);
    int checksum =
        Checksum.of(source, destination, IpProtocol.UDP, Unpooled.wrappedBuffer(datagram.array()));
    datagram.putShort(6, (short) (checksum == 0 ? 0xffff : checksum));
    return ipv6(source, destination, IpProtocol.UDP, datagram.array());
  }

  /** An ICMPv6 message of four octets (an identifier, say) and a text. */
  static byte[] icmpv6(int type, Ipv6Address source, Ipv6Address destination, String text) {
    byte[] data = text.getBytes(StandardCharsets.US_ASCII);
    var message = ByteBuffer.allocate(8 + data.length);
    message.put((byte) type).position(8).put(data);
    message.putShort(
        2,
        (short)
            Checksum.of(
                source, destination, IpProtocol.ICMPV6, Unpooled.wrappedBuffer(message.array())));
    return ipv6(source, destination, IpProtocol.ICMPV6, message.array());
  }

  /** The same packet with a destination option of four octets in front of its payload. */
  static byte[] behindOption(byte[] packet, int type) {
    var payload = ByteBuffer.allocate(8 + packet.length - HEADER);
    payload.put(packet[NEXT_HEADER]).put((byte) 0).put((byte) type).put((byte) 4).putInt(0);
    payload.put(packet, HEADER, packet.length - HEADER);
    return ipv6(
        Ipv6Address.read(packet, SOURCE),
        Ipv6Address.read(packet, DESTINATION),
        IpProtocol.DESTINATION_OPTIONS,
        payload.array());
  }

  /** The same packet cut behind the first sixteen octets of its payload. */
  static byte[][] inTwoFragments(byte[] packet) {
    int cut = HEADER + 16;
    return new byte[][] {
      fragment(packet, HEADER, cut, 1), fragment(packet, cut, packet.length, cut - HEADER)
    };
  }

  /**
   * @param offset in octets, with the M flag of RFC 8200 section 4.5 in its lowest bit
   */
  private static byte[] fragment(byte[] packet, int from, int to, int offset) {
    var payload = ByteBuffer.allocate(8 + to - from);
    payload.put(packet[NEXT_HEADER]).put((byte) 0).putShort((short) offset).putInt(0x4711);
    payload.put(packet, from, to - from);
    return ipv6(
        Ipv6Address.read(packet, SOURCE),
        Ipv6Address.read(packet, DESTINATION),
        IpProtocol.FRAGMENT,
        payload.array());
  }

  static byte[] mobility(MobilityMessage message, Ipv6Address source, Ipv6Address destination) {
    var buffer = new PacketBuffer();
    MobilityPacket.write(message, source, destination, buffer);
    return buffer.toOctets();
  }

  /** A home registration, from the home address; a lifetime of 0 ends it. */
  static byte[] update(
      int sequence, Ipv6Address home, Ipv6Address destination, Ipv6Address careOf, int units) {
    return mobility(
        new MobilityMessage.BindingUpdate(
            new SequenceNumber(sequence),
            ImmutableSet.of(BindingFlag.ACKNOWLEDGE, BindingFlag.HOME_REGISTRATION),
            new BindingLifetime(units),
            ImmutableList.of(new MobilityOption.AlternateCareOfAddress(new CareOfAddress(careOf)))),
        home,
        destination);
  }

  /** Moves the source into a Home Address option. */
  static byte[] fromCareOf(byte[] packet, Ipv6Address careOf) {
    PacketBuffer buffer = buffer(packet);
    if (new HomeAddressInsertion(careOf).apply(buffer) != null) {
      throw new IllegalStateException("no room");
    }
    return buffer.toOctets();
  }

  /** Moves the destination into a type 2 routing header. */
  static byte[] toCareOf(byte[] packet, Ipv6Address careOf) {
    PacketBuffer buffer = buffer(packet);
    if (new RoutingHeaderInsertion(careOf).apply(buffer) != null) {
      throw new IllegalStateException("no room");
    }
    return buffer.toOctets();
  }

  static byte[] tunnelled(byte[] packet, Ipv6Address source, Ipv6Address destination) {
    return ipv6(source, destination, IpProtocol.IPV6, packet);
  }

  static byte[] withSource(byte[] packet, Ipv6Address source) {
    byte[] changed = packet.clone();
    source.write(changed, SOURCE);
    return changed;
  }

  /** From here on its packets bear these sequence numbers: somebody else uses the keys, too. */
  void continueAt(int spi, long next) {
    var number = new AtomicLong(next);
    numbers.put(new Spi(spi), number::getAndIncrement);
  }

  /** ESP in transport mode by the association of an SPI. */
  byte[] sealed(int spi, byte[] packet) {
    return sealed(
        spi,
        Mode.TRANSPORT,
        Ipv6Address.read(packet, SOURCE),
        Ipv6Address.read(packet, DESTINATION),
        packet);
  }

  /** ESP in tunnel mode by the association of an SPI. */
  byte[] sealed(int spi, byte[] packet, Ipv6Address source, Ipv6Address destination) {
    return sealed(spi, Mode.TUNNEL, source, destination, packet);
  }

  private byte[] sealed(
      int number, Mode mode, Ipv6Address source, Ipv6Address destination, byte[] packet) {
    var spi = new Spi(number);
    KeyFile.Keys pair = keys.keys().get(spi);
    if (pair == null) {
      throw new IllegalArgumentException("no keys for " + spi);
    }
    SecurityAssociation association =
        SecurityAssociation.builder(
                new AssociationId(destination, TransformProtocol.ESP, spi), source, mode)
            .encryption(EncryptionAlgorithm.AES_CBC, pair.encryption())
            .integrity(IntegrityAlgorithm.HMAC_SHA2_256_128, pair.integrity())
            .replayWindow(64)
            .build();
    SequenceSource sequence =
        numbers.computeIfAbsent(spi, it -> new MemorySequenceStore().outbound(association));
    PacketBuffer buffer = buffer(packet);
    if (new EspOutbound(association, sequence).apply(buffer) != null) {
      throw new IllegalStateException("cannot be sealed");
    }
    return buffer.toOctets();
  }

  @Override
  public void close() {
    sender.close();
  }
}

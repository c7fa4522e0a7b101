package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.transform.PacketBuffer;
import java.util.Arrays;

/** IPv6 packets for tests, and what tests want to know of packets. */
final class Packets {
  static final int BINDING_UPDATE = 5;

  private Packets() {}

  static byte[] ipv6(Ipv6Address source, Ipv6Address destination, int protocol, byte[] payload) {
    byte[] packet = new byte[40 + payload.length];
    packet[0] = 0x60;
    Wire.putShort(packet, 4, payload.length);
    packet[6] = (byte) protocol;
    packet[7] = 64;
    source.write(packet, 8);
    destination.write(packet, 24);
    System.arraycopy(payload, 0, packet, 40, payload.length);
    return packet;
  }

  static byte[] udp(Ipv6Address source, Ipv6Address destination, int length) {
    byte[] datagram = new byte[8 + length];
    Wire.putShort(datagram, 0, 4000);
    Wire.putShort(datagram, 2, 5000);
    Wire.putShort(datagram, 4, datagram.length);
    for (int i = 0; i < length; i++) {
      datagram[8 + i] = (byte) (i * 7);
    }
    return withChecksum(ipv6(source, destination, IpProtocol.UDP, datagram), 40, 6);
  }

  static byte[] tcp(Ipv6Address source, Ipv6Address destination, int flags, int length) {
    byte[] segment = new byte[32 + length];
    Wire.putShort(segment, 0, 40000);
    Wire.putShort(segment, 2, 80);
    Wire.putInt(segment, 4, 0xffff_fff0);
    segment[12] = (byte) (8 << 4);
    segment[13] = (byte) flags;
    Wire.putShort(segment, 14, 1000);
    Arrays.fill(segment, 20, 32, (byte) 1);
    for (int i = 0; i < length; i++) {
      segment[32 + i] = (byte) ((i * 31) >>> 3);
    }
    return withChecksum(ipv6(source, destination, IpProtocol.TCP, segment), 40, 16);
  }

  static byte[] echoRequest(Ipv6Address source, Ipv6Address destination, int length) {
    byte[] message = new byte[8 + length];
    message[0] = (byte) 128;
    return withChecksum(ipv6(source, destination, IpProtocol.ICMPV6, message), 40, 2);
  }

  /** An ICMPv6 error of {@code type} about {@code quoted}. */
  static byte[] error(
      Ipv6Address source, Ipv6Address destination, int type, int code, int word, byte[] quoted) {
    byte[] message = new byte[8 + Math.min(quoted.length, 1280 - 48)];
    message[0] = (byte) type;
    message[1] = (byte) code;
    Wire.putInt(message, 4, word);
    System.arraycopy(quoted, 0, message, 8, message.length - 8);
    return withChecksum(ipv6(source, destination, IpProtocol.ICMPV6, message), 40, 2);
  }

  /** A Binding Update without options. */
  static byte[] bindingUpdate(Ipv6Address source, Ipv6Address destination) {
    return mobility(source, destination, BINDING_UPDATE);
  }

  static byte[] mobility(Ipv6Address source, Ipv6Address destination, int type) {
    byte[] message = new byte[16];
    message[0] = IpProtocol.NO_NEXT_HEADER;
    message[1] = 1;
    message[2] = (byte) type;
    message[7] = 1;
    message[12] = 1; // PadN over the last four octets
    message[13] = 2;
    return withChecksum(ipv6(source, destination, IpProtocol.MOBILITY, message), 40, 4);
  }

  static byte[] tunnelled(Ipv6Address source, Ipv6Address destination, byte[] inner) {
    return ipv6(source, destination, IpProtocol.IPV6, inner);
  }

  /** Puts a Home Address option behind the IPv6 header; the source stays as it is. */
  static byte[] withHomeAddress(byte[] packet, Ipv6Address home) {
    byte[] header = new byte[24];
    header[1] = 2;
    header[2] = 1;
    header[3] = 2;
    header[6] = (byte) 201;
    header[7] = 16;
    home.write(header, 8);
    return withExtension(packet, IpProtocol.DESTINATION_OPTIONS, header);
  }

  static byte[] withRoutingHeader(byte[] packet, Ipv6Address home, int segmentsLeft) {
    byte[] header = new byte[24];
    header[1] = 2;
    header[2] = 2;
    header[3] = (byte) segmentsLeft;
    home.write(header, 8);
    return withExtension(packet, IpProtocol.ROUTING, header);
  }

  /** A Destination Options header of one option. */
  static byte[] withOption(byte[] packet, int type) {
    byte[] header = {0, 0, (byte) type, 4, 0, 0, 0, 0};
    return withExtension(packet, IpProtocol.DESTINATION_OPTIONS, header);
  }

  static byte[] withExtension(byte[] packet, int type, byte[] header) {
    byte[] extended = new byte[packet.length + header.length];
    System.arraycopy(packet, 0, extended, 0, 40);
    System.arraycopy(header, 0, extended, 40, header.length);
    System.arraycopy(packet, 40, extended, 40 + header.length, packet.length - 40);
    extended[40] = packet[6];
    extended[6] = (byte) type;
    Wire.putShort(extended, 4, extended.length - 40);
    return extended;
  }

  /** One fragment of {@code packet}, whose fragmentable part begins behind the IPv6 header. */
  static byte[] fragment(byte[] packet, int id, int from, int to) {
    byte[] fragment = new byte[48 + to - from];
    System.arraycopy(packet, 0, fragment, 0, 40);
    Wire.putShort(fragment, 4, fragment.length - 40);
    fragment[6] = IpProtocol.FRAGMENT;
    fragment[40] = packet[6];
    Wire.putShort(fragment, 42, from | (to < packet.length - 40 ? 1 : 0));
    Wire.putInt(fragment, 44, id);
    System.arraycopy(packet, 40 + from, fragment, 48, to - from);
    return fragment;
  }

  static byte[] withSource(byte[] packet, Ipv6Address source) {
    byte[] changed = packet.clone();
    source.write(changed, 8);
    return changed;
  }

  static byte[] withDestination(byte[] packet, Ipv6Address destination) {
    byte[] changed = packet.clone();
    destination.write(changed, 24);
    return changed;
  }

  static byte[] withChecksum(byte[] packet, int transport, int field) {
    Wire.putShort(packet, transport + field, 0);
    int checksum = checksum(packet, transport, packet[6] & 0xff);
    Wire.putShort(packet, transport + field, checksum == 0 ? 0xffff : checksum);
    return packet;
  }

  /** Zero for a packet whose checksum is right. */
  static int checksum(byte[] packet, int transport, int protocol) {
    // Computed octet by octet, unlike the code under test.
    long sum = (long) protocol + packet.length - transport;
    for (int i = 8; i < 40; i++) {
      sum += (long) (packet[i] & 0xff) << (i % 2 == 0 ? 8 : 0);
    }
    for (int i = transport; i < packet.length; i++) {
      sum += (long) (packet[i] & 0xff) << ((i - transport) % 2 == 0 ? 8 : 0);
    }
    while (sum > 0xffff) {
      sum = (sum & 0xffff) + (sum >>> 16);
    }
    return (int) (~sum & 0xffff);
  }

  static Ipv6Address source(byte[] packet) {
    return Ipv6Address.read(packet, 8);
  }

  static Ipv6Address destination(byte[] packet) {
    return Ipv6Address.read(packet, 24);
  }

  static int nextHeader(byte[] packet) {
    return packet[6] & 0xff;
  }

  static PacketBuffer buffer(byte[] packet) {
    var buffer = new PacketBuffer();
    buffer.set(packet, 0, packet.length);
    return buffer;
  }
}

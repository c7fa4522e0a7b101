package io.mipd.xfrm.host;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Checksum;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;

/**
 * What an application sends or gets: UDP; with {@link IpProtocol#MOBILITY} or {@link
 * IpProtocol#ICMPV6} a message of a type.
 *
 * @param number a port of the sender's, or the message's type
 * @param port to which it goes; of a message the code, which only ICMPv6 has
 */
public record Datagram(
    Ipv6Address source, Ipv6Address destination, int protocol, int number, int port, String text) {
  /** To which UDP goes where nothing else is said. */
  public static final int PORT = 7777;

  /** From which it comes where nothing else is said. */
  public static final int OWN_PORT = 4000;

  /** At both ends (RFC 7296 section 2). */
  public static final int KEY_EXCHANGE = 500;

  private static final int HEADER = 40;
  private static final int NEXT_HEADER = 6;
  private static final int UDP_HEADER = 8;
  private static final int MESSAGE = 16;

  /** In messages that the stack, too, may send: in what their receivers ignore. */
  private static final int SIGN = 0x6275;

  private static final int PACKET_TOO_BIG = 2;
  private static final int NEIGHBOR_SOLICITATION = 135;
  private static final int FIRST_INFORMATIONAL = 128;

  public static Datagram udp(Ipv6Address source, Ipv6Address destination, String text) {
    return udp(source, OWN_PORT, destination, text);
  }

  public static Datagram udp(Ipv6Address source, int number, Ipv6Address destination, String text) {
    return new Datagram(source, destination, IpProtocol.UDP, number, PORT, text);
  }

  /** What takes the ports of IKE, whatever it says. */
  public static Datagram keyExchange(Ipv6Address source, Ipv6Address destination, String text) {
    return new Datagram(source, destination, IpProtocol.UDP, KEY_EXCHANGE, KEY_EXCHANGE, text);
  }

  /** A Mobility Header message without options. */
  public static Datagram mobility(Ipv6Address source, Ipv6Address destination, int type) {
    return new Datagram(source, destination, IpProtocol.MOBILITY, type, 0, "");
  }

  /** An ICMPv6 message of code 0; an error quotes what it answers. */
  public static Datagram icmpv6(Ipv6Address source, Ipv6Address destination, int type) {
    return icmpv6(source, destination, type, 0);
  }

  public static Datagram icmpv6(Ipv6Address source, Ipv6Address destination, int type, int code) {
    return new Datagram(source, destination, IpProtocol.ICMPV6, type, code, "");
  }

  public boolean isUdp() {
    return protocol == IpProtocol.UDP;
  }

  public boolean isIcmpv6() {
    return protocol == IpProtocol.ICMPV6;
  }

  /** What a Packet Too Big in clear says that would fit; empty if the packet is none. */
  static OptionalInt tooBig(byte[] packet) {
    boolean is =
        packet[NEXT_HEADER] == IpProtocol.ICMPV6
            && packet.length >= HEADER + 8
            && packet[HEADER] == PACKET_TOO_BIG;
    return is ? OptionalInt.of(ByteBuffer.wrap(packet).getInt(HEADER + 4)) : OptionalInt.empty();
  }

  /** Whether a packet is an ICMPv6 error in clear that is none of these. */
  static boolean isErrorOfTheStack(byte[] packet) {
    return packet[NEXT_HEADER] == IpProtocol.ICMPV6
        && (packet[HEADER] & 0xff) < FIRST_INFORMATIONAL
        && !isSigned(packet);
  }

  /** Whether an ICMPv6 message in clear is one of these, rather than of the stack's own. */
  static boolean isSigned(byte[] packet) {
    int at = HEADER + sign(packet[HEADER] & 0xff);
    return packet[NEXT_HEADER] == IpProtocol.ICMPV6
        && packet[at] == (byte) (SIGN >>> 8)
        && packet[at + 1] == (byte) SIGN;
  }

  /** The octets behind the checksum are unused, an identifier or a delay; in errors the last. */
  private static int sign(int type) {
    return type < FIRST_INFORMATIONAL ? 6 : 4;
  }

  /** What a raw socket is given; no checksum. */
  byte[] message() {
    return isIcmpv6() ? icmpv6Message() : mobilityMessage();
  }

  /** Payload Proto, Header Len, MH Type, ..., padded (RFC 6275 section 6.1.1). */
  private byte[] mobilityMessage() {
    // A Home Test and a Care-of Test are longer, and no option fits behind (sections 6.1.5, 6.1.6).
    boolean isTest = number == 3 || number == 4;
    byte[] message = new byte[isTest ? MESSAGE + 8 : MESSAGE];
    message[0] = IpProtocol.NO_NEXT_HEADER;
    message[1] = (byte) (message.length / 8 - 1);
    message[2] = (byte) number;
    message[7] = 1;
    if (!isTest) {
      message[12] = 1; // PadN over the last four octets
      message[13] = 2;
    }
    return message;
  }

  /** Type, Code, Checksum and four octets, and what the type has behind these. */
  private byte[] icmpv6Message() {
    byte[] body = new byte[0];
    if (number < FIRST_INFORMATIONAL) {
      // RFC 4443 section 3: as much of the invoking packet as fits.
      body =
          new Datagram(
                  /* source= */ destination, /* destination= */ source, IpProtocol.UDP, 9, PORT, "")
              .octets();
    } else if (number == NEIGHBOR_SOLICITATION) {
      // RFC 4861 section 4.3: the target, nobody here.
      body = new byte[16];
      Ipv6Address.parse("fe80::2").write(body, 0);
    }
    byte[] message = new byte[8 + body.length];
    message[0] = (byte) number;
    message[1] = (byte) port;
    putShort(message, sign(number), SIGN);
    System.arraycopy(body, 0, message, 8, body.length);
    return message;
  }

  private int checksumAt() {
    return isUdp() ? 6 : isIcmpv6() ? 2 : 4;
  }

  /** The whole packet as a stack with the usual hop limit makes it. */
  public byte[] octets() {
    byte[] payload = isUdp() ? datagram() : message();
    int checksum =
        Checksum.of(source, destination, protocol, Unpooled.wrappedBuffer(payload)) & 0xffff;
    putShort(payload, checksumAt(), checksum == 0 && isUdp() ? 0xffff : checksum);
    byte[] packet = new byte[HEADER + payload.length];
    packet[0] = 0x60;
    putShort(packet, 4, payload.length);
    packet[NEXT_HEADER] = (byte) protocol;
    // RFC 3493 section 5.2: to a group 1, unless an application says otherwise.
    packet[7] = (byte) (destination.isMulticast() ? 1 : 64);
    source.write(packet, 8);
    destination.write(packet, 24);
    System.arraycopy(payload, 0, packet, HEADER, payload.length);
    return packet;
  }

  private byte[] datagram() {
    byte[] octets = text.getBytes(StandardCharsets.UTF_8);
    byte[] datagram = new byte[UDP_HEADER + octets.length];
    putShort(datagram, 0, number);
    putShort(datagram, 2, port);
    putShort(datagram, 4, datagram.length);
    System.arraycopy(octets, 0, datagram, UDP_HEADER, octets.length);
    return datagram;
  }

  private static void putShort(byte[] octets, int at, int value) {
    octets[at] = (byte) (value >>> 8);
    octets[at + 1] = (byte) value;
  }
}

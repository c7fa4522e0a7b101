package io.mipd.conformance;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Octets of a packet as text, in the words of {@link PacketMaker}: whatever has its usual value is
 * not said.
 */
final class PacketText {
  private static final int HEADER = 40;

  private final Secrets secrets;
  private final byte[] arrived;
  private final StringBuilder text = new StringBuilder();
  private byte[] whole = new byte[0];

  private PacketText(Secrets secrets, byte[] arrived) {
    this.secrets = secrets;
    this.arrived = arrived;
  }

  /**
   * @param arrived the packet that {@code about it} means
   */
  static String of(byte[] packet, Secrets secrets, byte[] arrived) {
    var writer = new PacketText(secrets, arrived);
    writer.packet(packet);
    return writer.text.toString();
  }

  private void packet(byte[] packet) {
    if (packet.length < HEADER) {
      throw new AssertionError("no IPv6 header: " + HexFormat.of().formatHex(packet));
    }
    if (!text.isEmpty()) {
      text.append(' ');
    }
    text.append(Names.of(packet, 8)).append('>').append(Names.of(packet, 24));
    int hop = packet[7] & 0xff;
    if (Octets.two(packet, 4) != packet.length - HEADER) {
      text.append(" length ").append(Octets.two(packet, 4));
    }
    byte[] source = Arrays.copyOfRange(packet, 8, 24);
    byte[] destination = Arrays.copyOfRange(packet, 24, 40);
    byte[] rest = Arrays.copyOfRange(packet, HEADER, packet.length);
    whole = packet;
    int type = packet[6] & 0xff;
    int usual = isNeighborDiscovery(type, rest) ? 255 : 64;
    if (hop != usual) {
      text.append(" hop ").append(hop);
    }
    rest(type, rest, source, destination, source);
  }

  private static boolean isNeighborDiscovery(int type, byte[] rest) {
    return type == PacketMaker.ICMPV6 && (rest[0] & 0xff) >= 133 && (rest[0] & 0xff) <= 137;
  }

  private void rest(int type, byte[] octets, byte[] source, byte[] destination, byte[] wireSource) {
    switch (type) {
      case PacketMaker.DESTINATION_OPTIONS -> {
        int length = 8 * ((octets[1] & 0xff) + 1);
        byte[] options = Arrays.copyOfRange(octets, 2, length);
        byte[] home = source;
        int at = homeAddressIn(options);
        if (at >= 0) {
          home = Arrays.copyOfRange(options, at + 2, at + 18);
          text.append(" hao(").append(Names.of(home, 0)).append(')');
        } else {
          text.append(" dst(").append(HexFormat.of().formatHex(options)).append(')');
        }
        rest(octets[0] & 0xff, after(octets, length), home, destination, wireSource);
      }
      case PacketMaker.HOP_BY_HOP -> {
        int length = 8 * ((octets[1] & 0xff) + 1);
        text.append(" hbh(").append(HexFormat.of().formatHex(octets, 2, length)).append(')');
        rest(octets[0] & 0xff, after(octets, length), source, destination, wireSource);
      }
      case PacketMaker.ROUTING -> {
        int length = 8 * ((octets[1] & 0xff) + 1);
        byte[] home = Arrays.copyOfRange(octets, 8, 24);
        text.append(" rh(").append(Names.of(home, 0));
        unusual("type", octets[2], 2);
        unusual("left", octets[3], 1);
        unusual("len", octets[1], 2);
        unusual("reserved", Octets.four(octets, 4), 0);
        text.append(')');
        rest(octets[0] & 0xff, after(octets, length), source, home, wireSource);
      }
      case PacketMaker.FRAGMENT -> {
        // What is in a fragment is not shown.
        int field = Octets.two(octets, 2);
        text.append(" fragment(").append(field & 0xfff8).append((field & 1) != 0 ? " more)" : ")");
      }
      case PacketMaker.ESP -> {
        text.append(" esp(").append(Long.toHexString(Octets.four(octets, 0)));
        text.append(Secrets.isGenuine(octets) ? ")" : " bad)");
        int end = octets.length - 12;
        int padding = octets[end - 2] & 0xff;
        rest(
            octets[end - 1] & 0xff,
            Arrays.copyOfRange(octets, 8, end - 2 - padding),
            source,
            destination,
            wireSource);
      }
      case Ah.PROTOCOL -> {
        text.append(" ah(").append(Long.toHexString(Octets.four(octets, 4)));
        text.append(Ah.isGenuine(whole) ? ")" : " bad)");
        rest(octets[0] & 0xff, after(octets, Ah.LENGTH), source, destination, wireSource);
      }
      case PacketMaker.IPV6 -> {
        text.append(" [");
        packet(octets);
        text.append(" ]");
      }
      case PacketMaker.UDP -> {
        text.append(" udp \"")
            .append(new String(octets, 8, octets.length - 8, StandardCharsets.UTF_8))
            .append('"');
        checksum(PacketMaker.UDP, octets, source, destination);
      }
      case PacketMaker.MOBILITY ->
          text.append(' ').append(MessageText.of(octets, secrets, source, destination, wireSource));
      case PacketMaker.ICMPV6 -> {
        icmpv6(octets);
        checksum(PacketMaker.ICMPV6, octets, source, destination);
      }
      default ->
          text.append(" protocol ")
              .append(type)
              .append(' ')
              .append(HexFormat.of().formatHex(octets));
    }
  }

  private static byte[] after(byte[] octets, int length) {
    return Arrays.copyOfRange(octets, length, octets.length);
  }

  private static int homeAddressIn(byte[] options) {
    for (int at = 0; at < options.length; ) {
      if ((options[at] & 0xff) == PacketMaker.HOME_ADDRESS) {
        return at;
      }
      at += options[at] == 0 ? 1 : 2 + (options[at + 1] & 0xff);
    }
    return -1;
  }

  private void unusual(String key, long value, long usual) {
    if (value != usual) {
      text.append(' ').append(key).append(' ').append(value);
    }
  }

  private void checksum(int protocol, byte[] octets, byte[] source, byte[] destination) {
    if (Octets.checksum(source, destination, protocol, octets) != 0) {
      text.append(" checksum bad");
    }
  }

  private void icmpv6(byte[] octets) {
    int code = octets[1] & 0xff;
    switch (octets[0] & 0xff) {
      case 1 -> text.append(" unreachable ").append(code).append(about(octets));
      case 2 -> text.append(" toobig ").append(Octets.four(octets, 4)).append(about(octets));
      case 4 ->
          text.append(" problem ")
              .append(code)
              .append(" at ")
              .append(Octets.four(octets, 4))
              .append(about(octets));
      case 128, 129 ->
          text.append(octets[0] == (byte) 128 ? " echo " : " reply ")
              .append(Octets.two(octets, 4))
              .append(' ')
              .append(Octets.two(octets, 6));
      case 130 -> {
        text.append(" mldq ").append(Names.of(octets, 8));
        text.append(octets.length == 24 ? " v1" : "")
            .append(" within ")
            .append(Octets.two(octets, 4));
      }
      case 131 -> text.append(" mld ").append(Names.of(octets, 8));
      case 132 -> text.append(" mldone ").append(Names.of(octets, 8));
      case 143 -> {
        text.append(" mld2 ").append(Octets.two(octets, 6));
        for (int at = 8; at < octets.length; ) {
          text.append(" record(").append(octets[at]).append(' ').append(Names.of(octets, at + 4));
          int end = at + 20 + 16 * Octets.two(octets, at + 2);
          for (int source = at + 20; source < end; source += 16) {
            text.append(' ').append(Names.of(octets, source));
          }
          text.append(')');
          at = end;
        }
      }
      case 133 -> {
        text.append(" rs");
        unusual("reserved", Octets.four(octets, 4), 0);
        text.append(NdOptions.read(octets, 8));
      }
      case 134 ->
          text.append(" ra flags ")
              .append(letters((octets[5] & 0xff) >> 5, "MOH"))
              .append(" lifetime ")
              .append(Octets.two(octets, 6))
              .append(NdOptions.read(octets, 16));
      case 135 -> {
        text.append(" ns ").append(Names.of(octets, 8));
        unusual("reserved", Octets.four(octets, 4), 0);
        text.append(NdOptions.read(octets, 24));
      }
      case 136 ->
          text.append(" na ")
              .append(Names.of(octets, 8))
              .append(" flags ")
              .append(letters((octets[4] & 0xff) >> 5, "RSO"))
              .append(NdOptions.read(octets, 24));
      case 144 -> {
        text.append(" dhaadreq id ").append(Octets.two(octets, 4));
        unusual("reserved", Octets.two(octets, 6), 0);
      }
      case 145 -> {
        text.append(" dhaadrep id ").append(Octets.two(octets, 4));
        unusual("reserved", Octets.two(octets, 6), 0);
        for (int at = 8; at < octets.length; at += 16) {
          text.append(" agent(").append(Names.of(octets, at)).append(')');
        }
      }
      case 146 -> {
        text.append(" mps id ").append(Octets.two(octets, 4));
        unusual("reserved", Octets.two(octets, 6), 0);
        text.append(NdOptions.read(octets, 8));
      }
      case 147 -> {
        text.append(" mpa id ").append(Octets.two(octets, 4));
        int bits = Octets.two(octets, 6);
        if (bits >> 14 != 0) {
          text.append(" flags ").append(letters(bits >> 14, "MO"));
        }
        unusual("reserved", bits & 0x3fff, 0);
        text.append(NdOptions.read(octets, 8));
      }
      default -> text.append(" icmp ").append(HexFormat.of().formatHex(octets));
    }
  }

  /** What an error quotes: {@code it} if that is what arrived, as far as there is room. */
  private String about(byte[] error) {
    byte[] quoted = after(error, 8);
    boolean whole = quoted.length == Math.min(arrived.length, 1280 - HEADER - 8);
    if (whole && Arrays.equals(quoted, Arrays.copyOf(arrived, quoted.length))) {
      return " about it";
    }
    return " about [" + of(quoted, secrets, new byte[0]) + " ]";
  }

  /**
   * Letters of {@code all} for the bits that are set, the first for the highest; a dash for none.
   */
  static String letters(int bits, String all) {
    var letters = new StringBuilder();
    for (int i = 0; i < all.length(); i++) {
      if ((bits >> (all.length() - 1 - i) & 1) != 0) {
        letters.append(all.charAt(i));
      }
    }
    return letters.isEmpty() ? "-" : letters.toString();
  }
}

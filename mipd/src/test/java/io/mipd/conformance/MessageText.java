package io.mipd.conformance;

import java.util.Arrays;
import java.util.HexFormat;

/** Octets of a Mobility Header as text, in the words of {@link MessageMaker}. */
final class MessageText {
  /** Where options begin, by MH Type (RFC 6275 sections 6.1.2 to 6.1.9). */
  private static final int[] OPTIONS_AT = {8, 16, 16, 24, 24, 12, 12, 24};

  private final Secrets secrets;
  private final byte[] octets;
  private final byte[] source;
  private final byte[] destination;
  private final StringBuilder text = new StringBuilder();
  private byte[] careOf;
  private int homeIndex = -1;
  private int careOfIndex = -1;

  private MessageText(
      Secrets secrets, byte[] octets, byte[] source, byte[] destination, byte[] wireSource) {
    this.secrets = secrets;
    this.octets = octets;
    this.source = source;
    this.destination = destination;
    careOf = wireSource;
  }

  /**
   * Also remembers what the receiver would: tokens, cookies, sequence numbers.
   *
   * @param source the home address where there is a Home Address option
   */
  static String of(
      byte[] octets, Secrets secrets, byte[] source, byte[] destination, byte[] wireSource) {
    var writer = new MessageText(secrets, octets, source, destination, wireSource);
    writer.write();
    return writer.text.toString();
  }

  private void write() {
    int type = octets[2] & 0xff;
    if (type >= OPTIONS_AT.length) {
      text.append("mh ").append(type);
      return;
    }
    text.append(MessageMaker.NAMES.get(type));
    unusual("proto", octets[0] & 0xff, PacketMaker.NO_NEXT_HEADER);
    unusual("hdrlen", octets[1] & 0xff, octets.length / 8 - 1);
    unusual("reserved", octets[3] & 0xff, 0);
    if (octets.length % 8 != 0) {
      text.append(" octets ").append(octets.length);
    }
    if (Octets.checksum(source, destination, PacketMaker.MOBILITY, octets) != 0) {
      text.append(" checksum bad");
    }
    if (octets.length < OPTIONS_AT[type]) {
      text.append(" cut ").append(octets.length);
      return;
    }
    fields(MessageMaker.NAMES.get(type));
    options(OPTIONS_AT[type]);
  }

  private void unusual(String key, long value, long usual) {
    if (value != usual) {
      text.append(' ').append(key).append(' ').append(value);
    }
  }

  private void say(String key, Object value) {
    text.append(' ').append(key).append(' ').append(value);
  }

  private String hex(int from, int to) {
    return HexFormat.of().formatHex(octets, from, to);
  }

  private void fields(String name) {
    switch (name) {
      case "brr" -> unusual("mreserved", Octets.two(octets, 6), 0);
      case "hoti", "coti" -> {
        unusual("mreserved", Octets.two(octets, 6), 0);
        say("cookie", shortened(hex(8, 16)));
        secrets.remember(name + " cookie", hex(8, 16));
      }
      case "hot", "cot" -> {
        int index = Octets.two(octets, 6);
        say("index", index);
        say("cookie", shortened(hex(8, 16)));
        say("token", shortened(hex(16, 24)));
        secrets.token(Names.of(destination, 0), index, Arrays.copyOfRange(octets, 16, 24));
      }
      case "bu" -> {
        say("seq", Octets.two(octets, 6));
        say("flags", PacketText.letters(octets[8] >> 4 & 0xf, MessageMaker.UPDATE_FLAGS));
        unusual("mreserved", Octets.two(octets, 8) & 0xfff, 0);
        say("lifetime", MessageMaker.UNIT * Octets.two(octets, 10));
      }
      case "ba" -> {
        say("status", octets[6] & 0xff);
        if (octets[7] < 0) {
          say("flags", "K");
        }
        unusual("mreserved", octets[7] & 0x7f, 0);
        say("seq", Octets.two(octets, 8));
        say("lifetime", MessageMaker.UNIT * Octets.two(octets, 10));
      }
      default -> {
        say("status", octets[6] & 0xff);
        unusual("mreserved", octets[7] & 0xff, 0);
        say("home", Names.of(octets, 8));
      }
    }
  }

  /** Without leading zeros. */
  private static String shortened(String digits) {
    return digits.replaceFirst("^0+(?=.)", "");
  }

  private void options(int from) {
    int at = from;
    while (at < octets.length) {
      if (octets[at] == 0) {
        at++;
        continue;
      }
      int end = at + 2 + (octets[at + 1] & 0xff);
      if (end > octets.length) {
        text.append(" raw(").append(hex(at, octets.length)).append(')');
        return;
      }
      option(at, end);
      at = end;
    }
  }

  private void option(int at, int end) {
    switch (octets[at]) {
      case 1 -> {
        if (hex(at + 2, end).matches(".*[^0].*")) {
          text.append(" padn(").append(hex(at + 2, end)).append(')');
        }
      }
      case 2 -> say("refresh", MessageMaker.UNIT * Octets.two(octets, at + 2));
      case 3 -> {
        careOf = Arrays.copyOfRange(octets, at + 2, at + 18);
        say("alt", Names.of(careOf, 0));
      }
      case 4 -> {
        homeIndex = Octets.two(octets, at + 2);
        careOfIndex = Octets.two(octets, at + 4);
        say("nonces", homeIndex + "," + careOfIndex);
      }
      case 5 -> {
        say("auth", isGenuine(at + 2) ? "ok" : "bad");
        if (end != octets.length) {
          text.append(" tail");
        }
      }
      default ->
          text.append(" opt(").append(octets[at]).append(':').append(hex(at + 2, end)).append(')');
    }
  }

  private boolean isGenuine(int at) {
    boolean fromPeer = MessageMaker.NAMES.get(octets[2]).equals("ba");
    String home = Names.of(fromPeer ? destination : source, 0);
    String peer = Names.of(fromPeer ? source : destination, 0);
    byte[] mobile = fromPeer ? Names.octets(secrets.last("care-of")) : careOf;
    if (!fromPeer) {
      boolean ends = Octets.two(octets, 10) == 0;
      secrets.agree(home, peer, homeIndex, Names.of(careOf, 0), careOfIndex, ends);
      mobile = ends ? source : careOf;
      secrets.remember("care-of", Names.of(mobile, 0));
    }
    byte[] expected =
        secrets.authenticator(
            home, peer, mobile, fromPeer ? source : destination, Arrays.copyOf(octets, at));
    return Arrays.equals(expected, Arrays.copyOfRange(octets, at, octets.length));
  }
}

package io.mipd.conformance;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes the octets of a Mobility Header (RFC 6275 section 6.1). */
final class MessageMaker {
  static final ImmutableList<String> NAMES =
      ImmutableList.of("brr", "hoti", "coti", "hot", "cot", "bu", "ba", "be");

  /** Seconds in a unit of a lifetime (section 6.1.7). */
  static final int UNIT = 4;

  static final String UPDATE_FLAGS = "AHLK";

  private static final int PADDING_WITH_DATA = 1;
  private static final int REFRESH_ADVICE = 2;
  private static final int ALTERNATE_CARE_OF = 3;
  private static final int NONCE_INDICES = 4;
  private static final int AUTHORIZATION = 5;
  private static final int AUTHENTICATOR = 12;

  private final Secrets secrets;
  private final byte[] source;
  private final byte[] destination;

  private int payloadProtocol = PacketMaker.NO_NEXT_HEADER;
  private int headerLength = -1;
  private int reserved;
  private boolean badChecksum;
  private int cut = -1;
  private int homeIndex = -1;
  private int careOfIndex = -1;
  private byte[] careOf;
  private boolean ends;
  private int authenticatorAt = -1;
  private boolean genuine;

  /** The care-of address of the authenticator, where it is not that of the update. */
  private byte @Nullable [] covered;

  /**
   * @param source for the checksum: the home address where there is a Home Address option
   */
  MessageMaker(Secrets secrets, byte[] source, byte[] destination, byte[] wireSource) {
    this.secrets = secrets;
    this.source = source;
    this.destination = destination;
    careOf = wireSource;
  }

  static boolean isMobility(String word) {
    return NAMES.contains(word) || word.equals("mh");
  }

  byte[] make(String name, Words words) {
    int type = name.equals("mh") ? words.number() : NAMES.indexOf(name);
    while (isOfHeader(words.peek())) {
      header(words.next(), words);
    }
    // Payload Proto, Header Len, MH Type, Reserved, Checksum: filled in below.
    var out = new Octets().four(0).two(0);
    fields(name, words, out);
    while (!words.isAtEnd()) {
      if (isOfHeader(words.peek())) {
        header(words.next(), words);
      } else {
        option(words.next(), words, out);
      }
    }
    pad(out, 0);
    byte[] octets = out.toArray();
    octets[0] = (byte) payloadProtocol;
    octets[1] = (byte) (headerLength < 0 ? octets.length / 8 - 1 : headerLength);
    octets[2] = (byte) type;
    octets[3] = (byte) reserved;
    if (cut >= 0) {
      octets = Arrays.copyOf(octets, cut);
    }
    if (authenticatorAt >= 0) {
      authenticate(octets);
    }
    if (octets.length < 6) {
      return octets;
    }
    int checksum = Octets.checksum(source, destination, PacketMaker.MOBILITY, octets);
    Octets.putTwo(octets, 4, badChecksum ? checksum ^ 0x0101 : checksum);
    return octets;
  }

  private static boolean isOfHeader(String word) {
    return switch (word) {
      case "proto", "hdrlen", "reserved", "checksum", "cut" -> true;
      default -> false;
    };
  }

  private void header(String key, Words words) {
    switch (key) {
      case "proto" -> payloadProtocol = words.number();
      case "hdrlen" -> headerLength = words.number();
      case "reserved" -> reserved = words.number();
      case "cut" -> cut = words.number();
      default -> {
        words.expect("bad");
        badChecksum = true;
      }
    }
  }

  private void fields(String name, Words words, Octets out) {
    switch (name) {
      case "brr" -> out.two(optional(words, "mreserved", 0));
      case "hoti", "coti" -> out.two(optional(words, "mreserved", 0)).all(cookie(name, words));
      case "hot", "cot" -> test(name, words, out);
      case "bu" -> update(words, out);
      case "ba" -> acknowledgement(words, out);
      case "be" -> {
        words.expect("status");
        out.octet(words.number()).octet(optional(words, "mreserved", 0));
        words.expect("home");
        out.all(Names.octets(words.next()));
      }
      default -> {
        words.expect("data");
        out.all(HexFormat.of().parseHex(words.next()));
      }
    }
  }

  private static int optional(Words words, String key, int otherwise) {
    if (!words.peek().equals(key)) {
      return otherwise;
    }
    words.next();
    return words.number();
  }

  private byte[] cookie(String kind, Words words) {
    words.expect("cookie");
    String value = words.next();
    return Words.hex(value.equals("same") ? secrets.last(kind + " cookie") : value, 8);
  }

  private void test(String name, Words words, Octets out) {
    words.expect("index");
    int index = words.number();
    // The cookie is that of the Init message.
    out.two(index).all(cookie(name + "i", words));
    words.expect("token");
    byte[] token = Words.hex(words.next(), 8);
    out.all(token);
    secrets.token(Names.of(destination, 0), index, token);
  }

  private void update(Words words, Octets out) {
    words.expect("seq");
    out.two(sequence(words));
    int flags = 0;
    if (words.peek().equals("flags")) {
      words.next();
      flags = PacketMaker.flags(words.next(), UPDATE_FLAGS) << 12;
    }
    flags |= optional(words, "mreserved", 0);
    int lifetime = lifetime(words);
    ends = lifetime == 0;
    out.two(flags).two(lifetime);
  }

  private void acknowledgement(Words words, Octets out) {
    words.expect("status");
    int status = words.number();
    int flags = 0;
    if (words.peek().equals("flags")) {
      words.next();
      flags = PacketMaker.flags(words.next(), "K") << 7;
    }
    out.octet(status).octet(flags | optional(words, "mreserved", 0));
    words.expect("seq");
    out.two(sequence(words)).two(lifetime(words));
  }

  /**
   * A number; {@code same} for the node's last (to this sender, if there was one), {@code same+N}
   * or {@code same-N} near it.
   */
  private int sequence(Words words) {
    String value = words.next();
    if (!value.startsWith("same")) {
      return Words.number(value);
    }
    int offset = value.length() > 4 ? Integer.parseInt(value.substring(4)) : 0;
    String here = "seq " + Names.of(source, 0);
    String last = secrets.last(secrets.knows(here) ? here : "seq");
    return (Words.number(last) + offset) & 0xffff;
  }

  private static int lifetime(Words words) {
    words.expect("lifetime");
    int seconds = words.number();
    if (seconds % UNIT != 0) {
      throw new IllegalArgumentException("not a multiple of 4 s: " + seconds);
    }
    return seconds / UNIT;
  }

  private void option(String word, Words words, Octets out) {
    switch (Words.name(word)) {
      case "nonces" -> nonces(words.next(), out);
      case "alt" -> {
        careOf = Names.octets(words.next());
        pad(out, 6);
        out.octet(ALTERNATE_CARE_OF).octet(16).all(careOf);
      }
      case "refresh" -> {
        pad(out, 0, 2);
        out.octet(REFRESH_ADVICE).octet(2).two(words.number() / UNIT);
      }
      case "auth" -> {
        genuine = isGenuine(words.next());
        if (words.peek().equals("over")) {
          words.next();
          covered = Names.octets(words.next());
        }
        pad(out, 2);
        out.octet(AUTHORIZATION).octet(AUTHENTICATOR);
        authenticatorAt = out.length();
        out.all(new byte[AUTHENTICATOR]);
      }
      case "opt" -> {
        List<String> parts = Splitter.on(':').splitToList(argument(word));
        byte[] data = HexFormat.of().parseHex(parts.get(1));
        out.octet(Words.number(parts.get(0))).octet(data.length).all(data);
      }
      case "padn" -> {
        byte[] data = HexFormat.of().parseHex(argument(word));
        out.octet(PADDING_WITH_DATA).octet(data.length).all(data);
      }
      case "raw" -> out.all(HexFormat.of().parseHex(argument(word)));
      default -> throw new IllegalArgumentException("no field and no option: " + word);
    }
  }

  private static boolean isGenuine(String word) {
    return switch (word) {
      case "ok" -> true;
      case "bad" -> false;
      default -> throw new IllegalArgumentException("auth ok or auth bad, not " + word);
    };
  }

  private static String argument(String word) {
    return word.substring(word.indexOf('(') + 1, word.length() - 1);
  }

  /** Two indices, of which {@code ok} is the newest; {@code ok} alone for both. */
  private void nonces(String text, Octets out) {
    List<String> two = Splitter.on(',').splitToList(text.equals("ok") ? "ok,ok" : text);
    homeIndex = index(two.get(0), source);
    careOfIndex = index(two.get(1), careOf);
    pad(out, 0, 2);
    out.octet(NONCE_INDICES).octet(4).two(homeIndex).two(careOfIndex);
  }

  private int index(String text, byte[] address) {
    return text.equals("ok") ? secrets.newest(Names.of(address, 0)) : Words.number(text);
  }

  private static void pad(Octets out, int offset) {
    pad(out, offset, 8);
  }

  private static void pad(Octets out, int offset, int alignment) {
    int missing = Math.floorMod(offset - out.length(), alignment);
    if (missing == 1) {
      out.octet(0);
    } else if (missing > 1) {
      out.octet(PADDING_WITH_DATA).octet(missing - 2).all(new byte[missing - 2]);
    }
  }

  /** After all else is in place. */
  private void authenticate(byte[] octets) {
    String home = Names.of(source, 0);
    String peer = Names.of(destination, 0);
    byte[] correspondent = destination;
    // "or the home address of the mobile node if this option is used in de-registration"
    byte[] mobile = covered != null ? covered : ends ? source : careOf;
    if (octets[2] == NAMES.indexOf("ba")) {
      // From the correspondent: the addresses are those of the Binding Update.
      home = peer;
      peer = Names.of(source, 0);
      correspondent = source;
      mobile = Names.octets(secrets.last("care-of"));
    } else {
      if (homeIndex >= 0) {
        secrets.agree(home, peer, homeIndex, Names.of(careOf, 0), careOfIndex, ends);
      }
      secrets.remember("care-of", Names.of(mobile, 0));
    }
    byte[] before = Arrays.copyOf(octets, authenticatorAt);
    byte[] value = secrets.authenticator(home, peer, mobile, correspondent, before);
    if (!genuine) {
      value[0] ^= 1;
    }
    System.arraycopy(value, 0, octets, authenticatorAt, AUTHENTICATOR);
  }
}

package io.mipd.conformance;

import com.google.common.base.Splitter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/** Makes octets of a packet's text, right or as wrong as the text says; see {@code 9.2.cases}. */
final class PacketMaker {
  static final int UDP_FROM = 4000;
  static final int UDP_TO = 7777;

  static final int NO_NEXT_HEADER = 59;
  static final int MOBILITY = 135;
  static final int ICMPV6 = 58;
  static final int UDP = 17;
  static final int IPV6 = 41;
  static final int ESP = 50;
  static final int ROUTING = 43;
  static final int FRAGMENT = 44;
  static final int DESTINATION_OPTIONS = 60;
  static final int HOP_BY_HOP = 0;
  static final int HOME_ADDRESS = 201;

  private final Secrets secrets;
  private final byte[] lastArrived;
  private final byte[] lastSent;

  /**
   * @param lastArrived what {@code about it} quotes where it was seen to arrive; likewise what the
   *     node has sent
   */
  PacketMaker(Secrets secrets, byte[] lastArrived, byte[] lastSent) {
    this.secrets = secrets;
    this.lastArrived = lastArrived;
    this.lastSent = lastSent;
  }

  byte[] make(String text) {
    var words = new Words(text);
    byte[] packet = packet(words);
    if (!words.isAtEnd()) {
      throw new IllegalArgumentException("too much: " + words.next());
    }
    return packet;
  }

  /** A header with all that follows it. */
  private static final class Part {
    private final int type;
    private final byte[] octets;

    Part(int type, byte[] octets) {
      this.type = type;
      this.octets = octets;
    }

    int type() {
      return type;
    }

    byte[] octets() {
      return octets;
    }
  }

  /** Addresses for checksums and authenticators, as the headers so far make them. */
  private static final class Ends {
    byte[] source;
    byte[] destination;
    final byte[] wireSource;
    int hop = 64;

    Ends(String text) {
      List<String> two = Splitter.on('>').splitToList(text);
      if (two.size() != 2) {
        throw new IllegalArgumentException("not source>destination: " + text);
      }
      source = Names.octets(two.get(0));
      destination = Names.octets(two.get(1));
      wireSource = source;
    }
  }

  private byte[] packet(Words words) {
    var ends = new Ends(words.next());
    byte[] wireDestination = ends.destination;
    Part part = rest(words, ends);
    byte[] packet =
        new Octets()
            .four(6L << 28)
            .two(part.octets().length)
            .octet(part.type())
            .octet(ends.hop)
            .all(ends.wireSource)
            .all(wireDestination)
            .all(part.octets())
            .toArray();
    Ah.seal(packet);
    return packet;
  }

  private Part rest(Words words, Ends ends) {
    String word = words.next();
    return switch (Words.name(word)) {
      case "hop" -> {
        ends.hop = words.number();
        yield rest(words, ends);
      }
      case "hao" -> homeAddress(word, words, ends);
      case "dst" -> options(DESTINATION_OPTIONS, word, words, ends);
      case "hbh" -> options(HOP_BY_HOP, word, words, ends);
      case "rh" -> routing(word, words, ends);
      case "esp" -> {
        Part inner = rest(words, ends);
        int spi = Integer.parseInt(Words.arguments(word).next(), 16);
        yield new Part(ESP, secrets.esp(spi, inner.type(), inner.octets()));
      }
      case "ah" -> {
        Part inner = rest(words, ends);
        int spi = Integer.parseInt(Words.arguments(word).next(), 16);
        yield new Part(Ah.PROTOCOL, secrets.ah(spi, inner.type(), inner.octets()));
      }
      case "[" -> {
        byte[] packet = packet(words);
        words.expect("]");
        yield new Part(IPV6, packet);
      }
      case "udp" -> new Part(UDP, udp(words, ends));
      case "nothing" -> new Part(NO_NEXT_HEADER, new byte[0]);
      default ->
          MessageMaker.isMobility(word)
              ? new Part(
                  MOBILITY,
                  new MessageMaker(secrets, ends.source, ends.destination, ends.wireSource)
                      .make(word, words))
              : new Part(ICMPV6, icmpv6(word, words, ends));
    };
  }

  /** {@code hao(H)}, with {@code type}, {@code len} (of the option). */
  private Part homeAddress(String word, Words words, Ends ends) {
    Words arguments = Words.arguments(word);
    byte[] home = Names.octets(arguments.next());
    int type = HOME_ADDRESS;
    int length = 16;
    while (!arguments.isAtEnd()) {
      String key = arguments.next();
      switch (key) {
        case "type" -> type = arguments.number();
        case "len" -> length = arguments.number();
        default -> throw new IllegalArgumentException("unknown in hao: " + key);
      }
    }
    ends.source = home;
    Part rest = rest(words, ends);
    return new Part(
        DESTINATION_OPTIONS,
        new Octets()
            .octet(rest.type())
            .octet(2)
            .octet(1)
            .octet(2)
            .two(0)
            .octet(type)
            .octet(length)
            .all(home)
            .all(rest.octets())
            .toArray());
  }

  private Part options(int type, String word, Words words, Ends ends) {
    byte[] options = HexFormat.of().parseHex(Words.arguments(word).next());
    Part rest = rest(words, ends);
    return new Part(
        type,
        new Octets()
            .octet(rest.type())
            .octet((options.length + 2) / 8 - 1)
            .all(options)
            .all(rest.octets())
            .toArray());
  }

  /** {@code rh(H)}, with {@code type}, {@code left}, {@code len}, {@code reserved}. */
  private Part routing(String word, Words words, Ends ends) {
    Words arguments = Words.arguments(word);
    byte[] home = Names.octets(arguments.next());
    int type = 2;
    int left = 1;
    int length = 2;
    long reserved = 0;
    while (!arguments.isAtEnd()) {
      String key = arguments.next();
      switch (key) {
        case "type" -> type = arguments.number();
        case "left" -> left = arguments.number();
        case "len" -> length = arguments.number();
        case "reserved" -> reserved = Long.decode(arguments.next());
        default -> throw new IllegalArgumentException("unknown in rh: " + key);
      }
    }
    ends.destination = home;
    Part rest = rest(words, ends);
    byte[] header =
        new Octets()
            .octet(rest.type())
            .octet(length)
            .octet(type)
            .octet(left)
            .four(reserved)
            .all(home)
            .toArray();
    return new Part(
        ROUTING,
        new Octets().all(Arrays.copyOf(header, (length + 1) * 8)).all(rest.octets()).toArray());
  }

  private static byte[] udp(Words words, Ends ends) {
    String quoted = words.next();
    String text =
        quoted.startsWith("\"")
            ? quoted.substring(1, quoted.length() - 1)
            : "x".repeat(Words.number(quoted));
    byte[] payload = text.getBytes(StandardCharsets.UTF_8);
    byte[] datagram =
        new Octets()
            .two(UDP_FROM)
            .two(UDP_TO)
            .two(8 + payload.length)
            .two(0)
            .all(payload)
            .toArray();
    return checked(datagram, 6, UDP, ends, isBad(words));
  }

  private static boolean isBad(Words words) {
    if (!words.peek().equals("checksum")) {
      return false;
    }
    words.next();
    words.expect("bad");
    return true;
  }

  private static byte[] checked(byte[] octets, int at, int protocol, Ends ends, boolean bad) {
    int checksum = Octets.checksum(ends.source, ends.destination, protocol, octets);
    Octets.putTwo(octets, at, bad ? checksum ^ 0x0101 : checksum);
    return octets;
  }

  private byte[] icmpv6(String name, Words words, Ends ends) {
    var out = new Octets();
    switch (name) {
      case "unreachable" -> out.octet(1).octet(words.number()).two(0).four(0).all(quoted(words));
      case "toobig" -> out.octet(2).octet(0).two(0).four(words.number()).all(quoted(words));
      case "problem" -> {
        out.octet(4).octet(words.number()).two(0);
        words.expect("at");
        out.four(words.number()).all(quoted(words));
      }
      case "echo" -> out.octet(128).octet(0).two(0).two(words.number()).two(words.number());
      case "mld" -> {
        ends.hop = 1;
        out.octet(131).octet(0).two(0).four(0).all(Names.octets(words.next()));
      }
      case "mldq" -> {
        ends.hop = 1;
        String group = words.next();
        boolean first = words.peek().equals("v1");
        if (first) {
          words.next();
        }
        words.expect("within");
        out.octet(130).octet(0).two(0).two(words.number()).two(0).all(Names.octets(group));
        if (!first) {
          // Robustness 2, 125 s, no sources.
          out.octet(2).octet(125).two(0);
        }
      }
      case "mldone" -> {
        ends.hop = 1;
        out.octet(132).octet(0).two(0).four(0).all(Names.octets(words.next()));
      }
      case "mld2" -> {
        ends.hop = 1;
        out.octet(143).octet(0).two(0).two(0).two(words.number());
        while (words.peek().startsWith("record(")) {
          record(Words.arguments(words.next()), out);
        }
      }
      case "dhaadreq" -> out.octet(144).octet(0).two(0).two(identifier(words)).two(reserved(words));
      case "dhaadrep" -> {
        out.octet(145).octet(0).two(0).two(identifier(words)).two(reserved(words));
        while (words.peek().startsWith("agent(")) {
          out.all(Names.octets(Words.arguments(words.next()).next()));
        }
      }
      case "mps" ->
          out.octet(146)
              .octet(0)
              .two(0)
              .two(identifier(words))
              .two(reserved(words))
              .all(NdOptions.make(words));
      case "mpa" ->
          out.octet(147)
              .octet(0)
              .two(0)
              .two(identifier(words))
              .two(flags(words, "MO") << 14 | reserved(words))
              .all(NdOptions.make(words));
      case "rs" -> {
        ends.hop = 255;
        out.octet(133).octet(0).two(0).four(0).all(NdOptions.make(words));
      }
      case "ra" -> {
        ends.hop = 255;
        out.octet(134).octet(0).two(0).octet(64);
        // M, O, H (section 7.1), and the preference of RFC 4191 in the other bits.
        out.octet(flags(words, "MOH") << 5);
        words.expect("lifetime");
        out.two(words.number()).four(0).four(0).all(NdOptions.make(words));
      }
      case "ns" -> {
        ends.hop = 255;
        out.octet(135).octet(0).two(0).four(0).all(Names.octets(words.next()));
        out.all(NdOptions.make(words));
      }
      case "na" -> {
        ends.hop = 255;
        out.octet(136).octet(0).two(0);
        String target = words.next();
        out.four((long) flags(words, "RSO") << 29).all(Names.octets(target));
        out.all(NdOptions.make(words));
      }
      default -> throw new IllegalArgumentException("no header and no message: " + name);
    }
    if (words.peek().equals("hop")) {
      words.next();
      ends.hop = words.number();
    }
    return checked(out.toArray(), 2, ICMPV6, ends, isBad(words));
  }

  /** {@code record(TYPE GROUP SOURCE ... [aux])}, with four octets of auxiliary data. */
  private static void record(Words words, Octets out) {
    int type = words.number();
    byte[] group = Names.octets(words.next());
    var sources = new Octets();
    int count = 0;
    while (!words.isAtEnd() && !words.peek().equals("aux")) {
      sources.all(Names.octets(words.next()));
      count++;
    }
    boolean auxiliary = !words.isAtEnd();
    out.octet(type).octet(auxiliary ? 1 : 0).two(count).all(group).all(sources.toArray());
    if (auxiliary) {
      out.four(0);
    }
  }

  private int identifier(Words words) {
    words.expect("id");
    String value = words.next();
    return Words.number(value.equals("same") ? secrets.last("id") : value);
  }

  private static int reserved(Words words) {
    if (!words.peek().equals("reserved")) {
      return 0;
    }
    words.next();
    return words.number();
  }

  /** Letters of {@code all}, the first the highest bit. */
  private static int flags(Words words, String all) {
    if (!words.peek().equals("flags")) {
      return 0;
    }
    words.next();
    return flags(words.next(), all);
  }

  static int flags(String letters, String all) {
    int bits = 0;
    for (int i = 0; i < letters.length(); i++) {
      char c = letters.charAt(i);
      if (c != '-' && all.indexOf(c) < 0) {
        throw new IllegalArgumentException("not one of " + all + ": " + c);
      }
      bits |= c == '-' ? 0 : 1 << (all.length() - 1 - all.indexOf(c));
    }
    return bits;
  }

  /** {@code about it}, what arrived last; {@code about sent}, what the node sent last. */
  private byte[] quoted(Words words) {
    words.expect("about");
    byte[] all =
        switch (words.next()) {
          case "it" -> lastArrived;
          case "sent" -> lastSent;
          case "[" -> {
            byte[] packet = packet(words);
            words.expect("]");
            yield packet;
          }
          default -> throw new IllegalArgumentException("about what?");
        };
    return Arrays.copyOf(all, Math.min(all.length, 1280 - 48));
  }
}

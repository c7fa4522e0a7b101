package io.mipd.conformance;

import com.google.common.base.Splitter;
import java.util.HexFormat;
import java.util.List;

/** Options of Neighbor Discovery (RFC 4861 section 4.6, RFC 6275 sections 7.2 to 7.4). */
final class NdOptions {
  private static final int SOURCE_LINK_LAYER = 1;
  private static final int TARGET_LINK_LAYER = 2;
  private static final int PREFIX = 3;
  private static final int INTERVAL = 7;
  private static final int HOME_AGENT = 8;
  private static final String PREFIX_FLAGS = "LAR";

  private NdOptions() {}

  static byte[] make(Words words) {
    var out = new Octets();
    while (words.peek().contains("(")) {
      String word = words.next();
      Words arguments = Words.arguments(word);
      switch (Words.name(word)) {
        case "slla" -> linkLayer(SOURCE_LINK_LAYER, arguments, out);
        case "tlla" -> linkLayer(TARGET_LINK_LAYER, arguments, out);
        case "pio" -> prefix(arguments, out);
        case "interval" ->
            out.octet(INTERVAL).octet(1).two(reserved(arguments)).four(arguments.number());
        case "homeagent" -> {
          out.octet(HOME_AGENT).octet(1).two(reserved(arguments));
          arguments.expect("preference");
          out.two(arguments.number());
          arguments.expect("lifetime");
          out.two(arguments.number());
        }
        case "ndopt" -> {
          List<String> parts = Splitter.on(':').splitToList(arguments.next());
          byte[] data = HexFormat.of().parseHex(parts.get(1));
          out.octet(Words.number(parts.get(0))).octet((data.length + 2) / 8).all(data);
        }
        default -> throw new IllegalArgumentException("no option: " + word);
      }
    }
    return out.toArray();
  }

  private static void linkLayer(int type, Words arguments, Octets out) {
    out.octet(type).octet(1).all(HexFormat.of().parseHex(arguments.next()));
  }

  /** {@code pio(ADDRESS/LENGTH flags LAR valid S preferred S)}. */
  private static void prefix(Words arguments, Octets out) {
    List<String> two = Splitter.on('/').splitToList(arguments.next());
    arguments.expect("flags");
    int flags = PacketMaker.flags(arguments.next(), PREFIX_FLAGS) << 5;
    arguments.expect("valid");
    long valid = Long.decode(arguments.next());
    arguments.expect("preferred");
    long preferred = Long.decode(arguments.next());
    out.octet(PREFIX)
        .octet(4)
        .octet(Words.number(two.get(1)))
        .octet(flags)
        .four(valid)
        .four(preferred)
        .four(0)
        .all(Names.octets(two.get(0)));
  }

  private static int reserved(Words arguments) {
    if (!arguments.peek().equals("reserved")) {
      return 0;
    }
    arguments.next();
    return arguments.number();
  }

  /** In the words of {@link #make}. */
  static String read(byte[] octets, int from) {
    var text = new StringBuilder();
    for (int at = from; at + 8 <= octets.length && octets[at + 1] != 0; ) {
      int end = Math.min(octets.length, at + 8 * octets[at + 1]);
      text.append(' ').append(one(octets, at, end));
      at = end;
    }
    return text.toString();
  }

  private static String one(byte[] octets, int at, int end) {
    String data = HexFormat.of().formatHex(octets, at + 2, end);
    String reserved = Octets.two(octets, at + 2) == 0 ? "" : "reserved " + data.substring(0, 4);
    return switch (octets[at] * 100 + (end - at)) {
      case SOURCE_LINK_LAYER * 100 + 8 -> "slla(" + data + ")";
      case TARGET_LINK_LAYER * 100 + 8 -> "tlla(" + data + ")";
      case INTERVAL * 100 + 8 -> "interval(" + reserved + Octets.four(octets, at + 4) + ")";
      case HOME_AGENT * 100 + 8 ->
          "homeagent("
              + reserved
              + "preference "
              + (short) Octets.two(octets, at + 4)
              + " lifetime "
              + Octets.two(octets, at + 6)
              + ")";
      case PREFIX * 100 + 32 ->
          "pio("
              + Names.of(octets, at + 16)
              + "/"
              + octets[at + 2]
              + " flags "
              + PacketText.letters(octets[at + 3] >> 5, PREFIX_FLAGS)
              + " valid "
              + Octets.four(octets, at + 4)
              + " preferred "
              + Octets.four(octets, at + 8)
              + ")";
      default -> "ndopt(" + octets[at] + ":" + data + ")";
    };
  }
}

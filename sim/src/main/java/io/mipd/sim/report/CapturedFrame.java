package io.mipd.sim.report;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import java.math.BigDecimal;
import java.util.List;

/**
 * What tshark says of one frame, decrypted, with the fields of all its layers, outermost first.
 *
 * @param nanos since the epoch
 * @param etherSource the sender's link address
 */
public record CapturedFrame(
    long nanos,
    String etherSource,
    ImmutableList<String> sources,
    ImmutableList<String> destinations,
    ImmutableList<Integer> icmpTypes,
    ImmutableList<Integer> mobilityTypes,
    ImmutableList<Integer> bindingStatuses,
    ImmutableList<Integer> udpPorts) {

  /** The fields to ask tshark for, in the order of {@link #parse}. */
  static final ImmutableList<String> FIELDS =
      ImmutableList.of(
          "frame.time_epoch",
          "eth.src",
          "ipv6.src",
          "ipv6.dst",
          "icmpv6.type",
          "mip6.mhtype",
          "mip6.ba.status",
          "udp.dstport");

  private static final Splitter TAB = Splitter.on('\t');
  private static final Splitter COMMA = Splitter.on(',').omitEmptyStrings();

  /** Reads a line of {@code tshark -T fields}, all occurrences of a field joined by commas. */
  static CapturedFrame parse(String line) {
    List<String> words = TAB.splitToList(line);
    return new CapturedFrame(
        new BigDecimal(words.get(0)).movePointRight(9).longValue(),
        words.get(1),
        ImmutableList.copyOf(COMMA.split(words.get(2))),
        ImmutableList.copyOf(COMMA.split(words.get(3))),
        numbers(words.get(4)),
        numbers(words.get(5)),
        numbers(words.get(6)),
        numbers(words.get(7)));
  }

  private static ImmutableList<Integer> numbers(String word) {
    var numbers = ImmutableList.<Integer>builder();
    for (String number : COMMA.split(word)) {
      numbers.add(Integer.decode(number));
    }
    return numbers.build();
  }
}

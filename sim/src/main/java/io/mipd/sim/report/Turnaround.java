package io.mipd.sim.report;

import com.google.common.collect.ImmutableList;
import java.util.List;
import java.util.function.BiPredicate;
import java.util.function.Predicate;

/**
 * How long a node took from a message that it was sent to the one that it sent for it, by the
 * frames that passed its own interfaces.
 *
 * @param node its name
 * @param what in words
 * @param nanos of each
 */
public record Turnaround(String node, String what, ImmutableList<Long> nanos) {
  /** Mobility Header types (RFC 6275 sections 6.1.4 to 6.1.8). */
  private static final int CARE_OF_TEST_INIT = 2;

  private static final int CARE_OF_TEST = 4;
  private static final int BINDING_UPDATE = 5;
  private static final int BINDING_ACKNOWLEDGEMENT = 6;

  /** What comes later has waited for something else. */
  private static final long LONGEST_NANOS = 100_000_000;

  /**
   * Of a home agent or a correspondent.
   *
   * @param address to which it is asked and from which it answers
   */
  public static ImmutableList<Turnaround> ofAnswers(
      String node, String address, List<CapturedFrame> frames) {
    return ImmutableList.of(
        answers(
            node,
            "Care-of Test Init to Care-of Test",
            address,
            CARE_OF_TEST_INIT,
            CARE_OF_TEST,
            frames),
        answers(
            node,
            "Binding Update to its acknowledgement",
            address,
            BINDING_UPDATE,
            BINDING_ACKNOWLEDGEMENT,
            frames));
  }

  private static Turnaround answers(
      String node, String what, String address, int question, int answer, List<CapturedFrame> all) {
    return of(
        node,
        what,
        all,
        it -> has(it, question) && it.destinations().get(0).equals(address),
        (asked, it) ->
            has(it, answer)
                && it.sources().get(0).equals(address)
                && it.destinations().get(0).equals(asked.sources().get(0)));
  }

  /**
   * Of a mobile node, which updates its correspondents when its home agent has acknowledged. Where
   * that waits for a test it is left out.
   *
   * @param own link address of its interface
   */
  public static Turnaround ofMobileNode(
      String node, String own, String homeAgent, List<CapturedFrame> frames) {
    return of(
        node,
        "acknowledgement to Binding Update to a correspondent",
        frames,
        it ->
            has(it, BINDING_ACKNOWLEDGEMENT)
                && !it.etherSource().equals(own)
                && it.sources().get(0).equals(homeAgent),
        (asked, it) ->
            has(it, BINDING_UPDATE)
                && it.etherSource().equals(own)
                && !it.destinations().get(0).equals(homeAgent));
  }

  private static boolean has(CapturedFrame frame, int type) {
    return frame.mobilityTypes().contains(type) && !frame.sources().isEmpty();
  }

  private static Turnaround of(
      String node,
      String what,
      List<CapturedFrame> frames,
      Predicate<CapturedFrame> question,
      BiPredicate<CapturedFrame, CapturedFrame> answer) {
    var nanos = ImmutableList.<Long>builder();
    for (int i = 0; i < frames.size(); i++) {
      CapturedFrame asked = frames.get(i);
      if (question.test(asked)) {
        frames.subList(i + 1, frames.size()).stream()
            .takeWhile(it -> it.nanos() - asked.nanos() <= LONGEST_NANOS)
            .filter(it -> answer.test(asked, it))
            .findFirst()
            .ifPresent(it -> nanos.add(it.nanos() - asked.nanos()));
      }
    }
    return new Turnaround(node, what, nanos.build());
  }
}

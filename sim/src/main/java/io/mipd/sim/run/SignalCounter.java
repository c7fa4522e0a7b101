package io.mipd.sim.run;

import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.link.Frame;
import io.mipd.sim.report.CapturedFrame;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;

/** The control messages that pass one mobile node's interface: counted, and noted in words. */
final class SignalCounter {
  /** Signals that are kept for a diagram. */
  private static final int MOST = 5000;

  private static final int ETHERNET = 14;
  private static final int ROUTER_SOLICITATION = 133;
  private static final int ROUTER_ADVERTISEMENT = 134;
  private static final int NEIGHBOR_SOLICITATION = 135;
  private static final String UNSPECIFIED = "::";

  private static final ImmutableMap<Integer, String> WORDS =
      ImmutableMap.of(
          MobilityMessage.BINDING_REFRESH_REQUEST, "Binding Refresh Request",
          MobilityMessage.HOME_TEST_INIT, "Home Test Init",
          MobilityMessage.CARE_OF_TEST_INIT, "Care-of Test Init",
          MobilityMessage.HOME_TEST, "Home Test",
          MobilityMessage.CARE_OF_TEST, "Care-of Test",
          MobilityMessage.BINDING_UPDATE, "Binding Update",
          MobilityMessage.BINDING_ACKNOWLEDGEMENT, "Binding Acknowledgement",
          MobilityMessage.BINDING_ERROR, "Binding Error");

  private final SimNode node;
  private final EventQueue events;
  private final Function<String, String> names;
  private final Predicate<String> countedThere;
  private final List<Signal> signals;
  private final Map<String, Long> messages = new TreeMap<>();
  private boolean awaitsRouter = true;
  private long octets;

  /**
   * @param names of the nodes that have an address
   * @param countedThere whether messages from an address are counted where they are sent: two
   *     mobile nodes count what they say to each other once
   * @param signals where they are noted
   */
  SignalCounter(
      SimNode node,
      EventQueue events,
      Function<String, String> names,
      Predicate<String> countedThere,
      List<Signal> signals) {
    this.node = node;
    this.events = events;
    this.names = names;
    this.countedThere = countedThere;
    this.signals = signals;
  }

  /** The next router advertisement is news. */
  void linkChanged() {
    awaitsRouter = true;
  }

  /** IPv6 octets of Mobility Header messages, both ways, without what others count. */
  long octets() {
    return octets;
  }

  /** How many of each kind, both ways, without what others count. */
  Map<String, Long> messages() {
    return messages;
  }

  void frame(Frame frame, CapturedFrame dissected) {
    boolean out = frame.source().equals(node.device().address());
    for (int type : dissected.mobilityTypes()) {
      String words = WORDS.getOrDefault(type, "Mobility Header " + type);
      if (out || !countedThere.test(innermost(dissected.sources()))) {
        messages.merge(words, 1L, Long::sum);
        octets += frame.length() - ETHERNET;
      }
      note(dissected, out, words);
    }
    if (dissected.icmpTypes().isEmpty()) {
      return;
    }
    switch (dissected.icmpTypes().get(0)) {
      case ROUTER_SOLICITATION -> note(dissected, out, "Router Solicitation");
      case ROUTER_ADVERTISEMENT -> {
        if (!out && awaitsRouter) {
          awaitsRouter = false;
          note(dissected, false, "Router Advertisement");
        }
      }
      case NEIGHBOR_SOLICITATION -> {
        if (out && dissected.sources().get(0).equals(UNSPECIFIED)) {
          note(dissected, true, "Neighbor Solicitation (DAD)");
        }
      }
      default -> {
        // Not of interest here.
      }
    }
  }

  private static String innermost(List<String> addresses) {
    return addresses.get(addresses.size() - 1);
  }

  /** The peer is whom the innermost header names: a Home Test goes through the tunnel. */
  private void note(CapturedFrame frame, boolean out, String words) {
    String peer = innermost(out ? frame.destinations() : frame.sources());
    String other = names.apply(peer);
    node.stack().say((out ? "sends " : "receives ") + words + (out ? " to " : " from ") + other);
    if (signals.size() < MOST) {
      signals.add(
          out
              ? new Signal(Times.nanos(events.now()), node.name(), other, words)
              : new Signal(Times.nanos(events.now()), other, node.name(), words));
    }
  }
}

package io.mipd.sim.link;

import io.mipd.sim.event.EventQueue;
import io.mipd.sim.event.Randomness;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A link of layer 2, shared by all interfaces that are attached to it, like a switch with a cable
 * to each: every sender has the line to itself. A frame for one interface goes there only; one for
 * many goes to all others, and is lost for all or for none. Two interfaces make it a line between
 * two points.
 */
public final class Segment {
  private final String name;
  private final EventQueue events;
  private final Randomness randomness;
  private final Line line;
  private final LinkCounters counters = new LinkCounters();

  private boolean cut;

  /** In the order in which they were attached. */
  private final List<Interface> attached = new ArrayList<>();

  /** Of each sender that there ever was, so that a line is busy also after a short absence. */
  private final Map<String, Channel> channels = new LinkedHashMap<>();

  public Segment(String name, EventQueue events, Randomness randomness, Line line) {
    this.name = name;
    this.events = events;
    this.randomness = randomness;
    this.line = line;
  }

  public String name() {
    return name;
  }

  public Line line() {
    return line;
  }

  public LinkCounters counters() {
    return counters;
  }

  void add(Interface one) {
    attached.add(one);
  }

  void remove(Interface one) {
    attached.remove(one);
  }

  /** Has it carry nothing, or carry again; what is on its way arrives. The carrier stays. */
  public void setCut(boolean on) {
    cut = on;
  }

  void send(Interface from, Frame frame) {
    if (cut) {
      counters.cutOff++;
      return;
    }
    channels.computeIfAbsent(from.name(), this::channelOf).send(frame);
  }

  private Channel channelOf(String sender) {
    String component = "link " + name + " from " + sender;
    return new Channel(
        events,
        line,
        randomness.of(component + " loss"),
        randomness.of(component + " reordering"),
        counters,
        frame -> deliver(sender, frame));
  }

  private void deliver(String sender, Frame frame) {
    boolean taken = false;
    // A copy: who receives may attach or detach.
    for (Interface one : List.copyOf(attached)) {
      if (!one.name().equals(sender)
          && (frame.isMulticast() || frame.destination().equals(one.address()))) {
        one.receive(frame);
        taken = true;
      }
    }
    if (!taken) {
      counters.undelivered++;
    }
  }
}

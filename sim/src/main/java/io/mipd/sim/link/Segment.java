package io.mipd.sim.link;

import static com.google.common.base.Preconditions.checkState;

import io.mipd.sim.event.EventQueue;
import io.mipd.sim.event.Randomness;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.LinkLayerAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A link of layer 2, shared by all interfaces that are attached to it, like a switch with a cable
 * to each: every sender has the line to itself. A frame for one interface goes there only; one for
 * a group goes to all others that have joined it, as a switch knows from MLD (RFC 4541), and is
 * lost for all or for none. Two interfaces make it a line between two points.
 */
public final class Segment {
  /** No interface is called so. */
  private static final String STRANGER = "somebody else";

  private final String name;
  private final EventQueue events;
  private final Randomness randomness;
  private final Line line;
  private final LinkCounters counters = new LinkCounters();

  private boolean cut;

  /** In the order in which they were attached. */
  private final Map<LinkLayerAddress, Interface> attached = new LinkedHashMap<>();

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
    Interface before = attached.put(one.address(), one);
    checkState(before == null, "two with address %s on %s", one.address(), name);
  }

  void remove(Interface one) {
    attached.remove(one.address());
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

  /** Carries a frame of somebody who is no interface of the simulation's. */
  public void inject(Frame frame) {
    if (cut) {
      counters.cutOff++;
      return;
    }
    channels.computeIfAbsent(STRANGER, this::channelOf).send(frame);
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
    for (Interface one : receivers(frame)) {
      if (!one.name().equals(sender)) {
        one.receive(frame);
        taken = true;
      }
    }
    if (!taken) {
      counters.undelivered++;
    }
  }

  /** A list of its own: who receives may attach or detach. */
  private List<Interface> receivers(Frame frame) {
    if (!frame.isMulticast()) {
      Interface one = attached.get(frame.destination());
      return one == null ? List.of() : List.of(one);
    }
    Optional<Ipv6Address> group = frame.group();
    List<Interface> receivers = new ArrayList<>();
    for (Interface one : attached.values()) {
      if (group.isEmpty() || one.isMember(group.get())) {
        receivers.add(one);
      }
    }
    return receivers;
  }
}

package io.mipd.sim.link;

import static com.google.common.base.Preconditions.checkState;

import io.mipd.sim.event.EventQueue;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.LinkLayerAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A node's interface: attached to one {@link Segment} at a time, or to none. Attaching takes its
 * time, in which there is no carrier; detaching does not. What arrives without a carrier is lost.
 */
public final class Interface {
  /** Its node's side. */
  public interface Host {
    /** Whether it has joined a group. */
    boolean isMember(Interface on, Ipv6Address group);

    /** A frame has come for it. */
    void received(Interface on, Frame frame);

    /** The carrier has come or gone. */
    void carrierChanged(Interface on, boolean carrier);
  }

  /** Decides what of it is lost behind it. */
  public interface Fate {
    boolean loses(Frame frame);
  }

  /** Sees every frame that passes the interface, when it does. */
  public interface Tap {
    void passed(Frame frame);
  }

  private final String node;
  private final String name;
  private final int index;
  private final LinkLayerAddress address;
  private final EventQueue events;
  private final List<Tap> taps = new ArrayList<>();
  private Fate fate = frame -> false;
  private @Nullable Host host;
  private @Nullable Segment segment;
  private EventQueue.@Nullable Planned attaching;
  private long lostWithoutCarrier;

  /**
   * @param node that it is of
   * @param device its name there
   * @param index from 1, its number there
   */
  public Interface(
      String node, String device, int index, LinkLayerAddress address, EventQueue events) {
    this.node = node;
    this.name = node + "." + device;
    this.index = index;
    this.address = address;
    this.events = events;
  }

  /** Gives it to its node. */
  public void setHost(Host owner) {
    checkState(host == null, "%s has a host", name);
    host = owner;
  }

  /** Has someone see all frames. */
  public void tap(Tap tap) {
    taps.add(tap);
  }

  /** Has some more of what it sends be lost, after all who tap it have seen it. */
  public void addFate(Fate other) {
    Fate before = fate;
    // Each counts what it loses: what one has taken the other does not see.
    fate = frame -> before.loses(frame) || other.loses(frame);
  }

  /** Unique in a simulation: its node's, a dot, and its own. */
  public String name() {
    return name;
  }

  /** Its name at the node. */
  public String device() {
    return name.substring(node.length() + 1);
  }

  public String node() {
    return node;
  }

  public int index() {
    return index;
  }

  public LinkLayerAddress address() {
    return address;
  }

  public boolean hasCarrier() {
    return segment != null;
  }

  /** The link that it is on; empty without a carrier. */
  public Optional<Segment> segment() {
    return Optional.ofNullable(segment);
  }

  /** Octets of the largest packet; without a carrier that of any link. */
  public int mtu() {
    return segment == null ? Line.IDEAL.mtu() : segment.line().mtu();
  }

  /** Frames that were to leave without a carrier. */
  public long lostWithoutCarrier() {
    return lostWithoutCarrier;
  }

  /**
   * Begins to attach; from any other link it is detached.
   *
   * @param delay until the carrier is there
   */
  public void attach(Segment to, Duration delay) {
    detach();
    attaching =
        events.after(
            delay,
            () -> {
              attaching = null;
              segment = to;
              to.add(this);
              tell(true);
            });
  }

  /** Loses the carrier at once, and what is on its way to it. */
  public void detach() {
    if (attaching != null) {
      attaching.cancel();
      attaching = null;
    }
    if (segment != null) {
      segment.remove(this);
      segment = null;
      tell(false);
    }
  }

  private void tell(boolean carrier) {
    if (host != null) {
      host.carrierChanged(this, carrier);
    }
  }

  /** Sends a frame; without a carrier it is lost. */
  public void send(Frame frame) {
    if (segment == null) {
      lostWithoutCarrier++;
      return;
    }
    taps.forEach(tap -> tap.passed(frame));
    if (!fate.loses(frame)) {
      segment.send(this, frame);
    }
  }

  /** Whether frames for a group are for it. */
  boolean isMember(Ipv6Address group) {
    return host == null || host.isMember(this, group);
  }

  void receive(Frame frame) {
    taps.forEach(tap -> tap.passed(frame));
    if (host != null) {
      host.received(this, frame);
    }
  }
}

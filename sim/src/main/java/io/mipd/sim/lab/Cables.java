package io.mipd.sim.lab;

import com.google.common.collect.ImmutableList;
import java.util.Optional;

/**
 * The hands that move the mobile node's cables. Its kernel sees the carrier go and come: a veth's
 * does when its other end goes down or up.
 *
 * <p>A TAP device has no such end: the carrier of a guest's interface stays when its TAP goes down.
 * So the mobile node of a guest is behind a veth there, too, and that veth's other end is moved,
 * together with the TAP's port in the switches.
 *
 * <pre>
 *   mn eth0 ~~~ plug0 - cable0 - vec0 | TAP mn0 ~~~ bridge
 *                 in the guest        |   namespace sw
 * </pre>
 */
final class Cables {
  private static final int REHEARSALS = 5;

  private final OpenBatch switches;
  private final Optional<OpenBatch> guest;

  /**
   * @param guest in the mobile node's guest, if it has one
   */
  Cables(OpenBatch switches, Optional<OpenBatch> guest) {
    this.switches = switches;
    this.guest = guest;
    // What is done for the first time takes longer.
    for (int i = 0; i < REHEARSALS; i++) {
      guest.ifPresent(batch -> batch.run(ImmutableList.of("# rehearsal")));
    }
  }

  void unplug(int index) {
    if (guest.isPresent()) {
      guest.get().run(ImmutableList.of("link set " + guestPlug(index) + " down"));
      switches.run(ImmutableList.of("link set " + plug(index) + " nomaster"));
    } else {
      switches.run(
          ImmutableList.of(
              "link set " + plug(index) + " down", "link set " + plug(index) + " nomaster"));
    }
  }

  void plugInto(int index, Link link) {
    switches.run(
        ImmutableList.of(
            "link set " + plug(index) + " master " + link.bridge(),
            "link set " + plug(index) + " up"));
    guest.ifPresent(batch -> batch.run(ImmutableList.of("link set " + guestPlug(index) + " up")));
  }

  /** The command that moves the first cable of a mobile node that is in no guest. */
  static String byHand(String switches, Link link) {
    String set = "ip -n " + switches + " link set " + plug(0);
    return set + " down nomaster && " + set + " master " + link.bridge() + " up";
  }

  /** The switch's end of the mobile node's n-th cable: a veth, or the TAP of its guest. */
  static String plug(int index) {
    return "mn" + index;
  }

  /** The same inside the guest, where the cable is a bridge from its interface to a veth. */
  static String guestPlug(int index) {
    return "plug" + index;
  }
}

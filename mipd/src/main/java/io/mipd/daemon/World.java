package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.engine.AssociationStatus;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.netlink.RtnetlinkNotice;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * Where packets are transformed: by our engine, or by the kernel. One thread uses it; it tells
 * {@link Upward} what happens.
 */
interface World extends AutoCloseable {

  /** What comes from below; called on the event loop's thread. */
  interface Upward {
    void interfaceChanged(RtnetlinkNotice notice);

    /** The message is only valid during the call. */
    void icmpv6(
        int interfaceIndex,
        Ipv6Address source,
        Ipv6Address destination,
        int hopLimit,
        ByteBuf message);

    /**
     * A Mobility Header message: only to be noted, not to be acted upon, for it may come from
     * within the engine.
     *
     * @param message from the Payload Proto field on; only valid during the call
     */
    void mobility(ByteBuf message, Arrival arrival);

    /** Likewise only to be noted. */
    void notice(XfrmNotice notice);

    /** Between two packets: what was noted may be acted upon. */
    void settle();

    /** It cannot go on. */
    void broken(String why);
  }

  /**
   * What a role wants of its world.
   *
   * @param device name of the device that home addresses are on while they are away
   * @param deviceMtu its MTU in octets
   * @param router whether packets arrive and leave by every interface (home agent), or by those in
   *     {@code interfaces} only
   * @param home our own home addresses
   * @param served home addresses that we serve
   * @param homeAgent the home agent: us or ours
   * @param homePrefix of the home link
   * @param spis of inbound associations
   */
  record Setup(
      String device,
      int deviceMtu,
      boolean router,
      ImmutableSet<String> interfaces,
      ImmutableSet<Ipv6Address> home,
      ImmutableSet<Ipv6Address> served,
      Ipv6Address homeAgent,
      Ipv6Prefix homePrefix,
      ImmutableSet<Spi> spis) {}

  /**
   * Tells {@link Upward} of the interfaces and addresses that are there, and takes messages from
   * now on.
   *
   * @throws IOException if messages cannot be had
   */
  void begin() throws IOException;

  /** All that has been wished for is in force: what is left of a dead predecessor may go. */
  default void dropLeftovers() throws IOException {}

  /**
   * Puts the configured associations where packets find them; those of a dead predecessor that are
   * still good stay as they are.
   *
   * @throws IOException if one of them cannot be; those before it are in force then
   */
  void establish(ImmutableList<SecurityAssociation> associations) throws IOException;

  /** Holds the policies and associations. */
  XfrmBackend backend();

  /** The node's interfaces, addresses and Neighbor Discovery. */
  NetworkWatch network();

  /** Index of the device that home addresses are on while they are away. */
  int homeDevice();

  /**
   * The home agent is on this link. Said as soon as a router is heard there, when the kernel may
   * not yet have an address of the home prefix.
   */
  void homeLinkIs(int interfaceIndex) throws IOException;

  /**
   * Sends a message of our own, as its policy says.
   *
   * @param careOf the care-of address for its Home Address option or type 2 routing header, whether
   *     or not there is a state
   * @throws IOException if it did not leave this node
   */
  void send(
      MobilityMessage message,
      Ipv6Address source,
      Ipv6Address destination,
      Optional<CareOfAddress> careOf)
      throws IOException;

  /** Does what is due. */
  void turn(Instant now);

  /** When something will be due; empty if nothing is planned. */
  Optional<Instant> nextDeadline();

  ImmutableList<AssociationStatus> associations();

  /** What it has counted, by name, for the status; a value may be a map. */
  Map<String, Object> counters();

  /** Takes back all that it has put into the system. */
  @Override
  void close();
}

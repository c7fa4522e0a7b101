package io.mipd.xfrm.engine;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.transform.Discard;
import io.mipd.xfrm.transform.PacketBuffer;
import io.mipd.xfrm.transform.SequenceStore;
import java.time.Instant;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Applies policies and associations to packets: what the kernel's xfrm does, without the kernel.
 * Opens no socket and reads no clock. One thread uses it; only {@link #counters} may be read by
 * others. Whatever octets it is given, it answers with calls of the {@link EngineSink} or a counted
 * discard, never with an exception.
 */
public final class PacketEngine {
  private final EngineSettings settings;
  private final Databases databases;
  private final EngineCounters counters = new EngineCounters();
  private long nextOrder;

  /**
   * @param sink receives what comes out
   * @param local tells which addresses are this node's
   * @param sequences keeps sequence numbers and anti-replay windows
   * @param random for initialization vectors, fragment identifications and hash seeds; must not be
   *     predictable outside simulations
   */
  public PacketEngine(
      EngineSettings settings,
      EngineSink sink,
      LocalAddresses local,
      SequenceStore sequences,
      RandomGenerator random) {
    this.settings = settings;
    databases = new Databases(random.nextLong());
  }

  /**
   * Sends an IPv6 packet that the TUN device handed over, or a message of this node's own, by the
   * policy for it. May be a super-packet to be segmented, or one whose transport checksum is to be
   * completed.
   */
  public void output(PacketBuffer packet) {
    counters.count(EngineCounters.Traffic.OUTPUT_PACKETS);
    counters.count(EngineCounters.Traffic.OUTPUT_BYTES, packet.length());
    counters.count(Discard.OUT_NO_POLICY);
  }

  /**
   * Sends a message of this node's own, with stable addresses in its header, where a Home Address
   * option or type 2 routing header of the policy is to bear this care-of address, whatever the
   * route optimization states say. A Binding Update needs it: no state bears its care-of address
   * yet.
   */
  public void output(PacketBuffer packet, Ipv6Address careOf) {
    output(packet);
  }

  /**
   * Takes a packet that arrived on a link for one of our outer addresses: undoes what was done to
   * it, checks it against policy, and delivers it.
   */
  public void input(PacketBuffer packet) {
    counters.count(EngineCounters.Traffic.INPUT_PACKETS);
    counters.count(EngineCounters.Traffic.INPUT_BYTES, packet.length());
    counters.count(Discard.NOT_OURS);
  }

  /**
   * Whether an arrived packet is the engine's to {@link #input}: ESP or AH of an association here,
   * a tunnel of a policy here, a Mobility Header, a Home Address option or a type 2 routing header
   * for an address of ours, fragments of these, ICMPv6 errors about packets that left here.
   * Everything else is the kernel's, ESP with an unknown SPI included. Changes nothing.
   */
  public boolean claims(PacketBuffer packet) {
    return false;
  }

  /**
   * Tells the time, of one clock that never goes back. To be called before the first packet, then
   * before each batch and when {@link #nextDeadline} is reached.
   */
  public void tick(Instant now) {}

  /** When {@link #tick} is to be called next, if nothing happens before; empty for never. */
  public Optional<Instant> nextDeadline() {
    return Optional.empty();
  }

  /** May be read by any thread. */
  public EngineCounters counters() {
    return counters;
  }

  /** The associations as they stand, oldest first; no keys. */
  public ImmutableList<AssociationStatus> associations() {
    return databases.associations().associations().stream()
        .map(LiveAssociation::status)
        .collect(ImmutableList.toImmutableList());
  }

  Databases databases() {
    return databases;
  }

  EngineSettings settings() {
    return settings;
  }

  /** Its identity must be free. */
  void add(SecurityAssociation association) {
    databases.associations().add(new LiveAssociation(association, nextOrder++, null));
    databases.changed();
  }
}

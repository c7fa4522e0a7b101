package io.mipd.xfrm.engine;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.transform.PacketBuffer;
import io.mipd.xfrm.transform.SequenceStore;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.random.RandomGenerator;

/**
 * Applies policies and associations to packets: what the kernel's xfrm does, without the kernel.
 * Opens no socket and reads no clock. One thread uses it; only {@link #counters} may be read by
 * others. Whatever octets it is given, it answers with calls of the {@link EngineSink} or a counted
 * discard, never with an exception.
 */
public final class PacketEngine {
  private final EngineCore core;
  private final Outbound outbound;
  private final Inbound inbound;
  private final Claims claims;

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
    this(settings, sink, local, sequences, random, new Transforms(random));
  }

  PacketEngine(
      EngineSettings settings,
      EngineSink sink,
      LocalAddresses local,
      SequenceStore sequences,
      RandomGenerator random,
      TransformFactory transforms) {
    core = new EngineCore(settings, sink, local, sequences, random.nextLong());
    outbound =
        new Outbound(
            core,
            new PathResolver(core.databases(), local, transforms),
            new Fragmenter(sink, core.counters(), random),
            random.nextLong());
    inbound = new Inbound(core, transforms, outbound, random.nextLong());
    claims = new Claims(core, inbound.outerErrors());
  }

  /**
   * Sends an IPv6 packet that the TUN device handed over, or a message of this node's own, by the
   * policy for it. May be a super-packet to be segmented, or one whose transport checksum is to be
   * completed.
   */
  public void output(PacketBuffer packet) {
    outbound.output(packet, null);
  }

  /**
   * Sends a message of this node's own, with stable addresses in its header, where a Home Address
   * option or type 2 routing header of the policy is to bear this care-of address, whatever the
   * route optimization states say. A Binding Update needs it: no state bears its care-of address
   * yet.
   */
  public void output(PacketBuffer packet, Ipv6Address careOf) {
    outbound.output(packet, careOf);
  }

  /**
   * Whether a packet socket has shown an IPv6 packet and not a piece of one; what a link has put
   * behind it, to have its least length, is cut off.
   */
  public static boolean isWhole(PacketBuffer packet) {
    return FlowReader.readHeader(packet) == null;
  }

  /**
   * The protocol that a whole packet bears behind its extension headers; empty if these are
   * malformed.
   */
  public static OptionalInt upperLayer(PacketBuffer packet) {
    var reader = new FlowReader();
    return reader.read(packet, new FlowKey()) == null
        ? OptionalInt.of(reader.protocol())
        : OptionalInt.empty();
  }

  /**
   * Sends a packet for a multicast group through a tunnel: the one that a packet between these
   * addresses would take. Where no tunnel is what their policy says first, it is discarded.
   */
  public void outputToGroup(PacketBuffer packet, Ipv6Address source, Ipv6Address destination) {
    outbound.outputToGroup(packet, source, destination);
  }

  /**
   * Takes a packet that arrived on a link for one of our outer addresses: undoes what was done to
   * it, checks it against policy, and delivers it.
   */
  public void input(PacketBuffer packet) {
    inbound.input(packet);
  }

  /**
   * Whether an arrived packet is the engine's to {@link #input}: ESP or AH of an association here,
   * a tunnel of a policy here, a Mobility Header, a Home Address option or a type 2 routing header
   * for an address of ours, fragments of these, ICMPv6 errors about packets that left here.
   * Everything else is the kernel's, ESP with an unknown SPI included. Changes nothing.
   */
  public boolean claims(PacketBuffer packet) {
    return claims.claims(packet);
  }

  /**
   * Tells the time, of one clock that never goes back. To be called before the first packet, then
   * before each batch and when {@link #nextDeadline} is reached.
   */
  public void tick(Instant now) {
    core.tick(now);
    inbound.tick(now);
    outbound.tick(now);
  }

  /** When {@link #tick} is to be called next, if nothing happens before; empty for never. */
  public Optional<Instant> nextDeadline() {
    return EngineCore.earlier(
        core.nextDeadline(), EngineCore.earlier(inbound.nextDeadline(), outbound.nextDeadline()));
  }

  /**
   * The largest packet that the link of this source address carries; before it is told, the one of
   * the settings.
   *
   * @param mtu octets, at least 1280
   */
  public void setLinkMtu(Ipv6Address outerSource, int mtu) {
    core.setLinkMtu(outerSource, Math.max(mtu, EngineSettings.MINIMUM_LINK_MTU));
  }

  /** The address is gone; if it comes back, its link may be another. */
  public void forgetLinkMtu(Ipv6Address outerSource) {
    core.forgetLinkMtu(outerSource);
  }

  /** Has policies put in by this one when they are needed; before the first packet. */
  public void setOnDemand(PoliciesOnDemand source) {
    core.databases().setOnDemand(source);
  }

  /** May be read by any thread. */
  public EngineCounters counters() {
    return core.counters();
  }

  /** The associations as they stand, oldest first; no keys. */
  public ImmutableList<AssociationStatus> associations() {
    return core.databases().associations().associations().stream()
        .map(LiveAssociation::status)
        .collect(ImmutableList.toImmutableList());
  }

  public int associationCount() {
    return core.databases().associations().size();
  }

  /** How many of them carry nothing any more. */
  public int expiredAssociationCount() {
    return core.databases().associations().expiredCount();
  }

  /** Packets that each route optimization state has been used for, sent or arrived. */
  public ImmutableMap<RouteOptimizationState.Id, Long> routePackets() {
    return core.databases().associations().routeOptimizations().stream()
        .collect(ImmutableMap.toImmutableMap(it -> it.state().id(), LiveRoute::packets));
  }

  /** Octets of fragments kept, both ways. */
  long reassemblyOctets() {
    return inbound.reassemblyOctets() + outbound.reassemblyOctets();
  }

  EngineCore core() {
    return core;
  }
}

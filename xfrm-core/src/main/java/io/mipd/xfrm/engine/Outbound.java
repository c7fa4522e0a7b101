package io.mipd.xfrm.engine;

import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.engine.EngineCounters.Traffic;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.transform.Discard;
import io.mipd.xfrm.transform.PacketBuffer;
import io.mipd.xfrm.transform.PacketBuffer.Segmentation;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The way out: flow, path, segmentation, size, transforms, fragmentation. A flow's path is found
 * once and kept until the databases change.
 */
final class Outbound {
  private final EngineCore core;
  private final PathResolver resolver;
  private final Fragmenter fragmenter;
  private final FlowReader reader = new FlowReader();
  private final FlowKey flow = new FlowKey();
  private final WordTable<OutboundPath> paths;
  private final Segmenter segmenter = new Segmenter();
  private final Reassembler reassembler;
  private final PacketBuffer whole = new PacketBuffer();

  Outbound(EngineCore core, PathResolver resolver, Fragmenter fragmenter, long seed) {
    this.core = core;
    this.resolver = resolver;
    this.fragmenter = fragmenter;
    paths = new WordTable<>(seed, OutboundPath[]::new);
    reassembler = new Reassembler(core.settings());
  }

  void tick(Instant now) {
    reassembler.forgetOld(now, whole, fragment -> core.countDiscard(Discard.REASSEMBLY_TIMEOUT));
  }

  long reassemblyOctets() {
    return reassembler.octets();
  }

  Optional<Instant> nextDeadline() {
    return reassembler.nextDeadline();
  }

  /**
   * @param careOf what the message's Mobile IPv6 headers are to bear; null for a packet from the
   *     TUN device and for messages that the states know the place of
   */
  void output(PacketBuffer p, @Nullable Ipv6Address careOf) {
    core.counters().count(Traffic.OUTPUT_PACKETS);
    core.counters().count(Traffic.OUTPUT_BYTES, p.length());
    core.countDiscard(send(p, careOf));
  }

  /** By the tunnel that a packet between these addresses would take. */
  void outputToGroup(PacketBuffer p, Ipv6Address source, Ipv6Address destination) {
    core.counters().count(Traffic.OUTPUT_PACKETS);
    core.counters().count(Traffic.OUTPUT_BYTES, p.length());
    Discard reason = read(p);
    if (reason == null) {
      flow.sourceHigh = source.high();
      flow.sourceLow = source.low();
      flow.destinationHigh = destination.high();
      flow.destinationLow = destination.low();
      OutboundPath path = cachedPath();
      boolean refused = path.refusal != null;
      reason = refused || path.startsWithTunnel ? send(p, path, false) : Discard.NOT_OURS;
    }
    core.countDiscard(reason);
  }

  private @Nullable Discard read(PacketBuffer p) {
    Discard malformed = FlowReader.readHeader(p);
    return malformed == null ? reader.read(p, flow) : malformed;
  }

  private @Nullable Discard send(PacketBuffer p, @Nullable Ipv6Address careOf) {
    Discard malformed = read(p);
    if (malformed != null) {
      return malformed;
    }
    if (isLinkLocal()) {
      return Discard.NOT_OURS;
    }
    OutboundPath path = careOf == null ? cachedPath() : resolver.resolve(flow, careOf);
    return send(p, path, careOf != null || reader.protocol() == IpProtocol.MOBILITY);
  }

  /**
   * @param ownMessage whether it leaves in any case, in fragments where it is too big
   */
  private @Nullable Discard send(PacketBuffer p, OutboundPath path, boolean ownMessage) {
    Discard refusal = path.refusal;
    if (refusal != null) {
      XfrmNotice.Acquire missing = path.missing;
      if (missing != null && path.mayAcquire(core.now())) {
        core.sink().notice(missing);
      }
      return refusal;
    }
    if (!path.knowsMtu(core.mtuGeneration())) {
      core.setMtu(path);
    }
    if (p.segmentation() != Segmentation.NONE) {
      return sendSegments(p, path);
    }
    Discard unfinished = Segmenter.completeChecksum(p);
    if (unfinished != null) {
      return unfinished;
    }
    if (path.startsInTransportMode && isFragment(p)) {
      return sendReassembled(p);
    }
    if (p.length() > path.maxInner()
        && p.length() > EngineSettings.MINIMUM_LINK_MTU
        && !ownMessage) {
      tooBig(p, path);
      return Discard.OUT_TOO_BIG;
    }
    return transmit(p, path);
  }

  /**
   * What never leaves its link, or has no source yet, is the kernel talking to the TUN device as to
   * a link.
   */
  private boolean isLinkLocal() {
    return isLinkLocalOrNone(flow.sourceHigh, flow.sourceLow)
        || isLinkLocalOrNone(flow.destinationHigh, flow.destinationLow)
        || flow.sourceHigh >>> 56 == 0xff
        || isLinkScope(flow.destinationHigh);
  }

  private static boolean isLinkLocalOrNone(long high, long low) {
    return high >>> 54 == 0x3fa || (high == 0 && (low == 0 || low == 1));
  }

  private static boolean isLinkScope(long high) {
    long scope = (high >>> 48) & 0x0f;
    return high >>> 56 == 0xff && scope <= 2;
  }

  private OutboundPath cachedPath() {
    OutboundPath path =
        paths.get(
            flow.sourceHigh,
            flow.sourceLow,
            flow.destinationHigh,
            flow.destinationLow,
            flow.upperLayer(),
            flow.markAndInterface());
    if (path != null && path.generation == core.databases().generation()) {
      return path;
    }
    core.counters().count(Traffic.FLOW_CACHE_MISSES);
    OutboundPath resolved = resolver.resolve(flow, null);
    if (!resolved.cacheable) {
      return resolved;
    }
    if (path == null && paths.size() >= core.settings().maxFlows()) {
      paths.clear();
    }
    paths.put(
        flow.sourceHigh,
        flow.sourceLow,
        flow.destinationHigh,
        flow.destinationLow,
        flow.upperLayer(),
        flow.markAndInterface(),
        resolved);
    return resolved;
  }

  private @Nullable Discard sendSegments(PacketBuffer p, OutboundPath path) {
    Discard malformed = segmenter.begin(p, reader.protocol(), reader.upperOffset());
    if (malformed != null) {
      return malformed;
    }
    int length = segmenter.segmentLength();
    if (length > path.maxInner() && length > EngineSettings.MINIMUM_LINK_MTU) {
      tooBig(p, path);
      return Discard.OUT_TOO_BIG;
    }
    PacketBuffer segment = segmenter.next();
    while (segment != null) {
      core.counters().count(Traffic.SEGMENTS);
      Discard reason = transmit(segment, path);
      if (reason != null) {
        return reason;
      }
      segment = segmenter.next();
    }
    return null;
  }

  private boolean isFragment(PacketBuffer p) {
    return findFragmentHeader(p) >= 0;
  }

  private int fragmentHeaderField;

  /** Where the Fragment header begins; -1 if there is none. */
  private int findFragmentHeader(PacketBuffer p) {
    byte[] octets = p.array();
    int field = p.start() + Wire.NEXT_HEADER;
    int at = p.start() + Wire.IPV6_HEADER;
    while (at < reader.upperOffset()) {
      int next = Wire.octet(octets, field);
      if (next == IpProtocol.FRAGMENT) {
        fragmentHeaderField = field;
        return at;
      }
      field = at;
      at += FlowReader.extensionLength(octets, at);
    }
    return -1;
  }

  /**
   * ESP and AH in transport mode apply to whole packets only (RFC 4303 section 3.3.4), so the
   * fragments that our own stack made are joined first. The result may be fragmented again.
   */
  private @Nullable Discard sendReassembled(PacketBuffer p) {
    core.counters().count(Traffic.FRAGMENTS_JOINED);
    int header = findFragmentHeader(p);
    var key =
        new Reassembler.Key(
            flow.source(),
            flow.destination(),
            Wire.getInt(p.array(), header + Wire.FRAGMENT_IDENTIFICATION),
            0);
    Discard reason = reassembler.take(core.now(), key, p, header, fragmentHeaderField, whole);
    if (reason != null || whole.length() == 0) {
      return reason;
    }
    // Ports may be seen only now, and with them another policy may apply.
    reason = reader.read(whole, flow);
    if (reason != null) {
      return reason;
    }
    OutboundPath wholePath = cachedPath();
    if (wholePath.refusal != null) {
      return wholePath.refusal;
    }
    if (!wholePath.knowsMtu(core.mtuGeneration())) {
      core.setMtu(wholePath);
    }
    return transmit(whole, wholePath);
  }

  private @Nullable Discard transmit(PacketBuffer p, OutboundPath path) {
    for (OutboundPath.Step step : path.steps) {
      LiveAssociation live = step.live();
      if (live != null && (live.isExpired() || live.isExhausted())) {
        core.expire(live);
        return Discard.OUT_STATE_EXPIRED;
      }
      int length = p.length();
      Discard reason = step.transform().apply(p);
      if (reason != null) {
        return reason;
      }
      if (live != null) {
        core.count(live, length);
      }
      LiveRoute route = step.route();
      if (route != null) {
        route.count();
      }
    }
    if (p.length() > path.mtu()) {
      return fragmenter.transmit(p, path.mtu());
    }
    core.counters().count(Traffic.TRANSMITTED_PACKETS);
    core.counters().count(Traffic.TRANSMITTED_BYTES, p.length());
    core.sink().transmit(p);
    return null;
  }

  /** Tells the inner sender what size would fit (RFC 2473 section 7.1). */
  private void tooBig(PacketBuffer p, OutboundPath path) {
    PacketBuffer error =
        core.errorsToSenders()
            .about(
                p,
                IcmpErrors.PACKET_TOO_BIG,
                0,
                Math.max(path.maxInner(), EngineSettings.MINIMUM_LINK_MTU));
    if (error != null) {
      core.deliver(error);
    }
  }
}

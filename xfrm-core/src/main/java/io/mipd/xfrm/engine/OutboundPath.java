package io.mipd.xfrm.engine;

import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.transform.Discard;
import io.mipd.xfrm.transform.OutboundTransform;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The bundle found for a flow, resolved to what is to be done to its packets: the stacked
 * destinations of a flow. Kept as long as the databases' generation stands.
 */
final class OutboundPath {
  /**
   * One transform.
   *
   * @param live the association whose limits it counts against
   * @param route the state that says so, of a Home Address option or type 2 routing header
   */
  record Step(
      OutboundTransform transform, @Nullable LiveAssociation live, @Nullable LiveRoute route) {
    Step(OutboundTransform transform, @Nullable LiveAssociation live) {
      this(transform, live, null);
    }
  }

  final long generation;

  /** Why no packet of the flow may leave; null if they may. */
  final @Nullable Discard refusal;

  /** What is missing for the flow to leave. */
  final XfrmNotice.@Nullable Acquire missing;

  final Step[] steps;

  /** Whether ESP or AH is put into the packet itself rather than around it. */
  final boolean startsInTransportMode;

  /** Whether a tunnel is the first that is put around the packet. */
  final boolean startsWithTunnel;

  /** The addresses on the wire. */
  final Ipv6Address outerSource;

  final Ipv6Address outerDestination;

  /**
   * Whether the databases' generation alone decides how long it stands. What was decided by a role
   * of an address, or by a file that could not be written, is decided anew for each packet.
   */
  final boolean cacheable;

  private @Nullable Instant acquiredAt;
  private long mtuGeneration = -1;
  private int mtu;
  private int maxInner;

  private OutboundPath(
      long generation,
      @Nullable Discard refusal,
      XfrmNotice.@Nullable Acquire missing,
      List<Step> steps,
      boolean startsInTransportMode,
      boolean startsWithTunnel,
      boolean cacheable,
      Ipv6Address outerSource,
      Ipv6Address outerDestination) {
    this.cacheable = cacheable;
    this.startsWithTunnel = startsWithTunnel;
    this.generation = generation;
    this.refusal = refusal;
    this.missing = missing;
    this.steps = steps.toArray(new Step[0]);
    this.startsInTransportMode = startsInTransportMode;
    this.outerSource = outerSource;
    this.outerDestination = outerDestination;
  }

  static OutboundPath refused(
      long generation, Discard reason, XfrmNotice.@Nullable Acquire missing) {
    return new OutboundPath(
        generation,
        reason,
        missing,
        List.of(),
        false,
        false,
        reason != Discard.OUT_NO_POLICY && reason != Discard.OUT_STATE_SEQ_ERROR,
        Ipv6Address.UNSPECIFIED,
        Ipv6Address.UNSPECIFIED);
  }

  /** Without a policy, as the packet is. */
  static OutboundPath unprotected(long generation, Ipv6Address source, Ipv6Address destination) {
    return new OutboundPath(
        generation,
        null,
        null,
        List.of(),
        false,
        false,
        /* cacheable= */ false,
        source,
        destination);
  }

  static OutboundPath through(
      long generation,
      List<Step> steps,
      boolean startsInTransportMode,
      boolean startsWithTunnel,
      Ipv6Address outerSource,
      Ipv6Address outerDestination) {
    return new OutboundPath(
        generation,
        null,
        null,
        steps,
        startsInTransportMode,
        startsWithTunnel,
        /* cacheable= */ true,
        outerSource,
        outerDestination);
  }

  /** Whether the missing association is to be asked for now: not for every packet. */
  boolean mayAcquire(Instant now) {
    Instant last = acquiredAt;
    if (last != null && now.isBefore(last.plusSeconds(1))) {
      return false;
    }
    acquiredAt = now;
    return true;
  }

  boolean knowsMtu(long currentGeneration) {
    return mtuGeneration == currentGeneration;
  }

  /** The path carries outer packets of {@code pathMtu} octets. */
  void setMtu(int pathMtu, long currentGeneration) {
    mtuGeneration = currentGeneration;
    mtu = pathMtu;
    int inner = pathMtu;
    for (int i = steps.length - 1; i >= 0; i--) {
      inner = largestThatFits(steps[i].transform(), inner);
    }
    maxInner = inner;
  }

  private static int largestThatFits(OutboundTransform transform, int room) {
    int length = Math.max(0, room - transform.overhead(room));
    while (length < room && length + 1 + transform.overhead(length + 1) <= room) {
      length++;
    }
    while (length > 0 && length + transform.overhead(length) > room) {
      length--;
    }
    return length;
  }

  /** Octets of the largest outer packet. */
  int mtu() {
    return mtu;
  }

  /** Octets of the largest packet that is no larger than the path when it leaves. */
  int maxInner() {
    return maxInner;
  }
}

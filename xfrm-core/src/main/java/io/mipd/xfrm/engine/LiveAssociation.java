package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.AssociationLifetime;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.transform.AntiReplay;
import io.mipd.xfrm.transform.InboundTransform;
import io.mipd.xfrm.transform.OutboundTransform;
import io.mipd.xfrm.transform.SequenceSource;
import io.mipd.xfrm.transform.SequenceStore;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** A security association at work: what it has carried, and how near its end it is. */
final class LiveAssociation {
  private SecurityAssociation association;
  private final long order;
  private @Nullable Instant added;
  private @Nullable AssociationId formerId;
  private @Nullable Ipv6Address formerSource;
  private long packets;
  private long bytes;
  private boolean softExpired;
  private boolean expired;
  private final SequenceStore sequences;
  private @Nullable SequenceSource numbers;
  private @Nullable AntiReplay replay;
  private @Nullable OutboundTransform outbound;
  private @Nullable OutboundTransform outboundWithoutTunnel;
  private @Nullable InboundTransform inbound;

  /**
   * @param order differs from that of every other
   * @param added null as long as the engine has not been told the time
   */
  LiveAssociation(
      SecurityAssociation association,
      SequenceStore sequences,
      long order,
      @Nullable Instant added) {
    this.association = association;
    this.sequences = sequences;
    this.order = order;
    this.added = added;
  }

  SecurityAssociation association() {
    return association;
  }

  /** What it was called before it moved, while packets to there are still taken. */
  @Nullable AssociationId formerId() {
    return formerId;
  }

  void setFormerId(@Nullable AssociationId id) {
    formerId = id;
  }

  /**
   * The tunnel's source as policy knows it, for a packet that came from {@code actual}: what the
   * peer sent before it moved is still under way. ESP and AH vouch for it (RFC 6275 section 10.4.5
   * asks for no check of the source where ESP protects the tunnel).
   */
  Ipv6Address agreedSource(Ipv6Address actual) {
    return actual.equals(formerSource) ? association.source() : actual;
  }

  void setFormerSource(Ipv6Address source) {
    formerSource = source;
  }

  /** Only while it stands in no table: its end points are keys there. */
  void moveTo(SecurityAssociation moved) {
    association = moved;
    outbound = null;
    outboundWithoutTunnel = null;
    inbound = null;
  }

  /**
   * The transform for packets that leave; the same one until the association moves. Null while its
   * sequence numbers cannot be had.
   */
  @Nullable OutboundTransform outbound(TransformFactory transforms) {
    OutboundTransform made = outbound;
    SequenceSource source = numbers();
    if (made == null && source != null) {
      made = transforms.outbound(association, source);
      outbound = made;
    }
    return made;
  }

  /** The same for packets that bear the tunnel's IPv6 header already. */
  @Nullable OutboundTransform outboundWithoutTunnel(TransformFactory transforms) {
    OutboundTransform made = outboundWithoutTunnel;
    SequenceSource source = numbers();
    if (made == null && source != null) {
      made = transforms.outbound(association.inMode(Mode.TRANSPORT), source);
      outboundWithoutTunnel = made;
    }
    return made;
  }

  private @Nullable SequenceSource numbers() {
    if (numbers == null) {
      try {
        numbers = sequences.outbound(association);
      } catch (UncheckedIOException e) {
        return null;
      }
    }
    return numbers;
  }

  /**
   * The transform for packets that arrive; the same one until the association moves. Null while its
   * anti-replay window cannot be had.
   */
  @Nullable InboundTransform inbound(TransformFactory transforms) {
    InboundTransform made = inbound;
    AntiReplay window = made == null ? window() : null;
    if (window != null) {
      made = transforms.inbound(association, window);
      inbound = made;
    }
    return made;
  }

  private @Nullable AntiReplay window() {
    if (replay == null) {
      try {
        replay = sequences.inbound(association);
      } catch (UncheckedIOException e) {
        return null;
      }
    }
    return replay;
  }

  long order() {
    return order;
  }

  /** Its age counts from the first time that the engine is told. */
  void startAt(Instant now) {
    if (added == null) {
      added = now;
    }
  }

  long packets() {
    return packets;
  }

  long bytes() {
    return bytes;
  }

  /**
   * Whether the association has carried all that it may; asked before a packet, so that no packet
   * passes beyond the limit (RFC 4301 section 4.4.2.1).
   */
  boolean isExhausted() {
    AssociationLifetime lifetime = association.lifetime();
    return packets >= lifetime.hardPackets() || bytes >= lifetime.hardBytes();
  }

  /** Whether a hard limit has ended it; it is kept to refuse packets until its owner deletes it. */
  boolean isExpired() {
    return expired;
  }

  void expire() {
    expired = true;
  }

  void count(int octets) {
    packets++;
    bytes += octets;
  }

  /** Whether the soft limit has been passed; true once in the life of the association. */
  boolean passesSoftLimit() {
    AssociationLifetime lifetime = association.lifetime();
    if (softExpired || (packets < lifetime.softPackets() && bytes < lifetime.softBytes())) {
      return false;
    }
    softExpired = true;
    return true;
  }

  /** The same for its age. */
  boolean passesSoftAge(Instant now) {
    if (softExpired || !isOlderThan(association.lifetime().softTime(), now)) {
      return false;
    }
    softExpired = true;
    return true;
  }

  boolean passesHardAge(Instant now) {
    return isOlderThan(association.lifetime().hardTime(), now);
  }

  /** When {@link #passesSoftAge} or {@link #passesHardAge} changes next; null for never. */
  @Nullable Instant nextDeadline() {
    AssociationLifetime lifetime = association.lifetime();
    if (added == null || expired) {
      return null;
    }
    if (!softExpired && !lifetime.softTime().isZero()) {
      return added.plus(lifetime.softTime());
    }
    return lifetime.hardTime().isZero() ? null : added.plus(lifetime.hardTime());
  }

  /** Where its soft age would have been reached; null if it has none. */
  @Nullable Instant softDeadline() {
    Duration limit = association.lifetime().softTime();
    return added == null || limit.isZero() ? null : added.plus(limit);
  }

  private boolean isOlderThan(Duration limit, Instant now) {
    return added != null && !limit.isZero() && !now.isBefore(added.plus(limit));
  }

  AssociationStatus status() {
    return new AssociationStatus(
        association.id(),
        association.source(),
        association.mode(),
        association.reqId(),
        association.encryption().kernelName(),
        association.integrity().kernelName(),
        packets,
        bytes,
        expired);
  }
}

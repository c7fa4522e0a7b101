package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.AssociationLifetime;
import io.mipd.xfrm.model.SecurityAssociation;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** A security association at work: what it has carried, and how near its end it is. */
final class LiveAssociation {
  private SecurityAssociation association;
  private final long order;
  private @Nullable Instant added;
  private long packets;
  private long bytes;
  private boolean softExpired;
  private boolean expired;
  private boolean closed;

  /**
   * @param order differs from that of every other
   * @param added null as long as the engine has not been told the time
   */
  LiveAssociation(SecurityAssociation association, long order, @Nullable Instant added) {
    this.association = association;
    this.order = order;
    this.added = added;
  }

  SecurityAssociation association() {
    return association;
  }

  /** Only while it stands in no table: its end points are keys there. */
  void moveTo(SecurityAssociation moved) {
    association = moved;
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

  boolean isClosed() {
    return closed;
  }

  /** It has been deleted. */
  void close() {
    closed = true;
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

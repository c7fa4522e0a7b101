package io.mipd.xfrm.transform;

import io.mipd.xfrm.model.SecurityAssociation;

/**
 * Sequence numbers that begin at 1 with each association: for keys that are negotiated, and so
 * never used again after a restart (RFC 4303 section 3.3.3).
 */
public final class MemorySequenceStore implements SequenceStore {
  @Override
  public SequenceSource outbound(SecurityAssociation association) {
    return new Counter(SequenceLimits.last(association));
  }

  @Override
  public AntiReplay inbound(SecurityAssociation association) {
    return new ReplayWindow(association.replayWindow(), association.extendedSequenceNumbers(), 0);
  }

  private static final class Counter implements SequenceSource {
    private final long last;
    private long number;

    Counter(long last) {
      this.last = last;
    }

    @Override
    public long next() {
      return number == last ? EXHAUSTED : ++number;
    }
  }
}

package io.mipd.xfrm.transform;

/** Sequence numbers of one sending association (RFC 4303 section 3.3.3); none is given twice. */
public interface SequenceSource {
  /** What {@link #next} gives when there is no number left, or none could be reserved. */
  long EXHAUSTED = -1;

  /** The next number, from 1, 64 bits wide with extended sequence numbers, 32 without. */
  long next();
}

package io.mipd.xfrm.transform;

/** The anti-replay service of one receiving association (RFC 4303 section 3.4.3). */
public interface AntiReplay {
  /** What {@link #reconstruct} gives for a replayed number or one left of the window. */
  long REFUSED = -1;

  /**
   * The whole sequence number of a packet whose header carries these low-order 32 bits (RFC 4303
   * appendix A2.2), or {@link #REFUSED}. Changes nothing.
   */
  long reconstruct(int lowOrder);

  /** Notes a number whose integrity has been verified. */
  void accept(long sequenceNumber);
}

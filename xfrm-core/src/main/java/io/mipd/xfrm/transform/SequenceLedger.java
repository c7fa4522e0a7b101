package io.mipd.xfrm.transform;

import java.io.IOException;

/**
 * The durable side of an association whose packets somebody else numbers: the kernel. What is
 * reserved is on the disk before it is used, as with {@link SequenceStore#outbound}, and each can
 * go on where the other stopped.
 */
public interface SequenceLedger {
  /** The last number that may have been sent; 0 for none. What is sent next is behind it. */
  long reserved();

  /**
   * From now on numbers up to {@code last} may be sent; less than is reserved changes nothing.
   *
   * @throws IOException if that cannot be made to last, and no further number may be sent
   */
  void reserve(long last) throws IOException;

  /**
   * Gives back what was reserved and not used: {@code last} was the last that was sent, and nothing
   * is sent any more.
   */
  void settle(long last) throws IOException;

  /** The highest number that was taken; all up to it are refused. 0 for none, or no anti-replay. */
  long taken();

  /** Numbers up to {@code highest} have been taken. */
  void take(long highest);
}

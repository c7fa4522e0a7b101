package io.mipd.xfrm.transform;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.Arrays;

/**
 * The window of numbers that are still taken, and which of them have come (RFC 4303 appendix A2): a
 * ring of bits, one for a number, of which the highest verified number is the right edge.
 */
public class ReplayWindow implements AntiReplay {
  private static final long LOW = 0xffff_ffffL;

  private final int size;
  private final boolean extended;
  private final long[] seen;
  private final int mask;
  private long edge;

  /**
   * A window that refuses {@code edge} and all before it.
   *
   * @param size packets; 0 takes every number, as often as it comes
   * @param extended whether numbers have 64 bits (appendix A)
   * @param edge the highest number taken before; 0 for none
   */
  public ReplayWindow(int size, boolean extended, long edge) {
    checkArgument(size >= 0, "negative: %s", size);
    checkArgument(edge >= 0, "negative: %s", edge);
    this.size = size;
    this.extended = extended;
    this.edge = edge;
    int bits = Math.max(64, Integer.highestOneBit(Math.max(1, size - 1)) << 1);
    seen = new long[bits / 64];
    mask = bits - 1;
    if (edge > 0) {
      Arrays.fill(seen, -1L);
    }
  }

  @Override
  public long reconstruct(int lowOrder) {
    long low = lowOrder & LOW;
    if (size == 0) {
      return low;
    }
    long number = extended ? extend(low) : low;
    boolean old = number <= 0 || number <= edge - size || (number <= edge && isSeen(number));
    return old ? REFUSED : number;
  }

  /** Appendix A2.2: which half-space the low-order bits belong to, seen from the window. */
  private long extend(long low) {
    long edgeLow = edge & LOW;
    long high = edge >>> 32;
    long bottom = (edgeLow - size + 1) & LOW;
    if (edgeLow >= size - 1) {
      return (low >= bottom ? high : high + 1) << 32 | low;
    }
    return low >= bottom ? (high - 1) << 32 | low : high << 32 | low;
  }

  @Override
  public void accept(long number) {
    if (size == 0) {
      return;
    }
    if (number > edge) {
      if (number - edge > mask) {
        Arrays.fill(seen, 0);
      } else {
        for (long skipped = edge + 1; skipped < number; skipped++) {
          seen[word(skipped)] &= ~bit(skipped);
        }
      }
      edge = number;
      edgeMoved(number);
    }
    seen[word(number)] |= bit(number);
  }

  /** The right edge has a new place. */
  protected void edgeMoved(long newEdge) {}

  private boolean isSeen(long number) {
    return (seen[word(number)] & bit(number)) != 0;
  }

  private int word(long number) {
    return ((int) number & mask) >>> 6;
  }

  private static long bit(long number) {
    return 1L << number;
  }
}

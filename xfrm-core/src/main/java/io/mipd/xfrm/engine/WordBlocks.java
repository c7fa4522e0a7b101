package io.mipd.xfrm.engine;

import java.util.Arrays;

/**
 * Blocks of 64-bit words, all in one array: so what belongs together is together, and is found by
 * its place, without an object for each.
 *
 * <p>A block that was given back is taken again for one of its size; nothing is joined or split, so
 * there is room for as many blocks of each size as there were at most at a time.
 */
final class WordBlocks {
  private long[] words = {};

  /** The first word is in no block, so that none is at 0. */
  private int end = 1;

  /** By size: a block that was given back, whose first word tells the next, or 0. */
  private int[] free = {};

  /** All of them, until the next {@link #allocate}; none before the first. */
  long[] words() {
    return words;
  }

  /** Returns where there are so many words, in which anything may stand. */
  int allocate(int size) {
    if (size < free.length && free[size] != 0) {
      int block = free[size];
      free[size] = (int) words[block];
      return block;
    }
    int block = end;
    end += size;
    if (end > words.length) {
      words = Arrays.copyOf(words, Math.max(end, words.length + words.length / 2));
    }
    return block;
  }

  void free(int block, int size) {
    if (size >= free.length) {
      free = Arrays.copyOf(free, size + 1);
    }
    words[block] = free[size];
    free[size] = block;
  }
}

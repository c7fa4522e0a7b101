package io.mipd.xfrm.engine;

import java.util.Arrays;

/**
 * Priorities of policies, each as often as it was added, the most urgent at hand. They are unsigned
 * as the kernel's, and the lowest is the most urgent.
 *
 * <p>The others stand in order in pieces of a kilobyte at most, so that a change is two binary
 * searches and one short move, and a single priority needs no piece. Now and then a piece is split,
 * ends or is joined with the next: then the list of pieces is copied, which has one for each 32 to
 * 128 priorities that differ.
 */
final class Priorities {
  /** Entries of the longest piece. */
  private static final int MOST = 128;

  /** What stands behind the entries of a piece. */
  private static final long FREE = Long.MAX_VALUE;

  private static final long[][] NO_PIECES = {};

  private int mostUrgent;

  /** How often {@code mostUrgent} is there; 0 if nothing is. */
  private int count;

  /** Of the less urgent: the priority in the high half of an entry, how often in the low one. */
  private long[][] pieces = NO_PIECES;

  boolean isEmpty() {
    return count == 0;
  }

  /** How many less urgent ones, each once, there is room for. */
  int room() {
    return Arrays.stream(pieces).mapToInt(piece -> piece.length).sum();
  }

  /** Whether there is one, once. */
  boolean isSingle() {
    return count == 1 && pieces.length == 0;
  }

  /** Means nothing if {@link #isEmpty}. */
  int mostUrgent() {
    return mostUrgent;
  }

  void add(int priority) {
    if (count == 0) {
      mostUrgent = priority;
      count = 1;
    } else if (priority == mostUrgent) {
      count++;
    } else if (Integer.compareUnsigned(priority, mostUrgent) < 0) {
      change(mostUrgent, count);
      mostUrgent = priority;
      count = 1;
    } else {
      change(priority, 1);
    }
  }

  /** It must be there. */
  void remove(int priority) {
    if (priority != mostUrgent) {
      change(priority, -1);
    } else if (--count == 0 && pieces.length > 0) {
      long next = pieces[0][0];
      mostUrgent = (int) (next >> 32) ^ Integer.MIN_VALUE;
      count = (int) next;
      drop(0, 0);
    }
  }

  /**
   * A signed number in the order of priorities, whose low half is 0: with anything there it comes
   * after those of more urgent ones and before those of less urgent ones.
   */
  static long key(int priority) {
    return (long) (priority ^ Integer.MIN_VALUE) << 32;
  }

  private static boolean isOf(long key, long entry) {
    return entry >> 32 == key >> 32 && entry != FREE;
  }

  private void change(int priority, int difference) {
    long key = key(priority);
    int at = pieceFor(key);
    long[] piece = pieces[at];
    // An entry counts one at least, so the key alone is never found.
    int place = ~Arrays.binarySearch(piece, key);
    if (place == piece.length || !isOf(key, piece[place])) {
      insert(at, place, key + difference);
    } else {
      piece[place] += difference;
      if ((int) piece[place] == 0) {
        drop(at, place);
      }
    }
  }

  /** The last piece that does not begin after all entries of the key's priority, or the first. */
  private int pieceFor(long key) {
    if (pieces.length == 0) {
      pieces = new long[][] {{FREE}};
    }
    int low = 0;
    int high = pieces.length - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (pieces[middle][0] >> 32 <= key >> 32) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  private void insert(int at, int place, long entry) {
    long[] piece = pieces[at];
    if (piece[piece.length - 1] == FREE) {
      System.arraycopy(piece, place, piece, place + 1, piece.length - place - 1);
      piece[place] = entry;
    } else if (piece.length < MOST) {
      pieces[at] = withRoom(piece, 0, piece.length, 2 * piece.length);
      insert(at, place, entry);
    } else {
      int half = MOST / 2;
      pieces = SmallArrays.with(pieces, at + 1, withRoom(piece, half, MOST, MOST));
      pieces[at] = withRoom(piece, 0, half, MOST);
      insert(place <= half ? at : at + 1, place <= half ? place : place - half, entry);
    }
  }

  private static long[] withRoom(long[] piece, int from, int to, int length) {
    long[] copy = Arrays.copyOf(Arrays.copyOfRange(piece, from, to), length);
    Arrays.fill(copy, to - from, length, FREE);
    return copy;
  }

  private void drop(int at, int place) {
    long[] piece = pieces[at];
    System.arraycopy(piece, place + 1, piece, place, piece.length - place - 1);
    piece[piece.length - 1] = FREE;
    if (piece[0] == FREE) {
      pieces = pieces.length == 1 ? NO_PIECES : SmallArrays.without(pieces, at);
    } else if (pieces.length > 1 && piece[MOST / 2 - 1] == FREE) {
      joinIfFew(at);
      joinIfFew(at - 1);
    }
  }

  private static int entriesOf(long[] piece) {
    // Before all that is free, after all that is not: no priority is there as often.
    return ~Arrays.binarySearch(piece, FREE - 1);
  }

  /**
   * Joins a piece and the next that have at most half a piece's entries together: so there are few
   * pieces where few are left of many. While there are several each is of the full length.
   */
  private void joinIfFew(int at) {
    if (at < 0 || at + 1 == pieces.length) {
      return;
    }
    int count = entriesOf(pieces[at]);
    int most = MOST / 2 - count;
    if (most > 0 && pieces[at + 1][most] == FREE) {
      System.arraycopy(pieces[at + 1], 0, pieces[at], count, most);
      pieces = SmallArrays.without(pieces, at + 1);
    }
  }
}

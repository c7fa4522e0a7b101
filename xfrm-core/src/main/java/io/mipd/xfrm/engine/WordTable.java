package io.mipd.xfrm.engine;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A hash table whose keys are six 64-bit words, kept in one array: looking up allocates nothing and
 * touches one or two cache lines. Open addressing with linear probing; deleting moves followers
 * back, so it never fills with tombstones.
 *
 * <p>The hash is keyed by a seed, so that a sender cannot choose addresses and ports that collide.
 */
final class WordTable<V> {
  private static final int WORDS = 6;
  private static final int SMALLEST = 16;

  private final long seed;
  private long[] keys = new long[SMALLEST * WORDS];
  private @Nullable Object[] values = new Object[SMALLEST];
  private int mask = SMALLEST - 1;
  private int size;

  WordTable(long seed) {
    this.seed = seed;
  }

  int size() {
    return size;
  }

  void clear() {
    if (size == 0) {
      return;
    }
    Arrays.fill(values, null);
    size = 0;
  }

  @Nullable V get(long a, long b, long c, long d, long e, long f) {
    return at(find(a, b, c, d, e, f));
  }

  /** Returns what was there before. */
  @Nullable V put(long a, long b, long c, long d, long e, long f, V value) {
    if ((size + 1) * 2 > values.length) {
      grow();
    }
    int slot = find(a, b, c, d, e, f);
    V old = at(slot);
    if (old == null) {
      int at = slot * WORDS;
      keys[at] = a;
      keys[at + 1] = b;
      keys[at + 2] = c;
      keys[at + 3] = d;
      keys[at + 4] = e;
      keys[at + 5] = f;
      size++;
    }
    values[slot] = value;
    return old;
  }

  /** Returns what was there. */
  @Nullable V remove(long a, long b, long c, long d, long e, long f) {
    int slot = find(a, b, c, d, e, f);
    V old = at(slot);
    if (old == null) {
      return null;
    }
    size--;
    int hole = slot;
    int next = slot;
    while (true) {
      next = (next + 1) & mask;
      if (values[next] == null) {
        break;
      }
      int at = next * WORDS;
      int home =
          slotOf(keys[at], keys[at + 1], keys[at + 2], keys[at + 3], keys[at + 4], keys[at + 5]);
      // Only what does not become unreachable may fill the hole.
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        System.arraycopy(keys, at, keys, hole * WORDS, WORDS);
        values[hole] = values[next];
        hole = next;
      }
    }
    values[hole] = null;
    return old;
  }

  @SuppressWarnings("unchecked")
  private @Nullable V at(int slot) {
    return (V) values[slot];
  }

  private int find(long a, long b, long c, long d, long e, long f) {
    int slot = slotOf(a, b, c, d, e, f);
    while (values[slot] != null) {
      int at = slot * WORDS;
      if (keys[at] == a
          && keys[at + 1] == b
          && keys[at + 2] == c
          && keys[at + 3] == d
          && keys[at + 4] == e
          && keys[at + 5] == f) {
        return slot;
      }
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private int slotOf(long a, long b, long c, long d, long e, long f) {
    long hash = mix(seed ^ a);
    hash = mix(hash ^ b);
    hash = mix(hash ^ c);
    hash = mix(hash ^ d);
    hash = mix(hash ^ e);
    hash = mix(hash ^ f);
    return (int) (hash >>> 32) & mask;
  }

  /** The 128-bit product of a word and a constant, folded. */
  private static long mix(long word) {
    long high = Math.multiplyHigh(word, 0x9e37_79b9_7f4a_7c15L);
    return high ^ (word * 0x9e37_79b9_7f4a_7c15L) ^ (word >>> 29);
  }

  private void grow() {
    long[] oldKeys = keys;
    Object[] oldValues = values;
    int slots = oldValues.length * 2;
    keys = new long[slots * WORDS];
    values = new Object[slots];
    mask = slots - 1;
    for (int i = 0; i < oldValues.length; i++) {
      if (oldValues[i] != null) {
        int at = i * WORDS;
        int slot =
            find(
                oldKeys[at],
                oldKeys[at + 1],
                oldKeys[at + 2],
                oldKeys[at + 3],
                oldKeys[at + 4],
                oldKeys[at + 5]);
        System.arraycopy(oldKeys, at, keys, slot * WORDS, WORDS);
        values[slot] = oldValues[i];
      }
    }
  }
}

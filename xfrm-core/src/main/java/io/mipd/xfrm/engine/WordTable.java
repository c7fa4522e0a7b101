package io.mipd.xfrm.engine;

import static com.google.common.base.Preconditions.checkNotNull;

import com.google.common.collect.ImmutableList;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A hash table whose keys are six 64-bit words: looking up allocates nothing, and reads one key
 * mostly, however many there are.
 *
 * <p>Slots are in groups of eight, and each slot has a tag, an octet of its key's hash. The tags of
 * a group are one word, compared at once, so that other keys of the group are told apart without
 * reading them. All tags of 100,000 keys are 128 KiB, which a second-level cache holds; the keys
 * are fifty times that. A key is in the first group from its own on that had room. Removing one
 * moves what had to go further back into its place, so the table never fills with tombstones.
 *
 * <pre>
 *   tags    |a3 . 91 c0 . . . .|  eight octets, 0 where the slot is free
 *   words   |six of a key|six of a key|six of a key|...
 *   beside  |more|more|more|...
 *   values  |...
 * </pre>
 *
 * <p>The hash is keyed by a seed, so that a sender cannot choose addresses and ports that collide.
 */
final class WordTable<V> {
  /** Of a key. */
  static final int WORDS = 6;

  /** No slot. */
  static final int NONE = -1;

  private static final int GROUP_SHIFT = 3;
  private static final int GROUP = 1 << GROUP_SHIFT;

  /** Of a table that has never had anything: one group, never written. */
  private static final byte[] NO_TAGS = new byte[GROUP];

  private static final long[] NO_WORDS = {};

  private static final VarHandle TAGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private static final long ONES = 0x0101_0101_0101_0101L;
  private static final long HIGH_BITS = 0x8080_8080_8080_8080L;

  private final long seed;
  private final int more;
  private byte[] tags = NO_TAGS;
  private long[] words = NO_WORDS;

  /** The words beside the keys. */
  private long[] beside = NO_WORDS;

  private final IntFunction<@Nullable V[]> newArray;
  private @Nullable V[] values;
  private int groupMask;
  private int size;

  /**
   * @param newArray of values
   */
  WordTable(long seed, IntFunction<@Nullable V[]> newArray) {
    this(seed, 0, newArray);
  }

  /**
   * @param more words that each slot has beside its key
   */
  WordTable(long seed, int more, IntFunction<@Nullable V[]> newArray) {
    this.seed = seed;
    this.newArray = newArray;
    this.more = more;
    values = newArray.apply(0);
  }

  int size() {
    return size;
  }

  /** In no order. */
  ImmutableList<V> values() {
    return slots().mapToObj(this::value).collect(ImmutableList.toImmutableList());
  }

  /** Where there is something, until the next change. */
  IntStream slots() {
    return IntStream.range(0, tags.length).filter(slot -> tags[slot] != 0);
  }

  void clear() {
    if (size == 0) {
      return;
    }
    Arrays.fill(tags, (byte) 0);
    Arrays.fill(values, null);
    size = 0;
  }

  @Nullable V get(long a, long b, long c, long d, long e, long f) {
    int slot = find(a, b, c, d, e, f);
    return slot == NONE ? null : value(slot);
  }

  /** Returns what was there before. */
  @Nullable V put(long a, long b, long c, long d, long e, long f, V value) {
    int slot = find(a, b, c, d, e, f);
    if (slot != NONE) {
      V old = value(slot);
      values[slot] = value;
      return old;
    }
    // An eighth stays free, so that groups with room are near.
    if (tags == NO_TAGS) {
      resize(GROUP);
    } else if ((size + 1) * 8L > tags.length * 7L) {
      resize(tags.length * 2);
    }
    long hash = hash(a, b, c, d, e, f);
    slot = freeFrom(groupOf(hash));
    makeRoom(slot);
    int at = slot * WORDS;
    words[at] = a;
    words[at + 1] = b;
    words[at + 2] = c;
    words[at + 3] = d;
    words[at + 4] = e;
    words[at + 5] = f;
    tags[slot] = tagOf(hash);
    values[slot] = value;
    size++;
    return null;
  }

  /** Returns what was there. */
  @Nullable V remove(long a, long b, long c, long d, long e, long f) {
    int slot = find(a, b, c, d, e, f);
    if (slot == NONE) {
      return null;
    }
    V old = value(slot);
    size--;
    for (int next = toFill(slot); next != NONE; next = toFill(slot)) {
      tags[slot] = tags[next];
      System.arraycopy(words, next * WORDS, words, slot * WORDS, WORDS);
      System.arraycopy(beside, next * more, beside, slot * more, more);
      values[slot] = values[next];
      slot = next;
    }
    tags[slot] = 0;
    values[slot] = null;
    return old;
  }

  /** Where the key is, until the next change; {@link #NONE} if it is not there. */
  int find(long a, long b, long c, long d, long e, long f) {
    long hash = hash(a, b, c, d, e, f);
    long tag = (tagOf(hash) & 0xffL) * ONES;
    int group = groupOf(hash);
    while (true) {
      long ofGroup = tagsOf(group);
      for (long same = zeroes(ofGroup ^ tag); same != 0; same &= same - 1) {
        int slot = slotOf(group, same);
        int at = slot * WORDS;
        if (words[at] == a
            && words[at + 1] == b
            && words[at + 2] == c
            && words[at + 3] == d
            && words[at + 4] == e
            && words[at + 5] == f) {
          return slot;
        }
      }
      if (hasFree(ofGroup)) {
        return NONE;
      }
      group = (group + 1) & groupMask;
    }
  }

  V value(int slot) {
    return checkNotNull(values[slot]);
  }

  /**
   * By slot, until the next change. To read one from here does not touch it, as {@link #value}
   * does: the type of the array tells that of its elements, so no cast has to look at the object.
   */
  @Nullable V[] array() {
    return values;
  }

  /** One of the words beside the key, from 0. */
  long word(int slot, int index) {
    return beside[slot * more + index];
  }

  void setWord(int slot, int index, long word) {
    beside[slot * more + index] = word;
  }

  private int freeFrom(int group) {
    while (!hasFree(tagsOf(group))) {
      group = (group + 1) & groupMask;
    }
    return slotOf(group, ~tagsOf(group) & HIGH_BITS);
  }

  /**
   * Who is to come back into a slot that becomes free: one that went past its group because that
   * was full.
   */
  private int toFill(int slot) {
    int group = slot >> GROUP_SHIFT;
    int next = group;
    while (!hasFree(tagsOf(next))) {
      next = (next + 1) & groupMask;
      for (long used = tagsOf(next) & HIGH_BITS; used != 0; used &= used - 1) {
        int candidate = slotOf(next, used);
        int home = groupOf(hashAt(words, candidate * WORDS));
        if (((next - home) & groupMask) >= ((next - group) & groupMask)) {
          return candidate;
        }
      }
    }
    return NONE;
  }

  private long tagsOf(int group) {
    return (long) TAGS.get(tags, group << GROUP_SHIFT);
  }

  private static boolean hasFree(long tagsOfGroup) {
    return (tagsOfGroup & HIGH_BITS) != HIGH_BITS;
  }

  /**
   * The high bit of each octet that is zero. One above such an octet may be taken for zero, too:
   * only where the key is read does a tag count.
   */
  private static long zeroes(long word) {
    return (word - ONES) & ~word & HIGH_BITS;
  }

  /** The slot of the lowest octet whose high bit is given. */
  private static int slotOf(int group, long highBits) {
    return (group << GROUP_SHIFT) + (Long.numberOfTrailingZeros(highBits) >> 3);
  }

  private int groupOf(long hash) {
    return (int) (hash >>> 32) & groupMask;
  }

  /** Never 0. */
  private static byte tagOf(long hash) {
    return (byte) (hash >>> 24 | 0x80);
  }

  private long hashAt(long[] from, int at) {
    return hash(from[at], from[at + 1], from[at + 2], from[at + 3], from[at + 4], from[at + 5]);
  }

  private long hash(long a, long b, long c, long d, long e, long f) {
    long hash = mix(seed ^ a);
    hash = mix(hash ^ b);
    hash = mix(hash ^ c);
    hash = mix(hash ^ d);
    hash = mix(hash ^ e);
    return mix(hash ^ f);
  }

  /** The 128-bit product of a word and a constant, folded. */
  private static long mix(long word) {
    long high = Math.multiplyHigh(word, 0x9e37_79b9_7f4a_7c15L);
    return high ^ (word * 0x9e37_79b9_7f4a_7c15L) ^ (word >>> 29);
  }

  /**
   * A group alone is filled from its first slot on, and has room for as many as it needs: 1, 3, 7,
   * and the eighth is never taken.
   */
  private void makeRoom(int slot) {
    if (slot < values.length) {
      return;
    }
    int room = 2 * slot + 1;
    words = Arrays.copyOf(words, room * WORDS);
    beside = Arrays.copyOf(beside, room * more);
    values = Arrays.copyOf(values, room);
  }

  private void resize(int slots) {
    byte[] oldTags = tags;
    long[] oldWords = words;
    long[] oldBeside = beside;
    @Nullable V[] oldValues = values;
    tags = new byte[slots];
    int room = slots == GROUP ? 0 : slots;
    words = new long[room * WORDS];
    beside = new long[room * more];
    values = newArray.apply(room);
    groupMask = (slots >> GROUP_SHIFT) - 1;
    for (int old = 0; old < oldTags.length; old++) {
      if (oldTags[old] != 0) {
        int slot = freeFrom(groupOf(hashAt(oldWords, old * WORDS)));
        tags[slot] = oldTags[old];
        System.arraycopy(oldWords, old * WORDS, words, slot * WORDS, WORDS);
        System.arraycopy(oldBeside, old * more, beside, slot * more, more);
        values[slot] = oldValues[old];
      }
    }
  }
}

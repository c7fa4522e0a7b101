package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.util.Arrays;

/**
 * The prefixes that are one end of policies, and how these use each: found are those that an
 * address lies in.
 *
 * <p>A trie that takes six bits at a time (Eatherton, Varghese, Dittia: Tree Bitmap, 2004) and has
 * no nodes where nothing branches or ends, so that a look-up among 100,000 prefixes is a walk
 * through about five of them. A node at depth n knows the prefixes of the lengths n to n + 5 that
 * begin with its n bits.
 *
 * <pre>
 *   depth 42   2001:db8::/42 and what begins with it
 *              prefixes: 2001:db8::/46
 *              children: 0 ──▶ depth 60   2001:db8:0:10::/60 and what begins with it
 *                              prefixes: 2001:db8:0:11::/64, 2001:db8:0:12::/64
 * </pre>
 *
 * <p>A node is a block of words, so that all a walk reads of it is in one or two cache lines:
 *
 * <pre>
 *   first bits, high|first bits, low|prefixes|branches|uses ...|links to children ...
 * </pre>
 *
 * <p>A link has up to 24 of the bits that a walk skips by following it. Most walks end between
 * prefixes, and those bits tell so from the node that is at hand, not the next one that no cache
 * has.
 */
final class PrefixSet {
  /** Lengths are 0 to 128. */
  static final int LENGTHS = Ipv6Address.BITS + 1;

  private static final int STRIDE = 6;

  /** By six bits of an address: which prefixes of a node contain it, one of each length. */
  private static final long[] CONTAINING = containing();

  private static final int PREFIXES = 2;
  private static final int BRANCHES = 3;
  private static final int HEADER = 4;

  /** The word with the link to the first node, which is at depth 0. */
  private static final int ROOT = 0;

  /** No link, and no word but {@link #ROOT}. */
  private static final int NONE = 0;

  private static final int SKIPPED_BITS = 24;
  private static final long SKIPPED_MASK = -1L << (Long.SIZE - SKIPPED_BITS);
  private static final int BLOCK_SHIFT = 8;
  private static final int DEPTH_MASK = 0xff;

  /** Of a set that has never had a prefix. */
  private static final byte[] NO_NUMBERS = {};

  private static final int NO_NUMBER = 0xff;

  private WordBlocks blocks = new WordBlocks();
  private PrefixUses uses = new PrefixUses();

  /** By length: its number. */
  private byte[] numbers = NO_NUMBERS;

  /** By number: how many prefixes. */
  private int[] counts = {};

  private int lengthsInUse;

  private int found;
  private long foundLengths;

  /** What {@link #find} has found, with room for a prefix of each length in use. */
  private int[] foundNumbers = {};

  private long[] foundUses = {};

  /** With which lengths each of those is used that were kept. */
  private long[] foundOthers = {};

  /**
   * Of the prefixes of a node each has a bit: from the lowest, that of no bits beyond the depth,
   * two of one bit, four of two bits, and so on.
   */
  private static long bitOf(int beyond, int sixBits) {
    return 1L << ((1 << beyond) - 1 + (sixBits >>> (STRIDE - beyond)));
  }

  /** How many bits beyond the depth the prefix has whose bit is the lowest of these. */
  private static int beyondOfLowest(long prefixes) {
    return 31 - Integer.numberOfLeadingZeros(Long.numberOfTrailingZeros(prefixes) + 1);
  }

  private static long[] containing() {
    var table = new long[1 << STRIDE];
    for (int sixBits = 0; sixBits < table.length; sixBits++) {
      for (int beyond = 0; beyond < STRIDE; beyond++) {
        table[sixBits] |= bitOf(beyond, sixBits);
      }
    }
    return table;
  }

  /** The bits of an address from a depth on, and zeroes after its last. */
  private static long bitsFrom(int depth, long high, long low) {
    return depth < 64 ? high << depth | low >>> 1 >>> (63 - depth) : low << (depth - 64);
  }

  private static int firstSix(long bits) {
    return (int) (bits >>> (Long.SIZE - STRIDE));
  }

  private static long bitOf(Ipv6Prefix prefix) {
    int depth = depthOf(prefix.length());
    long bits = bitsFrom(depth, prefix.address().high(), prefix.address().low());
    return bitOf(prefix.length() - depth, firstSix(bits));
  }

  /** Where the prefixes of this length are kept. */
  private static int depthOf(int length) {
    return length - length % STRIDE;
  }

  private static int rank(long bits, long bit) {
    return Long.bitCount(bits & (bit - 1));
  }

  /**
   * A link: bits that are skipped, where the block is, and the depth of the node.
   *
   * @param skipped the bits that follow those by which the link is taken
   */
  private static long link(long skipped, int block, int depth) {
    return (skipped & SKIPPED_MASK) | (long) block << BLOCK_SHIFT | depth;
  }

  private static int blockOf(long link) {
    return (int) (link >>> BLOCK_SHIFT);
  }

  private static int depthOf(long link) {
    return (int) link & DEPTH_MASK;
  }

  /** How many bits the address begins with that are the block's, or 0 after its own. */
  private static int sharedBits(long[] words, int block, long high, long low) {
    return high != words[block]
        ? Long.numberOfLeadingZeros(high ^ words[block])
        : 64 + Long.numberOfLeadingZeros(low ^ words[block + 1]);
  }

  /** Where a node has its first link. */
  private static int links(long[] words, int block) {
    return block + HEADER + Long.bitCount(words[block + PREFIXES]);
  }

  private static int size(long[] words, int block) {
    return links(words, block) - block + Long.bitCount(words[block + BRANCHES]);
  }

  /** Where a node has the link for six bits, or {@link #NONE}. */
  private static int child(long[] words, int block, int sixBits) {
    long branches = words[block + BRANCHES];
    long bit = 1L << sixBits;
    return (branches & bit) == 0 ? NONE : links(words, block) + rank(branches, bit);
  }

  /**
   * Finds in either set the prefixes that an address lies in, at most one of each length: {@link
   * #found} and what takes an index below that tell of them until the next change or look-up, the
   * shortest first. While all prefixes of a set are of one length, as with policies for hosts, it
   * does not look, and says that one, used in any way. Allocates nothing.
   *
   * <p>The two walks take turns, so that they wait for the memory together.
   */
  static void find(
      PrefixSet set, long high, long low, PrefixSet other, long otherHigh, long otherLow) {
    long link = set.begin();
    long otherLink = other.begin();
    while ((link | otherLink) != NONE) {
      if (link != NONE) {
        link = set.step(link, high, low);
      }
      if (otherLink != NONE) {
        otherLink = other.step(otherLink, otherHigh, otherLow);
      }
    }
  }

  private long begin() {
    boolean looks = lengthsInUse > 1;
    found = looks ? 0 : lengthsInUse;
    foundLengths = found == 0 ? 0 : 1L << foundNumbers[0];
    return looks ? blocks.words()[ROOT] : NONE;
  }

  private long step(long link, long high, long low) {
    long[] words = blocks.words();
    int block = blockOf(link);
    int depth = depthOf(link);
    if (sharedBits(words, block, high, low) < depth) {
      return NONE;
    }
    long bits = bitsFrom(depth, high, low);
    long prefixes = words[block + PREFIXES];
    for (long in = prefixes & CONTAINING[firstSix(bits)]; in != 0; in &= in - 1) {
      int number = numbers[depth + beyondOfLowest(in)];
      foundLengths |= 1L << number;
      foundNumbers[found] = number & 0xff;
      foundUses[found] = words[block + HEADER + rank(prefixes, Long.lowestOneBit(in))];
      found++;
    }
    int child = child(words, block, firstSix(bits));
    return child == NONE || isElsewhere(words[child], depth, bits) ? NONE : words[child];
  }

  /** Whether the link says that what it leads to does not begin with these bits. */
  private static boolean isElsewhere(long link, int depth, long bits) {
    int skipped = Math.min(SKIPPED_BITS, depthOf(link) - depth - STRIDE);
    return (bits << STRIDE ^ link) >>> 1 >>> (63 - skipped) != 0;
  }

  /**
   * Of what was found forgets whatever is used with none of these lengths.
   *
   * @param lengths a bit for each number, modulo 64
   */
  void keepThoseWith(long lengths) {
    int kept = 0;
    long keptLengths = 0;
    for (int i = 0; i < found; i++) {
      long others = uses.others(foundUses[i]);
      if ((others & lengths) != 0) {
        keptLengths |= 1L << foundNumbers[i];
        foundNumbers[kept] = foundNumbers[i];
        foundUses[kept] = foundUses[i];
        foundOthers[kept++] = others;
      }
    }
    found = kept;
    foundLengths = keptLengths;
  }

  /** A bit for the number of each length of what was found, modulo 64. */
  long foundLengths() {
    return foundLengths;
  }

  /** How many were found. */
  int found() {
    return found;
  }

  /** The number of the length of what was found. */
  int number(int index) {
    return foundNumbers[index];
  }

  /** A bit for the number of each length at the other end, modulo 64, of what was kept. */
  long others(int index) {
    return foundOthers[index];
  }

  /** No policy with a prefix of that length at the other end is more urgent; it must be there. */
  int mostUrgentWith(int index, int number) {
    return uses.mostUrgentWith(foundUses[index], number);
  }

  /** How many different lengths its prefixes have. */
  int lengthsInUse() {
    return lengthsInUse;
  }

  /**
   * By which a length is known as long as the set is there: one of 0, 1, 2, ... in the order in
   * which they are asked for, so that what is kept for each length needs no more room than for
   * those that have been in use.
   */
  int numberOf(int length) {
    if (numbers == NO_NUMBERS) {
      numbers = new byte[LENGTHS];
      Arrays.fill(numbers, (byte) NO_NUMBER);
    }
    if ((numbers[length] & 0xff) == NO_NUMBER) {
      numbers[length] = (byte) counts.length;
      counts = Arrays.copyOf(counts, counts.length + 1);
    }
    return numbers[length] & 0xff;
  }

  private void count(int length, int change) {
    int number = numberOf(length);
    int before = counts[number];
    counts[number] += change;
    if (before == 0 || counts[number] == 0) {
      lengthsInUse += change;
      if (lengthsInUse > foundNumbers.length) {
        foundNumbers = new int[lengthsInUse];
        foundUses = new long[lengthsInUse];
        foundOthers = new long[lengthsInUse];
      }
      // What find says while there is one length; it writes anew where there are more.
      foundNumbers[0] = firstInUse();
      foundUses[0] = PrefixUses.ANY;
    }
  }

  private int firstInUse() {
    int number = 0;
    while (number < counts.length - 1 && counts[number] == 0) {
      number++;
    }
    return number;
  }

  /**
   * A policy has come that has this prefix.
   *
   * @param otherNumber that of the length of its other prefix, as the other set knows it
   */
  void add(Ipv6Prefix prefix, int otherNumber, int priority) {
    count(prefix.length(), 1);
    int slot = slotFor(prefix);
    long bit = bitOf(prefix);
    int block = blockAt(slot);
    int at = HEADER + rank(word(block + PREFIXES), bit);
    if ((word(block + PREFIXES) & bit) == 0) {
      insert(slot, at, PrefixUses.single(otherNumber, priority));
      blocks.words()[blockAt(slot) + PREFIXES] |= bit;
    } else {
      blocks.words()[block + at] = uses.with(word(block + at), otherNumber, priority);
    }
  }

  /** A policy with this prefix has another priority. It must be there. */
  void change(Ipv6Prefix prefix, int otherNumber, int oldPriority, int priority) {
    int use = useOf(blockAt(slotFor(prefix)), bitOf(prefix));
    blocks.words()[use] = uses.changed(word(use), otherNumber, oldPriority, priority);
  }

  private long word(int at) {
    return blocks.words()[at];
  }

  private int blockAt(int slot) {
    return blockOf(word(slot));
  }

  private int useOf(int block, long bit) {
    return block + HEADER + rank(word(block + PREFIXES), bit);
  }

  /** The word with the link to the node that keeps a prefix, made if there is none. */
  private int slotFor(Ipv6Prefix prefix) {
    if (blocks.words().length == 0) {
      int root = nodeMade(0, 0, 0);
      blocks.words()[ROOT] = link(0, root, 0);
    }
    int depth = depthOf(prefix.length());
    int slot = ROOT;
    while (depthOf(word(slot)) < depth) {
      slot = towards(slot, prefix.address().high(), prefix.address().low(), depth);
    }
    return slot;
  }

  /** The next link on the way to a depth, made if there is none. */
  private int towards(int slot, long high, long low, int depth) {
    int sixBits = firstSix(bitsFrom(depthOf(word(slot)), high, low));
    int at = child(blocks.words(), blockAt(slot), sixBits);
    if (at == NONE) {
      return putChild(slot, nodeMade(high, low, depth), depth);
    }
    long child = word(at);
    int shared = sharedBits(blocks.words(), blockOf(child), high, low);
    if (depthOf(child) <= depth && shared >= depthOf(child)) {
      return at;
    }
    int branch = Math.min(Math.min(depth, depthOf(child)), depthOf(shared));
    int made = putChild(slot, nodeMade(high, low, branch), branch);
    putChild(made, blockOf(child), depthOf(child));
    return made;
  }

  private int nodeMade(long high, long low, int depth) {
    int block = blocks.allocate(HEADER);
    long[] words = blocks.words();
    words[block] = high & Ipv6Prefix.maskHigh(depth);
    words[block + 1] = low & Ipv6Prefix.maskLow(depth);
    words[block + PREFIXES] = 0;
    words[block + BRANCHES] = 0;
    return block;
  }

  /** Puts a node below another, in the place of any that is there; returns where the link is. */
  private int putChild(int slot, int child, int depth) {
    long bits = bitsFrom(depthOf(word(slot)), word(child), word(child + 1));
    long bit = 1L << firstSix(bits);
    int block = blockAt(slot);
    if ((word(block + BRANCHES) & bit) == 0) {
      int rank = rank(word(block + BRANCHES), bit);
      insert(slot, links(blocks.words(), block) - block + rank, NONE);
      block = blockAt(slot);
      blocks.words()[block + BRANCHES] |= bit;
    }
    int at = child(blocks.words(), block, firstSix(bits));
    blocks.words()[at] = link(bits << STRIDE, child, depth);
    return at;
  }

  /** Gives a node one word more. */
  private void insert(int slot, int at, long word) {
    int old = blockAt(slot);
    int size = size(blocks.words(), old);
    int block = blocks.allocate(size + 1);
    long[] words = blocks.words();
    System.arraycopy(words, old, words, block, at);
    words[block + at] = word;
    System.arraycopy(words, old + at, words, block + at + 1, size - at);
    move(slot, size, block);
  }

  /** Takes one word from a node, for which a bit stands in the map of either kind. */
  private void delete(int slot, int at, int map, long bit) {
    int old = blockAt(slot);
    int size = size(blocks.words(), old);
    int block = blocks.allocate(size - 1);
    long[] words = blocks.words();
    System.arraycopy(words, old, words, block, at);
    System.arraycopy(words, old + at + 1, words, block + at, size - at - 1);
    words[block + map] &= ~bit;
    move(slot, size, block);
  }

  private void move(int slot, int oldSize, int block) {
    long link = word(slot);
    blocks.free(blockOf(link), oldSize);
    blocks.words()[slot] = link(link, block, depthOf(link));
  }

  /** A policy with this prefix has gone. It must be there. */
  void remove(Ipv6Prefix prefix, int otherNumber, int priority) {
    count(prefix.length(), -1);
    remove(ROOT, prefix, otherNumber, priority);
    if (lengthsInUse == 0) {
      // So the room for many nodes does not outlast them.
      blocks = new WordBlocks();
      uses = new PrefixUses();
    }
  }

  private void remove(int slot, Ipv6Prefix prefix, int otherNumber, int priority) {
    int block = blockAt(slot);
    int depth = depthOf(word(slot));
    if (depth == depthOf(prefix.length())) {
      long bit = bitOf(prefix);
      int use = useOf(block, bit);
      long left = uses.without(word(use), otherNumber, priority);
      blocks.words()[use] = left;
      if (left == PrefixUses.NONE) {
        delete(slot, use - block, PREFIXES, bit);
      }
      return;
    }
    int sixBits = firstSix(bitsFrom(depth, prefix.address().high(), prefix.address().low()));
    int at = child(blocks.words(), block, sixBits);
    remove(at, prefix, otherNumber, priority);
    int child = blockAt(at);
    int size = size(blocks.words(), child);
    if (size == HEADER) {
      blocks.free(child, size);
      delete(slot, at - block, BRANCHES, 1L << sixBits);
    } else if (size == HEADER + 1 && word(child + PREFIXES) == 0) {
      long only = word(child + HEADER);
      blocks.free(child, size);
      putChild(slot, blockOf(only), depthOf(only));
    }
  }
}

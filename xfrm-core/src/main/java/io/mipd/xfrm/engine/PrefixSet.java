package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Prefixes, each as often as it was added, that tell of which lengths are those that an address
 * lies in.
 *
 * <p>A trie that takes four bits at a time and has no nodes where nothing branches or ends, so that
 * a look-up among 100,000 prefixes is a walk through about five of them. A node at depth n knows
 * the prefixes of the lengths n + 1 to n + 4 that share its first n bits.
 *
 * <pre>
 *   depth 44   2001:db8::/44 and what begins with it
 *              prefixes: 2001:db8::/46
 *              children: 1 ──▶ depth 60   2001:db8:1:10::/60 and what begins with it
 *                                         prefixes: 2001:db8:1:11::/64, 2001:db8:1:12::/64
 * </pre>
 */
final class PrefixSet {
  /** Lengths are 0 to 128. */
  static final int LENGTHS = Ipv6Address.BITS + 1;

  private static final int STRIDE = 4;

  /** By four bits of an address: which prefixes of a node contain it, one of each length. */
  private static final int[] CONTAINING = containing();

  /** Of a set that has never had a prefix. */
  private static final byte[] NO_NUMBERS = {};

  private static final int NO_NUMBER = 0xff;

  private final Node root = new Node(0, 0, 0);

  /** By length: its number. */
  private byte[] numbers = NO_NUMBERS;

  /** By number: how many prefixes. */
  private int[] counts = {};

  private int lengthsInUse;

  /** While one length is in use: its number. */
  private int onlyNumber;

  /** How many prefixes of length 0. */
  private int anys;

  /**
   * Of the prefixes of a node each has a bit: from the lowest, two of one bit beyond the depth,
   * four of two bits, eight of three, sixteen of four.
   */
  private static int bitOf(int beyond, int fourBits) {
    return 1 << ((1 << beyond) - 2 + (fourBits >>> (STRIDE - beyond)));
  }

  /** How many bits beyond the depth the prefix has whose bit is the lowest of these. */
  private static int beyondOfLowest(int prefixes) {
    return 31 - Integer.numberOfLeadingZeros(Integer.numberOfTrailingZeros(prefixes) + 2);
  }

  private static int[] containing() {
    var table = new int[1 << STRIDE];
    for (int fourBits = 0; fourBits < table.length; fourBits++) {
      for (int beyond = 1; beyond <= STRIDE; beyond++) {
        table[fourBits] |= bitOf(beyond, fourBits);
      }
    }
    return table;
  }

  private static int fourBitsAt(int depth, long high, long low) {
    return (int) (depth < 64 ? high >>> (60 - depth) : low >>> (124 - depth)) & 0xf;
  }

  /** Where the prefixes of this length are kept; 0 has no node. */
  private static int depthOf(int length) {
    return (length - 1) & -STRIDE;
  }

  private static final class Node {
    private static final int[] NO_COUNTS = {};
    private static final Node[] NO_NODES = {};

    private final long high;
    private final long low;
    private final long maskHigh;
    private final long maskLow;
    private final int depth;

    /** A bit for each prefix that is there; {@code counts} has how often, in the order of bits. */
    private int prefixes;

    private int[] counts = NO_COUNTS;

    /** A bit for each value of the four bits that has a child; in their order. */
    private int branches;

    private Node[] children = NO_NODES;

    Node(long high, long low, int depth) {
      maskHigh = Ipv6Prefix.maskHigh(depth);
      maskLow = Ipv6Prefix.maskLow(depth);
      this.high = high & maskHigh;
      this.low = low & maskLow;
      this.depth = depth;
    }

    /** Whether the address begins with this node's bits. */
    boolean leadsTo(long addressHigh, long addressLow) {
      return (addressHigh & maskHigh) == high && (addressLow & maskLow) == low;
    }

    private static int rank(int bits, int bit) {
      return Integer.bitCount(bits & (bit - 1));
    }

    @Nullable Node child(int fourBits) {
      int bit = 1 << fourBits;
      return (branches & bit) == 0 ? null : children[rank(branches, bit)];
    }

    void setChild(int fourBits, Node child) {
      int bit = 1 << fourBits;
      int at = rank(branches, bit);
      if ((branches & bit) == 0) {
        var more = new Node[children.length + 1];
        System.arraycopy(children, 0, more, 0, at);
        System.arraycopy(children, at, more, at + 1, children.length - at);
        children = more;
        branches |= bit;
      }
      children[at] = child;
    }

    void dropChild(int fourBits) {
      int bit = 1 << fourBits;
      int at = rank(branches, bit);
      var fewer = Arrays.copyOf(children, children.length - 1);
      System.arraycopy(children, at + 1, fewer, at, fewer.length - at);
      children = fewer;
      branches &= ~bit;
    }

    void add(int bit) {
      int at = rank(prefixes, bit);
      if ((prefixes & bit) == 0) {
        var more = new int[counts.length + 1];
        System.arraycopy(counts, 0, more, 0, at);
        System.arraycopy(counts, at, more, at + 1, counts.length - at);
        counts = more;
        prefixes |= bit;
      }
      counts[at]++;
    }

    void remove(int bit) {
      int at = rank(prefixes, bit);
      if (--counts[at] == 0) {
        var fewer = Arrays.copyOf(counts, counts.length - 1);
        System.arraycopy(counts, at + 1, fewer, at, fewer.length - at);
        counts = fewer;
        prefixes &= ~bit;
      }
    }
  }

  /**
   * Allocates nothing. Writes into {@code found}, which has room for one of each length in use, the
   * shortest first, the numbers of the lengths of the prefixes that contain the address, and
   * returns how many they are. While all prefixes are of one length, as with policies for hosts, it
   * does not look and says that one.
   */
  int lengthsAt(long high, long low, int[] found) {
    if (lengthsInUse <= 1) {
      found[0] = onlyNumber;
      return lengthsInUse;
    }
    int count = 0;
    if (anys > 0) {
      found[count++] = numbers[0] & 0xff;
    }
    Node node = root;
    while (node != null && node.leadsTo(high, low)) {
      int fourBits = fourBitsAt(node.depth, high, low);
      int prefixes = node.prefixes & CONTAINING[fourBits];
      while (prefixes != 0) {
        found[count++] = numbers[node.depth + beyondOfLowest(prefixes)] & 0xff;
        prefixes &= prefixes - 1;
      }
      node = node.child(fourBits);
    }
    return count;
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
    anys += length == 0 ? change : 0;
    if (before == 0 || counts[number] == 0) {
      lengthsInUse += change;
      onlyNumber = firstInUse();
    }
  }

  private int firstInUse() {
    int number = 0;
    while (number < counts.length - 1 && counts[number] == 0) {
      number++;
    }
    return number;
  }

  void add(Ipv6Prefix prefix) {
    int length = prefix.length();
    count(length, 1);
    if (length == 0) {
      return;
    }
    long high = prefix.address().high();
    long low = prefix.address().low();
    int depth = depthOf(length);
    Node node = root;
    while (node.depth < depth) {
      node = towards(node, high, low, depth);
    }
    node.add(bitOf(length - depth, fourBitsAt(depth, high, low)));
  }

  /** The next node on the way to a depth, made if there is none. */
  private static Node towards(Node node, long high, long low, int depth) {
    int fourBits = fourBitsAt(node.depth, high, low);
    Node child = node.child(fourBits);
    if (child != null && child.depth <= depth && child.leadsTo(high, low)) {
      return child;
    }
    int branch = child == null ? depth : Math.min(depth, sharedBits(child, high, low) & -STRIDE);
    var made = new Node(high, low, branch);
    if (child != null) {
      made.setChild(fourBitsAt(branch, child.high, child.low), child);
    }
    node.setChild(fourBits, made);
    return made;
  }

  /** How many bits of the node's own the address begins with. */
  private static int sharedBits(Node node, long high, long low) {
    long differenceHigh = (high & node.maskHigh) ^ node.high;
    long differenceLow = (low & node.maskLow) ^ node.low;
    int shared =
        differenceHigh != 0
            ? Long.numberOfLeadingZeros(differenceHigh)
            : 64 + Long.numberOfLeadingZeros(differenceLow);
    return Math.min(shared, node.depth);
  }

  /** It must be there. */
  void remove(Ipv6Prefix prefix) {
    int length = prefix.length();
    count(length, -1);
    if (length > 0) {
      remove(root, prefix.address().high(), prefix.address().low(), length);
    }
  }

  private static void remove(Node node, long high, long low, int length) {
    int fourBits = fourBitsAt(node.depth, high, low);
    if (node.depth == depthOf(length)) {
      node.remove(bitOf(length - node.depth, fourBits));
      return;
    }
    Node child = node.child(fourBits);
    if (child == null) {
      throw new IllegalStateException("a prefix is not there whose policy is");
    }
    remove(child, high, low, length);
    if (child.prefixes == 0 && child.children.length == 0) {
      node.dropChild(fourBits);
    } else if (child.prefixes == 0 && child.children.length == 1) {
      node.setChild(fourBits, child.children[0]);
    }
  }
}

package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The prefixes that are one end of policies, and how these use each: found are those that an
 * address lies in.
 *
 * <p>A trie that takes four bits at a time and has no nodes where nothing branches or ends, so that
 * a look-up among 100,000 prefixes is a walk through about five of them. A node at depth n knows
 * the prefixes of the lengths n + 1 to n + 4 that share its first n bits; the first node, at depth
 * 0, also that of length 0.
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

  private int found;

  /** What {@link #find} has found, with room for a prefix of each length in use. */
  private int[] foundNumbers = {};

  private PrefixUse[] foundUses = {};

  /**
   * Of the prefixes of a node each has a bit: from the lowest, that of no bits beyond the depth,
   * two of one bit, four of two bits, eight of three, sixteen of four.
   */
  private static int bitOf(int beyond, int fourBits) {
    return 1 << ((1 << beyond) - 1 + (fourBits >>> (STRIDE - beyond)));
  }

  /** How many bits beyond the depth the prefix has whose bit is the lowest of these. */
  private static int beyondOfLowest(int prefixes) {
    return 31 - Integer.numberOfLeadingZeros(Integer.numberOfTrailingZeros(prefixes) + 1);
  }

  private static int[] containing() {
    var table = new int[1 << STRIDE];
    for (int fourBits = 0; fourBits < table.length; fourBits++) {
      for (int beyond = 0; beyond <= STRIDE; beyond++) {
        table[fourBits] |= bitOf(beyond, fourBits);
      }
    }
    return table;
  }

  private static int fourBitsAt(int depth, long high, long low) {
    return (int) (depth < 64 ? high >>> (60 - depth) : low >>> (124 - depth)) & 0xf;
  }

  private static int bitOf(Ipv6Prefix prefix) {
    int depth = depthOf(prefix.length());
    int fourBits = fourBitsAt(depth, prefix.address().high(), prefix.address().low());
    return bitOf(prefix.length() - depth, fourBits);
  }

  /** Where the prefixes of this length are kept. */
  private static int depthOf(int length) {
    return length == 0 ? 0 : (length - 1) & -STRIDE;
  }

  private static final class Node {
    private static final PrefixUse[] NO_USES = {};
    private static final Node[] NO_NODES = {};

    private final long high;
    private final long low;
    private final int depth;

    /** A bit for each prefix that is there; {@code uses} are in the order of bits. */
    private int prefixes;

    private PrefixUse[] uses = NO_USES;

    /** A bit for each value of the four bits that has a child; in their order. */
    private int branches;

    private Node[] children = NO_NODES;

    Node(long high, long low, int depth) {
      this.high = high & Ipv6Prefix.maskHigh(depth);
      this.low = low & Ipv6Prefix.maskLow(depth);
      this.depth = depth;
    }

    /** Whether the address begins with this node's bits. */
    boolean leadsTo(long addressHigh, long addressLow) {
      return sharedBits(addressHigh, addressLow) >= depth;
    }

    /** How many bits the address begins with that are this node's, or 0 after its own. */
    int sharedBits(long addressHigh, long addressLow) {
      return addressHigh != high
          ? Long.numberOfLeadingZeros(addressHigh ^ high)
          : 64 + Long.numberOfLeadingZeros(addressLow ^ low);
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
        children = SmallArrays.with(children, at, child);
        branches |= bit;
      }
      children[at] = child;
    }

    void dropChild(int fourBits) {
      int bit = 1 << fourBits;
      children = SmallArrays.without(children, rank(branches, bit));
      branches &= ~bit;
    }

    @Nullable PrefixUse use(int bit) {
      return (prefixes & bit) == 0 ? null : uses[rank(prefixes, bit)];
    }

    PrefixUse useMade(int bit) {
      int at = rank(prefixes, bit);
      if ((prefixes & bit) == 0) {
        uses = SmallArrays.with(uses, at, new PrefixUse());
        prefixes |= bit;
      }
      return uses[at];
    }

    void dropUse(int bit) {
      uses = SmallArrays.without(uses, rank(prefixes, bit));
      prefixes &= ~bit;
    }
  }

  /**
   * Finds in either set the prefixes that an address lies in, at most one of each length: {@link
   * #found}, {@link #foundNumbers} and {@link #foundUses} tell of them until the next change or
   * look-up, the shortest first. While all prefixes of a set are of one length, as with policies
   * for hosts, it does not look, and says that one, used in any way. Allocates nothing.
   *
   * <p>The two walks take turns, so that they wait for the memory together.
   */
  static void find(
      PrefixSet set, long high, long low, PrefixSet other, long otherHigh, long otherLow) {
    Node node = set.begin();
    Node otherNode = other.begin();
    while (node != null || otherNode != null) {
      if (node != null) {
        node = set.step(node, high, low);
      }
      if (otherNode != null) {
        otherNode = other.step(otherNode, otherHigh, otherLow);
      }
    }
  }

  private @Nullable Node begin() {
    found = lengthsInUse <= 1 ? lengthsInUse : 0;
    return lengthsInUse <= 1 ? null : root;
  }

  private @Nullable Node step(Node node, long high, long low) {
    if (!node.leadsTo(high, low)) {
      return null;
    }
    int fourBits = fourBitsAt(node.depth, high, low);
    int prefixes = node.prefixes & CONTAINING[fourBits];
    while (prefixes != 0) {
      foundNumbers[found] = numbers[node.depth + beyondOfLowest(prefixes)] & 0xff;
      foundUses[found] = node.uses[Node.rank(node.prefixes, Integer.lowestOneBit(prefixes))];
      found++;
      prefixes &= prefixes - 1;
    }
    return node.child(fourBits);
  }

  /** How many were found. */
  int found() {
    return found;
  }

  /** The numbers of the lengths of what was found. */
  int[] foundNumbers() {
    return foundNumbers;
  }

  /** How what was found is used. */
  PrefixUse[] foundUses() {
    return foundUses;
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
        foundUses = new PrefixUse[lengthsInUse];
      }
      // What find says while there is one length; it writes anew where there are more.
      foundNumbers[0] = firstInUse();
      foundUses[0] = PrefixUse.ANYTHING;
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
    nodeFor(prefix).useMade(bitOf(prefix)).add(otherNumber, priority);
  }

  /** A policy with this prefix has another priority. It must be there. */
  void change(Ipv6Prefix prefix, int otherNumber, int oldPriority, int priority) {
    PrefixUse use = present(nodeFor(prefix).use(bitOf(prefix)));
    use.change(otherNumber, oldPriority, priority);
  }

  private static <T> T present(@Nullable T part) {
    return Objects.requireNonNull(part, "a prefix is not there whose policy is");
  }

  /** The node that keeps a prefix, made if there is none. */
  private Node nodeFor(Ipv6Prefix prefix) {
    int depth = depthOf(prefix.length());
    Node node = root;
    while (node.depth < depth) {
      node = towards(node, prefix.address().high(), prefix.address().low(), depth);
    }
    return node;
  }

  /** The next node on the way to a depth, made if there is none. */
  private static Node towards(Node node, long high, long low, int depth) {
    int fourBits = fourBitsAt(node.depth, high, low);
    Node child = node.child(fourBits);
    if (child != null && child.depth <= depth && child.leadsTo(high, low)) {
      return child;
    }
    int branch =
        child == null
            ? depth
            : Math.min(Math.min(depth, child.depth), child.sharedBits(high, low) & -STRIDE);
    var made = new Node(high, low, branch);
    if (child != null) {
      made.setChild(fourBitsAt(branch, child.high, child.low), child);
    }
    node.setChild(fourBits, made);
    return made;
  }

  /** A policy with this prefix has gone. It must be there. */
  void remove(Ipv6Prefix prefix, int otherNumber, int priority) {
    count(prefix.length(), -1);
    remove(root, prefix, otherNumber, priority);
  }

  private static void remove(Node node, Ipv6Prefix prefix, int otherNumber, int priority) {
    if (node.depth == depthOf(prefix.length())) {
      int bit = bitOf(prefix);
      PrefixUse use = present(node.use(bit));
      use.remove(otherNumber, priority);
      if (use.isEmpty()) {
        node.dropUse(bit);
      }
      return;
    }
    int fourBits = fourBitsAt(node.depth, prefix.address().high(), prefix.address().low());
    Node child = present(node.child(fourBits));
    remove(child, prefix, otherNumber, priority);
    if (child.prefixes == 0 && child.children.length == 0) {
      node.dropChild(fourBits);
    } else if (child.prefixes == 0 && child.children.length == 1) {
      node.setChild(fourBits, child.children[0]);
    }
  }
}

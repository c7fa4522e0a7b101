package io.mipd.xfrm.engine;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The policies of one direction (RFC 4301 section 4.4.1), found by flow: the matching one of lowest
 * priority, among equals the one that was added first.
 *
 * <p>Pruned tuple space search (Srinivasan, Suri, Varghese: Packet Classification using Tuple Space
 * Search, 1999). A selector's shape is which bits of a flow it looks at: two prefix lengths,
 * whether it names a protocol, two port masks, a mark mask. All policies stand in one hash table
 * under their shape and the bits themselves, so that one probe tells the policy of a shape that
 * matches a flow, however many there are. Worth a probe are only shapes
 *
 * <ul>
 *   <li>whose prefix lengths are those of prefixes that the two addresses lie in, and that have
 *       policies with a prefix of the other's length ({@link PrefixUse}),
 *   <li>whose most urgent policy, and that of either prefix with such a length, comes before what
 *       has been found.
 * </ul>
 *
 * <p>So what a look-up costs grows with how deep prefixes nest and how many masks differ there, not
 * with the number of policies; a change costs as much, and the logarithm of how many priorities
 * there are.
 *
 * <p>Look-ups and changes are the engine's thread's, and no lock is taken: a change has happened
 * when the next look-up begins.
 */
final class PolicyDatabase {
  /** Each may have a shape of its own, whose number has 24 bits in the keys. */
  static final int MOST_POLICIES = 1 << 24;

  /** Beside each policy: where it stands among others, so that they need not be read to compare. */
  private final WordTable<Policy> table;

  private static final int PRIORITY = 0;

  /** A policy's place among those of equal priority. */
  private static final int SEQUENCE = 1;

  private final Map<Shape, Tuple> tuples = new HashMap<>();

  /**
   * By source and destination prefix length, whose numbers are row and column; a pair that has had
   * no policy has none.
   */
  private @Nullable Group[] groups = {};

  /** How many columns. */
  private int width;

  private final PrefixSet sources = new PrefixSet();
  private final PrefixSet destinations = new PrefixSet();

  /**
   * Room for the pairs of prefixes that a look-up has to try: how urgent they are at most ({@link
   * Priorities#key}), and in the low half which of {@code groups} theirs is.
   */
  private long[] candidates = {};

  /** Numbers of shapes that are no more. */
  private final Deque<Integer> freeNumbers = new ArrayDeque<>();

  /** While all policies are of one pair of prefix lengths: theirs. */
  private @Nullable Group onlyGroup;

  private int groupsInUse;
  private long nextSequence;

  PolicyDatabase(long seed) {
    table = new WordTable<>(seed, 2, Policy[]::new);
  }

  private record Shape(
      int sourceLength,
      int destinationLength,
      boolean protocol,
      int sourcePortMask,
      int destinationPortMask,
      int markMask) {
    static Shape of(Selector selector) {
      return new Shape(
          selector.source().length(),
          selector.destination().length(),
          selector.protocol() != IpProtocol.ANY,
          selector.sourcePort().mask(),
          selector.destinationPort().mask(),
          selector.mark().mask());
    }
  }

  /** What all policies of one shape have in common. */
  private static final class Tuple {
    private static final int NUMBER_SHIFT = 40;

    private final Shape shape;

    /** Stands in the keys, so that equal bits of different shapes are not equal keys. */
    private final int number;

    /** The numbers of its prefix lengths. */
    private final int row;

    private final int column;

    private final long sourceMaskHigh;
    private final long sourceMaskLow;
    private final long destinationMaskHigh;
    private final long destinationMaskLow;
    private final int protocolMask;
    private final int sourcePortMask;
    private final int destinationPortMask;
    private final int markMask;

    private final Priorities priorities = new Priorities();

    /** Of {@code priorities}, nearer to a look-up. */
    private int mostUrgent;

    Tuple(Shape shape, int number, int row, int column) {
      this.shape = shape;
      this.number = number;
      this.row = row;
      this.column = column;
      sourceMaskHigh = Ipv6Prefix.maskHigh(shape.sourceLength);
      sourceMaskLow = Ipv6Prefix.maskLow(shape.sourceLength);
      destinationMaskHigh = Ipv6Prefix.maskHigh(shape.destinationLength);
      destinationMaskLow = Ipv6Prefix.maskLow(shape.destinationLength);
      protocolMask = shape.protocol ? 0xff : 0;
      sourcePortMask = shape.sourcePortMask;
      destinationPortMask = shape.destinationPortMask;
      markMask = shape.markMask;
    }

    private long upperLayer(int protocol, int sourcePort, int destinationPort) {
      return (long) number << NUMBER_SHIFT
          | (long) protocol << 32
          | (long) sourcePort << 16
          | destinationPort;
    }

    private static long markAndInterface(int mark, int interfaceId) {
      return (long) mark << 32 | (interfaceId & 0xffff_ffffL);
    }

    int find(WordTable<Policy> table, FlowKey flow) {
      // A port that cannot be seen matches only "any" (RFC 4301 section 4.4.1.1, OPAQUE).
      if ((sourcePortMask != 0 && flow.sourcePort < 0)
          || (destinationPortMask != 0 && flow.destinationPort < 0)) {
        return WordTable.NONE;
      }
      return table.find(
          flow.sourceHigh & sourceMaskHigh,
          flow.sourceLow & sourceMaskLow,
          flow.destinationHigh & destinationMaskHigh,
          flow.destinationLow & destinationMaskLow,
          upperLayer(
              flow.protocol & protocolMask,
              flow.sourcePort & sourcePortMask,
              flow.destinationPort & destinationPortMask),
          markAndInterface(flow.mark & markMask, flow.interfaceId));
    }

    private long upperLayer(Selector selector) {
      return upperLayer(
          selector.protocol(), selector.sourcePort().value(), selector.destinationPort().value());
    }

    private static long markAndInterface(Selector selector) {
      return markAndInterface(selector.mark().value(), selector.interfaceId());
    }

    int find(WordTable<Policy> table, Selector selector) {
      return table.find(
          selector.source().address().high(),
          selector.source().address().low(),
          selector.destination().address().high(),
          selector.destination().address().low(),
          upperLayer(selector),
          markAndInterface(selector));
    }

    void put(WordTable<Policy> table, Policy policy) {
      Selector selector = policy.selector();
      table.put(
          selector.source().address().high(),
          selector.source().address().low(),
          selector.destination().address().high(),
          selector.destination().address().low(),
          upperLayer(selector),
          markAndInterface(selector),
          policy);
    }

    @Nullable Policy remove(WordTable<Policy> table, Selector selector) {
      return table.remove(
          selector.source().address().high(),
          selector.source().address().low(),
          selector.destination().address().high(),
          selector.destination().address().low(),
          upperLayer(selector),
          markAndInterface(selector));
    }

    boolean isEmpty() {
      return priorities.isEmpty();
    }

    void count(int priority) {
      priorities.add(priority);
      mostUrgent = priorities.mostUrgent();
    }

    void discount(int priority) {
      priorities.remove(priority);
      mostUrgent = priorities.mostUrgent();
    }
  }

  /** The shapes of one pair of prefix lengths, by their most urgent policies. */
  private static final class Group {
    private Tuple[] tuples = {};

    void add(Tuple tuple) {
      tuples = SmallArrays.with(tuples, tuples.length, tuple);
    }

    void remove(Tuple tuple) {
      tuples = SmallArrays.without(tuples, placeOf(tuple));
    }

    /** Puts one in order whose urgency has changed. */
    void sort(Tuple tuple) {
      int at = placeOf(tuple);
      while (at > 0 && isBefore(tuple, tuples[at - 1])) {
        tuples[at] = tuples[at - 1];
        at--;
      }
      while (at + 1 < tuples.length && isBefore(tuples[at + 1], tuple)) {
        tuples[at] = tuples[at + 1];
        at++;
      }
      tuples[at] = tuple;
    }

    private int placeOf(Tuple tuple) {
      int at = 0;
      while (tuples[at] != tuple) {
        at++;
      }
      return at;
    }

    private static boolean isBefore(Tuple a, Tuple b) {
      return Integer.compareUnsigned(a.mostUrgent, b.mostUrgent) < 0;
    }
  }

  int size() {
    return table.size();
  }

  /** How many shapes are in use. */
  int shapes() {
    return tuples.size();
  }

  Optional<Policy> get(Selector selector) {
    Tuple tuple = tuples.get(Shape.of(selector));
    if (tuple == null) {
      return Optional.empty();
    }
    int slot = tuple.find(table, selector);
    return slot == WordTable.NONE ? Optional.empty() : Optional.of(table.value(slot));
  }

  /** In the order in which they were added. */
  ImmutableList<Policy> policies() {
    return table
        .slots()
        .boxed()
        .sorted(Comparator.comparingLong(slot -> table.word(slot, SEQUENCE)))
        .map(table::value)
        .collect(ImmutableList.toImmutableList());
  }

  /** Adds it, or replaces the one of equal selector, whose place among equals it takes. */
  void put(Policy policy) {
    Selector selector = policy.selector();
    Tuple tuple = tuples.computeIfAbsent(Shape.of(selector), this::addTuple);
    int priority = policy.priority();
    int slot = tuple.find(table, selector);
    boolean isNew = slot == WordTable.NONE;
    int oldPriority = isNew ? 0 : (int) table.word(slot, PRIORITY);
    tuple.put(table, policy);
    if (isNew) {
      slot = tuple.find(table, selector);
      table.setWord(slot, SEQUENCE, nextSequence++);
      sources.add(selector.source(), tuple.column, priority);
      destinations.add(selector.destination(), tuple.row, priority);
      int most = sources.lengthsInUse() * destinations.lengthsInUse();
      candidates = most <= candidates.length ? candidates : new long[most];
    } else if (oldPriority == priority) {
      return;
    } else {
      tuple.discount(oldPriority);
      sources.change(selector.source(), tuple.column, oldPriority, priority);
      destinations.change(selector.destination(), tuple.row, oldPriority, priority);
    }
    table.setWord(slot, PRIORITY, priority);
    tuple.count(priority);
    groupOf(tuple).sort(tuple);
  }

  /** Returns whether there was one. */
  boolean remove(Selector selector) {
    Tuple tuple = tuples.get(Shape.of(selector));
    if (tuple == null) {
      return false;
    }
    Policy old = tuple.remove(table, selector);
    if (old == null) {
      return false;
    }
    sources.remove(selector.source(), tuple.column, old.priority());
    destinations.remove(selector.destination(), tuple.row, old.priority());
    tuple.discount(old.priority());
    if (tuple.isEmpty()) {
      removeTuple(tuple);
    } else {
      groupOf(tuple).sort(tuple);
    }
    return true;
  }

  void clear() {
    policies().forEach(policy -> remove(policy.selector()));
  }

  private Tuple addTuple(Shape shape) {
    Integer free = freeNumbers.poll();
    // As many are taken as there are tuples, if none is free.
    int number = free == null ? tuples.size() : free;
    int row = sources.numberOf(shape.sourceLength);
    int column = destinations.numberOf(shape.destinationLength);
    var tuple = new Tuple(shape, number, row, column);
    Group group = groupOf(tuple);
    if (group.tuples.length == 0) {
      groupsInUse++;
    }
    group.add(tuple);
    onlyGroup = groupsInUse == 1 ? group : null;
    return tuple;
  }

  private void removeTuple(Tuple tuple) {
    tuples.remove(tuple.shape);
    freeNumbers.push(tuple.number);
    Group group = groupOf(tuple);
    group.remove(tuple);
    if (group.tuples.length == 0) {
      groupsInUse--;
    }
    // Whichever shape is asked when there is one group: it is in that.
    onlyGroup = groupsInUse == 1 ? groupOf(tuples.values().iterator().next()) : null;
  }

  private Group groupOf(Tuple tuple) {
    if (tuple.column >= width) {
      widen(tuple.column + 1);
    }
    if ((tuple.row + 1) * width > groups.length) {
      groups = Arrays.copyOf(groups, (tuple.row + 1) * width);
    }
    int at = tuple.row * width + tuple.column;
    Group group = groups[at];
    if (group == null) {
      group = new Group();
      groups[at] = group;
    }
    return group;
  }

  private void widen(int columns) {
    int rows = width == 0 ? 0 : groups.length / width;
    var wider = new Group[rows * columns];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(groups, row * width, wider, row * columns, width);
    }
    groups = wider;
    width = columns;
  }

  /** Allocates nothing. */
  @Nullable Policy lookUp(FlowKey flow) {
    int found = onlyGroup == null ? search(flow) : better(onlyGroup, flow, WordTable.NONE);
    return found == WordTable.NONE ? null : table.array()[found];
  }

  private int search(FlowKey flow) {
    int count = findCandidates(flow);
    int best = WordTable.NONE;
    long last = Long.MAX_VALUE;
    for (int i = 0; i < count; i++) {
      // Of more than 64 lengths two may have passed for one, and then there may be no group.
      Group group = candidates[i] <= last ? groups[(int) candidates[i]] : null;
      if (group != null) {
        best = better(group, flow, best);
        last = best == WordTable.NONE ? last : lastAsUrgentAs((int) table.word(best, PRIORITY));
      }
    }
    return best;
  }

  private static long lastAsUrgentAs(int priority) {
    return Priorities.key(priority) | 0xffff_ffffL;
  }

  /**
   * Returns of how many pairs of prefixes that contain the addresses there may be policies. The
   * most urgent pair is put first: what is found there mostly rules out the others.
   */
  private int findCandidates(FlowKey flow) {
    PrefixSet.find(
        sources,
        flow.sourceHigh,
        flow.sourceLow,
        destinations,
        flow.destinationHigh,
        flow.destinationLow);
    sources.keepThoseWith(destinations.foundLengths());
    destinations.keepThoseWith(sources.foundLengths());
    long[] found = candidates;
    int count = 0;
    int first = 0;
    // What is most specific is mostly most urgent, too.
    for (int i = sources.found() - 1; i >= 0; i--) {
      int row = sources.number(i);
      for (int j = destinations.found() - 1; j >= 0; j--) {
        int column = destinations.number(j);
        if ((sources.others(i) >>> column & destinations.others(j) >>> row & 1) != 0) {
          long bySource = Priorities.key(sources.mostUrgentWith(i, column));
          long byDestination = Priorities.key(destinations.mostUrgentWith(j, row));
          long candidate = Math.max(bySource, byDestination) | (row * width + column);
          found[count++] = candidate;
          if (candidate < found[first]) {
            first = count - 1;
          }
        }
      }
    }
    if (first > 0) {
      long mostUrgent = found[first];
      found[first] = found[0];
      found[0] = mostUrgent;
    }
    return count;
  }

  /** The first of {@code best} and what the group has for the flow, by their slots. */
  private int better(Group group, FlowKey flow, int best) {
    for (Tuple tuple : group.tuples) {
      if (best != WordTable.NONE
          && Integer.compareUnsigned((int) table.word(best, PRIORITY), tuple.mostUrgent) < 0) {
        break;
      }
      int found = tuple.find(table, flow);
      if (found != WordTable.NONE && (best == WordTable.NONE || isBefore(found, best))) {
        best = found;
      }
    }
    return best;
  }

  private boolean isBefore(int slot, int other) {
    int byPriority =
        Integer.compareUnsigned(
            (int) table.word(slot, PRIORITY), (int) table.word(other, PRIORITY));
    return byPriority != 0
        ? byPriority < 0
        : table.word(slot, SEQUENCE) < table.word(other, SEQUENCE);
  }

  Optional<Policy> lookUp(Flow flow) {
    return Optional.ofNullable(lookUp(new FlowKey().set(flow)));
  }
}

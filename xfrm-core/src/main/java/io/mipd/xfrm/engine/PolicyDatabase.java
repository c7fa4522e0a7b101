package io.mipd.xfrm.engine;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The policies of one direction (RFC 4301 section 4.4.1), found by flow: the matching one of lowest
 * priority, among equals the one that was added first.
 *
 * <p>Tuple space search: a selector's shape is which bits of a flow it looks at (two prefix
 * lengths, whether it names a protocol, two port masks, a mark mask). All policies of one shape
 * stand in one hash table under the bits themselves, so that a look-up costs one probe per shape
 * that is in use, however many policies there are. The shapes are ordered by their most urgent
 * policy, and the search ends where no later shape can do better.
 */
final class PolicyDatabase {
  private final long seed;
  private final Map<Selector, Entry> entries = new LinkedHashMap<>();
  private final Map<Shape, Tuple> tuples = new LinkedHashMap<>();
  private Tuple[] ordered = {};
  private long nextSequence;

  PolicyDatabase(long seed) {
    this.seed = seed;
  }

  /** A policy and its place among those of equal priority. */
  private record Entry(Policy policy, long sequence) {
    boolean isBefore(Entry other) {
      return policy.priority() != other.policy.priority()
          ? Integer.compareUnsigned(policy.priority(), other.policy.priority()) < 0
          : sequence < other.sequence;
    }
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

  /** All policies of one shape. */
  private static final class Tuple {
    private final long sourceMaskHigh;
    private final long sourceMaskLow;
    private final long destinationMaskHigh;
    private final long destinationMaskLow;
    private final int protocolMask;
    private final int sourcePortMask;
    private final int destinationPortMask;
    private final int markMask;
    private final WordTable<Entry> cells;
    private long mostUrgent;

    Tuple(Shape shape, long seed) {
      sourceMaskHigh = maskHigh(shape.sourceLength);
      sourceMaskLow = maskLow(shape.sourceLength);
      destinationMaskHigh = maskHigh(shape.destinationLength);
      destinationMaskLow = maskLow(shape.destinationLength);
      protocolMask = shape.protocol ? 0xff : 0;
      sourcePortMask = shape.sourcePortMask;
      destinationPortMask = shape.destinationPortMask;
      markMask = shape.markMask;
      cells = new WordTable<>(seed);
      mostUrgent = Long.MAX_VALUE;
    }

    private static long maskHigh(int length) {
      return length == 0 ? 0 : length >= 64 ? -1L : -1L << (64 - length);
    }

    private static long maskLow(int length) {
      return length <= 64 ? 0 : length == 128 ? -1L : -1L << (128 - length);
    }

    private static long upperLayer(int protocol, int sourcePort, int destinationPort) {
      return (long) protocol << 32 | (long) sourcePort << 16 | destinationPort;
    }

    private static long markAndInterface(int mark, int interfaceId) {
      return (long) mark << 32 | (interfaceId & 0xffff_ffffL);
    }

    @Nullable Entry find(FlowKey flow) {
      // A port that cannot be seen matches only "any" (RFC 4301 section 4.4.1.1, OPAQUE).
      if ((sourcePortMask != 0 && flow.sourcePort < 0)
          || (destinationPortMask != 0 && flow.destinationPort < 0)) {
        return null;
      }
      return cells.get(
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

    void put(Selector selector, Entry entry) {
      cells.put(
          selector.source().address().high(),
          selector.source().address().low(),
          selector.destination().address().high(),
          selector.destination().address().low(),
          upperLayer(
              selector.protocol(),
              selector.sourcePort().value(),
              selector.destinationPort().value()),
          markAndInterface(selector.mark().value(), selector.interfaceId()),
          entry);
    }

    void remove(Selector selector) {
      cells.remove(
          selector.source().address().high(),
          selector.source().address().low(),
          selector.destination().address().high(),
          selector.destination().address().low(),
          upperLayer(
              selector.protocol(),
              selector.sourcePort().value(),
              selector.destinationPort().value()),
          markAndInterface(selector.mark().value(), selector.interfaceId()));
    }
  }

  int size() {
    return entries.size();
  }

  Optional<Policy> get(Selector selector) {
    return Optional.ofNullable(entries.get(selector)).map(Entry::policy);
  }

  /** In the order in which they were added. */
  ImmutableList<Policy> policies() {
    return entries.values().stream().map(Entry::policy).collect(ImmutableList.toImmutableList());
  }

  /** Adds it, or replaces the one of equal selector, whose place among equals it takes. */
  void put(Policy policy) {
    Selector selector = policy.selector();
    Entry old = entries.get(selector);
    var entry = new Entry(policy, old == null ? nextSequence++ : old.sequence());
    entries.put(selector, entry);
    Tuple tuple = tuples.computeIfAbsent(Shape.of(selector), shape -> new Tuple(shape, nextSeed()));
    tuple.put(selector, entry);
    // Never raised by a change, so a stale value costs a probe and no more.
    long urgency = Integer.toUnsignedLong(policy.priority());
    boolean isNew = tuple.mostUrgent == Long.MAX_VALUE;
    if (isNew || urgency < tuple.mostUrgent) {
      tuple.mostUrgent = urgency;
      order();
    }
  }

  /** Returns whether there was one. */
  boolean remove(Selector selector) {
    if (entries.remove(selector) == null) {
      return false;
    }
    var shape = Shape.of(selector);
    Tuple tuple = tuples.get(shape);
    if (tuple != null) {
      tuple.remove(selector);
      if (tuple.cells.size() == 0) {
        tuples.remove(shape);
        order();
      }
    }
    return true;
  }

  void clear() {
    entries.clear();
    tuples.clear();
    ordered = new Tuple[0];
  }

  private void order() {
    List<Tuple> sorted = new ArrayList<>(tuples.values());
    sorted.sort((a, b) -> Long.compare(a.mostUrgent, b.mostUrgent));
    ordered = sorted.toArray(new Tuple[0]);
  }

  private long nextSeed() {
    return seed + tuples.size() * 0x9e37_79b9_7f4a_7c15L;
  }

  /** Allocates nothing. */
  @Nullable Policy lookUp(FlowKey flow) {
    Entry best = null;
    for (Tuple tuple : ordered) {
      if (best != null && Integer.toUnsignedLong(best.policy().priority()) < tuple.mostUrgent) {
        break;
      }
      Entry found = tuple.find(flow);
      if (found != null && (best == null || found.isBefore(best))) {
        best = found;
      }
    }
    return best == null ? null : best.policy();
  }

  Optional<Policy> lookUp(Flow flow) {
    return Optional.ofNullable(lookUp(new FlowKey().set(flow)));
  }
}

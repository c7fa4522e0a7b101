package io.mipd.xfrm.engine;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Maps;
import io.mipd.xfrm.transform.Discard;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.EnumMap;

/**
 * What the engine has carried and refused. One thread counts; any other may read at any time and
 * sees each counter whole, if perhaps a moment old.
 */
@SuppressWarnings("EnumOrdinal") // The arrays never leave this object.
public final class EngineCounters {
  /** What is counted beside discards. */
  public enum Traffic {
    INPUT_PACKETS,
    INPUT_BYTES,
    OUTPUT_PACKETS,
    OUTPUT_BYTES,
    TRANSMITTED_PACKETS,
    TRANSMITTED_BYTES,
    DELIVERED_PACKETS,
    DELIVERED_BYTES,
    MOBILITY_MESSAGES,
    FRAGMENTS_SENT,
    FRAGMENTS_RECEIVED,
    /** Fragments of our own stack that wait to be joined before ESP or AH in transport mode. */
    FRAGMENTS_JOINED,
    REASSEMBLED,
    SEGMENTS,
    ICMPV6_ERRORS_SENT,
    /** Not sent, because the rate limit was reached (RFC 4443 section 2.4 (f)). */
    ICMPV6_ERRORS_SUPPRESSED,
    /** Errors about outer packets of ours. */
    ICMPV6_ERRORS_TAKEN,
    PACKET_TOO_BIG_LEARNT,
    FLOW_CACHE_MISSES
  }

  private static final VarHandle LONG = MethodHandles.arrayElementVarHandle(long[].class);

  private final long[] discards = new long[Discard.values().length];
  private final long[] traffic = new long[Traffic.values().length];

  void count(Discard reason) {
    add(discards, reason.ordinal(), 1);
  }

  void count(Traffic kind) {
    add(traffic, kind.ordinal(), 1);
  }

  void count(Traffic kind, long amount) {
    add(traffic, kind.ordinal(), amount);
  }

  /** A single writer needs no atomic addition, only a write that others see whole. */
  private static void add(long[] counters, int index, long amount) {
    LONG.setOpaque(counters, index, counters[index] + amount);
  }

  public long of(Discard reason) {
    return (long) LONG.getOpaque(discards, reason.ordinal());
  }

  public long of(Traffic kind) {
    return (long) LONG.getOpaque(traffic, kind.ordinal());
  }

  /** Of all reasons together. */
  public long discarded() {
    long sum = 0;
    for (Discard reason : Discard.values()) {
      sum += of(reason);
    }
    return sum;
  }

  /** The reasons that occurred, in their order. */
  public ImmutableMap<Discard, Long> discards() {
    var occurred = new EnumMap<Discard, Long>(Discard.class);
    for (Discard reason : Discard.values()) {
      if (of(reason) != 0) {
        occurred.put(reason, of(reason));
      }
    }
    return Maps.immutableEnumMap(occurred);
  }

  public ImmutableMap<Traffic, Long> traffic() {
    var all = new EnumMap<Traffic, Long>(Traffic.class);
    for (Traffic kind : Traffic.values()) {
      all.put(kind, of(kind));
    }
    return Maps.immutableEnumMap(all);
  }
}

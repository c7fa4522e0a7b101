package io.mipd.xfrm.engine;

import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.engine.EngineCounters.Traffic;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.transform.Discard;
import io.mipd.xfrm.transform.PacketBuffer;
import io.mipd.xfrm.transform.SequenceStore;
import java.time.Instant;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What the way in and the way out share: databases, counters, time, path MTUs, errors. */
final class EngineCore {
  private final EngineSettings settings;
  private final EngineSink sink;
  private final LocalAddresses local;
  private final SequenceStore sequences;
  private final Databases databases;
  private final Interner interner;
  private final IcmpErrors errors;
  private final IcmpErrors errorsToSenders;
  private final PathMtuTable pathMtus;
  private final TokenBucket reports;
  private final EngineCounters counters = new EngineCounters();
  private final Map<Ipv6Address, Integer> linkMtus = new LinkedHashMap<>();
  private final TreeMap<Deadline, LiveAssociation> deadlines =
      new TreeMap<>(
          Comparator.comparing(Deadline::at).thenComparing(Comparator.comparing(Deadline::order)));
  private long linkMtuChanges;
  private long nextOrder;
  private @Nullable Instant now;

  /** When an association's age matters next. */
  private record Deadline(Instant at, long order) {}

  EngineCore(
      EngineSettings settings,
      EngineSink sink,
      LocalAddresses local,
      SequenceStore sequences,
      long seed) {
    this.settings = settings;
    this.sink = sink;
    this.local = local;
    this.sequences = sequences;
    databases = new Databases(seed);
    interner = new Interner(seed ^ 0x5555_5555_5555_5555L);
    pathMtus = new PathMtuTable(settings.maxPathMtus(), settings.pathMtuAge());
    errors = icmpErrors();
    errorsToSenders = icmpErrors();
    reports = new TokenBucket(settings.errorsPerSecond(), settings.errorBurst());
  }

  private IcmpErrors icmpErrors() {
    var bucket = new TokenBucket(settings.errorsPerSecond(), settings.errorBurst());
    return new IcmpErrors(local, interner, counters, bucket);
  }

  EngineSettings settings() {
    return settings;
  }

  EngineSink sink() {
    return sink;
  }

  LocalAddresses local() {
    return local;
  }

  Databases databases() {
    return databases;
  }

  Interner interner() {
    return interner;
  }

  /** About packets that arrived. */
  IcmpErrors errors() {
    return errors;
  }

  /**
   * About packets that were to leave. These have a limit of their own, so that nobody outside can
   * use up what our senders need to learn the size of their packets.
   */
  IcmpErrors errorsToSenders() {
    return errorsToSenders;
  }

  EngineCounters counters() {
    return counters;
  }

  /** As last told; the epoch before that. */
  Instant now() {
    Instant told = now;
    return told == null ? Instant.EPOCH : told;
  }

  void countDiscard(@Nullable Discard reason) {
    if (reason != null) {
      counters.count(reason);
    }
  }

  void deliver(PacketBuffer p) {
    counters.count(Traffic.DELIVERED_PACKETS);
    counters.count(Traffic.DELIVERED_BYTES, p.length());
    sink.deliver(p);
  }

  /** Reports are as limited as errors are: each makes somebody send a message. */
  void report(XfrmNotice.Report report) {
    if (reports.take()) {
      sink.notice(report);
    }
  }

  // Path MTU.

  long mtuGeneration() {
    return pathMtus.generation() + linkMtuChanges;
  }

  void setLinkMtu(Ipv6Address outerSource, int mtu) {
    if (!Integer.valueOf(mtu).equals(linkMtus.put(outerSource, mtu))) {
      linkMtuChanges++;
    }
  }

  void forgetLinkMtu(Ipv6Address outerSource) {
    if (linkMtus.remove(outerSource) != null) {
      linkMtuChanges++;
    }
  }

  private int linkMtu(Ipv6Address outerSource) {
    return linkMtus.getOrDefault(outerSource, settings.linkMtu());
  }

  void setMtu(OutboundPath path) {
    int mtu = pathMtus.towards(path.outerDestination, linkMtu(path.outerSource));
    path.setMtu(mtu, mtuGeneration());
  }

  /** What a Packet Too Big message about a packet of ours said (RFC 8201 section 4). */
  void learnPathMtu(Ipv6Address outerSource, Ipv6Address outerDestination, long mtu) {
    if (pathMtus.learn(now(), outerDestination, mtu, linkMtu(outerSource))) {
      counters.count(Traffic.PACKET_TOO_BIG_LEARNT);
    }
  }

  // Associations.

  /** Its identity must be free. */
  void add(SecurityAssociation association) {
    var live = new LiveAssociation(association, sequences, nextOrder++, now);
    databases.associations().add(live);
    databases.changed();
    schedule(live);
  }

  private void schedule(LiveAssociation live) {
    Instant at = live.nextDeadline();
    if (at != null) {
      deadlines.put(new Deadline(at, live.order()), live);
    }
  }

  /** It has left the databases. */
  void forget(LiveAssociation live) {
    Instant at = live.nextDeadline();
    if (at != null) {
      deadlines.remove(new Deadline(at, live.order()));
    }
  }

  /** A packet of {@code octets} has passed through an association. */
  void count(LiveAssociation live, int octets) {
    live.count(octets);
    if (live.passesSoftLimit()) {
      // Its next deadline was the soft one, perhaps, and is not any more.
      Instant at = live.softDeadline();
      if (at != null) {
        deadlines.remove(new Deadline(at, live.order()));
        schedule(live);
      }
      sink.notice(new XfrmNotice.Expire(live.association().id(), false));
    }
    if (live.isExhausted()) {
      expire(live);
    }
  }

  /** A hard limit is reached: the association carries nothing any more. */
  void expire(LiveAssociation live) {
    if (live.isExpired()) {
      return;
    }
    forget(live);
    live.expire();
    databases.changed();
    sink.notice(new XfrmNotice.Expire(live.association().id(), true));
  }

  // Time.

  void tick(Instant time) {
    if (now == null) {
      for (LiveAssociation live : databases.associations().associations()) {
        live.startAt(time);
        schedule(live);
      }
    }
    now = time;
    errors.advance(time);
    errorsToSenders.advance(time);
    reports.advance(time);
    pathMtus.forgetOld(time);
    while (!deadlines.isEmpty() && !deadlines.firstKey().at().isAfter(time)) {
      LiveAssociation live = deadlines.pollFirstEntry().getValue();
      if (live.passesSoftAge(time)) {
        sink.notice(new XfrmNotice.Expire(live.association().id(), false));
      }
      if (live.passesHardAge(time)) {
        expire(live);
      } else {
        schedule(live);
      }
    }
  }

  Optional<Instant> nextDeadline() {
    Optional<Instant> age =
        deadlines.isEmpty() ? Optional.empty() : Optional.of(deadlines.firstKey().at());
    return earlier(age, pathMtus.nextDeadline());
  }

  static Optional<Instant> earlier(Optional<Instant> one, Optional<Instant> other) {
    if (one.isEmpty() || other.isEmpty()) {
      return one.isEmpty() ? other : one;
    }
    return one.get().isBefore(other.get()) ? one : other;
  }
}

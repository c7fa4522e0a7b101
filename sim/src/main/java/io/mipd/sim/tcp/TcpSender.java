package io.mipd.sim.tcp;

import com.google.common.collect.ImmutableList;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One side of a connection that sends as much as it may: fast retransmit and fast recovery of
 * NewReno (RFC 6582), limited transmit (RFC 3042), the retransmission time-out of RFC 6298. There
 * are no selective acknowledgements and no time stamps. Numbers count octets from 0.
 */
public final class TcpSender {
  private static final int DUPLICATES = 3;

  /** What is to be sent: its first octet, how many. */
  public record Data(long first, int length) {}

  private final TcpSettings settings;
  private CongestionControl congestion;
  private final RoundTripTimer timer;

  /** SND.UNA: the first octet that is not acknowledged. */
  private long unacknowledged;

  /** SND.NXT: the first that is to be sent next; after a time-out it goes back. */
  private long next;

  /** The first that has never been sent. */
  private long fresh;

  /** Behind which losses belong to the one that is being repaired (RFC 6582). */
  private long recover = -2;

  /** How many octets the receiver has room for. */
  private long room = Long.MAX_VALUE;

  private boolean recovering;
  private boolean partialSeen;
  private int duplicates;

  /** What fast recovery lets leave beyond the window, in octets. */
  private double inflation;

  /** Octets that limited transmit has let leave; they do not count when the window falls. */
  private int limited;

  private @Nullable Instant deadline;
  private boolean ended;
  private boolean backedOff;

  /** The octet whose acknowledgement is timed, and when it was sent; one at a time. */
  private long timed = -1;

  private Instant timedSince = Instant.EPOCH;

  private long retransmissions;
  private long timeouts;

  public TcpSender(TcpSettings settings) {
    this.settings = settings;
    congestion = congestion(settings.initialWindow());
    timer = new RoundTripTimer(settings.leastTimeout());
  }

  private CongestionControl congestion(int segments) {
    return settings.algorithm().begin(settings.segment(), segments * settings.segment());
  }

  /** The connection is there; its making has taken a round trip. */
  public ImmutableList<Data> begin(Instant now, Duration roundTrip) {
    timer.measured(roundTrip);
    return send(now);
  }

  /**
   * The connection is there, by a SYN that was sent again: which of them was answered nobody knows
   * (RFC 6298 section 3), and it begins with one segment (RFC 5681 section 3.1).
   */
  public ImmutableList<Data> beginAfterLostSyn(Instant now) {
    congestion = congestion(1);
    timer.synLost();
    return send(now);
  }

  /** No new data from now on; what is on its way is still repaired. */
  public void end() {
    ended = true;
  }

  /** Octets that were acknowledged. */
  public long acknowledged() {
    return unacknowledged;
  }

  /** The congestion window, in octets, without what fast recovery adds. */
  public double window() {
    return congestion.window();
  }

  /** Above it the window grows slowly, in octets. */
  public double threshold() {
    return congestion.threshold();
  }

  /** Segments that were sent again. */
  public long retransmissions() {
    return retransmissions;
  }

  /** How often the retransmission time-out has come. */
  public long timeouts() {
    return timeouts;
  }

  /** When it will, if no acknowledgement comes. */
  public Optional<Instant> nextDeadline() {
    return Optional.ofNullable(deadline);
  }

  /**
   * An acknowledgement has arrived.
   *
   * @param upTo the octet that the receiver waits for
   * @param free how many octets it has room for from there on
   */
  public ImmutableList<Data> acknowledged(Instant now, long upTo, long free) {
    if (upTo > fresh || upTo < unacknowledged) {
      return ImmutableList.of();
    }
    room = free;
    return upTo == unacknowledged ? duplicate(now) : advanced(now, upTo);
  }

  private ImmutableList<Data> advanced(Instant now, long upTo) {
    int octets = (int) (upTo - unacknowledged);
    if (timed >= 0 && upTo > timed) {
      timer.measured(Duration.between(timedSince, now));
      timed = -1;
    }
    unacknowledged = upTo;
    next = Math.max(next, upTo);
    backedOff = false;
    limited = 0;
    var sent = ImmutableList.<Data>builder();
    if (!recovering) {
      duplicates = 0;
      congestion.acknowledged(now, octets, timer.smoothed());
      restart(now);
    } else if (upTo > recover) {
      recovering = false;
      duplicates = 0;
      inflation = 0;
      restart(now);
    } else {
      // A partial acknowledgement: the next one is lost, too.
      inflation = Math.max(0, inflation - octets + Math.min(octets, settings.segment()));
      sent.add(again());
      if (!partialSeen) {
        partialSeen = true;
        restart(now);
      }
    }
    return sent.addAll(send(now)).build();
  }

  private ImmutableList<Data> duplicate(Instant now) {
    if (flight() == 0) {
      return ImmutableList.of();
    }
    duplicates++;
    if (recovering) {
      inflation += settings.segment();
      return send(now);
    }
    // What the receiver has twice after a time-out is no loss (RFC 6582).
    if (duplicates == DUPLICATES && unacknowledged - 1 > recover) {
      congestion.lost(now, flight() - limited);
      recovering = true;
      partialSeen = false;
      recover = fresh - 1;
      inflation = DUPLICATES * settings.segment();
      var sent = ImmutableList.<Data>builder().add(again());
      restart(now);
      return sent.addAll(send(now)).build();
    }
    if (duplicates >= DUPLICATES) {
      return ImmutableList.of();
    }
    ImmutableList<Data> sent = send(now);
    limited += sent.stream().mapToInt(Data::length).sum();
    return sent;
  }

  /** Time has passed. */
  public ImmutableList<Data> onDeadline(Instant now) {
    if (deadline == null || now.isBefore(deadline)) {
      return ImmutableList.of();
    }
    timeouts++;
    // Of what is not acknowledged much may have arrived while fast recovery let more leave: no more
    // than the window is on its way. RFC 5681 section 3.1 says how much it may be at most.
    congestion.timedOut((int) Math.min(flight(), congestion.window()), !backedOff);
    backedOff = true;
    timer.backOff();
    recover = fresh - 1;
    recovering = false;
    duplicates = 0;
    limited = 0;
    inflation = 0;
    timed = -1;
    next = unacknowledged;
    deadline = null;
    return send(now);
  }

  /** What is believed to be on its way. */
  private int flight() {
    return (int) (next - unacknowledged);
  }

  private Data again() {
    retransmissions++;
    timed = -1;
    return new Data(unacknowledged, (int) Math.min(settings.segment(), fresh - unacknowledged));
  }

  private ImmutableList<Data> send(Instant now) {
    var sent = ImmutableList.<Data>builder();
    double allowed = congestion.window() + inflation;
    // Limited transmit is for new data.
    if (!recovering && next == fresh) {
      allowed += (double) Math.min(duplicates, DUPLICATES - 1) * settings.segment();
    }
    while (true) {
      int length = (int) Math.min(settings.segment(), limit() - next);
      if (length <= 0 || flight() + length > Math.min(allowed, (double) room)) {
        break;
      }
      sent.add(new Data(next, length));
      if (next < fresh) {
        retransmissions++;
      } else if (timed < 0) {
        timed = next;
        timedSince = now;
      }
      next += length;
      fresh = Math.max(fresh, next);
      if (deadline == null) {
        restart(now);
      }
    }
    return sent.build();
  }

  /** Behind the last octet that may be sent. */
  private long limit() {
    return ended ? fresh : settings.octets().orElse(Long.MAX_VALUE);
  }

  private void restart(Instant now) {
    deadline = unacknowledged == fresh ? null : now.plus(timer.timeout());
  }
}

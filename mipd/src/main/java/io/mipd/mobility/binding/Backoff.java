package io.mipd.mobility.binding;

import io.mipd.mobility.ProtocolConstants;
import java.time.Duration;
import java.time.Instant;

/**
 * A message that is sent again until it is answered: the wait doubles each time, up to
 * MAX_BINDACK_TIMEOUT (RFC 6275 section 11.8).
 *
 * @param sent how often so far
 * @param timeout the wait after the last time
 * @param due when it is to be sent again
 */
public record Backoff(int sent, Duration timeout, Instant due) {

  /** Sent for the first time, with INITIAL_BINDACK_TIMEOUT to wait. */
  public static Backoff began(Instant now) {
    Duration timeout = ProtocolConstants.INITIAL_BINDACK_TIMEOUT;
    return new Backoff(1, timeout, now.plus(timeout));
  }

  /** Sent once more. */
  public Backoff again(Instant now) {
    Duration doubled = doubled(timeout);
    return new Backoff(sent + 1, doubled, now.plus(doubled));
  }

  public static Duration doubled(Duration timeout) {
    Duration doubled = timeout.multipliedBy(2);
    Duration longest = ProtocolConstants.MAX_BINDACK_TIMEOUT;
    return doubled.compareTo(longest) < 0 ? doubled : longest;
  }

  /** The same, not to be sent again before this wait is over. */
  public Backoff resting(Instant now, Duration wait) {
    return new Backoff(sent, wait, now.plus(wait));
  }

  public boolean isDue(Instant now) {
    return !now.isBefore(due);
  }

  /** Sent MAX_RO_FAILURE times again, and the last time is unanswered, too (section 5.2.9). */
  public boolean isExhausted(Instant now) {
    return isDue(now) && sent > ProtocolConstants.MAX_RO_FAILURE;
  }
}

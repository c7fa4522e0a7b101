package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import io.mipd.host.CoreDriver.Durability;
import io.mipd.mobility.HomeLinkState;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * What a home agent has acknowledged, the last sequence number of each home address, and what is
 * known of the home link; a mobile node's own sequence number likewise. Expiry is by the wall
 * clock, so that it goes on while we are not there. What is put becomes durable later, and in its
 * order: what rests on it waits until it has, so that many can be made durable at once, here or by
 * other home agents as well. One thread.
 */
interface BindingStore extends AutoCloseable {
  /**
   * @param binding empty if there is none now
   */
  record Entry(HomeAddress homeAddress, SequenceNumber sequence, Optional<StoredBinding> binding) {}

  /**
   * @param expiry by the wall clock
   */
  record StoredBinding(CareOfAddress careOf, int flags, Instant expiry) {
    /** What is left of it; zero or negative if nothing is. */
    Duration left(Instant wallClock) {
      return Duration.between(wallClock, expiry);
    }
  }

  /** What is there, in the order of home addresses, all that was put included. */
  ImmutableList<Entry> entries();

  /** What was put last. */
  Optional<Entry> entry(HomeAddress homeAddress);

  /**
   * Takes the place of what is there of this home address.
   *
   * @return a number to ask for its durability by; 0 if it is durable already
   * @throws IOException if it cannot be kept
   */
  long put(Entry entry) throws IOException;

  /**
   * @param number what {@link #put} has returned
   */
  Durability durability(long number);

  /** Nothing will be stored any more, though nobody has closed it: to go on is of no use. */
  boolean isBroken();

  /** What was heard of the home link, by the wall clock. */
  HomeLinkState homeLink();

  /**
   * Takes the place of that. Nothing rests on it, so that nobody asks when it is durable.
   *
   * @throws IOException if it cannot be kept
   */
  void put(HomeLinkState state) throws IOException;

  /** Waits until everything that was put is durable, or has failed to become so. */
  void flush() throws IOException;

  /** Likewise, and lets go of what it holds. */
  @Override
  void close() throws IOException;
}

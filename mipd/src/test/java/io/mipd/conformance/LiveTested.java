package io.mipd.conformance;

import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A daemon as it is, in a network namespace: its clock, kernel and links are not ours to play. */
abstract class LiveTested extends Tested {
  /** Until what is expected must have come: Duplicate Address Detection takes a second of it. */
  private static final Duration PATIENCE = Duration.ofSeconds(15);

  /** Where nothing is expected: a round trip through the daemon takes a few milliseconds. */
  static final Duration QUIET = Duration.ofMillis(250);

  /** Takes what has come from it; never waits. */
  abstract void receive();

  /** Whether a condition holds, or comes to hold within a time. */
  final boolean until(Duration time, BooleanSupplier condition) {
    long end = System.nanoTime() + time.toNanos();
    for (receive(); !condition.getAsBoolean(); receive()) {
      if (System.nanoTime() > end) {
        return false;
      }
      try {
        TimeUnit.MILLISECONDS.sleep(2);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    return true;
  }

  @Override
  void settle() {
    until(QUIET, () -> false);
  }

  @Override
  boolean becomes(BooleanSupplier condition) {
    return until(PATIENCE, condition);
  }

  @Override
  void passes(Duration time) {
    throw notHere("wait");
  }

  @Override
  void sends(byte[] packet) {
    throw notHere("app");
  }

  @Override
  void link(int index, boolean up) {
    throw notHere("link");
  }

  @Override
  void address(int index, Ipv6Address address, AddressState state) {
    throw notHere("address");
  }

  @Override
  void listens(ImmutableSet<Ipv6Address> groups) {
    throw notHere("listens");
  }

  @Override
  void shutDown() {
    throw notHere("stop");
  }

  @Override
  NodeAction.Place place() {
    throw notHere("placed");
  }

  static IllegalStateException notHere(String verb) {
    return new IllegalStateException("a live daemon has no step " + verb);
  }
}

package io.mipd.conformance;

import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;

/** A node that a case is about, with all that it has sent, delivered and asked for. */
abstract class Tested {
  final Deque<byte[]> sent = new ArrayDeque<>();
  final Deque<byte[]> delivered = new ArrayDeque<>();
  final Set<Ipv6Address> detections = new LinkedHashSet<>();
  final Set<Ipv6Address> proxied = new LinkedHashSet<>();
  final Set<Ipv6Address> joined = new LinkedHashSet<>();
  final Deque<NodeAction> performed = new ArrayDeque<>();

  abstract void arrives(int index, byte[] packet);

  abstract void sends(byte[] packet);

  abstract void passes(Duration time);

  abstract void link(int index, boolean up);

  abstract void address(int index, Ipv6Address address, AddressState state);

  abstract void detected(Ipv6Address address, boolean unique);

  /** Programs listen to these groups, and no others. */
  abstract void listens(ImmutableSet<Ipv6Address> groups);

  abstract void shutDown();

  abstract Optional<Ipv6Address> boundTo(Ipv6Address home);

  abstract NodeAction.Place place();

  /** Whether it stands in for an address on the home link. */
  boolean standsInFor(Ipv6Address address) {
    return proxied.contains(address);
  }

  /** Whether a condition holds, or comes to hold as long as that may take a live node. */
  boolean becomes(BooleanSupplier condition) {
    return condition.getAsBoolean();
  }

  /** Until it has done all that it does of what has arrived. */
  abstract void settle();
}

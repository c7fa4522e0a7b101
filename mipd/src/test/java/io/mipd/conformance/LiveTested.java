package io.mipd.conformance;

import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Duration;

/** A daemon as it is, in a network namespace: its clock, kernel and links are not ours to play. */
abstract class LiveTested extends Tested {
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

package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.Ipv6Address;

/**
 * Whoever puts policies and states into the engine only when a packet first needs them. Asked for
 * every look-up on the engine's thread, and between two of them may change what they find; whatever
 * it answers must be quick where nothing waits.
 */
public interface PoliciesOnDemand {
  /** All policies are there. */
  PoliciesOnDemand NONE =
      new PoliciesOnDemand() {
        @Override
        public void need(Ipv6Address address) {}

        @Override
        public boolean hasTunnel(Ipv6Address here, Ipv6Address farEnd) {
          return false;
        }
      };

  /** Policies and states are looked up next for packets from or to an address. */
  void need(Ipv6Address address);

  /** Whether some of those that are not there yet know a tunnel between these ends. */
  boolean hasTunnel(Ipv6Address here, Ipv6Address farEnd);
}

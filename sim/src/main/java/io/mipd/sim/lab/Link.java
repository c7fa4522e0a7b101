package io.mipd.sim.lab;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;

/** A link that the mobile node can be plugged into. */
@SuppressWarnings("ImmutableEnumChecker") // a prefix is a value
enum Link {
  HOME("home", "brhome", "2001:db8:1::/64"),
  A("A", "bra", "2001:db8:a::/64"),
  B("B", "brb", "2001:db8:b::/64");

  private final String title;
  private final String bridge;
  private final Ipv6Prefix prefix;

  Link(String title, String bridge, String prefix) {
    this.title = title;
    this.bridge = bridge;
    this.prefix = Ipv6Prefix.parse(prefix);
  }

  /** The bridge in the namespace of the switches. */
  String bridge() {
    return bridge;
  }

  Ipv6Prefix prefix() {
    return prefix;
  }

  /** Whether an address in text is one of this link's. */
  boolean contains(String address) {
    return prefix.contains(Ipv6Address.parse(address));
  }

  @Override
  public String toString() {
    return title;
  }
}

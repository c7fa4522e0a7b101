package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.host.HomeAssociations;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.SecurityAssociation;

/** How what passes between a home address and its home agent is protected. */
sealed interface Protection permits ConfiguredKeys, NegotiatedKeys {
  /** Which associations policies ask for. */
  TunnelProtection tunnel();

  /** SPIs and request ids of configured associations. */
  ImmutableList<HomeAssociations.Pair> pairs();

  /** Configured associations, as they are before any binding. */
  ImmutableList<SecurityAssociation> associations(Ipv6Address home, Ipv6Address agent);

  static Protection read(Section section) throws ConfigurationException {
    boolean negotiated =
        section.choice("keying", "configured", ImmutableMap.of("configured", false, "ike", true));
    return negotiated ? NegotiatedKeys.read(section) : ConfiguredKeys.read(section);
  }
}

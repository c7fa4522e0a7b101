package io.mipd.mobility.mn;

import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.LinkLayerAddress;
import java.time.Duration;
import java.util.Optional;

/**
 * A router that a mobile node hears, for people.
 *
 * @param router its link-local address
 * @param prefixes that it announces
 * @param homeAgents whole addresses of the router (R flag of RFC 6275 section 7.2)
 * @param home whether it announces the home prefix
 * @param left until it is asked whether it is still there; not negative
 */
public record RouterStatus(
    int interfaceIndex,
    Ipv6Address router,
    Optional<LinkLayerAddress> linkLayerAddress,
    ImmutableSet<Ipv6Prefix> prefixes,
    ImmutableSet<Ipv6Address> homeAgents,
    boolean home,
    Duration left) {}

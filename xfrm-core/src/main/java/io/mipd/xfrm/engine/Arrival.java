package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.SecurityPath;
import java.util.Optional;

/**
 * How a message of Mobile IPv6 came to this node; what RFC 6275 section 9.5.1 and RFC 4877 want to
 * know of a Binding Update beside its contents.
 *
 * @param source after a Home Address option has been taken into account
 * @param destination after a type 2 routing header has been
 * @param careOf the source on the wire, where a Home Address option gave another
 * @param routingHeader whether a type 2 routing header brought it
 * @param securityPath what protected it, innermost first
 * @param interfaceIndex where it arrived; 0 if that is not known
 */
public record Arrival(
    Ipv6Address source,
    Ipv6Address destination,
    Optional<Ipv6Address> careOf,
    boolean routingHeader,
    SecurityPath securityPath,
    int interfaceIndex) {}

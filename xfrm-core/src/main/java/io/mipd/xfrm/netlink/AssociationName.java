package io.mipd.xfrm.netlink;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Spi;

/**
 * The kernel's {@code struct xfrm_usersa_id}: names a state with an SPI; one without is named by
 * its source address too, which is an attribute.
 */
public record AssociationName(Ipv6Address destination, Spi spi, int family, int protocol) {}

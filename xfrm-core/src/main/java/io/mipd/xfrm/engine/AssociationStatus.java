package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.ReqId;

/**
 * What may be told of an association: no keys.
 *
 * @param packets carried so far
 * @param octets carried so far, of the packets within
 * @param expired whether a hard limit has been reached, so that it carries nothing any more
 */
public record AssociationStatus(
    AssociationId id,
    Ipv6Address source,
    Mode mode,
    ReqId reqId,
    String encryption,
    String integrity,
    long packets,
    long octets,
    boolean expired) {}

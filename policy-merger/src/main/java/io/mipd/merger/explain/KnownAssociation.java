package io.mipd.merger.explain;

import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.Optional;

/**
 * What there is to know of a security association without its keys.
 *
 * @param source outer source in tunnel mode, source of the flow in transport mode
 * @param algorithms as {@code ip xfrm state} names them
 * @param lengths empty if the algorithms are none of ours
 */
public record KnownAssociation(
    AssociationId id,
    Ipv6Address source,
    Mode mode,
    ReqId reqId,
    String algorithms,
    Optional<Lengths> lengths) {

  /**
   * What its algorithms add, in octets.
   *
   * @param block that the encrypted part is padded to
   */
  public record Lengths(int iv, int block, int icv) {}

  /**
   * Whether packets of a template go through it (RFC 4301 section 4.4.1): in tunnel mode found by
   * the end points, in transport mode by the flow's addresses.
   */
  boolean serves(Template template, Flow flow) {
    Ipv6Address from = template.isTunnel() ? template.source() : flow.source();
    Ipv6Address to = template.isTunnel() ? template.destination() : flow.destination();
    return id.protocol() == template.protocol()
        && mode == template.mode()
        && (template.reqId().isAny() || template.reqId().equals(reqId))
        && (template.spi().isAny() || template.spi().equals(id.spi()))
        && (from.isUnspecified() || from.equals(source))
        && (to.isUnspecified() || to.equals(id.destination()));
  }

  boolean isAh() {
    return id.protocol() == TransformProtocol.AH;
  }
}

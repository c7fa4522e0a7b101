package io.mipd.xfrm.netlink;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.Optional;

/**
 * The kernel's {@code struct xfrm_user_tmpl}.
 *
 * @param mode {@code XFRM_MODE_*}
 * @param share {@code XFRM_SHARE_*}; 0 for any
 * @param optional not 0 for {@code level use}
 * @param authAlgorithms which are allowed, a bit for each; {@link #ALL} for all, here and below
 */
public record KernelTemplate(
    Ipv6Address destination,
    Spi spi,
    int protocol,
    int family,
    Ipv6Address source,
    ReqId reqId,
    int mode,
    int share,
    int optional,
    int authAlgorithms,
    int encryptionAlgorithms,
    int compressionAlgorithms) {
  public static final int ALL = -1;

  public static KernelTemplate of(Template template) {
    return new KernelTemplate(
        template.destination(),
        template.spi(),
        template.protocol().number(),
        KernelSelector.AF_INET6,
        template.source(),
        template.reqId(),
        template.mode().number(),
        0,
        template.optional() ? 1 : 0,
        ALL,
        ALL,
        ALL);
  }

  /** The template in the model's terms; empty if they cannot say it, as for a tunnel over IPv4. */
  public Optional<Template> template() {
    var known = TransformProtocol.ofNumber(protocol);
    var its = Mode.ofNumber(mode);
    if (family != KernelSelector.AF_INET6 || known.isEmpty() || its.isEmpty()) {
      return Optional.empty();
    }
    boolean mobile = its.get() == Mode.ROUTE_OPTIMIZATION || its.get() == Mode.IN_TRIGGER;
    if (known.get().isRouteOptimization() != mobile
        || (known.get() == TransformProtocol.IPV6 && its.get() != Mode.TUNNEL)) {
      return Optional.empty();
    }
    return Optional.of(
        new Template(known.get(), its.get(), source, destination, reqId, spi, optional != 0));
  }
}

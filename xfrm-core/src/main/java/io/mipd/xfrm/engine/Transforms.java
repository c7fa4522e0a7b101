package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.transform.AhInbound;
import io.mipd.xfrm.transform.AhOutbound;
import io.mipd.xfrm.transform.AntiReplay;
import io.mipd.xfrm.transform.Discard;
import io.mipd.xfrm.transform.EspInbound;
import io.mipd.xfrm.transform.EspOutbound;
import io.mipd.xfrm.transform.HomeAddressInsertion;
import io.mipd.xfrm.transform.InboundTransform;
import io.mipd.xfrm.transform.Ipv6InIpv6;
import io.mipd.xfrm.transform.OutboundTransform;
import io.mipd.xfrm.transform.PacketBuffer;
import io.mipd.xfrm.transform.RoutingHeaderInsertion;
import io.mipd.xfrm.transform.SequenceSource;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** The transforms of this house. */
final class Transforms implements TransformFactory {
  private final RandomGenerator random;

  /**
   * @param random for initialization vectors
   */
  Transforms(RandomGenerator random) {
    this.random = random;
  }

  @Override
  public OutboundTransform outbound(SecurityAssociation association, SequenceSource numbers) {
    return association.id().protocol() == TransformProtocol.AH
        ? new AhOutbound(association, numbers)
        : new EspOutbound(association, numbers, random);
  }

  @Override
  public InboundTransform inbound(SecurityAssociation association, AntiReplay replay) {
    return association.id().protocol() == TransformProtocol.AH
        ? new AhInbound(association, replay)
        : new EspInbound(association, replay);
  }

  @Override
  public OutboundTransform tunnel(Ipv6Address source, Ipv6Address destination) {
    return new Ipv6InIpv6(source, destination);
  }

  @Override
  public OutboundTransform homeAddressOption(Ipv6Address careOf) {
    return new HomeAddressInsertion(careOf);
  }

  @Override
  public OutboundTransform routingHeader(Ipv6Address careOf) {
    return new RoutingHeaderInsertion(careOf);
  }

  @Override
  public @Nullable Discard decapsulate(PacketBuffer p, int header) {
    return Ipv6InIpv6.decapsulate(p, header);
  }
}

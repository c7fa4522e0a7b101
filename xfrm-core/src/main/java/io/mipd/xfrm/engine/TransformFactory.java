package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.transform.AntiReplay;
import io.mipd.xfrm.transform.Discard;
import io.mipd.xfrm.transform.InboundTransform;
import io.mipd.xfrm.transform.OutboundTransform;
import io.mipd.xfrm.transform.PacketBuffer;
import io.mipd.xfrm.transform.SequenceSource;
import org.jspecify.annotations.Nullable;

/** The transforms as the engine asks for them. */
interface TransformFactory {
  /** ESP or AH in the association's mode. */
  OutboundTransform outbound(SecurityAssociation association, SequenceSource numbers);

  InboundTransform inbound(SecurityAssociation association, AntiReplay replay);

  OutboundTransform tunnel(Ipv6Address source, Ipv6Address destination);

  /** The care-of address becomes the source, the source goes into a Home Address option. */
  OutboundTransform homeAddressOption(Ipv6Address careOf);

  /** The care-of address becomes the destination, which goes into a type 2 routing header. */
  OutboundTransform routingHeader(Ipv6Address careOf);

  /**
   * Takes off everything up to the inner IPv6 header at {@code header}, as RFC 6040 wants it with
   * ECN.
   */
  @Nullable Discard decapsulate(PacketBuffer p, int header);
}

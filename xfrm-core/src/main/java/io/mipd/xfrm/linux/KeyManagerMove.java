package io.mipd.xfrm.linux;

import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;

/**
 * With what a key manager is told of a move. A move from the unspecified address finds no state,
 * only the template of the policy that carries it; the kernel passes on to all key managers what it
 * is told with it.
 *
 * @param carrier matches no packet; there as long as the telling takes
 */
record KeyManagerMove(Policy carrier, XfrmCommand.Move move) {
  /** Precedes nothing: the carrier of a move matches no packet. */
  static final int CARRIER_PRIORITY = Integer.MAX_VALUE;

  static KeyManagerMove of(XfrmCommand.TellKeyManager tell) {
    Ipv6Address nowhere = Ipv6Address.UNSPECIFIED;
    Template template =
        tell.mode() == Mode.TUNNEL
            ? Template.tunnel(TransformProtocol.ESP, nowhere, nowhere, tell.reqId())
            : Template.transport(TransformProtocol.ESP, tell.reqId());
    return new KeyManagerMove(
        Policy.allow(
            Selector.between(tell.local(), tell.local()).withProtocol(IpProtocol.NO_NEXT_HEADER),
            Direction.OUT,
            CARRIER_PRIORITY,
            Bundle.of(template)),
        new XfrmCommand.Move(
            TransformProtocol.ESP,
            tell.mode(),
            tell.reqId(),
            nowhere,
            nowhere,
            tell.local(),
            tell.remote()));
  }
}

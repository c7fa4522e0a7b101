package io.mipd.mobility;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.wire.MobilityMessage.BindingError;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Instant;
import java.util.Optional;

/** Tells senders what of mobility is not understood here (RFC 6275 section 9.3.3). */
public final class BindingErrors {
  private final StatusLimiter limiter = new StatusLimiter();

  /** There is no binding for an option; empty where none may be sent, or none more at present. */
  public Optional<NodeAction> answer(Instant now, NodeEvent.HomeAddressOptionRefused refused) {
    return error(
        now,
        BindingError.UNKNOWN_BINDING,
        refused.homeAddress(),
        refused.destination(),
        refused.careOf());
  }

  /** The type of a message is not known (section 9.2); likewise. */
  public Optional<NodeAction> unrecognized(Instant now, Arrival arrival) {
    return error(
        now,
        BindingError.UNRECOGNIZED_MESSAGE,
        // Of the Home Address option, if there was one.
        arrival.careOf().isPresent() ? arrival.source() : Ipv6Address.UNSPECIFIED,
        arrival.destination(),
        arrival.careOf().orElse(arrival.source()));
  }

  private Optional<NodeAction> error(
      Instant now, int status, Ipv6Address homeAddress, Ipv6Address from, Ipv6Address to) {
    if (!to.isGlobalUnicast() || !limiter.mayAnswer(now)) {
      return Optional.empty();
    }
    return Optional.of(
        new NodeAction.SendMessage(
            new BindingError(status, homeAddress, ImmutableList.of()), from, to, Optional.empty()));
  }
}

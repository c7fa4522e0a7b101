package io.mipd.mobility;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.wire.MobilityMessage.BindingError;
import java.time.Instant;
import java.util.Optional;

/** Tells senders that a binding which they rely on is not there (RFC 6275 section 9.3.3). */
public final class BindingErrors {
  private final StatusLimiter limiter = new StatusLimiter();

  /** Empty where none may be sent, or none more at present. */
  public Optional<NodeAction> answer(Instant now, NodeEvent.HomeAddressOptionRefused refused) {
    if (!refused.careOf().isGlobalUnicast() || !limiter.mayAnswer(now)) {
      return Optional.empty();
    }
    return Optional.of(
        new NodeAction.SendMessage(
            new BindingError(
                BindingError.UNKNOWN_BINDING, refused.homeAddress(), ImmutableList.of()),
            refused.destination(),
            refused.careOf(),
            Optional.empty()));
  }
}

package io.mipd.mobility.cn;

import static com.google.common.base.Preconditions.checkArgument;

import io.mipd.mobility.ProtocolConstants;
import java.time.Duration;

/**
 * Our own addresses are none of the settings: a binding belongs to the address that its update was
 * sent to.
 *
 * @param maximumLifetime that a binding is granted; 4 to 420 s (MAX_RR_BINDING_LIFETIME)
 * @param maximumBindings at one time, those of the last four minutes included that are no more
 * @param maximumBindingsOfPrefix likewise, of home addresses with the same first 64 bits
 */
public record CorrespondentSettings(
    Duration maximumLifetime, int maximumBindings, int maximumBindingsOfPrefix) {
  private static final Duration SHORTEST = Duration.ofSeconds(4);

  public static final CorrespondentSettings DEFAULT =
      new CorrespondentSettings(ProtocolConstants.MAX_RR_BINDING_LIFETIME, 10_000, 1_000);

  public CorrespondentSettings {
    checkArgument(
        maximumLifetime.compareTo(SHORTEST) >= 0
            && maximumLifetime.compareTo(ProtocolConstants.MAX_RR_BINDING_LIFETIME) <= 0,
        "not 4 to 420 s: %s",
        maximumLifetime);
    checkArgument(maximumBindings > 0, "no bindings: %s", maximumBindings);
    checkArgument(
        maximumBindingsOfPrefix > 0, "no bindings of a prefix: %s", maximumBindingsOfPrefix);
  }
}

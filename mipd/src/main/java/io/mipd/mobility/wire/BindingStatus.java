package io.mipd.mobility.wire;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableMap;

/**
 * What became of a Binding Update (RFC 6275 section 6.1.8); below 128 it was accepted.
 *
 * @param code 0 to 255; those that are not known are kept
 */
public record BindingStatus(int code) {
  public static final BindingStatus ACCEPTED = new BindingStatus(0);
  public static final BindingStatus ACCEPTED_BUT_PREFIX_DISCOVERY_NECESSARY = new BindingStatus(1);
  public static final BindingStatus REASON_UNSPECIFIED = new BindingStatus(128);
  public static final BindingStatus ADMINISTRATIVELY_PROHIBITED = new BindingStatus(129);
  public static final BindingStatus INSUFFICIENT_RESOURCES = new BindingStatus(130);
  public static final BindingStatus HOME_REGISTRATION_NOT_SUPPORTED = new BindingStatus(131);
  public static final BindingStatus NOT_HOME_SUBNET = new BindingStatus(132);
  public static final BindingStatus NOT_HOME_AGENT_FOR_THIS_MOBILE_NODE = new BindingStatus(133);
  public static final BindingStatus DUPLICATE_ADDRESS_DETECTION_FAILED = new BindingStatus(134);
  public static final BindingStatus SEQUENCE_NUMBER_OUT_OF_WINDOW = new BindingStatus(135);
  public static final BindingStatus EXPIRED_HOME_NONCE_INDEX = new BindingStatus(136);
  public static final BindingStatus EXPIRED_CARE_OF_NONCE_INDEX = new BindingStatus(137);
  public static final BindingStatus EXPIRED_NONCES = new BindingStatus(138);
  public static final BindingStatus REGISTRATION_TYPE_CHANGE_DISALLOWED = new BindingStatus(139);
  public static final BindingStatus INVALID_CARE_OF_ADDRESS = new BindingStatus(174);

  private static final ImmutableMap<Integer, String> WORDS =
      ImmutableMap.<Integer, String>builder()
          .put(0, "accepted")
          .put(1, "accepted but prefix discovery necessary")
          .put(128, "reason unspecified")
          .put(129, "administratively prohibited")
          .put(130, "insufficient resources")
          .put(131, "home registration not supported")
          .put(132, "not home subnet")
          .put(133, "not home agent for this mobile node")
          .put(134, "duplicate address detection failed")
          .put(135, "sequence number out of window")
          .put(136, "expired home nonce index")
          .put(137, "expired care-of nonce index")
          .put(138, "expired nonces")
          .put(139, "registration type change disallowed")
          .put(174, "invalid care-of address")
          .buildOrThrow();

  public BindingStatus {
    checkArgument(code >= 0 && code <= 255, "not 8 bits: %s", code);
  }

  public boolean isAccepted() {
    return code < 128;
  }

  @Override
  public String toString() {
    return code + " (" + WORDS.getOrDefault(code, "unknown") + ")";
  }
}

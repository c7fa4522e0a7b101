package io.mipd.mobility;

import java.time.Duration;

/** Constants and defaults under the names that the RFCs give them. */
public final class ProtocolConstants {
  /** RFC 6275 section 12. */
  public static final Duration INITIAL_BINDACK_TIMEOUT = Duration.ofSeconds(1);

  /** RFC 6275 section 12. */
  public static final Duration MAX_BINDACK_TIMEOUT = Duration.ofSeconds(32);

  /** After its first use a nonce is good for no longer; RFC 6275 section 12. */
  public static final Duration MAX_NONCE_LIFETIME = Duration.ofMinutes(4);

  /** A keygen token is good for so long at least; RFC 6275 section 12. */
  public static final Duration MAX_TOKEN_LIFETIME = Duration.ofSeconds(210);

  /** RFC 6275 section 12. */
  public static final Duration MAX_RR_BINDING_LIFETIME = Duration.ofMinutes(7);

  /** Retransmissions of return routability before it has failed; RFC 6275 section 12. */
  public static final int MAX_RO_FAILURE = 3;

  /** Messages of a type to a node within a second; RFC 6275 section 12. */
  public static final int MAX_UPDATE_RATE = 3;

  /** InitialBindackTimeoutFirstReg of RFC 6275 section 13. */
  public static final Duration INITIAL_BINDACK_TIMEOUT_FIRST_REG = Duration.ofMillis(1500);

  /** RFC 4861 section 10. */
  public static final int MAX_NEIGHBOR_ADVERTISEMENT = 3;

  /** RFC 4861 section 10. */
  public static final Duration RETRANS_TIMER = Duration.ofSeconds(1);

  /** MinDelayBetweenRAs by default: RFC 6275 section 13. */
  public static final Duration MIN_DELAY_BETWEEN_RAS = Duration.ofSeconds(3);

  /** RFC 4861 section 10. */
  public static final Duration MAX_RA_DELAY_TIME = Duration.ofMillis(500);

  /** RFC 4861 section 10. */
  public static final int MAX_MULTICAST_SOLICIT = 3;

  /** RFC 4861 section 10. */
  public static final Duration MAX_RTR_SOLICITATION_DELAY = Duration.ofSeconds(1);

  /** Unsolicited advertisements that may be missed before a router is taken as gone. */
  public static final int MISSED_ADVERTISEMENTS = 3;

  /** RFC 6275 section 12. */
  public static final Duration INITIAL_DHAAD_TIMEOUT = Duration.ofSeconds(3);

  /** Retransmissions; RFC 6275 section 12. */
  public static final int DHAAD_RETRIES = 4;

  /** RFC 6275 section 12. */
  public static final Duration INITIAL_SOLICIT_TIMER = Duration.ofSeconds(3);

  /** RFC 6275 section 12. */
  public static final Duration PREFIX_ADV_TIMEOUT = Duration.ofSeconds(3);

  /** Retransmissions; RFC 6275 section 12. */
  public static final int PREFIX_ADV_RETRIES = 3;

  private ProtocolConstants() {}
}

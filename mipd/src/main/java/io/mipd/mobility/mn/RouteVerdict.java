package io.mipd.mobility.mn;

import java.time.Duration;
import java.util.Optional;

/**
 * Why packets to a peer take the way that they take, for people.
 *
 * @param route what is under way with the peer, if anything is
 * @param retryIn for {@link Reason#FAILED_BEFORE}: how long until it may be tried again
 */
public record RouteVerdict(Reason reason, Optional<RouteStatus> route, Optional<Duration> retryIn) {

  /** The first of these that holds. */
  public enum Reason {
    /** The configuration has no route optimization. */
    SWITCHED_OFF,
    /** No unicast address beyond a link: nobody registers there. */
    NOT_GLOBAL,
    /** The home agent is reached directly anyhow. */
    HOME_AGENT,
    /** An address of ours. */
    OWN_ADDRESS,
    /** A rule of the configuration keeps this peer on the tunnel. */
    KEPT_OUT,
    /** On the home link there is no longer way than the direct one. */
    AT_HOME,
    /** No link that could be used. */
    NO_LINK,
    /** Packets go directly. */
    OPTIMIZED,
    /** Return routability is under way (RFC 6275 section 5.2). */
    TESTING,
    /** The peer has not acknowledged the Binding Update yet. */
    REGISTERING,
    /** The peer is being told to forget its binding. */
    ENDING,
    /** No Binding Update may go to peers before the home agent has acknowledged (11.7.2). */
    NOT_REGISTERED,
    /** The peer did not answer, or refused: not before some time (11.7.3). */
    FAILED_BEFORE,
    /** No payload of the peer's has come by the tunnel: there is nothing to be gained (11.7.2). */
    NOTHING_HEARD
  }

  static RouteVerdict of(Reason reason) {
    return new RouteVerdict(reason, Optional.empty(), Optional.empty());
  }
}

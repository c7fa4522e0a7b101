package io.mipd.mobility.mn;

import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Duration;
import java.util.Optional;

/**
 * An entry of the Binding Update List, for people.
 *
 * @param careOf that the peer may have bound
 * @param sequence of the last Binding Update to it
 * @param left until that binding has expired at the latest; zero without one
 */
public record RouteStatus(
    Ipv6Address peer,
    State state,
    Optional<CareOfAddress> careOf,
    SequenceNumber sequence,
    Duration left) {

  /** How far it is. */
  public enum State {
    /** Return routability is under way, or waited for. */
    TESTING,
    /** The Binding Update is to be acknowledged. */
    REGISTERING,
    /** The peer has acknowledged, and packets go directly. */
    OPTIMIZED,
    /** The peer is to forget its binding; packets take the tunnel, or the home link. */
    ENDING
  }
}

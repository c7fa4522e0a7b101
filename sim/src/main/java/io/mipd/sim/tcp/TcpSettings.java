package io.mipd.sim.tcp;

import static com.google.common.base.Preconditions.checkArgument;

import java.time.Duration;
import java.util.OptionalLong;

/**
 * What a connection is like.
 *
 * @param algorithm that controls congestion
 * @param segment octets of data in a full segment, 1 to 65535
 * @param initialWindow segments, at least 1
 * @param leastTimeout no retransmission time-out is shorter
 * @param octets that are to be sent; empty for as many as there is time for
 */
public record TcpSettings(
    CongestionControl.Algorithm algorithm,
    int segment,
    int initialWindow,
    Duration leastTimeout,
    OptionalLong octets) {

  public TcpSettings {
    checkArgument(segment > 0 && segment <= 0xffff, "octets of a segment: %s", segment);
    checkArgument(initialWindow > 0, "initial window: %s", initialWindow);
  }
}

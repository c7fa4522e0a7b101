package io.mipd.sim.tcp;

import java.time.Duration;
import java.time.Instant;

/**
 * How many octets may be on their way. Loss recovery is the sender's ({@link TcpSender}); this is
 * how the window grows and how far it falls. Used by one connection.
 */
public interface CongestionControl {
  /** The algorithms that there are. */
  enum Algorithm {
    /** RFC 5681 with the byte counting of RFC 3465. */
    NEWRENO {
      @Override
      public CongestionControl begin(int segment, int initialWindow) {
        return new NewReno(segment, initialWindow);
      }
    },
    /** RFC 9438. */
    CUBIC {
      @Override
      public CongestionControl begin(int segment, int initialWindow) {
        return new Cubic(segment, initialWindow);
      }
    };

    /**
     * A connection begins.
     *
     * @param segment octets of data in a full segment
     * @param initialWindow octets
     */
    public abstract CongestionControl begin(int segment, int initialWindow);
  }

  /** The congestion window, in octets. */
  double window();

  /** Above it the window grows slowly, in octets. */
  double threshold();

  /**
   * New data was acknowledged, and no loss is being repaired.
   *
   * @param octets of data
   * @param roundTrip SRTT of RFC 6298
   */
  void acknowledged(Instant now, int octets, Duration roundTrip);

  /**
   * A loss was found by duplicate acknowledgements; the window is what it is to be after it has
   * been repaired.
   *
   * @param flight octets on their way
   */
  void lost(Instant now, int flight);

  /**
   * The retransmission time-out has come.
   *
   * @param flight octets on their way
   * @param first that of this data; the threshold falls once for it
   */
  void timedOut(int flight, boolean first);
}

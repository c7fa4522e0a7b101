package io.mipd.sim.link;

/** What became of the frames of a link. */
public final class LinkCounters {
  long sent;
  long lost;
  long overflowed;
  long tooBig;
  long reordered;
  long undelivered;
  long cutOff;

  /** Frames that the line has taken, those that it lost among them. */
  public long sent() {
    return sent;
  }

  /** By the loss model. */
  public long lost() {
    return lost;
  }

  /** Dropped because too many waited. */
  public long overflowed() {
    return overflowed;
  }

  /** Dropped because their packet was larger than the MTU: who sends must know it. */
  public long tooBig() {
    return tooBig;
  }

  /** Sent the longer way. */
  public long reordered() {
    return reordered;
  }

  /** For an interface that is not there, or was no more when the frame came out. */
  public long undelivered() {
    return undelivered;
  }

  /** While it was cut. */
  public long cutOff() {
    return cutOff;
  }
}

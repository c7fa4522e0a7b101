package io.mipd.sim.node;

/** What a node has done with packets. */
public final class StackCounters {
  long delivered;
  long forwarded;
  long malformed;
  long notForUs;
  long noRoute;
  long hopLimitExceeded;
  long tooBig;
  long sourceFiltered;

  /** Packets for this node. */
  public long delivered() {
    return delivered;
  }

  /** Passed on. */
  public long forwarded() {
    return forwarded;
  }

  /** Not IPv6, or with headers that cannot be read. */
  public long malformed() {
    return malformed;
  }

  /** For somebody else, at a host. */
  public long notForUs() {
    return notForUs;
  }

  /** For which there was no way. */
  public long noRoute() {
    return noRoute;
  }

  /** That had been passed on too often. */
  public long hopLimitExceeded() {
    return hopLimitExceeded;
  }

  /** Larger than the link that they were to take. */
  public long tooBig() {
    return tooBig;
  }

  /** With a source that does not belong to the link they came from. */
  public long sourceFiltered() {
    return sourceFiltered;
  }
}

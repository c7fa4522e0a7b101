package io.mipd.xfrm.linux;

import io.mipd.xfrm.netlink.RtnetlinkNotice;
import java.util.function.Consumer;

/**
 * Tells of changes of interfaces, IPv6 addresses and routes. It knows what there was: after an
 * overrun it lists everything again and tells the differences, so nothing is missed for good.
 */
@SuppressWarnings("DoNotCallSuggester") // no bodies yet
public final class RtnetlinkMonitor implements AutoCloseable {
  /**
   * @param neighbours whether changes of the neighbour cache are told as well
   */
  public static RtnetlinkMonitor open(boolean neighbours) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** As {@link #open(boolean)}, without neighbours. */
  public static RtnetlinkMonitor open() throws SystemCallException {
    return open(false);
  }

  /** For {@link Poller#add}. */
  public int fd() {
    throw new UnsupportedOperationException();
  }

  /**
   * Tells what has changed since the last call; the first call tells everything there is, as new.
   * Never waits for changes.
   */
  public void receive(Consumer<RtnetlinkNotice> consumer) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** How often changes were lost and everything was listed again. */
  public long overruns() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}

package io.mipd.xfrm.linux;

/**
 * Waits for any of several descriptors to be readable ({@code epoll}, level triggered) and runs
 * what was registered with each. One thread polls; {@link #wakeUp} may be called by any.
 */
@SuppressWarnings("DoNotCallSuggester") // no bodies yet
public final class Poller implements AutoCloseable {
  public static Poller open() throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** Runs {@code onReadable} in {@link #poll} whenever {@code fd} is readable or broken. */
  public void add(int fd, Runnable onReadable) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** Forgets a descriptor; to be called before it is closed. Unknown ones are ignored. */
  public void remove(int fd) {
    throw new UnsupportedOperationException();
  }

  /**
   * Waits, and runs what there is to run.
   *
   * @param timeoutMillis how long at most; 0 not at all, -1 without end
   * @return how many descriptors were readable
   */
  public int poll(int timeoutMillis) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** Makes the {@link #poll} that waits, or else the next one, return at once. */
  public void wakeUp() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}

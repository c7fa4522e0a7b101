package io.mipd.xfrm.linux;

/**
 * Whole frames of one interface, of every protocol and for whatever destination: those that arrive,
 * and a way to send. For a forwarder that joins interfaces; it does not see what it sends itself.
 */
@SuppressWarnings("DoNotCallSuggester") // no bodies yet
public final class FrameSocket implements AutoCloseable {
  /** Frames taken by one system call at most. */
  public static final int BATCH = 64;

  /** Opens the socket and makes the interface promiscuous as long as it is open. */
  public static FrameSocket open(int interfaceIndex) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  public int interfaceIndex() {
    throw new UnsupportedOperationException();
  }

  /** For {@link Poller#add}. */
  public int fd() {
    throw new UnsupportedOperationException();
  }

  /**
   * Takes what has arrived, at most {@link #BATCH} frames; never waits.
   *
   * @return how many buffers were filled, from the first; 0 if there is nothing
   */
  public int receive(FrameBuffer[] into) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /**
   * Sends a frame; never waits.
   *
   * @return false if the kernel has refused it (interface down, queue full); it is counted
   */
  public boolean send(FrameBuffer frame) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** Frames that the kernel refused to send. */
  public long refused() {
    throw new UnsupportedOperationException();
  }

  /** Frames lost because this socket's queue was full or they were longer than a buffer. */
  public long dropped() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}

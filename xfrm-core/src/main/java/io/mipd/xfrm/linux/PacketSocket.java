package io.mipd.xfrm.linux;

import io.mipd.xfrm.transform.PacketBuffer;

/**
 * Copies of the IPv6 packets that arrive on one interface for this node (not those it only
 * overhears, not those it sends). The kernel goes on with the originals.
 */
@SuppressWarnings("DoNotCallSuggester") // no bodies yet
public final class PacketSocket implements AutoCloseable {
  /** Packets taken by one system call at most. */
  public static final int BATCH = 64;

  /** Opens a socket that receives everything on the interface; see {@link #attachFilter}. */
  public static PacketSocket open(int interfaceIndex) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** As {@link #open(int)}; the filter is there before the first packet is. */
  public static PacketSocket open(int interfaceIndex, SocketFilter filter)
      throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  public int interfaceIndex() {
    throw new UnsupportedOperationException();
  }

  /** For {@link Poller#add}. */
  public int fd() {
    throw new UnsupportedOperationException();
  }

  /** From now on only packets that the filter passes are received. */
  public void attachFilter(SocketFilter filter) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /**
   * Takes what has arrived, at most {@link #BATCH} packets; never waits. Each buffer that is used
   * is cleared and filled, with its interface and the state of its checksum.
   *
   * @return how many buffers were filled, from the first; 0 if there is nothing
   */
  public int receive(PacketBuffer[] into) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** Packets lost because this socket's queue was full or they were longer than a buffer. */
  public long dropped() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}

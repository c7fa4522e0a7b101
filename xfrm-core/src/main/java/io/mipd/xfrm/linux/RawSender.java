package io.mipd.xfrm.linux;

import io.mipd.xfrm.transform.PacketBuffer;

/**
 * Sends finished IPv6 packets, header included, through one interface. The kernel finds the next
 * hop by the destination in the header and resolves it; it changes nothing, does not fragment, and
 * leaves the packet out of its own IPsec policies where it has any.
 */
@SuppressWarnings("DoNotCallSuggester") // no bodies yet
public final class RawSender implements AutoCloseable {
  /** Packets sent by one system call at most. */
  public static final int BATCH = 64;

  /**
   * @param interfaceName the interface that packets leave by
   * @param mark their firewall mark ({@code SO_MARK}), 0 for none
   */
  public static RawSender open(String interfaceName, int mark) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /**
   * A sender whose packets leave by the interface that the routing tables name for their
   * destination: for a router, whose own address says nothing of the way out.
   *
   * @param mark their firewall mark ({@code SO_MARK}), 0 for none
   */
  public static RawSender anyInterface(int mark) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  public String interfaceName() {
    throw new UnsupportedOperationException();
  }

  /**
   * Copies a packet into the batch, and sends the batch first if it is full. Checksums must be
   * complete.
   */
  public void add(PacketBuffer packet) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /**
   * Sends the batch; never waits. A packet that the kernel refuses is counted, and the others go
   * on.
   *
   * @return how many were sent
   */
  public int flush() throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** Packets the kernel took. */
  public long sent() {
    throw new UnsupportedOperationException();
  }

  /** Packets the kernel refused, {@link #tooBig} ones included. */
  public long refused() {
    throw new UnsupportedOperationException();
  }

  /** Packets refused for being larger than the interface's MTU ({@code EMSGSIZE}). */
  public long tooBig() {
    throw new UnsupportedOperationException();
  }

  /** The symbolic name of the last refusal's error, or empty. */
  public String lastError() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}

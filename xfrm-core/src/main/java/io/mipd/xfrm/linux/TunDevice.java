package io.mipd.xfrm.linux;

import io.mipd.xfrm.transform.PacketBuffer;

/**
 * A TUN device: what the kernel routes into it is read here, what is written here arrives in the
 * kernel from it. Each packet carries a virtio header, so checksums may be left to be completed and
 * TCP crosses in super-packets; {@link PacketBuffer} says so. The device is gone when it is closed.
 */
@SuppressWarnings("DoNotCallSuggester") // no bodies yet
public final class TunDevice implements AutoCloseable {
  /**
   * Makes a device; it is down and has no address.
   *
   * @param name at most 15 octets; {@code mipd%d} lets the kernel choose the number
   * @param superPackets whether the kernel may hand over packets of up to 64 KiB that are still to
   *     be cut into segments ({@link PacketBuffer#segmentation})
   */
  public static TunDevice open(String name, boolean superPackets) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** As {@link #open(String, boolean)}, with super-packets. */
  public static TunDevice open(String name) throws SystemCallException {
    return open(name, true);
  }

  public String name() {
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
   * Takes the next packet, if there is one; never waits. What is not IPv6 is passed over.
   *
   * @param into cleared and filled
   * @return whether there was one
   */
  public boolean read(PacketBuffer into) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /**
   * Hands a packet to the kernel; never waits.
   *
   * @return false if the kernel has refused it (device down, no memory, malformed); it is counted
   */
  public boolean write(PacketBuffer from) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** Packets that the kernel refused. */
  public long refused() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}

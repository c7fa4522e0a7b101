package io.mipd.xfrm.linux;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.Arrays;

/**
 * One frame with the virtio header that a {@link FrameSocket} receives and sends before it, kept
 * untouched: so a frame that is forwarded keeps its unfinished checksum and its segment size.
 */
public final class FrameBuffer {
  /** Octets of the virtio header ({@code struct virtio_net_hdr}). */
  public static final int HEADER = 10;

  /** The largest frame: Ethernet with a VLAN tag, and a packet of 64 KiB. */
  public static final int MAX_FRAME = 18 + 40 + 0xffff;

  private final byte[] array = new byte[HEADER + MAX_FRAME];
  private int length;

  /** The virtio header, and from {@link #HEADER} on the frame. */
  public byte[] array() {
    return array;
  }

  /** Octets of the frame, without the virtio header. */
  public int length() {
    return length;
  }

  public void setLength(int octets) {
    checkArgument(octets >= 0 && octets <= MAX_FRAME, "no length of a frame: %s", octets);
    length = octets;
  }

  public void copyFrom(FrameBuffer other) {
    System.arraycopy(other.array, 0, array, 0, HEADER + other.length);
    length = other.length;
  }

  /** The frame alone. */
  public byte[] toOctets() {
    return Arrays.copyOfRange(array, HEADER, HEADER + length);
  }
}

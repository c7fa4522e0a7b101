package io.mipd.xfrm.transform;

import static com.google.common.base.Preconditions.checkArgument;
import static com.google.common.base.Preconditions.checkState;

import java.util.Arrays;

/**
 * One IPv6 packet on its way through the engine, changed in place: a part of an array, with room
 * before it for the headers that transforms put in front and behind it for trailers. Taken from a
 * pool and used again, never made for a packet. Used by one thread at a time.
 */
public final class PacketBuffer {
  /** Octets before the packet, for the headers of every layer that may be added. */
  public static final int HEADROOM = 640;

  /** Octets behind the packet, for padding and integrity check values. */
  public static final int TAILROOM = 384;

  /** The largest packet: an IPv6 header and a payload of 65535 octets. */
  public static final int MAX_PACKET = 40 + 0xffff;

  /** What a TUN super-packet is to be cut into ({@code VIRTIO_NET_HDR_GSO_*}). */
  public enum Segmentation {
    NONE,
    TCP,
    UDP
  }

  private static final byte[] NOT_YET = {};

  private final int size;

  /** Made when it is first used: most nodes of a simulation never need most of theirs. */
  private byte[] octets = NOT_YET;

  private int start = HEADROOM;
  private int end = HEADROOM;
  private int interfaceIndex;
  private int mark;
  private boolean checksumPartial;
  private int checksumStart;
  private int checksumOffset;
  private Segmentation segmentation = Segmentation.NONE;
  private int segmentSize;

  /** A buffer for the largest packet. */
  public PacketBuffer() {
    this(MAX_PACKET);
  }

  /**
   * @param capacity octets of the largest packet that it can take
   */
  public PacketBuffer(int capacity) {
    size = HEADROOM + capacity + TAILROOM;
  }

  /** The octets, of which {@link #start} to {@link #end} are the packet. */
  public byte[] array() {
    if (octets == NOT_YET) {
      octets = new byte[size];
    }
    return octets;
  }

  /** Where the packet begins: its IPv6 header. */
  public int start() {
    return start;
  }

  /** Behind its last octet. */
  public int end() {
    return end;
  }

  public int length() {
    return end - start;
  }

  /** Empties it and forgets all that was known of the last packet. */
  public void clear() {
    start = HEADROOM;
    end = HEADROOM;
    interfaceIndex = 0;
    mark = 0;
    completeChecksum();
    segmentation = Segmentation.NONE;
    segmentSize = 0;
  }

  /** The packet is what stands in {@code array} between these offsets. */
  public void setBounds(int newStart, int newEnd) {
    checkArgument(
        newStart >= 0 && newStart <= newEnd && newEnd <= size,
        "no part of the array: %s to %s",
        newStart,
        newEnd);
    start = newStart;
    end = newEnd;
  }

  /** Fills a cleared buffer with a copy. */
  public void set(byte[] source, int offset, int length) {
    checkArgument(length <= size - HEADROOM, "too long: %s", length);
    System.arraycopy(source, offset, array(), HEADROOM, length);
    start = HEADROOM;
    end = HEADROOM + length;
  }

  /** The packet alone; for tests and for copies that live longer than the buffer. */
  public byte[] toOctets() {
    return Arrays.copyOfRange(array(), start, end);
  }

  public int headroom() {
    return start;
  }

  public int tailroom() {
    return size - end;
  }

  /** Makes room for {@code octets} in front; returns the new start. */
  public int prepend(int octets) {
    checkState(octets <= start, "no headroom");
    start -= octets;
    return start;
  }

  /** Makes room for {@code octets} at the end; returns where they begin. */
  public int append(int octets) {
    checkState(octets <= size - end, "no tailroom");
    int at = end;
    end += octets;
    return at;
  }

  /** Cuts {@code octets} off the front. */
  public void dropFront(int octets) {
    checkArgument(octets >= 0 && octets <= length(), "not so long: %s", octets);
    start += octets;
  }

  /** Cuts {@code octets} off the end. */
  public void dropEnd(int octets) {
    checkArgument(octets >= 0 && octets <= length(), "not so long: %s", octets);
    end -= octets;
  }

  /** Where it arrived, or 0. */
  public int interfaceIndex() {
    return interfaceIndex;
  }

  public void setInterfaceIndex(int index) {
    interfaceIndex = index;
  }

  /** The firewall mark, or 0. */
  public int mark() {
    return mark;
  }

  public void setMark(int value) {
    mark = value;
  }

  /** Whether the transport checksum holds only the pseudo-header's sum and is to be completed. */
  public boolean isChecksumPartial() {
    return checksumPartial;
  }

  /** Octets from the start of the packet to where the sum begins. */
  public int checksumStart() {
    return checksumStart;
  }

  /** Octets from {@link #checksumStart} to the checksum field. */
  public int checksumOffset() {
    return checksumOffset;
  }

  public void setPartialChecksum(int sumStart, int fieldOffset) {
    checksumPartial = true;
    checksumStart = sumStart;
    checksumOffset = fieldOffset;
  }

  public void completeChecksum() {
    checksumPartial = false;
    checksumStart = 0;
    checksumOffset = 0;
  }

  public Segmentation segmentation() {
    return segmentation;
  }

  /** Octets of payload of each segment. */
  public int segmentSize() {
    return segmentSize;
  }

  public void setSegmentation(Segmentation kind, int size) {
    segmentation = kind;
    segmentSize = size;
  }
}

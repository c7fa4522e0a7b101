package io.mipd.xfrm.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import jnr.ffi.Pointer;

/** Memory outside the heap, zero at first, in the machine's byte order; lives as long as this. */
final class NativeMemory {
  private final ByteBuffer buffer;
  private final long address;

  NativeMemory(int octets) {
    buffer = ByteBuffer.allocateDirect(octets).order(ByteOrder.nativeOrder());
    address = Pointer.wrap(Native.runtime(), buffer).address();
  }

  /** Its octets; only absolute access, position and limit stay. */
  ByteBuffer buffer() {
    return buffer;
  }

  long address() {
    return address;
  }

  long address(int offset) {
    return address + offset;
  }

  int size() {
    return buffer.capacity();
  }

  NativeMemory putString(int offset, String text) {
    byte[] octets = text.getBytes(StandardCharsets.UTF_8);
    buffer.put(offset, octets);
    buffer.put(offset + octets.length, (byte) 0);
    return this;
  }

  /** The text up to the zero octet, of at most {@code limit} octets. */
  String getString(int offset, int limit) {
    int length = 0;
    while (length < limit && buffer.get(offset + length) != 0) {
      length++;
    }
    var octets = new byte[length];
    buffer.get(offset, octets);
    return new String(octets, StandardCharsets.UTF_8);
  }

  /** A big-endian field, such as a port or an EtherType, in native memory. */
  static short networkOrder(int value) {
    return Short.reverseBytes((short) value);
  }
}

package io.mipd.xfrm.linux;

import io.mipd.xfrm.model.Ipv6Address;
import java.nio.ByteBuffer;

/**
 * The address of IPv6 sockets ({@code struct sockaddr_in6}).
 *
 * <pre>
 *  0             2            4               8           24
 *  +-------------+------------+---------------+-----------+---------------+
 *  | sin6_family | sin6_port  | sin6_flowinfo | sin6_addr | sin6_scope_id |
 *  +-------------+------------+---------------+-----------+---------------+
 * </pre>
 */
final class InternetAddress {
  static final int LENGTH = 28;
  static final int AF_INET6 = 10;
  static final int PORT = 2;
  static final int ADDRESS = 8;
  static final int SCOPE = 24;

  private InternetAddress() {}

  /** Writes the address that stands in {@code octets}. */
  static void write(ByteBuffer memory, int at, byte[] octets, int offset, int scope) {
    memory.putShort(at, (short) AF_INET6);
    memory.putShort(at + PORT, (short) 0);
    memory.putInt(at + 4, 0);
    memory.put(at + ADDRESS, octets, offset, Ipv6Address.LENGTH);
    memory.putInt(at + SCOPE, scope);
  }

  /** Writes the port beside an address that has been written. */
  static void writePort(ByteBuffer memory, int at, int port) {
    // In network order, which the memory is not in.
    memory.put(at + PORT, (byte) (port >>> 8)).put(at + PORT + 1, (byte) port);
  }

  static Ipv6Address read(ByteBuffer memory, int at) {
    return new Ipv6Address(
        Long.reverseBytes(memory.getLong(at)), Long.reverseBytes(memory.getLong(at + 8)));
  }
}

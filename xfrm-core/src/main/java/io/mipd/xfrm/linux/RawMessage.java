package io.mipd.xfrm.linux;

import io.mipd.xfrm.model.Ipv6Address;

/**
 * A {@code struct msghdr} to a destination, with the source or the interface as its only ancillary
 * data.
 */
final class RawMessage {
  private final NativeMemory octets;
  private final NativeMemory name = new NativeMemory(InternetAddress.LENGTH);
  private final NativeMemory packetInfo = new NativeMemory(RawReceiver.CONTROL_HEADER + 24);
  private final NativeMemory header = new NativeMemory(56);
  private final NativeMemory vector = new NativeMemory(16);

  /**
   * @param octets what is sent, from its beginning
   */
  RawMessage(NativeMemory octets) {
    this.octets = octets;
    header.buffer().putLong(0, name.address());
    header.buffer().putInt(8, InternetAddress.LENGTH);
    header.buffer().putLong(16, vector.address());
    header.buffer().putLong(24, 1);
    header.buffer().putLong(32, packetInfo.address());
    header.buffer().putLong(40, packetInfo.size());
    vector.buffer().putLong(0, octets.address());
    // struct in6_pktinfo: ipi6_addr (16), ipi6_ifindex (4).
    packetInfo.buffer().putLong(0, RawReceiver.CONTROL_HEADER + 20);
    packetInfo.buffer().putInt(8, RawReceiver.IPPROTO_IPV6);
    packetInfo.buffer().putInt(12, RawReceiver.IPV6_PKTINFO);
  }

  /** Where to write what is sent. */
  NativeMemory octets() {
    return octets;
  }

  /**
   * @param source {@link Ipv6Address#UNSPECIFIED} if the octets or the kernel say it
   * @param interfaceIndex the one that it leaves by; 0 if the routes decide
   * @return as of {@code sendmsg}
   */
  long send(
      FileDescriptor by,
      Ipv6Address source,
      Ipv6Address destination,
      int interfaceIndex,
      int length) {
    return send(by, source, destination, 0, interfaceIndex, length);
  }

  /**
   * Likewise, as of a protocol that the socket itself is not for.
   *
   * @param protocol which {@code sin6_port} tells a raw socket; 0 for the socket's own
   */
  long send(
      FileDescriptor by,
      Ipv6Address source,
      Ipv6Address destination,
      int protocol,
      int interfaceIndex,
      int length) {
    InternetAddress.write(name.buffer(), 0, destination.toOctets(), 0, interfaceIndex);
    InternetAddress.writePort(name.buffer(), 0, protocol);
    packetInfo.buffer().put(RawReceiver.CONTROL_HEADER, source.toOctets());
    packetInfo.buffer().putInt(RawReceiver.CONTROL_HEADER + Ipv6Address.LENGTH, interfaceIndex);
    vector.buffer().putLong(8, length);
    return Native.C.sendmsg(by.number(), header.address(), 0);
  }
}

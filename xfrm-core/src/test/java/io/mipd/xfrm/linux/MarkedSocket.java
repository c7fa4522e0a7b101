package io.mipd.xfrm.linux;

import io.mipd.xfrm.model.Ipv6Address;

/** A socket of UDP whose packets bear a mark, which Java's own have no word for. */
public final class MarkedSocket implements AutoCloseable {
  private static final int SOCK_DGRAM = 2;
  private static final int SOL_SOCKET = 1;
  private static final int SO_REUSEADDR = 2;
  private static final int SO_MARK = 36;

  private final FileDescriptor descriptor;

  private MarkedSocket(FileDescriptor descriptor) {
    this.descriptor = descriptor;
  }

  public static MarkedSocket open(Ipv6Address source, int port, int mark)
      throws SystemCallException {
    var descriptor = FileDescriptor.socket(InternetAddress.AF_INET6, SOCK_DGRAM, 0, "udp");
    try {
      descriptor.setOption(SOL_SOCKET, SO_REUSEADDR, 1);
      descriptor.setOption(SOL_SOCKET, SO_MARK, mark);
      descriptor.bind(address(source, port));
      return new MarkedSocket(descriptor);
    } catch (SystemCallException e) {
      descriptor.close();
      throw e;
    }
  }

  private static NativeMemory address(Ipv6Address address, int port) {
    var memory = new NativeMemory(InternetAddress.LENGTH);
    InternetAddress.write(memory.buffer(), 0, address.toOctets(), 0, 0);
    InternetAddress.writePort(memory.buffer(), 0, port);
    return memory;
  }

  /**
   * @throws SystemCallException also if a policy blocks it (EPERM)
   */
  public void send(Ipv6Address destination, int port, byte[] octets) throws SystemCallException {
    NativeMemory to = address(destination, port);
    if (Native.C.connect(descriptor.number(), to.address(), InternetAddress.LENGTH) < 0) {
      throw Native.failure("connect", destination);
    }
    var memory = new NativeMemory(Math.max(1, octets.length));
    memory.buffer().put(0, octets);
    if (Native.C.send(descriptor.number(), memory.address(), octets.length, 0) < 0) {
      throw Native.failure("send", destination);
    }
  }

  @Override
  public void close() {
    descriptor.close();
  }
}

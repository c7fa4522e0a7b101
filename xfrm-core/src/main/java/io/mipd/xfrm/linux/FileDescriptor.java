package io.mipd.xfrm.linux;

import java.lang.ref.Reference;

/** A descriptor that is closed once, and what it belongs to in words for failures. */
final class FileDescriptor implements AutoCloseable {
  private static final int SOL_SOCKET = 1;
  private static final int SO_SNDBUFFORCE = 32;
  private static final int SO_RCVBUFFORCE = 33;
  private static final int SOCK_NONBLOCK = 0x800;
  private static final int SOCK_CLOEXEC = 0x80000;

  private final int fd;
  private final String object;
  private boolean closed;

  FileDescriptor(int fd, String object) {
    this.fd = fd;
    this.object = object;
  }

  /** A socket that does not wait. */
  static FileDescriptor socket(int domain, int type, int protocol, String object)
      throws SystemCallException {
    int fd = Native.C.socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    return new FileDescriptor(Native.check(fd, "socket", object), object);
  }

  /** A socket that waits. */
  static FileDescriptor blockingSocket(int domain, int type, int protocol, String object)
      throws SystemCallException {
    int fd = Native.C.socket(domain, type | SOCK_CLOEXEC, protocol);
    return new FileDescriptor(Native.check(fd, "socket", object), object);
  }

  int number() {
    return fd;
  }

  String object() {
    return object;
  }

  void setOption(int level, int name, int value) throws SystemCallException {
    var memory = new NativeMemory(4);
    memory.buffer().putInt(0, value);
    setOption(level, name, memory);
  }

  void setOption(int level, int name, NativeMemory value) throws SystemCallException {
    try {
      Native.check(
          Native.C.setsockopt(fd, level, name, value.address(), value.size()),
          "setsockopt " + level + "/" + name,
          object);
    } finally {
      // Only its number is passed on: without this, it could be freed during the call.
      Reference.reachabilityFence(value);
    }
  }

  /** Asks for queues of this many octets, beyond the system's limit where we may. */
  void setQueues(int octets) throws SystemCallException {
    setOption(SOL_SOCKET, SO_SNDBUFFORCE, octets);
    setOption(SOL_SOCKET, SO_RCVBUFFORCE, octets);
  }

  void bind(NativeMemory address) throws SystemCallException {
    try {
      Native.check(Native.C.bind(fd, address.address(), address.size()), "bind", object);
    } finally {
      Reference.reachabilityFence(address);
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      Native.C.close(fd);
    }
  }
}

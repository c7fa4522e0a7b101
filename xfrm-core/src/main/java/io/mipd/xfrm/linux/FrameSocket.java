package io.mipd.xfrm.linux;

/**
 * Whole frames of one interface, of every protocol and for whatever destination: those that arrive,
 * and a way to send. For a forwarder that joins interfaces; it does not see what it sends itself.
 */
public final class FrameSocket implements AutoCloseable {
  /** Frames taken by one system call at most. */
  public static final int BATCH = 64;

  private static final int QUEUE = 4 << 20;
  private static final int MESSAGE = FrameBuffer.HEADER + FrameBuffer.MAX_FRAME + 7 & ~7;

  private final FileDescriptor descriptor;
  private final int interfaceIndex;
  private final MessageBatch batch =
      MessageBatch.forReceiving(BATCH, MESSAGE, PacketAddress.LENGTH, 0);
  private final NativeMemory sendMemory = new NativeMemory(MESSAGE);
  private long refused;
  private long dropped;

  private FrameSocket(FileDescriptor descriptor, int interfaceIndex) {
    this.descriptor = descriptor;
    this.interfaceIndex = interfaceIndex;
  }

  /** Opens the socket and makes the interface promiscuous as long as it is open. */
  public static FrameSocket open(int interfaceIndex) throws SystemCallException {
    var descriptor =
        FileDescriptor.socket(
            PacketAddress.AF_PACKET, PacketAddress.SOCK_RAW, 0, "interface " + interfaceIndex);
    try {
      PacketOptions.setVirtioHeader(descriptor);
      PacketOptions.ignoreOutgoing(descriptor);
      PacketOptions.setPromiscuous(descriptor, interfaceIndex);
      descriptor.setQueues(QUEUE);
      descriptor.bind(PacketAddress.of(interfaceIndex, PacketAddress.ETH_P_ALL));
      return new FrameSocket(descriptor, interfaceIndex);
    } catch (SystemCallException e) {
      descriptor.close();
      throw e;
    }
  }

  public int interfaceIndex() {
    return interfaceIndex;
  }

  /** For {@link Poller#add}. */
  public int fd() {
    return descriptor.number();
  }

  /**
   * Takes what has arrived, at most {@link #BATCH} frames; never waits.
   *
   * @return how many buffers were filled, from the first; 0 if there is nothing
   */
  public int receive(FrameBuffer[] into) throws SystemCallException {
    int received = batch.receive(descriptor.number(), into.length);
    if (received < 0) {
      return onError(-received);
    }
    int filled = 0;
    for (int i = 0; i < received; i++) {
      int length = batch.length(i);
      if (batch.isTruncated(i) || length < FrameBuffer.HEADER) {
        dropped++;
        continue;
      }
      batch.octets().buffer().get(i * MESSAGE, into[filled].array(), 0, length);
      into[filled].setLength(length - FrameBuffer.HEADER);
      filled++;
    }
    return filled;
  }

  private int onError(int errno) throws SystemCallException {
    if (Errno.isTransient(errno) || errno == Errno.ENETDOWN) {
      return 0;
    }
    // A super-packet of a kind that the virtio header cannot name; it is gone.
    if (errno == Errno.EINVAL) {
      dropped++;
      return 0;
    }
    throw Native.failure("recvmmsg", descriptor.object(), errno);
  }

  /**
   * Sends a frame; never waits.
   *
   * @return false if the kernel has refused it (interface down, queue full, larger than the
   *     interface's MTU); it is counted
   */
  public boolean send(FrameBuffer frame) throws SystemCallException {
    int length = FrameBuffer.HEADER + frame.length();
    sendMemory.buffer().put(0, frame.array(), 0, length);
    if (Native.C.send(descriptor.number(), sendMemory.address(), length, 0) >= 0) {
      return true;
    }
    int errno = Native.errno();
    refused++;
    if (Errno.isTransient(errno)
        || errno == Errno.ENETDOWN
        || errno == Errno.EMSGSIZE
        || errno == Errno.EINVAL) {
      return false;
    }
    throw Native.failure("send", descriptor.object(), errno);
  }

  /** Frames that the kernel refused to send. */
  public long refused() {
    return refused;
  }

  /** Frames lost because this socket's queue was full or they were longer than a buffer. */
  public long dropped() {
    dropped += PacketOptions.takeDrops(descriptor);
    return dropped;
  }

  @Override
  public void close() {
    descriptor.close();
  }
}

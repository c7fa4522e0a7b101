package io.mipd.xfrm.linux;

import io.mipd.xfrm.transform.PacketBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Copies of the IPv6 packets that arrive on one interface for this node (not those it only
 * overhears, not those it sends). The kernel goes on with the originals.
 */
public final class PacketSocket implements AutoCloseable {
  /** Packets taken by one system call at most. */
  public static final int BATCH = 64;

  private static final int ANY_INTERFACE = 0;
  private static final int QUEUE = 4 << 20;
  private static final int MESSAGE =
      VirtioHeader.LENGTH + 14 + PacketBuffer.MAX_PACKET + 7 & ~7; // keeps the next one aligned

  private final FileDescriptor descriptor;
  private final int interfaceIndex;
  private final int linkHeader;
  private final MessageBatch batch =
      MessageBatch.forReceiving(BATCH, MESSAGE, PacketAddress.LENGTH, 0);
  private long dropped;

  private PacketSocket(FileDescriptor descriptor, int interfaceIndex, int linkHeader) {
    this.descriptor = descriptor;
    this.interfaceIndex = interfaceIndex;
    this.linkHeader = linkHeader;
  }

  /** Opens a socket that receives everything on the interface; see {@link #attachFilter}. */
  public static PacketSocket open(int interfaceIndex) throws SystemCallException {
    return open(interfaceIndex, null);
  }

  /** As {@link #open(int)}; the filter is there before the first packet is. */
  public static PacketSocket open(int interfaceIndex, @Nullable SocketFilter filter)
      throws SystemCallException {
    // Protocol 0 receives nothing until bind names one. Whole frames, because only those come with
    // a virtio header, which alone says where an unfinished checksum stands and how TCP and UDP
    // super-packets are to be cut.
    var descriptor =
        FileDescriptor.socket(
            PacketAddress.AF_PACKET, PacketAddress.SOCK_RAW, 0, "interface " + interfaceIndex);
    try {
      PacketOptions.setVirtioHeader(descriptor);
      descriptor.setQueues(QUEUE);
      if (filter != null) {
        PacketOptions.attachFilter(descriptor, filter);
      }
      descriptor.bind(PacketAddress.of(interfaceIndex, PacketAddress.ETH_P_IPV6));
      return new PacketSocket(descriptor, interfaceIndex, PacketAddress.linkHeader(descriptor));
    } catch (SystemCallException e) {
      descriptor.close();
      throw e;
    }
  }

  /** What comes for multicast groups out of any tunnel of IPv6 in IPv6 that is a device. */
  public static PacketSocket openForGroupsOutOfTunnels() throws SystemCallException {
    return open(ANY_INTERFACE, SocketFilter.toGroupsOutOfTunnels());
  }

  /**
   * As {@link #open(int)}; the interface also takes what is for multicast groups that nobody here
   * has joined.
   */
  public static PacketSocket openForAllGroups(int interfaceIndex, SocketFilter filter)
      throws SystemCallException {
    PacketSocket socket = open(interfaceIndex, filter);
    try {
      PacketOptions.setAllMulticast(socket.descriptor, interfaceIndex);
      return socket;
    } catch (SystemCallException e) {
      socket.close();
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

  /** From now on only packets that the filter passes are received. */
  public void attachFilter(SocketFilter filter) throws SystemCallException {
    PacketOptions.attachFilter(descriptor, filter);
  }

  /**
   * Takes what has arrived, at most {@link #BATCH} packets; never waits. Each buffer that is used
   * is cleared and filled, with its interface and the state of its checksum.
   *
   * @return how many buffers were filled, from the first; 0 may also mean that all that was there
   *     was not for us
   */
  public int receive(PacketBuffer[] into) throws SystemCallException {
    int received = batch.receive(descriptor.number(), into.length);
    if (received < 0) {
      return onError(-received);
    }
    int filled = 0;
    for (int i = 0; i < received; i++) {
      if (take(i, into[filled])) {
        filled++;
      }
    }
    return filled;
  }

  private boolean take(int i, PacketBuffer into) {
    int type = PacketAddress.packetType(batch.names(), i * PacketAddress.LENGTH);
    if (type == PacketAddress.PACKET_OTHERHOST || type == PacketAddress.PACKET_OUTGOING) {
      return false;
    }
    var memory = batch.octets().buffer();
    int at = i * MESSAGE;
    int packetAt = at + VirtioHeader.LENGTH + linkHeader;
    int length = batch.length(i) - VirtioHeader.LENGTH - linkHeader;
    if (batch.isTruncated(i) || length <= 0 || (memory.get(packetAt) & 0xf0) != 0x60) {
      dropped++;
      return false;
    }
    into.clear();
    memory.get(packetAt, into.array(), into.start(), length);
    into.setBounds(into.start(), into.start() + length);
    into.setInterfaceIndex(PacketAddress.interfaceIndex(batch.names(), i * PacketAddress.LENGTH));
    VirtioHeader.read(memory, at, linkHeader, into);
    return true;
  }

  private int onError(int errno) throws SystemCallException {
    // The interface is down; the socket works again when it is up.
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

  /** Packets lost because this socket's queue was full or they were longer than a buffer. */
  public long dropped() {
    dropped += PacketOptions.takeDrops(descriptor);
    return dropped;
  }

  @Override
  public void close() {
    descriptor.close();
  }
}

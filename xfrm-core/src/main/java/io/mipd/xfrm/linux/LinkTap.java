package io.mipd.xfrm.linux;

import com.google.common.collect.ImmutableList;
import java.nio.ByteBuffer;

/**
 * Copies of the IPv6 packets that arrive at this node and leave it, by whatever interface but the
 * loopback, without link-layer header. The kernel goes on with the originals. What it cuts later,
 * or has put together, comes in one piece; what came out of a tunnel comes once more.
 */
public final class LinkTap implements AutoCloseable {
  /** Packets taken by one call of {@link #receive} at most. */
  public static final int BATCH = 16;

  /** Takes one packet. */
  public interface Receiver {
    /**
     * @param inbound whether it arrives
     * @param packet from its position to its limit; valid during the call
     */
    void packet(int interfaceIndex, boolean inbound, ByteBuffer packet);
  }

  private static final int QUEUE = 8 << 20;
  private static final int ANY_INTERFACE = 0;

  /** A header and the longest payload without a Jumbo Payload option. */
  private static final int MESSAGE = 40 + 0xffff + 7 & ~7;

  private static final int LOAD_HALF = 0x28;
  private static final int JUMP_IF_EQUAL = 0x15;
  private static final int RETURN = 0x06;

  /** Offsets of {@code linux/filter.h} at which a program reads what the kernel knows. */
  private static final int KNOWN = -0x1000;

  private static final int PROTOCOL = KNOWN;
  private static final int HARDWARE_TYPE = KNOWN + 28;
  private static final int ARPHRD_LOOPBACK = 772;

  private final FileDescriptor descriptor;
  private final MessageBatch batch =
      MessageBatch.forReceiving(BATCH, MESSAGE, PacketAddress.LENGTH, 0);
  private long truncated;

  private LinkTap(FileDescriptor descriptor) {
    this.descriptor = descriptor;
  }

  public static LinkTap open() throws SystemCallException {
    // Protocol 0 receives nothing until bind names one; what leaves is only seen with all of them.
    var descriptor =
        FileDescriptor.socket(
            PacketAddress.AF_PACKET, PacketAddress.SOCK_DGRAM, 0, "packets of all interfaces");
    try {
      descriptor.setQueues(QUEUE);
      PacketOptions.attachFilter(descriptor, filter());
      descriptor.bind(PacketAddress.of(ANY_INTERFACE, PacketAddress.ETH_P_ALL));
      return new LinkTap(descriptor);
    } catch (SystemCallException e) {
      descriptor.close();
      throw e;
    }
  }

  private static SocketFilter filter() {
    return new SocketFilter(
        ImmutableList.of(
            new SocketFilter.Instruction(LOAD_HALF, 0, 0, PROTOCOL),
            new SocketFilter.Instruction(JUMP_IF_EQUAL, 0, 3, PacketAddress.ETH_P_IPV6),
            new SocketFilter.Instruction(LOAD_HALF, 0, 0, HARDWARE_TYPE),
            new SocketFilter.Instruction(JUMP_IF_EQUAL, 1, 0, ARPHRD_LOOPBACK),
            new SocketFilter.Instruction(RETURN, 0, 0, -1),
            new SocketFilter.Instruction(RETURN, 0, 0, 0)));
  }

  /** For {@link Poller#add}. */
  public int fd() {
    return descriptor.number();
  }

  /**
   * Hands over what there is, at most {@link #BATCH}; never waits. Frames for other hosts are left
   * out.
   *
   * @return how many were taken from the queue
   */
  public int receive(Receiver to) throws SystemCallException {
    int received = batch.receive(descriptor.number(), BATCH);
    if (received < 0) {
      if (Errno.isTransient(-received) || -received == Errno.ENETDOWN) {
        return 0;
      }
      throw Native.failure("recvmmsg", descriptor.object(), -received);
    }
    for (int i = 0; i < received; i++) {
      int name = i * PacketAddress.LENGTH;
      int type = PacketAddress.packetType(batch.names(), name);
      if (batch.isTruncated(i)) {
        truncated++;
      } else if (type != PacketAddress.PACKET_OTHERHOST) {
        var packet = batch.octets().buffer().duplicate();
        packet.limit(i * MESSAGE + batch.length(i)).position(i * MESSAGE);
        to.packet(
            PacketAddress.interfaceIndex(batch.names(), name),
            type != PacketAddress.PACKET_OUTGOING,
            packet);
      }
    }
    return received;
  }

  /** Packets lost since the last call: the queue was full, or they were longer than any is. */
  public long takeLost() {
    long lost = truncated + PacketOptions.takeDrops(descriptor);
    truncated = 0;
    return lost;
  }

  @Override
  public void close() {
    descriptor.close();
  }
}

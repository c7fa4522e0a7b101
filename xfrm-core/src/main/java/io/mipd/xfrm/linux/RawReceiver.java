package io.mipd.xfrm.linux;

import io.mipd.xfrm.model.Ipv6Address;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;

/** The receiving side of a raw IPv6 socket: messages in batches, with their ancillary data. */
final class RawReceiver {
  /** Messages taken by one call of {@link #receive} at most. */
  static final int LIMIT = 64;

  static final int IPPROTO_IPV6 = 41;
  static final int IPV6_RECVPKTINFO = 49;
  static final int IPV6_PKTINFO = 50;

  /** Octets of {@code struct cmsghdr}: cmsg_len (8), cmsg_level (4), cmsg_type (4). */
  static final int CONTROL_HEADER = 16;

  private static final int BATCH = 16;

  /** Takes one message; all of it is only valid during the call. */
  interface Receiver {
    void received(
        Ipv6Address source,
        Ipv6Address destination,
        int interfaceIndex,
        Ancillary ancillary,
        ByteBuf message);
  }

  /** Takes one item of ancillary data of level {@code IPPROTO_IPV6}. */
  interface Item {
    /**
     * @param type {@code IPV6_*}
     * @param from where its data begins in {@code memory}
     * @param to where it ends
     */
    void found(int type, ByteBuffer memory, int from, int to);
  }

  private final FileDescriptor descriptor;
  private final int messageSize;
  private final int controlSize;
  private final MessageBatch batch;
  private final byte[] received;

  /**
   * @param messageSize longer messages are left out
   * @param controlSize octets of ancillary data that there is room for, a multiple of 8
   */
  RawReceiver(FileDescriptor descriptor, int messageSize, int controlSize)
      throws SystemCallException {
    this.descriptor = descriptor;
    this.messageSize = messageSize;
    this.controlSize = controlSize;
    batch = MessageBatch.forReceiving(BATCH, messageSize, InternetAddress.LENGTH, controlSize);
    received = new byte[messageSize];
    descriptor.setOption(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  }

  /**
   * Hands over what has arrived, at most {@link #LIMIT} messages; never waits.
   *
   * @return how many
   */
  int receive(Receiver to) throws SystemCallException {
    int total = 0;
    while (total < LIMIT) {
      int count = batch.receive(descriptor.number(), BATCH);
      if (count < 0 && !Errno.isTransient(-count)) {
        throw Native.failure("recvmmsg", descriptor.object(), -count);
      }
      if (count <= 0) {
        return total;
      }
      for (int i = 0; i < count; i++) {
        if (!batch.isTruncated(i)) {
          handOver(i, to);
        }
      }
      total += count;
    }
    return total;
  }

  private void handOver(int i, Receiver to) {
    int length = batch.length(i);
    batch.octets().buffer().get(i * messageSize, received, 0, length);
    var source =
        InternetAddress.read(
            batch.names().buffer(), i * InternetAddress.LENGTH + InternetAddress.ADDRESS);
    var ancillary = new Ancillary(i);
    ancillary.forEach(ancillary::keepPacketInfo);
    to.received(
        source,
        ancillary.destination,
        ancillary.interfaceIndex,
        ancillary,
        Unpooled.wrappedBuffer(received, 0, length));
  }

  /** The ancillary data of one message. */
  final class Ancillary {
    private final int message;
    private Ipv6Address destination = Ipv6Address.UNSPECIFIED;
    private int interfaceIndex;

    private Ancillary(int message) {
      this.message = message;
    }

    /** {@code struct in6_pktinfo}: ipi6_addr (16), ipi6_ifindex (4). */
    private void keepPacketInfo(int type, ByteBuffer memory, int from, int to) {
      if (type == IPV6_PKTINFO) {
        destination = InternetAddress.read(memory, from);
        interfaceIndex = memory.getInt(from + Ipv6Address.LENGTH);
      }
    }

    void forEach(Item item) {
      ByteBuffer memory = batch.controls().buffer();
      int at = message * controlSize;
      int end = at + batch.controlLength(message);
      while (at + CONTROL_HEADER <= end) {
        int size = (int) memory.getLong(at);
        if (size < CONTROL_HEADER || size > end - at) {
          return;
        }
        if (memory.getInt(at + 8) == IPPROTO_IPV6) {
          item.found(memory.getInt(at + 12), memory, at + CONTROL_HEADER, at + size);
        }
        at += size + 7 & ~7;
      }
    }
  }
}

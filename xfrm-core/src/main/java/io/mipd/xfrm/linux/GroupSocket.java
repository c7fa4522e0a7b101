package io.mipd.xfrm.linux;

import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Ipv6Fields;
import io.mipd.xfrm.transform.PacketBuffer;
import io.netty.buffer.ByteBuf;

// +-------+---------------+---------------------------------------+
// |Version| Traffic Class |              Flow Label               |
// +-------+-------+-------+-------+---------------+---------------+
// |        Payload Length         |  Next Header  |   Hop Limit   |
// +-------------------------------+---------------+---------------+
// |                    Source Address (128 bits)                  |
// |                 Destination Address (128 bits)                |
// +---------------------------------------------------------------+
//
// RFC 8200 section 3.
/**
 * Datagrams of one protocol for multicast groups that this node's stack has let through its own
 * IPsec policies: unlike a packet socket it sees nothing that they refuse. Extension headers are
 * gone, and fragments are whole again. What is for a group that nobody has joined shows where a
 * route of type {@code local} leads it here.
 */
public final class GroupSocket implements AutoCloseable {
  /** Takes one datagram; it is only valid during the call. */
  public interface Receiver {
    /**
     * @param interfaceIndex where it arrived; for what was in ESP, where the ESP packet did
     * @param packet a header without extension headers, and the datagram
     */
    void received(int interfaceIndex, PacketBuffer packet);
  }

  private static final int SOCK_RAW = 3;
  private static final int IPV6_FLOWINFO = 11;
  private static final int IPV6_RECVHOPLIMIT = 51;
  private static final int IPV6_HOPLIMIT = 52;
  private static final int MESSAGE = 0xffff;
  private static final int CONTROL = 128;
  private static final int VERSION = 6 << 28;

  private final FileDescriptor descriptor;
  private final int protocol;
  private final RawReceiver receiver;
  private final PacketBuffer packet = new PacketBuffer();

  private GroupSocket(FileDescriptor descriptor, int protocol) throws SystemCallException {
    this.descriptor = descriptor;
    this.protocol = protocol;
    receiver = new RawReceiver(descriptor, MESSAGE, CONTROL);
  }

  /**
   * For UDP.
   *
   * @param filter to which groups
   */
  public static GroupSocket udp(SocketFilter filter) throws SystemCallException {
    return open(IpProtocol.UDP, filter);
  }

  /**
   * For ICMPv6.
   *
   * @param types those that are received, each 0 to 255
   */
  public static GroupSocket icmpv6(ImmutableSet<Integer> types) throws SystemCallException {
    GroupSocket socket = open(IpProtocol.ICMPV6, SocketFilter.toGroups());
    try {
      socket.descriptor.setOption(
          IpProtocol.ICMPV6, IcmpSocket.ICMP6_FILTER, IcmpSocket.filter(types));
      return socket;
    } catch (SystemCallException e) {
      socket.close();
      throw e;
    }
  }

  private static GroupSocket open(int protocol, SocketFilter filter) throws SystemCallException {
    var descriptor =
        FileDescriptor.socket(
            InternetAddress.AF_INET6, SOCK_RAW, protocol, "protocol " + protocol + " to groups");
    try {
      PacketOptions.attachFilter(descriptor, filter);
      descriptor.setOption(RawReceiver.IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
      descriptor.setOption(RawReceiver.IPPROTO_IPV6, IPV6_FLOWINFO, 1);
      descriptor.setQueues(1 << 20);
      return new GroupSocket(descriptor, protocol);
    } catch (SystemCallException e) {
      descriptor.close();
      throw e;
    }
  }

  /** For {@link Poller#add}. */
  public int fd() {
    return descriptor.number();
  }

  /** Leaves all that has arrived unseen. */
  public void discard() throws SystemCallException {
    int count;
    do {
      count = receiver.receive((source, destination, index, ancillary, message) -> {});
    } while (count > 0);
  }

  /** Hands over what has arrived, up to a batch; never waits. */
  public void receive(Receiver to) throws SystemCallException {
    receiver.receive(
        (source, destination, interfaceIndex, ancillary, message) -> {
          write(source, destination, message);
          byte[] octets = packet.array();
          ancillary.forEach(
              (type, memory, from, end) -> {
                if (type == IPV6_HOPLIMIT) {
                  octets[packet.start() + Ipv6Fields.HOP_LIMIT] = (byte) memory.getInt(from);
                } else if (type == IPV6_FLOWINFO) {
                  // In network order: Traffic Class and Flow Label.
                  memory.get(from, octets, packet.start(), Integer.BYTES);
                  octets[packet.start()] |= (byte) (VERSION >>> 24);
                }
              });
          to.received(interfaceIndex, packet);
        });
  }

  /** As the datagram would be in a packet of its own, but for what ancillary data says. */
  private void write(Ipv6Address source, Ipv6Address destination, ByteBuf message) {
    packet.clear();
    int length = message.readableBytes();
    int at = packet.append(Ipv6Fields.HEADER + length);
    byte[] octets = packet.array();
    octets[at] = (byte) (VERSION >>> 24);
    octets[at + 1] = 0;
    octets[at + 2] = 0;
    octets[at + 3] = 0;
    octets[at + Ipv6Fields.PAYLOAD_LENGTH] = (byte) (length >>> 8);
    octets[at + Ipv6Fields.PAYLOAD_LENGTH + 1] = (byte) length;
    octets[at + Ipv6Fields.NEXT_HEADER] = (byte) protocol;
    octets[at + Ipv6Fields.HOP_LIMIT] = 0;
    source.write(octets, at + Ipv6Fields.SOURCE);
    destination.write(octets, at + Ipv6Fields.DESTINATION);
    message.getBytes(message.readerIndex(), octets, at + Ipv6Fields.HEADER, length);
  }

  @Override
  public void close() {
    descriptor.close();
  }
}

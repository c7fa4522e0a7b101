package io.mipd.xfrm.linux;

import io.mipd.xfrm.netlink.MacAddress;
import java.util.Optional;

/**
 * The address of packet sockets ({@code struct sockaddr_ll}).
 *
 * <pre>
 *  0            2               4             8              10            11           12
 *  +------------+---------------+-------------+--------------+-------------+------------+----------+
 *  | sll_family | sll_protocol  | sll_ifindex | sll_hatype   | sll_pkttype | sll_halen  | sll_addr |
 *  |            | (big-endian)  |             |              |             |            | (8)      |
 *  +------------+---------------+-------------+--------------+-------------+------------+----------+
 * </pre>
 */
final class PacketAddress {
  static final int LENGTH = 20;
  static final int AF_PACKET = 17;
  static final int SOCK_RAW = 3;
  static final int SOCK_DGRAM = 2;
  static final int ETH_P_ALL = 0x0003;
  static final int ETH_P_IPV6 = 0x86dd;

  /** Packets for this host alone. */
  static final int PACKET_HOST = 0;

  /** Packets for another host, which the interface overheard. */
  static final int PACKET_OTHERHOST = 3;

  /** Packets that this host sends. */
  static final int PACKET_OUTGOING = 4;

  private static final int FAMILY = 0;
  private static final int PROTOCOL = 2;
  private static final int INTERFACE = 4;
  private static final int HARDWARE_TYPE = 8;
  private static final int PACKET_TYPE = 10;
  private static final int ADDRESS_LENGTH = 11;
  private static final int ADDRESS = 12;

  /** The devices of tunnels of IPv6 in IPv6, which have no header of a link layer. */
  static final int ARPHRD_TUNNEL6 = 769;

  private static final int ARPHRD_ETHER = 1;
  private static final int ARPHRD_LOOPBACK = 772;
  private static final int ETHERNET_HEADER = 14;

  private PacketAddress() {}

  static NativeMemory of(int interfaceIndex, int protocol) {
    var memory = new NativeMemory(LENGTH);
    memory.buffer().putShort(FAMILY, (short) AF_PACKET);
    memory.buffer().putShort(PROTOCOL, NativeMemory.networkOrder(protocol));
    memory.buffer().putInt(INTERFACE, interfaceIndex);
    return memory;
  }

  static void setDestination(NativeMemory memory, byte[] linkLayerAddress) {
    memory.buffer().put(ADDRESS_LENGTH, (byte) linkLayerAddress.length);
    memory.buffer().put(ADDRESS, linkLayerAddress);
  }

  static int packetType(NativeMemory memory, int at) {
    return memory.buffer().get(at + PACKET_TYPE) & 0xff;
  }

  static int interfaceIndex(NativeMemory memory, int at) {
    return memory.buffer().getInt(at + INTERFACE);
  }

  /** The link-layer address of who sent a frame; empty where it has none of six octets. */
  static Optional<MacAddress> sender(NativeMemory memory, int at) {
    if (memory.buffer().get(at + ADDRESS_LENGTH) != MacAddress.LENGTH) {
      return Optional.empty();
    }
    var octets = new byte[MacAddress.LENGTH];
    memory.buffer().get(at + ADDRESS, octets);
    return Optional.of(MacAddress.read(octets, 0));
  }

  /** Octets of the link-layer header before each packet, asked of a bound socket. */
  static int linkHeader(FileDescriptor bound) throws SystemCallException {
    var address = new NativeMemory(LENGTH);
    var length = new NativeMemory(4);
    length.buffer().putInt(0, LENGTH);
    Native.check(
        Native.C.getsockname(bound.number(), address.address(), length.address()),
        "getsockname",
        bound.object());
    int type = address.buffer().getShort(HARDWARE_TYPE) & 0xffff;
    return type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK ? ETHERNET_HEADER : 0;
  }
}

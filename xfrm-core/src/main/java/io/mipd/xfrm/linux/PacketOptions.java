package io.mipd.xfrm.linux;

import java.lang.ref.Reference;

/** Options that both kinds of packet socket set ({@code linux/if_packet.h}). */
final class PacketOptions {
  private static final int SOL_SOCKET = 1;
  private static final int SO_ATTACH_FILTER = 26;
  private static final int SOL_PACKET = 263;
  private static final int PACKET_ADD_MEMBERSHIP = 1;
  private static final int PACKET_STATISTICS = 6;
  private static final int PACKET_VNET_HDR = 15;
  private static final int PACKET_IGNORE_OUTGOING = 23;
  private static final int PACKET_MR_PROMISC = 1;
  private static final int PACKET_MR_ALLMULTI = 2;
  private static final int FILTER_INSTRUCTION = 8;

  private PacketOptions() {}

  /** A virtio header comes before each frame, and is expected before each that is sent. */
  static void setVirtioHeader(FileDescriptor socket) throws SystemCallException {
    socket.setOption(SOL_PACKET, PACKET_VNET_HDR, 1);
  }

  static void ignoreOutgoing(FileDescriptor socket) throws SystemCallException {
    socket.setOption(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
  }

  static void setPromiscuous(FileDescriptor socket, int interfaceIndex) throws SystemCallException {
    addMembership(socket, interfaceIndex, PACKET_MR_PROMISC);
  }

  /** The interface takes frames to all multicast groups as long as the socket is open. */
  static void setAllMulticast(FileDescriptor socket, int interfaceIndex)
      throws SystemCallException {
    addMembership(socket, interfaceIndex, PACKET_MR_ALLMULTI);
  }

  private static void addMembership(FileDescriptor socket, int interfaceIndex, int type)
      throws SystemCallException {
    // struct packet_mreq: mr_ifindex, mr_type, mr_alen, mr_address
    var request = new NativeMemory(16);
    request.buffer().putInt(0, interfaceIndex);
    request.buffer().putShort(4, (short) type);
    socket.setOption(SOL_PACKET, PACKET_ADD_MEMBERSHIP, request);
  }

  static void attachFilter(FileDescriptor socket, SocketFilter filter) throws SystemCallException {
    int count = filter.instructions().size();
    var program = new NativeMemory(count * FILTER_INSTRUCTION);
    for (int i = 0; i < count; i++) {
      var instruction = filter.instructions().get(i);
      int at = i * FILTER_INSTRUCTION;
      program.buffer().putShort(at, (short) instruction.code());
      program.buffer().put(at + 2, (byte) instruction.jumpTrue());
      program.buffer().put(at + 3, (byte) instruction.jumpFalse());
      program.buffer().putInt(at + 4, instruction.operand());
    }
    // struct sock_fprog: len, and a pointer at the next multiple of eight.
    var header = new NativeMemory(16);
    header.buffer().putShort(0, (short) count);
    header.buffer().putLong(8, program.address());
    try {
      socket.setOption(SOL_SOCKET, SO_ATTACH_FILTER, header);
    } finally {
      Reference.reachabilityFence(program);
    }
  }

  /** Packets lost since the last call because the socket's queue was full. */
  static long takeDrops(FileDescriptor socket) {
    // struct tpacket_stats: tp_packets, tp_drops
    var statistics = new NativeMemory(8);
    var length = new NativeMemory(4);
    length.buffer().putInt(0, 8);
    int result =
        Native.C.getsockopt(
            socket.number(), SOL_PACKET, PACKET_STATISTICS, statistics.address(), length.address());
    return result == 0 ? statistics.buffer().getInt(4) & 0xffff_ffffL : 0;
  }
}

package io.mipd.xfrm.linux;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.netlink.MacAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Who sends to an address: the headers of the IPv6 packets that arrive for it by whatever
 * interface, also of those that the kernel has taken out of a tunnel. Mobility Header messages and
 * key exchange are left out, and so are frames that are not for this host. The queue is short, and
 * what does not fit is not missed.
 */
public final class ArrivalSocket implements AutoCloseable {
  /** Packets taken by one call of {@link #receive} at most. */
  public static final int BATCH = 64;

  /** Takes one packet. */
  public interface Receiver {
    /**
     * @param source of the IPv6 header
     * @param interfaceIndex where it arrived; for what was in ESP, where the ESP packet did
     * @param sender of the frame, likewise; empty on links without such addresses
     */
    void arrived(Ipv6Address source, int interfaceIndex, Optional<MacAddress> sender);
  }

  private static final int HEADER = 40;
  private static final int NEXT_HEADER = 6;
  private static final int SOURCE = 8;
  private static final int DESTINATION = 24;

  /** Of UDP directly behind the IPv6 header. */
  private static final int UDP_DESTINATION_PORT = HEADER + 2;

  private static final int QUEUE = 1 << 16;
  private static final int ANY_INTERFACE = 0;

  private static final int LOAD_OCTET = 0x30;
  private static final int LOAD_HALF_WORD = 0x28;
  private static final int LOAD_WORD = 0x20;
  private static final int JUMP_IF_EQUAL = 0x15;
  private static final int RETURN = 0x06;

  private final FileDescriptor descriptor;
  private final MessageBatch batch =
      MessageBatch.forReceiving(BATCH, HEADER, PacketAddress.LENGTH, 0);

  private ArrivalSocket(FileDescriptor descriptor) {
    this.descriptor = descriptor;
  }

  public static ArrivalSocket open(Ipv6Address destination) throws SystemCallException {
    // Protocol 0 receives nothing until bind names one.
    var descriptor =
        FileDescriptor.socket(
            PacketAddress.AF_PACKET, PacketAddress.SOCK_DGRAM, 0, "arrivals for " + destination);
    try {
      descriptor.setQueues(QUEUE);
      PacketOptions.attachFilter(descriptor, filter(destination));
      descriptor.bind(PacketAddress.of(ANY_INTERFACE, PacketAddress.ETH_P_IPV6));
      return new ArrivalSocket(descriptor);
    } catch (SystemCallException e) {
      descriptor.close();
      throw e;
    }
  }

  private static SocketFilter filter(Ipv6Address destination) {
    byte[] octets = destination.toOctets();
    int words = octets.length / Integer.BYTES;
    ImmutableSet<Integer> ports = IpProtocol.KEY_EXCHANGE_PORTS;
    // The last but one takes the packet, the last one leaves it.
    int leave = 4 + ports.size() + 2 * words + 1;
    List<SocketFilter.Instruction> program = new ArrayList<>();
    program.add(load(LOAD_OCTET, NEXT_HEADER));
    program.add(ifEqual(IpProtocol.MOBILITY, leave - program.size() - 1, 0));
    program.add(ifEqual(IpProtocol.UDP, 0, 1 + ports.size()));
    program.add(load(LOAD_HALF_WORD, UDP_DESTINATION_PORT));
    for (int port : ports) {
      program.add(ifEqual(port, leave - program.size() - 1, 0));
    }
    for (int i = 0; i < words; i++) {
      program.add(load(LOAD_WORD, DESTINATION + i * Integer.BYTES));
      program.add(ifEqual(word(octets, i * Integer.BYTES), 0, leave - program.size() - 1));
    }
    program.add(new SocketFilter.Instruction(RETURN, 0, 0, HEADER));
    program.add(new SocketFilter.Instruction(RETURN, 0, 0, 0));
    return new SocketFilter(ImmutableList.copyOf(program));
  }

  /**
   * @param yes how many instructions are left out if it is so
   * @param no likewise if not
   */
  private static SocketFilter.Instruction ifEqual(int value, int yes, int no) {
    return new SocketFilter.Instruction(JUMP_IF_EQUAL, yes, no, value);
  }

  private static SocketFilter.Instruction load(int code, int offset) {
    return new SocketFilter.Instruction(code, 0, 0, SocketFilter.NETWORK_HEADER + offset);
  }

  private static int word(byte[] octets, int at) {
    return (octets[at] & 0xff) << 24
        | (octets[at + 1] & 0xff) << 16
        | (octets[at + 2] & 0xff) << 8
        | (octets[at + 3] & 0xff);
  }

  /** For {@link Poller#add}. */
  public int fd() {
    return descriptor.number();
  }

  /**
   * Hands over what has arrived, at most {@link #BATCH}; never waits.
   *
   * @return how many packets were taken
   */
  public int receive(Receiver to) throws SystemCallException {
    int received = batch.receive(descriptor.number(), BATCH);
    if (received < 0) {
      if (Errno.isTransient(-received) || -received == Errno.ENETDOWN) {
        return 0;
      }
      throw Native.failure("recvmmsg", descriptor.object(), -received);
    }
    var octets = new byte[HEADER];
    for (int i = 0; i < received; i++) {
      int name = i * PacketAddress.LENGTH;
      if (PacketAddress.packetType(batch.names(), name) == PacketAddress.PACKET_HOST
          && batch.length(i) >= HEADER) {
        batch.octets().buffer().get(i * HEADER, octets);
        to.arrived(
            Ipv6Address.read(octets, SOURCE),
            PacketAddress.interfaceIndex(batch.names(), name),
            PacketAddress.sender(batch.names(), name));
      }
    }
    return received;
  }

  @Override
  public void close() {
    descriptor.close();
  }
}

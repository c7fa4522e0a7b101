package io.mipd.xfrm.linux;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.HashMultiset;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Multiset;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.netty.buffer.ByteBuf;
import java.lang.ref.Reference;
import java.util.HashSet;
import java.util.Set;

/** ICMPv6 messages of some types: those that arrive on any interface, and a way to send. */
public final class IcmpSocket implements AutoCloseable {
  /** Messages taken by one call of {@link #receive} at most. */
  public static final int BATCH = RawReceiver.LIMIT;

  /** Takes one message. */
  public interface Receiver {
    /**
     * @param interfaceIndex where it arrived
     * @param hopLimit as it arrived: 255 if no router was between (RFC 4861 section 6.1)
     * @param message from the Type field on, its checksum verified by the kernel; only valid during
     *     the call
     */
    void received(
        int interfaceIndex,
        Ipv6Address source,
        Ipv6Address destination,
        int hopLimit,
        ByteBuf message);
  }

  private static final int SOCK_RAW = 3;
  private static final int IPPROTO_IPV6 = RawReceiver.IPPROTO_IPV6;
  private static final int IPPROTO_ICMPV6 = 58;
  private static final int IPPROTO_RAW = 255;
  static final int ICMP6_FILTER = 1;
  private static final int IPV6_JOIN_GROUP = 20;
  private static final int IPV6_LEAVE_GROUP = 21;
  private static final int IPV6_JOIN_ANYCAST = 27;
  private static final int IPV6_LEAVE_ANYCAST = 28;
  private static final int IPV6_HDRINCL = 36;
  private static final int IPV6_RECVHOPLIMIT = 51;
  private static final int IPV6_HOPLIMIT = 52;

  // The longest that comes: an error or an advertisement within the largest usual MTU. What is
  // longer is an echo, and of no interest here.
  private static final int MESSAGE = 9216;
  private static final int CONTROL = 128;
  private static final int IPV6_HEADER = 40;
  private static final int HOP_LIMIT = 255;

  private record Membership(int interfaceIndex, Ipv6Address group) {}

  private final Multiset<Membership> memberships = HashMultiset.create();
  private final Set<Membership> anycast = new HashSet<>();
  private final FileDescriptor receiver;
  private final FileDescriptor unicast;
  private final FileDescriptor multicast;
  private final RawReceiver received;
  private final NativeMemory packet = new NativeMemory(IPV6_HEADER + MESSAGE);
  private final RawMessage unicastMessage = new RawMessage(packet);
  private final NativeMemory groupMessage = new NativeMemory(56);
  private final NativeMemory vector = new NativeMemory(16);

  private IcmpSocket(FileDescriptor receiver, FileDescriptor unicast, FileDescriptor multicast)
      throws SystemCallException {
    received = new RawReceiver(receiver, MESSAGE, CONTROL);
    this.receiver = receiver;
    this.unicast = unicast;
    this.multicast = multicast;
    groupMessage.buffer().putInt(8, PacketAddress.LENGTH);
    groupMessage.buffer().putLong(16, vector.address());
    groupMessage.buffer().putLong(24, 1);
    vector.buffer().putLong(0, packet.address());
  }

  /**
   * @param types the ICMPv6 types to be received, each 0 to 255
   */
  public static IcmpSocket open(ImmutableSet<Integer> types) throws SystemCallException {
    FileDescriptor unicast = null;
    FileDescriptor multicast = null;
    var receiver =
        FileDescriptor.socket(InternetAddress.AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, "icmpv6");
    try {
      receiver.setOption(IPPROTO_ICMPV6, ICMP6_FILTER, filter(types));
      receiver.setOption(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
      receiver.setQueues(1 << 20);
      unicast = FileDescriptor.socket(InternetAddress.AF_INET6, SOCK_RAW, IPPROTO_RAW, "icmpv6");
      unicast.setOption(IPPROTO_IPV6, IPV6_HDRINCL, 1);
      // Bound to no protocol: it sends and receives nothing.
      multicast =
          FileDescriptor.socket(PacketAddress.AF_PACKET, PacketAddress.SOCK_DGRAM, 0, "icmpv6");
      return new IcmpSocket(receiver, unicast, multicast);
    } catch (SystemCallException e) {
      receiver.close();
      if (unicast != null) {
        unicast.close();
      }
      if (multicast != null) {
        multicast.close();
      }
      throw e;
    }
  }

  /** A set bit of {@code struct icmp6_filter} blocks its type (RFC 3542 section 3.2). */
  static NativeMemory filter(ImmutableSet<Integer> types) {
    var filter = new NativeMemory(32);
    for (int word = 0; word < 8; word++) {
      filter.buffer().putInt(4 * word, -1);
    }
    for (int type : types) {
      checkArgument(type >= 0 && type <= 0xff, "not 8 bits: %s", type);
      int at = 4 * (type >>> 5);
      filter.buffer().putInt(at, filter.buffer().getInt(at) & ~(1 << (type & 31)));
    }
    return filter;
  }

  /** For {@link Poller#add}. */
  public int fd() {
    return receiver.number();
  }

  /**
   * Hands over what has arrived, at most {@link #BATCH} messages; never waits.
   *
   * @return how many
   */
  public int receive(Receiver to) throws SystemCallException {
    return received.receive(
        (source, destination, interfaceIndex, ancillary, message) -> {
          var hopLimit = new int[] {-1};
          ancillary.forEach(
              (type, memory, from, end) -> {
                if (type == IPV6_HOPLIMIT) {
                  hopLimit[0] = memory.getInt(from);
                }
              });
          to.received(interfaceIndex, source, destination, hopLimit[0], message);
        });
  }

  /**
   * Receives what is sent to a multicast group on an interface. May be asked for several times, and
   * then holds until it has been undone as often; the kernel itself takes it once.
   */
  public void join(int interfaceIndex, Ipv6Address group) throws SystemCallException {
    var membership = new Membership(interfaceIndex, group);
    if (memberships.count(membership) == 0) {
      joinOnce(interfaceIndex, group);
    }
    memberships.add(membership);
  }

  private void joinOnce(int interfaceIndex, Ipv6Address group) throws SystemCallException {
    receiver.setOption(IPPROTO_IPV6, IPV6_JOIN_GROUP, membership(interfaceIndex, group));
  }

  /** Undoes {@link #join}. */
  public void leave(int interfaceIndex, Ipv6Address group) throws SystemCallException {
    var membership = new Membership(interfaceIndex, group);
    memberships.remove(membership);
    if (memberships.count(membership) > 0) {
      return;
    }
    receiver.setOption(IPPROTO_IPV6, IPV6_LEAVE_GROUP, membership(interfaceIndex, group));
  }

  /**
   * Has an anycast address on an interface (RFC 4291 section 2.6), as long as the interface is up
   * and this socket open. May be asked for again when the interface is up again.
   */
  public void joinAnycast(int interfaceIndex, Ipv6Address address) throws SystemCallException {
    NativeMemory request = membership(interfaceIndex, address);
    if (anycast.remove(new Membership(interfaceIndex, address))) {
      // The address is still in the kernel's books, but without the route to it.
      receiver.setOption(IPPROTO_IPV6, IPV6_LEAVE_ANYCAST, request);
    }
    receiver.setOption(IPPROTO_IPV6, IPV6_JOIN_ANYCAST, request);
    anycast.add(new Membership(interfaceIndex, address));
  }

  private static NativeMemory membership(int interfaceIndex, Ipv6Address group) {
    // struct ipv6_mreq: ipv6mr_multiaddr (16), ipv6mr_interface (4).
    var request = new NativeMemory(20);
    request.buffer().put(0, group.toOctets());
    request.buffer().putInt(16, interfaceIndex);
    return request;
  }

  /**
   * Sends a message with hop limit 255.
   *
   * @param interfaceIndex the interface that it leaves by
   * @param source need not be an address of this node; the unspecified address is possible to
   *     multicast destinations (duplicate address detection)
   * @param icmp from the Type field on, its checksum computed; its readable octets are sent
   */
  public void send(int interfaceIndex, Ipv6Address source, Ipv6Address destination, ByteBuf icmp)
      throws SystemCallException {
    byte[] header = write(source, destination, icmp);
    int length = icmp.readableBytes();
    // RFC 2464 section 7: 33:33 and the last four octets of the group.
    long result =
        destination.isMulticast()
            ? sendOnLink(
                interfaceIndex,
                new byte[] {0x33, 0x33, header[36], header[37], header[38], header[39]},
                length)
            : unicastMessage.send(
                unicast,
                Ipv6Address.UNSPECIFIED,
                destination,
                interfaceIndex,
                IPV6_HEADER + length);
    check(result, interfaceIndex, source, destination);
  }

  /**
   * Sends a message to a node whose link-layer address is known, whatever the kernel knows of it.
   *
   * @see #send(int, Ipv6Address, Ipv6Address, ByteBuf)
   */
  public void send(
      int interfaceIndex,
      Ipv6Address source,
      Ipv6Address destination,
      LinkLayerAddress to,
      ByteBuf icmp)
      throws SystemCallException {
    write(source, destination, icmp);
    long result = sendOnLink(interfaceIndex, to.octets().toArray(), icmp.readableBytes());
    check(result, interfaceIndex, source, destination);
  }

  private static void check(
      long result, int interfaceIndex, Ipv6Address source, Ipv6Address destination)
      throws SystemCallException {
    if (result < 0) {
      throw Native.failure("send", source + " > " + destination + " on " + interfaceIndex);
    }
  }

  /** Puts header and message into {@link #packet}; returns the header. */
  private byte[] write(Ipv6Address source, Ipv6Address destination, ByteBuf icmp) {
    int length = icmp.readableBytes();
    checkArgument(length <= MESSAGE, "too long: %s", length);
    var header = new byte[IPV6_HEADER];
    header[0] = 0x60;
    header[4] = (byte) (length >>> 8);
    header[5] = (byte) length;
    header[6] = IPPROTO_ICMPV6;
    header[7] = (byte) HOP_LIMIT;
    source.write(header, 8);
    destination.write(header, 24);
    packet.buffer().put(0, header);
    var body = new byte[length];
    icmp.getBytes(icmp.readerIndex(), body);
    packet.buffer().put(IPV6_HEADER, body);
    return header;
  }

  /**
   * Through a packet socket: the kernel would choose a source where it is asked to route a packet
   * from the unspecified address, and finds none while the interface's addresses are tentative.
   */
  private long sendOnLink(int interfaceIndex, byte[] linkLayerAddress, int length) {
    var name = PacketAddress.of(interfaceIndex, PacketAddress.ETH_P_IPV6);
    PacketAddress.setDestination(name, linkLayerAddress);
    groupMessage.buffer().putLong(0, name.address());
    vector.buffer().putLong(8, IPV6_HEADER + (long) length);
    try {
      return Native.C.sendmsg(multicast.number(), groupMessage.address(), 0);
    } finally {
      Reference.reachabilityFence(name);
    }
  }

  @Override
  public void close() {
    receiver.close();
    unicast.close();
    multicast.close();
  }
}

package io.mipd.xfrm.linux;

import static com.google.common.base.Preconditions.checkArgument;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.ExtensionHeader;
import io.mipd.xfrm.packet.Ipv6PacketCodec;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Mobility Header messages in a kernel that has Mobile IPv6: it takes Home Address options, type 2
 * routing headers and IPsec off what arrives and puts them on what leaves, as its policies say.
 */
public final class MobilitySocket implements AutoCloseable {
  /** Messages taken by one call of {@link #receive} at most. */
  public static final int BATCH = 64;

  /** Takes one message. */
  public interface Receiver {
    /**
     * @param source after a Home Address option has been taken into account
     * @param destination after a type 2 routing header has been
     * @param careOf the source on the wire, where a Home Address option gave another
     * @param routingHeader whether a type 2 routing header brought it
     * @param message from the Payload Proto field on; only valid during the call
     */
    void received(
        int interfaceIndex,
        Ipv6Address source,
        Ipv6Address destination,
        Optional<Ipv6Address> careOf,
        boolean routingHeader,
        ByteBuf message);
  }

  private static final int SOCK_RAW = 3;
  private static final int IPPROTO_IPV6 = 41;
  private static final int IPV6_RECVPKTINFO = 49;
  private static final int IPV6_PKTINFO = 50;
  private static final int IPV6_RECVRTHDR = 56;
  private static final int IPV6_RTHDR = 57;
  private static final int IPV6_RECVDSTOPTS = 58;
  private static final int IPV6_DSTOPTS = 59;

  // Header Len counts 8-octet units without the first (RFC 6275 section 6.1.1): 2048 at most.
  private static final int MESSAGE = 2048;
  private static final int RECEIVE_BATCH = 16;
  // The largest options header (2048) and routing header, and the addresses.
  private static final int CONTROL = 4608;
  private static final int CONTROL_HEADER = 16;
  private static final int ROUTING_TYPE = 2;

  private final FileDescriptor descriptor;
  private final MessageBatch batch =
      MessageBatch.forReceiving(RECEIVE_BATCH, MESSAGE, InternetAddress.LENGTH, CONTROL);
  private final byte[] received = new byte[MESSAGE];
  private final NativeMemory packet = new NativeMemory(MESSAGE);
  private final NativeMemory destinationName = new NativeMemory(InternetAddress.LENGTH);
  private final NativeMemory pktinfo = new NativeMemory(CONTROL_HEADER + 24);
  private final NativeMemory header = new NativeMemory(56);
  private final NativeMemory vector = new NativeMemory(16);

  private MobilitySocket(FileDescriptor descriptor) {
    this.descriptor = descriptor;
    // struct msghdr, with the source address as its only control message.
    header.buffer().putLong(0, destinationName.address());
    header.buffer().putInt(8, InternetAddress.LENGTH);
    header.buffer().putLong(16, vector.address());
    header.buffer().putLong(24, 1);
    header.buffer().putLong(32, pktinfo.address());
    header.buffer().putLong(40, pktinfo.size());
    vector.buffer().putLong(0, packet.address());
    // struct in6_pktinfo: ipi6_addr (16), ipi6_ifindex (4); no interface: the routes decide.
    pktinfo.buffer().putLong(0, CONTROL_HEADER + 20);
    pktinfo.buffer().putInt(8, IPPROTO_IPV6);
    pktinfo.buffer().putInt(12, IPV6_PKTINFO);
  }

  public static MobilitySocket open() throws SystemCallException {
    var descriptor =
        FileDescriptor.socket(
            InternetAddress.AF_INET6, SOCK_RAW, IpProtocol.MOBILITY, "mobility header");
    try {
      descriptor.setOption(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
      descriptor.setOption(IPPROTO_IPV6, IPV6_RECVRTHDR, 1);
      descriptor.setOption(IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1);
      descriptor.setQueues(1 << 20);
      return new MobilitySocket(descriptor);
    } catch (SystemCallException e) {
      descriptor.close();
      throw e;
    }
  }

  /** For {@link Poller#add}. */
  public int fd() {
    return descriptor.number();
  }

  /**
   * Hands over what has arrived, at most {@link #BATCH} messages; never waits.
   *
   * @return how many
   */
  public int receive(Receiver to) throws SystemCallException {
    int total = 0;
    while (total < BATCH) {
      int count = batch.receive(descriptor.number(), RECEIVE_BATCH);
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
    batch.octets().buffer().get(i * MESSAGE, received, 0, length);
    var source =
        InternetAddress.read(
            batch.names().buffer(), i * InternetAddress.LENGTH + InternetAddress.ADDRESS);
    var destination = Ipv6Address.UNSPECIFIED;
    int interfaceIndex = 0;
    Optional<Ipv6Address> careOf = Optional.empty();
    boolean routingHeader = false;
    ByteBuffer control = batch.controls().buffer();
    int at = i * CONTROL;
    int end = at + batch.controlLength(i);
    while (at + CONTROL_HEADER <= end) {
      int size = (int) control.getLong(at);
      if (size < CONTROL_HEADER || size > end - at) {
        break;
      }
      int type = control.getInt(at + 12);
      int data = at + CONTROL_HEADER;
      if (control.getInt(at + 8) == IPPROTO_IPV6) {
        if (type == IPV6_PKTINFO) {
          destination = InternetAddress.read(control, data);
          interfaceIndex = control.getInt(data + 16);
        } else if (type == IPV6_RTHDR) {
          routingHeader |= control.get(data + 2) == ROUTING_TYPE;
        } else if (type == IPV6_DSTOPTS) {
          Optional<Ipv6Address> option = homeAddressOption(control, data, at + size);
          careOf = option.isPresent() ? option : careOf;
        }
      }
      at += size + 7 & ~7;
    }
    to.received(
        interfaceIndex,
        source,
        destination,
        careOf,
        routingHeader,
        Unpooled.wrappedBuffer(received, 0, length));
  }

  /**
   * The kernel has exchanged the option's address with the source: it holds the care-of address.
   */
  private static Optional<Ipv6Address> homeAddressOption(ByteBuffer control, int from, int to) {
    var octets = new byte[to - from];
    control.get(from, octets);
    try {
      ExtensionHeader header =
          Ipv6PacketCodec.decodeExtension(
              IpProtocol.DESTINATION_OPTIONS, Unpooled.wrappedBuffer(octets));
      return header instanceof ExtensionHeader.DestinationOptions options
          ? options.homeAddress()
          : Optional.empty();
    } catch (MalformedPacketException e) {
      // The kernel has read it before us, and passes on what it can read.
      return Optional.empty();
    }
  }

  /**
   * Sends a message.
   *
   * @param source an address of this node
   * @param message from the Payload Proto field on; the kernel computes its checksum over {@code
   *     source} and {@code destination} (RFC 6275 section 6.1.1)
   */
  public void send(Ipv6Address source, Ipv6Address destination, ByteBuf message)
      throws SystemCallException {
    int length = message.readableBytes();
    checkArgument(length <= MESSAGE, "too long: %s", length);
    var body = new byte[length];
    message.getBytes(message.readerIndex(), body);
    packet.buffer().put(0, body);
    InternetAddress.write(destinationName.buffer(), 0, destination.toOctets(), 0, 0);
    pktinfo.buffer().put(CONTROL_HEADER, source.toOctets());
    vector.buffer().putLong(8, length);
    if (Native.C.sendmsg(descriptor.number(), header.address(), 0) < 0) {
      throw Native.failure("sendmsg", source + " > " + destination + " mobility header");
    }
  }

  @Override
  public void close() {
    descriptor.close();
  }
}

package io.mipd.xfrm.linux;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableSet;
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
 * Messages of one protocol, Mobility Header or ICMPv6, in a kernel that has Mobile IPv6: it takes
 * Home Address options, type 2 routing headers and IPsec off what arrives and puts them on what
 * leaves, as its policies say.
 */
public final class MobilitySocket implements AutoCloseable {
  /** Messages taken by one call of {@link #receive} at most. */
  public static final int BATCH = RawReceiver.LIMIT;

  /** Takes one message. */
  public interface Receiver {
    /**
     * @param source after a Home Address option has been taken into account
     * @param destination after a type 2 routing header has been
     * @param careOf the source on the wire, where a Home Address option gave another
     * @param routingHeader whether a type 2 routing header brought it
     * @param message from the Payload Proto or Type field on; only valid during the call
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
  private static final int IPV6_RECVRTHDR = 56;
  private static final int IPV6_RTHDR = 57;
  private static final int IPV6_RECVDSTOPTS = 58;
  private static final int IPV6_DSTOPTS = 59;

  // Header Len counts 8-octet units without the first (RFC 6275 section 6.1.1): 2048 at most.
  private static final int MESSAGE = 2048;
  // The largest options header (2048) and routing header, and the addresses.
  private static final int CONTROL = 4608;
  private static final int ROUTING_TYPE = 2;

  private final FileDescriptor descriptor;
  private final RawReceiver receiver;
  private final RawMessage outgoing = new RawMessage(new NativeMemory(MESSAGE));

  private MobilitySocket(FileDescriptor descriptor) throws SystemCallException {
    this.descriptor = descriptor;
    receiver = new RawReceiver(descriptor, MESSAGE, CONTROL);
  }

  /** For Mobility Header messages. */
  public static MobilitySocket open() throws SystemCallException {
    return open(IpProtocol.MOBILITY, "mobility header", Optional.empty());
  }

  /**
   * For ICMPv6 messages.
   *
   * @param types those that are received, each 0 to 255
   */
  public static MobilitySocket openIcmpv6(ImmutableSet<Integer> types) throws SystemCallException {
    return open(IpProtocol.ICMPV6, "icmpv6", Optional.of(IcmpSocket.filter(types)));
  }

  private static MobilitySocket open(int protocol, String name, Optional<NativeMemory> filter)
      throws SystemCallException {
    var descriptor = FileDescriptor.socket(InternetAddress.AF_INET6, SOCK_RAW, protocol, name);
    try {
      if (filter.isPresent()) {
        descriptor.setOption(protocol, IcmpSocket.ICMP6_FILTER, filter.get());
      }
      descriptor.setOption(RawReceiver.IPPROTO_IPV6, IPV6_RECVRTHDR, 1);
      descriptor.setOption(RawReceiver.IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1);
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
    return receiver.receive(
        (source, destination, interfaceIndex, ancillary, message) -> {
          var headers = new Headers();
          ancillary.forEach(headers::keep);
          to.received(
              interfaceIndex, source, destination, headers.careOf, headers.routing, message);
        });
  }

  /** What the kernel has taken off a message. */
  private static final class Headers {
    Optional<Ipv6Address> careOf = Optional.empty();
    boolean routing;

    void keep(int type, ByteBuffer memory, int from, int to) {
      if (type == IPV6_RTHDR) {
        routing |= memory.get(from + 2) == ROUTING_TYPE;
      } else if (type == IPV6_DSTOPTS) {
        Optional<Ipv6Address> option = homeAddressOption(memory, from, to);
        careOf = option.isPresent() ? option : careOf;
      }
    }
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
   * @param message from the Payload Proto or Type field on; the kernel computes its checksum over
   *     {@code source} and {@code destination} (RFC 6275 section 6.1.1)
   */
  public void send(Ipv6Address source, Ipv6Address destination, ByteBuf message)
      throws SystemCallException {
    int length = message.readableBytes();
    checkArgument(length <= MESSAGE, "too long: %s", length);
    var body = new byte[length];
    message.getBytes(message.readerIndex(), body);
    outgoing.octets().buffer().put(0, body);
    if (outgoing.send(descriptor, source, destination, 0, length) < 0) {
      throw Native.failure("sendmsg", source + " > " + destination + " " + descriptor.object());
    }
  }

  @Override
  public void close() {
    descriptor.close();
  }
}

package io.mipd.xfrm.linux;

import static com.google.common.base.Preconditions.checkArgument;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.transform.PacketBuffer;

/**
 * Sends finished IPv6 packets, header included, the way that packets of another flow go: the kernel
 * asks its routes and IPsec policies about that flow, and puts around the packet what they say. So
 * a packet for a multicast group takes the tunnel of one host. It does not fragment.
 *
 * <p>That a packet is routed by the address that the socket names and not by its own is how raw
 * sockets with the header included are ({@code rawv6_send_hdrinc}); that its protocol is the one
 * that the socket's address names, those that are for {@code IPPROTO_RAW}.
 */
public final class FlowSender implements AutoCloseable {
  private static final int SOCK_RAW = 3;
  private static final int IPPROTO_RAW = 255;
  private static final int IPPROTO_IPV6 = 41;
  private static final int IPV6_HDRINCL = 36;
  private static final int IPV6_TRANSPARENT = 75;
  private static final int IPV6_HEADER = 40;
  private static final int QUEUE = 4 << 20;

  private final FileDescriptor descriptor;
  private final RawMessage message = new RawMessage(new NativeMemory(PacketBuffer.MAX_PACKET));

  private FlowSender(FileDescriptor descriptor) {
    this.descriptor = descriptor;
  }

  public static FlowSender open() throws SystemCallException {
    var descriptor =
        FileDescriptor.socket(InternetAddress.AF_INET6, SOCK_RAW, IPPROTO_RAW, "packets of flows");
    try {
      descriptor.setOption(IPPROTO_IPV6, IPV6_HDRINCL, 1);
      // The source of a flow need not be an address of this node.
      descriptor.setOption(IPPROTO_IPV6, IPV6_TRANSPARENT, 1);
      descriptor.setQueues(QUEUE);
      return new FlowSender(descriptor);
    } catch (SystemCallException e) {
      descriptor.close();
      throw e;
    }
  }

  /**
   * Sends a packet.
   *
   * @param packet as it is; its checksum must be complete
   * @param source of the flow, not link-local
   * @param destination of the flow, unicast
   * @param protocol of the flow: what the packet bears behind its extension headers. Its ports the
   *     kernel does not look at
   * @throws SystemCallException if the kernel refuses it: {@code EMSGSIZE} where it does not fit
   *     with what is around it, {@code EPERM} where a policy blocks the flow
   */
  public void send(PacketBuffer packet, Ipv6Address source, Ipv6Address destination, int protocol)
      throws SystemCallException {
    int length = packet.length();
    checkArgument(length >= IPV6_HEADER, "shorter than an IPv6 header: %s", length);
    message.octets().buffer().put(0, packet.array(), packet.start(), length);
    if (message.send(descriptor, source, destination, protocol, 0, length) < 0) {
      throw Native.failure("sendmsg", "as " + source + " > " + destination);
    }
  }

  @Override
  public void close() {
    descriptor.close();
  }
}

package io.mipd.xfrm.linux;

import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.Ipv6Address;
import io.netty.buffer.ByteBuf;

/** ICMPv6 messages of some types: those that arrive on any interface, and a way to send. */
@SuppressWarnings("DoNotCallSuggester") // no bodies yet
public final class IcmpSocket implements AutoCloseable {
  /** Messages taken by one call of {@link #receive} at most. */
  public static final int BATCH = 64;

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

  /**
   * @param types the ICMPv6 types to be received, each 0 to 255
   */
  public static IcmpSocket open(ImmutableSet<Integer> types) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** For {@link Poller#add}. */
  public int fd() {
    throw new UnsupportedOperationException();
  }

  /**
   * Hands over what has arrived, at most {@link #BATCH} messages; never waits.
   *
   * @return how many
   */
  public int receive(Receiver receiver) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** Receives what is sent to a multicast group on an interface. */
  public void join(int interfaceIndex, Ipv6Address group) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /** Undoes {@link #join}. */
  public void leave(int interfaceIndex, Ipv6Address group) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /**
   * Sends a message with hop limit 255.
   *
   * @param interfaceIndex the interface that it leaves by
   * @param source need not be an address of this node; the unspecified address is possible to
   *     multicast destinations (duplicate address detection)
   * @param message from the Type field on, its checksum computed; its readable octets are sent
   */
  public void send(int interfaceIndex, Ipv6Address source, Ipv6Address destination, ByteBuf message)
      throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}

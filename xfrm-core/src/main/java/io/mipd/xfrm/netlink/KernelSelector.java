package io.mipd.xfrm.netlink;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.Selector;
import java.util.Optional;

/**
 * The kernel's {@code struct xfrm_selector}. With {@link #AF_INET} the first four octets of an
 * address are the IPv4 address.
 *
 * @param interfaceIndex the interface that the packet must use; 0 for any
 * @param user for policies of sockets
 */
public record KernelSelector(
    Ipv6Address destination,
    Ipv6Address source,
    int destinationPort,
    int destinationPortMask,
    int sourcePort,
    int sourcePortMask,
    int family,
    int destinationLength,
    int sourceLength,
    int protocol,
    int interfaceIndex,
    int user) {
  public static final int AF_INET = 2;
  public static final int AF_INET6 = 10;

  /** All of zero: names nothing, where an index does. */
  public static final KernelSelector EMPTY =
      new KernelSelector(
          Ipv6Address.UNSPECIFIED, Ipv6Address.UNSPECIFIED, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

  /** Mark and {@code if_id} are not in the kernel's selector but attributes beside it. */
  public static KernelSelector of(Selector selector) {
    return new KernelSelector(
        selector.destination().address(),
        selector.source().address(),
        selector.destinationPort().value(),
        selector.destinationPort().mask(),
        selector.sourcePort().value(),
        selector.sourcePort().mask(),
        AF_INET6,
        selector.destination().length(),
        selector.source().length(),
        selector.protocol(),
        0,
        0);
  }

  /**
   * The selector in the model's terms; empty if they cannot say it: IPv4, bound to an interface,
   * ports of any protocol.
   */
  public Optional<Selector> selector(Mark mark, int interfaceId) {
    boolean ports = sourcePortMask != 0 || destinationPortMask != 0;
    boolean wildcard = family == 0 && destinationLength == 0 && sourceLength == 0;
    if ((family != AF_INET6 && !wildcard)
        || interfaceIndex != 0
        || destinationLength > Ipv6Address.BITS
        || sourceLength > Ipv6Address.BITS
        || (protocol == IpProtocol.ANY && ports)) {
      return Optional.empty();
    }
    return Optional.of(
        new Selector(
            Ipv6Prefix.of(source, sourceLength),
            Ipv6Prefix.of(destination, destinationLength),
            protocol,
            new PortMatch(sourcePort & sourcePortMask, sourcePortMask),
            new PortMatch(destinationPort & destinationPortMask, destinationPortMask),
            mark,
            interfaceId));
  }
}

package io.mipd.mobility.autoconf;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.LinkLayerAddress;
import java.time.Duration;
import java.util.Optional;

/** What is to be done about an interface's addresses. */
public sealed interface AutoconfAction {
  /** Receive what is sent to this group. */
  record Join(int interfaceIndex, Ipv6Address group) implements AutoconfAction {}

  /** Undoes {@link Join}. */
  record Leave(int interfaceIndex, Ipv6Address group) implements AutoconfAction {}

  /**
   * Send a message with hop limit 255.
   *
   * @param linkLayerDestination whom to send it to without asking for its link-layer address
   */
  record Send(
      int interfaceIndex,
      Ipv6Address source,
      Ipv6Address destination,
      Optional<LinkLayerAddress> linkLayerDestination,
      Icmpv6Message message)
      implements AutoconfAction {}

  /**
   * The address may be used from now on, optimistically (RFC 4429 section 3.3): the system takes
   * packets for it and sends packets from it, but neither answers solicitations for it nor sends
   * any from it. Said again while it goes on.
   *
   * @param until the next that is heard of it is expected within this time
   */
  record UseOptimistically(int interfaceIndex, Ipv6Address address, Duration until)
      implements AutoconfAction {}

  /**
   * It is the interface's without restriction, for these times from now on. Said again when the
   * times have changed.
   */
  record Assign(int interfaceIndex, Ipv6Address address, Lifetimes.Left left)
      implements AutoconfAction {}

  /** An address that the kernel has formed stays for these times from now on. */
  record Renew(int interfaceIndex, Ipv6Address address, Lifetimes.Left left)
      implements AutoconfAction {}

  /** It is not to be used any more. Also said of one that never was in use. */
  record Withdraw(int interfaceIndex, Ipv6Address address, Reason reason)
      implements AutoconfAction {}

  /** Why an address goes. */
  enum Reason {
    /** Somebody else has it. */
    DUPLICATE,
    /** The interface has left the link. */
    OTHER_LINK,
    /** Its valid lifetime is over (RFC 4862 section 5.5.4). */
    EXPIRED
  }

  /** For the log. */
  record Tell(String words) implements AutoconfAction {}
}

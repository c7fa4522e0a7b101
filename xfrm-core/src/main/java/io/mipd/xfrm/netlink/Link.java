package io.mipd.xfrm.netlink;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * A network interface, as the kernel's {@code RTM_NEWLINK} describes it.
 *
 * @param index greater than 0
 * @param flags {@code IFF_*} of {@code linux/if.h}
 * @param mtu in octets
 * @param hardwareType {@code ARPHRD_*}: 1 Ethernet, 0xfffe none (TUN), 772 loopback
 * @param address if it has one of 48 bits
 * @param master index of the bridge or bond that it belongs to
 */
public record Link(
    int index,
    String name,
    int flags,
    int mtu,
    int hardwareType,
    Optional<MacAddress> address,
    OptionalInt master) {
  public static final int IFF_UP = 0x1;
  public static final int IFF_LOOPBACK = 0x8;
  public static final int IFF_RUNNING = 0x40;
  public static final int IFF_LOWER_UP = 0x10000;

  /** Set up by the administrator. */
  public boolean isUp() {
    return (flags & IFF_UP) != 0;
  }

  /** Set up, and packets can pass: there is a carrier. */
  public boolean isRunning() {
    return isUp() && (flags & IFF_LOWER_UP) != 0;
  }

  public boolean isLoopback() {
    return (flags & IFF_LOOPBACK) != 0;
  }
}

package io.mipd.xfrm.linux;

import java.util.Locale;

/** By which of its two interfaces the kernel is told of policies and associations. */
public enum KernelInterface {
  NETLINK,
  /** PF_KEYv2 where it can say what is asked for; the rest by netlink. */
  PF_KEY;

  /** As a configuration names it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}

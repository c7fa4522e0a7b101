package io.mipd.xfrm.linux;

import java.util.Optional;

/** The kernel's parameters under {@code /proc/sys}, of the calling thread's network namespace. */
@SuppressWarnings("DoNotCallSuggester") // no bodies yet
public final class Sysctl {
  private Sysctl() {}

  /**
   * @param key with slashes, as interface names may hold dots: {@code
   *     net/ipv6/conf/eth0/forwarding}
   * @return its value without the line's end; empty if this kernel has no such parameter
   */
  public static Optional<String> read(String key) throws SystemCallException {
    throw new UnsupportedOperationException();
  }

  /**
   * @return the value it had before; writing that restores it
   */
  public static String write(String key, String value) throws SystemCallException {
    throw new UnsupportedOperationException();
  }
}

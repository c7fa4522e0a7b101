package io.mipd.xfrm.netlink;

import java.util.Optional;

/** {@code RTN_*} of {@code linux/rtnetlink.h}: what becomes of a packet that meets the route. */
public enum RouteType {
  UNICAST(1),
  LOCAL(2),
  ANYCAST(4),
  MULTICAST(5),
  /** Dropped in silence. */
  BLACKHOLE(6),
  UNREACHABLE(7),
  PROHIBIT(8),
  /** The rules after this one decide. */
  THROW(9);

  private final int code;

  RouteType(int code) {
    this.code = code;
  }

  public int code() {
    return code;
  }

  public static Optional<RouteType> of(int code) {
    for (RouteType type : values()) {
      if (type.code == code) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }
}

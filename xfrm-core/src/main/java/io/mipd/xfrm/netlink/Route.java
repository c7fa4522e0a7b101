package io.mipd.xfrm.netlink;

import static com.google.common.base.Preconditions.checkArgument;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * An IPv6 route.
 *
 * @param source the packets' source lies in it; {@link Ipv6Prefix#ANY} for all (other prefixes need
 *     a kernel with IPV6_SUBTREES)
 * @param table routing table, {@link #MAIN} for instance
 * @param protocol who made it, {@code RTPROT_*}: 2 kernel, 3 boot, 4 static, 9 router advertisement
 * @param metric the least wins, unsigned; the kernel reads 0 as 1024
 * @param interfaceIndex the way out, for types that have one
 * @param preferredSource for packets that have no source yet
 * @param mtu of the path in octets, if it is given here
 */
public record Route(
    Ipv6Prefix destination,
    Ipv6Prefix source,
    int table,
    RouteType type,
    int protocol,
    int metric,
    OptionalInt interfaceIndex,
    Optional<Ipv6Address> gateway,
    Optional<Ipv6Address> preferredSource,
    OptionalInt mtu) {
  public static final int MAIN = 254;
  public static final int LOCAL = 255;
  public static final int PROTOCOL_KERNEL = 2;
  public static final int PROTOCOL_STATIC = 4;
  public static final int PROTOCOL_RA = 9;

  public Route {
    checkArgument(protocol >= 0 && protocol <= 0xff, "not 8 bits: %s", protocol);
  }

  /** A route straight out of an interface. */
  public static Route via(int interfaceIndex, Ipv6Prefix destination) {
    return new Route(
        destination,
        Ipv6Prefix.ANY,
        MAIN,
        RouteType.UNICAST,
        PROTOCOL_STATIC,
        0,
        OptionalInt.of(interfaceIndex),
        Optional.empty(),
        Optional.empty(),
        OptionalInt.empty());
  }

  /** A way out for what is sent to multicast groups, where the kernel's own are. */
  public static Route ofGroups(int interfaceIndex, Ipv6Prefix groups) {
    return via(interfaceIndex, groups).withTable(LOCAL).withType(RouteType.MULTICAST);
  }

  /** A route that drops what meets it. */
  public static Route blackhole(Ipv6Prefix destination) {
    return new Route(
        destination,
        Ipv6Prefix.ANY,
        MAIN,
        RouteType.BLACKHOLE,
        PROTOCOL_STATIC,
        0,
        OptionalInt.empty(),
        Optional.empty(),
        Optional.empty(),
        OptionalInt.empty());
  }

  private Route withType(RouteType newType) {
    return new Route(
        destination,
        source,
        table,
        newType,
        protocol,
        metric,
        interfaceIndex,
        gateway,
        preferredSource,
        mtu);
  }

  /** A route for what comes from there alone, to this host. */
  public static Route toThisHost(int interfaceIndex, Ipv6Prefix destination, Ipv6Prefix source) {
    return new Route(
        destination,
        source,
        LOCAL,
        RouteType.LOCAL,
        PROTOCOL_STATIC,
        0,
        OptionalInt.of(interfaceIndex),
        Optional.empty(),
        Optional.empty(),
        OptionalInt.empty());
  }

  public Route withTable(int newTable) {
    return new Route(
        destination,
        source,
        newTable,
        type,
        protocol,
        metric,
        interfaceIndex,
        gateway,
        preferredSource,
        mtu);
  }

  public Route withMetric(int newMetric) {
    return new Route(
        destination,
        source,
        table,
        type,
        protocol,
        newMetric,
        interfaceIndex,
        gateway,
        preferredSource,
        mtu);
  }

  public Route withProtocol(int newProtocol) {
    return new Route(
        destination,
        source,
        table,
        type,
        newProtocol,
        metric,
        interfaceIndex,
        gateway,
        preferredSource,
        mtu);
  }

  public Route withGateway(Ipv6Address newGateway) {
    return new Route(
        destination,
        source,
        table,
        type,
        protocol,
        metric,
        interfaceIndex,
        Optional.of(newGateway),
        preferredSource,
        mtu);
  }

  public Route withPreferredSource(Ipv6Address newSource) {
    return new Route(
        destination,
        source,
        table,
        type,
        protocol,
        metric,
        interfaceIndex,
        gateway,
        Optional.of(newSource),
        mtu);
  }

  public Route withMtu(int octets) {
    return new Route(
        destination,
        source,
        table,
        type,
        protocol,
        metric,
        interfaceIndex,
        gateway,
        preferredSource,
        OptionalInt.of(octets));
  }

  public boolean isDefault() {
    return destination.isAny() && source.isAny();
  }
}

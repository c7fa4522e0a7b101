package io.mipd.xfrm.netlink;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.BAD_LENGTH;
import static io.mipd.xfrm.packet.MalformedPacketException.Reason.BAD_VALUE;
import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * RTM_NEWROUTE, RTM_DELROUTE and RTM_GETROUTE.
 *
 * <pre>
 *  0             1             2             3         4
 *  +-------------+-------------+-------------+---------+
 *  | rtm_family  | rtm_dst_len | rtm_src_len | rtm_tos |
 *  +-------------+-------------+-------------+---------+
 *  | rtm_table   | rtm_protocol| rtm_scope   | rtm_type|
 *  +-------------+-------------+-------------+---------+
 *  |                    rtm_flags                      |
 *  +---------------------------------------------------+
 *  |  RTA_* ...
 * </pre>
 *
 * <p>{@code struct rtmsg} of {@code linux/rtnetlink.h}. RTA_TABLE carries all 32 bits of the table.
 * RTA_MULTIPATH holds one {@code struct rtnexthop} per way (length 2, flags 1, hops 1, interface 4,
 * attributes).
 */
public final class RouteCodec {
  public static final int RTM_NEWROUTE = 24;
  public static final int RTM_DELROUTE = 25;
  public static final int RTM_GETROUTE = 26;

  private static final int HEADER = 12;
  private static final int RTM_F_CLONED = 0x200;
  private static final int RT_TABLE_COMPAT = 252;
  private static final int RTA_DST = 1;
  private static final int RTA_SRC = 2;
  private static final int RTA_OIF = 4;
  private static final int RTA_GATEWAY = 5;
  private static final int RTA_PRIORITY = 6;
  private static final int RTA_PREFSRC = 7;
  private static final int RTA_METRICS = 8;
  private static final int RTA_MULTIPATH = 9;
  private static final int RTA_TABLE = 15;
  private static final int RTAX_MTU = 2;
  private static final int NEXT_HOP = 8;

  private RouteCodec() {}

  /** What a message says, before its ways are told apart. */
  private static final class Fields {
    Ipv6Address destination = Ipv6Address.UNSPECIFIED;
    Ipv6Address source = Ipv6Address.UNSPECIFIED;
    int table;
    int metric;
    OptionalInt interfaceIndex = OptionalInt.empty();
    Optional<Ipv6Address> gateway = Optional.empty();
    Optional<Ipv6Address> preferredSource = Optional.empty();
    OptionalInt mtu = OptionalInt.empty();
    @Nullable ByteBuf multipath;
  }

  /**
   * Reads what follows the netlink header.
   *
   * @return one route for each way; none if it is no IPv6 route, of a type unknown here, or a
   *     cache's entry
   */
  public static ImmutableList<Route> decode(ByteBuf payload) throws MalformedPacketException {
    var in = payload.duplicate();
    if (in.readableBytes() < HEADER) {
      throw new MalformedPacketException(TRUNCATED, 0);
    }
    int family = in.readUnsignedByte();
    int destinationLength = in.readUnsignedByte();
    int sourceLength = in.readUnsignedByte();
    in.skipBytes(1);
    var fields = new Fields();
    fields.table = in.readUnsignedByte();
    int protocol = in.readUnsignedByte();
    in.skipBytes(1);
    var type = RouteType.of(in.readUnsignedByte());
    int flags = in.readIntLE();
    if (family != InterfaceAddressCodec.AF_INET6 || type.isEmpty() || (flags & RTM_F_CLONED) != 0) {
      return ImmutableList.of();
    }
    if (destinationLength > Ipv6Address.BITS || sourceLength > Ipv6Address.BITS) {
      throw new MalformedPacketException(BAD_VALUE, 1);
    }
    for (var attribute = NetlinkAttribute.read(in);
        attribute != null;
        attribute = NetlinkAttribute.read(in)) {
      take(attribute, fields);
    }
    var whole =
        new Route(
            Ipv6Prefix.of(fields.destination, destinationLength),
            Ipv6Prefix.of(fields.source, sourceLength),
            fields.table,
            type.get(),
            protocol,
            fields.metric,
            hasWay(type.get()) ? fields.interfaceIndex : OptionalInt.empty(),
            fields.gateway,
            fields.preferredSource,
            fields.mtu);
    return fields.multipath == null ? ImmutableList.of(whole) : ways(whole, fields.multipath);
  }

  /** The kernel reports the loopback interface for routes that lead nowhere. */
  private static boolean hasWay(RouteType type) {
    return type != RouteType.BLACKHOLE
        && type != RouteType.UNREACHABLE
        && type != RouteType.PROHIBIT
        && type != RouteType.THROW;
  }

  private static void take(NetlinkAttribute attribute, Fields fields)
      throws MalformedPacketException {
    switch (attribute.type()) {
      case RTA_DST -> fields.destination = attribute.asAddress();
      case RTA_SRC -> fields.source = attribute.asAddress();
      case RTA_OIF -> fields.interfaceIndex = OptionalInt.of(attribute.asInt());
      case RTA_GATEWAY -> fields.gateway = Optional.of(attribute.asAddress());
      case RTA_PRIORITY -> fields.metric = attribute.asInt();
      case RTA_PREFSRC -> fields.preferredSource = Optional.of(attribute.asAddress());
      case RTA_TABLE -> fields.table = attribute.asInt();
      case RTA_MULTIPATH -> fields.multipath = attribute.value();
      case RTA_METRICS -> {
        var metrics = attribute.value().duplicate();
        for (var metric = NetlinkAttribute.read(metrics);
            metric != null;
            metric = NetlinkAttribute.read(metrics)) {
          if (metric.type() == RTAX_MTU) {
            fields.mtu = OptionalInt.of(metric.asInt());
          }
        }
      }
      default -> {}
    }
  }

  private static ImmutableList<Route> ways(Route whole, ByteBuf multipath)
      throws MalformedPacketException {
    var routes = ImmutableList.<Route>builder();
    var in = multipath.duplicate();
    while (in.readableBytes() > 0) {
      int start = in.readerIndex();
      if (in.readableBytes() < NEXT_HOP) {
        throw new MalformedPacketException(TRUNCATED, start);
      }
      int length = in.readUnsignedShortLE();
      in.skipBytes(2);
      int index = in.readIntLE();
      if (length < NEXT_HOP || length - NEXT_HOP > in.readableBytes()) {
        throw new MalformedPacketException(BAD_LENGTH, start);
      }
      var fields = new Fields();
      var attributes = in.readSlice(length - NEXT_HOP);
      in.skipBytes(Math.min(in.readableBytes(), -length & 3));
      for (var attribute = NetlinkAttribute.read(attributes);
          attribute != null;
          attribute = NetlinkAttribute.read(attributes)) {
        take(attribute, fields);
      }
      routes.add(
          new Route(
              whole.destination(),
              whole.source(),
              whole.table(),
              whole.type(),
              whole.protocol(),
              whole.metric(),
              OptionalInt.of(index),
              fields.gateway,
              whole.preferredSource(),
              whole.mtu()));
    }
    return routes.build();
  }

  /** Writes a request for the IPv6 routes of all tables. */
  public static void encodeQuery(ByteBuf out) {
    out.writeByte(InterfaceAddressCodec.AF_INET6);
    out.writeZero(HEADER - 1);
  }

  public static void encode(Route route, ByteBuf out) {
    out.writeByte(InterfaceAddressCodec.AF_INET6);
    out.writeByte(route.destination().length());
    out.writeByte(route.source().length());
    out.writeByte(0);
    out.writeByte(route.table() >>> 8 == 0 ? route.table() : RT_TABLE_COMPAT);
    out.writeByte(route.protocol());
    out.writeByte(0);
    out.writeByte(route.type().code());
    out.writeIntLE(0);
    if (!route.destination().isAny()) {
      NetlinkAttribute.write(out, RTA_DST, route.destination().address());
    }
    if (!route.source().isAny()) {
      NetlinkAttribute.write(out, RTA_SRC, route.source().address());
    }
    NetlinkAttribute.write(out, RTA_TABLE, route.table());
    if (route.metric() != 0) {
      NetlinkAttribute.write(out, RTA_PRIORITY, route.metric());
    }
    route.gateway().ifPresent(gateway -> NetlinkAttribute.write(out, RTA_GATEWAY, gateway));
    route.interfaceIndex().ifPresent(index -> NetlinkAttribute.write(out, RTA_OIF, index));
    route.preferredSource().ifPresent(own -> NetlinkAttribute.write(out, RTA_PREFSRC, own));
    if (route.mtu().isPresent()) {
      int start = NetlinkAttribute.begin(out, RTA_METRICS);
      NetlinkAttribute.write(out, RTAX_MTU, route.mtu().getAsInt());
      NetlinkAttribute.end(out, start);
    }
  }
}

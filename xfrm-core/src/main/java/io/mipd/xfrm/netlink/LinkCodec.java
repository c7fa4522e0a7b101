package io.mipd.xfrm.netlink;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * RTM_NEWLINK, RTM_DELLINK and RTM_GETLINK.
 *
 * <pre>
 *  0             1     2           4           8            12          16
 *  +-------------+-----+-----------+-----------+------------+-----------+----------------
 *  | ifi_family  | pad | ifi_type  | ifi_index | ifi_flags  | ifi_change| IFLA_* ...
 *  +-------------+-----+-----------+-----------+------------+-----------+----------------
 * </pre>
 *
 * <p>{@code struct ifinfomsg} of {@code linux/rtnetlink.h}; attributes of {@code linux/if_link.h}
 * and {@code linux/if_tunnel.h}. What kind of interface it is stands in an attribute of attributes:
 *
 * <pre>
 * IFLA_LINKINFO { IFLA_INFO_KIND name, IFLA_INFO_DATA { what that kind has, such as IFLA_IPTUN_* } }
 * </pre>
 */
public final class LinkCodec {
  public static final int RTM_NEWLINK = 16;
  public static final int RTM_DELLINK = 17;
  public static final int RTM_GETLINK = 18;

  private static final int HEADER = 16;
  private static final int MAX_NAME = 16;
  private static final int IFLA_ADDRESS = 1;
  private static final int IFLA_IFNAME = 3;
  private static final int IFLA_MTU = 4;
  private static final int IFLA_MASTER = 10;
  private static final int IFLA_LINKINFO = 18;
  private static final int IFLA_INFO_KIND = 1;
  private static final int IFLA_INFO_DATA = 2;
  private static final int IFLA_IPTUN_LINK = 1;
  private static final int IFLA_IPTUN_LOCAL = 2;
  private static final int IFLA_IPTUN_REMOTE = 3;
  private static final int IFLA_IPTUN_TTL = 4;
  private static final int IFLA_IPTUN_ENCAP_LIMIT = 6;
  private static final int IFLA_IPTUN_FLAGS = 8;
  private static final int IFLA_IPTUN_PROTO = 9;

  /** The flags above are the kernel's own: what the tunnel can do at the moment. */
  private static final int CONFIGURED_FLAGS = 0xffff;

  private static final String IP6TNL = "ip6tnl";
  private static final String DUMMY = "dummy";

  private LinkCodec() {}

  /**
   * Reads what follows the netlink header.
   *
   * @return empty if it is not about an interface itself but about its place in a bridge
   */
  public static Optional<Link> decode(ByteBuf payload) throws MalformedPacketException {
    var in = payload.duplicate();
    if (in.readableBytes() < HEADER) {
      throw new MalformedPacketException(TRUNCATED, 0);
    }
    int family = in.readUnsignedByte();
    in.skipBytes(1);
    int type = in.readUnsignedShortLE();
    int index = in.readIntLE();
    int flags = in.readIntLE();
    in.skipBytes(4);
    if (family != 0) {
      return Optional.empty();
    }
    String name = "";
    int mtu = 0;
    Optional<MacAddress> address = Optional.empty();
    OptionalInt master = OptionalInt.empty();
    for (var attribute = NetlinkAttribute.read(in);
        attribute != null;
        attribute = NetlinkAttribute.read(in)) {
      switch (attribute.type()) {
        case IFLA_IFNAME -> name = attribute.asString();
        case IFLA_MTU -> mtu = attribute.asInt();
        case IFLA_MASTER -> master = OptionalInt.of(attribute.asInt());
        case IFLA_ADDRESS -> {
          if (attribute.value().readableBytes() == MacAddress.LENGTH) {
            address = Optional.of(MacAddress.read(attribute.asOctets(), 0));
          }
        }
        default -> {}
      }
    }
    return Optional.of(new Link(index, name, flags, mtu, type, address, master));
  }

  /** Writes a request for all interfaces, or with an index about that one. */
  public static void encodeQuery(int index, ByteBuf out) {
    header(index, 0, 0, out);
  }

  /** Writes a request for the interface of this name. */
  public static void encodeQuery(String name, ByteBuf out) {
    header(0, 0, 0, out);
    writeName(name, out);
  }

  /** Writes a change of the flags under the mask. */
  public static void encodeFlags(int index, int flags, int mask, ByteBuf out) {
    header(index, flags, mask, out);
  }

  public static void encodeMtu(int index, int octets, ByteBuf out) {
    header(index, 0, 0, out);
    NetlinkAttribute.write(out, IFLA_MTU, octets);
  }

  /**
   * Reads an IPv6-in-IPv6 tunnel.
   *
   * @return empty if it is another interface
   */
  public static Optional<Ipv6Tunnel> decodeTunnel(ByteBuf payload) throws MalformedPacketException {
    var in = payload.duplicate();
    if (in.readableBytes() < HEADER) {
      throw new MalformedPacketException(TRUNCATED, 0);
    }
    int family = in.readUnsignedByte();
    in.skipBytes(3);
    int index = in.readIntLE();
    in.skipBytes(8);
    String name = "";
    String kind = "";
    ByteBuf data = Unpooled.EMPTY_BUFFER;
    for (var attribute = NetlinkAttribute.read(in);
        attribute != null;
        attribute = NetlinkAttribute.read(in)) {
      if (attribute.type() == IFLA_IFNAME) {
        name = attribute.asString();
      } else if (attribute.type() == IFLA_LINKINFO) {
        var info = attribute.value().duplicate();
        for (var part = NetlinkAttribute.read(info);
            part != null;
            part = NetlinkAttribute.read(info)) {
          if (part.type() == IFLA_INFO_KIND) {
            kind = part.asString();
          } else if (part.type() == IFLA_INFO_DATA) {
            data = part.value().duplicate();
          }
        }
      }
    }
    // Names of interfaces are 1 to 15 octets: what is not has not come from the kernel.
    boolean named = !name.isEmpty() && name.length() < MAX_NAME;
    return family == 0 && kind.equals(IP6TNL) && named
        ? tunnel(index, name, data)
        : Optional.empty();
  }

  private static Optional<Ipv6Tunnel> tunnel(int index, String name, ByteBuf data)
      throws MalformedPacketException {
    var local = Ipv6Address.UNSPECIFIED;
    var remote = Ipv6Address.UNSPECIFIED;
    int lowerIndex = 0;
    int hopLimit = 0;
    int encapsulationLimit = 0;
    int flags = 0;
    int protocol = IpProtocol.IPV6;
    for (var attribute = NetlinkAttribute.read(data);
        attribute != null;
        attribute = NetlinkAttribute.read(data)) {
      switch (attribute.type()) {
        case IFLA_IPTUN_LINK -> lowerIndex = attribute.asInt();
        case IFLA_IPTUN_LOCAL -> local = attribute.asAddress();
        case IFLA_IPTUN_REMOTE -> remote = attribute.asAddress();
        case IFLA_IPTUN_TTL -> hopLimit = attribute.asUnsignedByte();
        case IFLA_IPTUN_ENCAP_LIMIT -> encapsulationLimit = attribute.asUnsignedByte();
        case IFLA_IPTUN_FLAGS -> flags = attribute.asInt() & CONFIGURED_FLAGS;
        case IFLA_IPTUN_PROTO -> protocol = attribute.asUnsignedByte();
        default -> {}
      }
    }
    return protocol == IpProtocol.IPV6
        ? Optional.of(
            new Ipv6Tunnel(
                index, name, local, remote, lowerIndex, hopLimit, encapsulationLimit, flags))
        : Optional.empty();
  }

  /** Writes a tunnel that is to be made, or with an index how one is to become. */
  public static void encodeTunnel(Ipv6Tunnel tunnel, ByteBuf out) {
    header(tunnel.interfaceIndex(), 0, 0, out);
    if (tunnel.interfaceIndex() == 0) {
      writeName(tunnel.name(), out);
    }
    int info = NetlinkAttribute.begin(out, IFLA_LINKINFO);
    NetlinkAttribute.write(out, IFLA_INFO_KIND, IP6TNL.getBytes(StandardCharsets.UTF_8));
    int data = NetlinkAttribute.begin(out, IFLA_INFO_DATA);
    // All of it each time: what is left out becomes 0.
    NetlinkAttribute.writeByte(out, IFLA_IPTUN_PROTO, IpProtocol.IPV6);
    NetlinkAttribute.write(out, IFLA_IPTUN_LOCAL, tunnel.local());
    NetlinkAttribute.write(out, IFLA_IPTUN_REMOTE, tunnel.remote());
    NetlinkAttribute.writeByte(out, IFLA_IPTUN_TTL, tunnel.hopLimit());
    NetlinkAttribute.writeByte(out, IFLA_IPTUN_ENCAP_LIMIT, tunnel.encapsulationLimit());
    NetlinkAttribute.write(out, IFLA_IPTUN_FLAGS, tunnel.flags());
    NetlinkAttribute.write(out, IFLA_IPTUN_LINK, tunnel.lowerIndex());
    NetlinkAttribute.end(out, data);
    NetlinkAttribute.end(out, info);
  }

  /** Writes an interface that is to be made and drops what it is given. */
  public static void encodeDummy(String name, ByteBuf out) {
    header(0, 0, 0, out);
    writeName(name, out);
    int info = NetlinkAttribute.begin(out, IFLA_LINKINFO);
    NetlinkAttribute.write(out, IFLA_INFO_KIND, DUMMY.getBytes(StandardCharsets.UTF_8));
    NetlinkAttribute.end(out, info);
  }

  private static void writeName(String name, ByteBuf out) {
    NetlinkAttribute.write(out, IFLA_IFNAME, (name + "\0").getBytes(StandardCharsets.UTF_8));
  }

  private static void header(int index, int flags, int mask, ByteBuf out) {
    out.writeInt(0);
    out.writeIntLE(index);
    out.writeIntLE(flags);
    out.writeIntLE(mask);
  }
}

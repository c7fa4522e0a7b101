package io.mipd.xfrm.netlink;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
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
 * <p>{@code struct ifinfomsg} of {@code linux/rtnetlink.h}; attributes of {@code linux/if_link.h}.
 */
public final class LinkCodec {
  public static final int RTM_NEWLINK = 16;
  public static final int RTM_DELLINK = 17;
  public static final int RTM_GETLINK = 18;

  private static final int HEADER = 16;
  private static final int IFLA_ADDRESS = 1;
  private static final int IFLA_IFNAME = 3;
  private static final int IFLA_MTU = 4;
  private static final int IFLA_MASTER = 10;

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
    NetlinkAttribute.write(out, IFLA_IFNAME, (name + "\0").getBytes(StandardCharsets.UTF_8));
  }

  /** Writes a change of the flags under the mask. */
  public static void encodeFlags(int index, int flags, int mask, ByteBuf out) {
    header(index, flags, mask, out);
  }

  public static void encodeMtu(int index, int octets, ByteBuf out) {
    header(index, 0, 0, out);
    NetlinkAttribute.write(out, IFLA_MTU, octets);
  }

  private static void header(int index, int flags, int mask, ByteBuf out) {
    out.writeInt(0);
    out.writeIntLE(index);
    out.writeIntLE(flags);
    out.writeIntLE(mask);
  }
}

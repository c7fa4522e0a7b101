package io.mipd.xfrm.netlink;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import java.util.Optional;

/**
 * RTM_NEWNEIGH, RTM_DELNEIGH and RTM_GETNEIGH.
 *
 * <pre>
 *  0             1      2      4             8           10          11         12
 *  +-------------+------+------+-------------+-----------+-----------+----------+-----------
 *  | ndm_family  | pad  | pad  | ndm_ifindex | ndm_state | ndm_flags | ndm_type | NDA_* ...
 *  +-------------+------+------+-------------+-----------+-----------+----------+-----------
 * </pre>
 *
 * <p>{@code struct ndmsg} of {@code linux/neighbour.h}.
 */
public final class NeighbourCodec {
  public static final int RTM_NEWNEIGH = 28;
  public static final int RTM_DELNEIGH = 29;
  public static final int RTM_GETNEIGH = 30;

  private static final int HEADER = 12;
  private static final int NTF_PROXY = 0x08;
  private static final int NTF_ROUTER = 0x80;
  private static final int NDA_DST = 1;
  private static final int NDA_LLADDR = 2;

  private NeighbourCodec() {}

  /**
   * Reads what follows the netlink header.
   *
   * @return empty if it is no IPv6 neighbour
   */
  public static Optional<Neighbour> decode(ByteBuf payload) throws MalformedPacketException {
    var in = payload.duplicate();
    if (in.readableBytes() < HEADER) {
      throw new MalformedPacketException(TRUNCATED, 0);
    }
    int family = in.readUnsignedByte();
    in.skipBytes(3);
    int index = in.readIntLE();
    int state = in.readUnsignedShortLE();
    int flags = in.readUnsignedByte();
    in.skipBytes(1);
    if (family != InterfaceAddressCodec.AF_INET6) {
      return Optional.empty();
    }
    Ipv6Address address = null;
    Optional<MacAddress> linkLayer = Optional.empty();
    for (var attribute = NetlinkAttribute.read(in);
        attribute != null;
        attribute = NetlinkAttribute.read(in)) {
      if (attribute.type() == NDA_DST) {
        address = attribute.asAddress();
      } else if (attribute.type() == NDA_LLADDR
          && attribute.value().readableBytes() == MacAddress.LENGTH) {
        linkLayer = Optional.of(MacAddress.read(attribute.asOctets(), 0));
      }
    }
    if (address == null) {
      return Optional.empty();
    }
    return Optional.of(
        new Neighbour(
            index, address, linkLayer, state, (flags & NTF_PROXY) != 0, (flags & NTF_ROUTER) != 0));
  }

  /** Writes a request for all IPv6 neighbours, or for all proxied addresses. */
  public static void encodeQuery(boolean proxies, ByteBuf out) {
    header(0, 0, proxies ? NTF_PROXY : 0, out);
  }

  public static void encode(Neighbour neighbour, ByteBuf out) {
    int flags = (neighbour.proxy() ? NTF_PROXY : 0) | (neighbour.router() ? NTF_ROUTER : 0);
    header(neighbour.interfaceIndex(), neighbour.state(), flags, out);
    NetlinkAttribute.write(out, NDA_DST, neighbour.address());
    neighbour
        .linkLayerAddress()
        .ifPresent(address -> NetlinkAttribute.write(out, NDA_LLADDR, address.toOctets()));
  }

  private static void header(int index, int state, int flags, ByteBuf out) {
    out.writeByte(InterfaceAddressCodec.AF_INET6);
    out.writeZero(3);
    out.writeIntLE(index);
    out.writeShortLE(state);
    out.writeByte(flags);
    out.writeByte(0);
  }
}

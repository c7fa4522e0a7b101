package io.mipd.xfrm.netlink;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.BAD_VALUE;
import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import java.util.Optional;

/**
 * RTM_NEWADDR, RTM_DELADDR and RTM_GETADDR.
 *
 * <pre>
 *  0            1               2           3           4           8
 *  +------------+---------------+-----------+-----------+-----------+----------------
 *  | ifa_family | ifa_prefixlen | ifa_flags | ifa_scope | ifa_index | IFA_* ...
 *  +------------+---------------+-----------+-----------+-----------+----------------
 * </pre>
 *
 * <p>{@code struct ifaddrmsg} of {@code linux/if_addr.h}. IFA_FLAGS carries all 32 bits of the
 * flags and IFA_CACHEINFO the lifetimes in seconds: preferred, valid, and two time stamps.
 */
public final class InterfaceAddressCodec {
  public static final int RTM_NEWADDR = 20;
  public static final int RTM_DELADDR = 21;
  public static final int RTM_GETADDR = 22;

  static final int AF_INET6 = 10;
  private static final int HEADER = 8;
  private static final int IFA_ADDRESS = 1;
  private static final int IFA_LOCAL = 2;
  private static final int IFA_CACHEINFO = 6;
  private static final int IFA_FLAGS = 8;
  private static final int CACHEINFO = 16;

  private InterfaceAddressCodec() {}

  /**
   * Reads what follows the netlink header.
   *
   * @return empty if it is no IPv6 address
   */
  public static Optional<InterfaceAddress> decode(ByteBuf payload) throws MalformedPacketException {
    var in = payload.duplicate();
    if (in.readableBytes() < HEADER) {
      throw new MalformedPacketException(TRUNCATED, 0);
    }
    int family = in.readUnsignedByte();
    int prefixLength = in.readUnsignedByte();
    int flags = in.readUnsignedByte();
    in.skipBytes(1);
    int index = in.readIntLE();
    if (family != AF_INET6) {
      return Optional.empty();
    }
    Ipv6Address address = null;
    Ipv6Address local = null;
    long preferred = InterfaceAddress.FOREVER;
    long valid = InterfaceAddress.FOREVER;
    for (var attribute = NetlinkAttribute.read(in);
        attribute != null;
        attribute = NetlinkAttribute.read(in)) {
      switch (attribute.type()) {
        case IFA_ADDRESS -> address = attribute.asAddress();
        case IFA_LOCAL -> local = attribute.asAddress();
        case IFA_FLAGS -> flags = attribute.asInt();
        case IFA_CACHEINFO -> {
          var value = attribute.value();
          if (value.readableBytes() < CACHEINFO) {
            throw new MalformedPacketException(TRUNCATED, value.readerIndex());
          }
          preferred = value.getUnsignedIntLE(value.readerIndex());
          valid = value.getUnsignedIntLE(value.readerIndex() + 4);
        }
        default -> {}
      }
    }
    // With a peer, IFA_ADDRESS is the peer's and IFA_LOCAL ours.
    Ipv6Address own = local != null ? local : address;
    if (own == null || prefixLength > Ipv6Address.BITS) {
      throw new MalformedPacketException(BAD_VALUE, 0);
    }
    return Optional.of(
        new InterfaceAddress(index, own, prefixLength, AddressFlag.of(flags), preferred, valid));
  }

  /** Writes a request for the IPv6 addresses of all interfaces. */
  public static void encodeQuery(ByteBuf out) {
    header(0, 0, 0, out);
  }

  public static void encode(InterfaceAddress address, ByteBuf out) {
    int flags = AddressFlag.bits(address.flags());
    header(address.prefixLength(), flags & 0xff, address.interfaceIndex(), out);
    NetlinkAttribute.write(out, IFA_LOCAL, address.address());
    NetlinkAttribute.write(out, IFA_ADDRESS, address.address());
    NetlinkAttribute.write(out, IFA_FLAGS, flags);
    if (address.preferredSeconds() != InterfaceAddress.FOREVER
        || address.validSeconds() != InterfaceAddress.FOREVER) {
      int start = NetlinkAttribute.begin(out, IFA_CACHEINFO);
      out.writeIntLE((int) address.preferredSeconds());
      out.writeIntLE((int) address.validSeconds());
      out.writeZero(CACHEINFO - 8);
      NetlinkAttribute.end(out, start);
    }
  }

  /** Writes what names an address that is to be removed. */
  public static void encodeName(int index, Ipv6Address address, int prefixLength, ByteBuf out) {
    header(prefixLength, 0, index, out);
    NetlinkAttribute.write(out, IFA_LOCAL, address);
    NetlinkAttribute.write(out, IFA_ADDRESS, address);
  }

  private static void header(int prefixLength, int flags, int index, ByteBuf out) {
    out.writeByte(AF_INET6);
    out.writeByte(prefixLength);
    out.writeByte(flags);
    out.writeByte(0);
    out.writeIntLE(index);
  }
}

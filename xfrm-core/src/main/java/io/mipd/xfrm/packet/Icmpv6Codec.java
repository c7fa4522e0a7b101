package io.mipd.xfrm.packet;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.MalformedPacketException.Reason;
import io.netty.buffer.ByteBuf;
import java.util.Optional;

// Every message:
//
//   +---------------+---------------+-------------------------------+
//   |     Type      |     Code      |           Checksum            |
//   +---------------+---------------+-------------------------------+
//   |                         Message Body                          |
//
// RFC 4443 section 2.1. The bodies, four octets or more:
//
//   Router Advertisement (RFC 4861 section 4.2, H of RFC 6275 section 7.1)
//   +---------------+-+-+-+---------+-------------------------------+
//   | Cur Hop Limit |M|O|H| Reserved|        Router Lifetime        |
//   +---------------+-+-+-+---------+-------------------------------+
//   |          Reachable Time       |          Retrans Timer        |  32 bits each
//
//   Neighbor Solicitation, Neighbor Advertisement (RFC 4861 sections 4.3, 4.4)
//   +-+-+-+---------------------------------------------------------+
//   |R|S|O|                        Reserved                         |
//   +-+-+-+---------------------------------------------------------+
//   |                        Target Address                         |  128 bits
//
//   Multicast Listener Discovery (RFC 2710 section 3; RFC 3810 sections 5.1, 5.2)
//   +-------------------------------+-------------------------------+
//   |     Maximum Response Code     |            Reserved           |
//   +-------------------------------+-------------------------------+
//   |                       Multicast Address                       |  128 bits
//   +-------+-+-----+---------------+-------------------------------+
//   | Resv  |S| QRV |     QQIC      |     Number of Sources (N)     |  queries of version 2;
//   +-------+-+-----+---------------+-------------------------------+  then N addresses
//
//   Multicast Listener Report of version 2
//   +-------------------------------+-------------------------------+
//   |           Reserved            | Nr of Mcast Address Records   |
//   +---------------+---------------+-------------------------------+
//   |  Record Type  |  Aux Data Len |     Number of Sources (N)     |  each; then the group, N
//   +---------------+---------------+-------------------------------+  addresses, the data
//
//   Home Agent Address Discovery (RFC 6275 sections 6.5, 6.6)
//   +-------------------------------+-------------------------------+
//   |          Identifier           |            Reserved           |
//   +-------------------------------+-------------------------------+
//   |               in the reply: addresses, 128 bits each          |
//
//   Mobile Prefix Solicitation, Advertisement (RFC 6275 sections 6.7, 6.8)
//   +-------------------------------+-+-+---------------------------+
//   |          Identifier           |M|O|         Reserved          |
//
// Options of Neighbor Discovery follow where the message has them; see NdOptionCodec.
/** ICMPv6 messages from octets and to octets. */
public final class Icmpv6Codec {
  static final int HEADER = 4;

  private Icmpv6Codec() {}

  /**
   * Reads the whole buffer as one message.
   *
   * @throws MalformedPacketException if it is none, or its checksum is wrong
   */
  public static Icmpv6Message decode(ByteBuf in, Ipv6Address source, Ipv6Address destination)
      throws MalformedPacketException {
    Wire.require(in, HEADER + 4);
    if (Checksum.of(source, destination, IpProtocol.ICMPV6, in) != 0) {
      throw new MalformedPacketException(Reason.BAD_CHECKSUM, in.readerIndex() + 2);
    }
    int type = in.readUnsignedByte();
    int code = in.readUnsignedByte();
    in.skipBytes(2);
    if (type < 128) {
      return new Icmpv6Message.ErrorMessage(type, code, in.readUnsignedInt(), rest(in));
    }
    return switch (type) {
      case Icmpv6Message.ECHO_REQUEST ->
          new Icmpv6Message.EchoRequest(in.readUnsignedShort(), in.readUnsignedShort(), rest(in));
      case Icmpv6Message.ECHO_REPLY ->
          new Icmpv6Message.EchoReply(in.readUnsignedShort(), in.readUnsignedShort(), rest(in));
      case Icmpv6Message.LISTENER_QUERY -> listenerQuery(in);
      case Icmpv6Message.LISTENER_REPORT -> new Icmpv6Message.ListenerReport(listenersGroup(in));
      case Icmpv6Message.LISTENER_DONE -> new Icmpv6Message.ListenerDone(listenersGroup(in));
      case Icmpv6Message.LISTENER_REPORT_2 -> listenerReport(in);
      case Icmpv6Message.ROUTER_SOLICITATION -> {
        in.skipBytes(4);
        yield new Icmpv6Message.RouterSolicitation(NdOptionCodec.decode(in));
      }
      case Icmpv6Message.ROUTER_ADVERTISEMENT -> routerAdvertisement(in);
      case Icmpv6Message.NEIGHBOR_SOLICITATION -> {
        Wire.require(in, 20);
        in.skipBytes(4);
        yield new Icmpv6Message.NeighborSolicitation(
            Wire.readAddress(in), NdOptionCodec.decode(in));
      }
      case Icmpv6Message.NEIGHBOR_ADVERTISEMENT -> {
        Wire.require(in, 20);
        int flags = in.readInt();
        yield new Icmpv6Message.NeighborAdvertisement(
            flags < 0,
            (flags & 0x4000_0000) != 0,
            (flags & 0x2000_0000) != 0,
            Wire.readAddress(in),
            NdOptionCodec.decode(in));
      }
      case Icmpv6Message.HOME_AGENT_DISCOVERY_REQUEST ->
          new Icmpv6Message.HomeAgentDiscoveryRequest(in.readUnsignedShort());
      case Icmpv6Message.HOME_AGENT_DISCOVERY_REPLY -> homeAgentDiscoveryReply(in);
      case Icmpv6Message.MOBILE_PREFIX_SOLICITATION -> {
        int identifier = in.readUnsignedShort();
        in.skipBytes(2);
        yield new Icmpv6Message.MobilePrefixSolicitation(identifier, NdOptionCodec.decode(in));
      }
      case Icmpv6Message.MOBILE_PREFIX_ADVERTISEMENT -> {
        int identifier = in.readUnsignedShort();
        int flags = in.readUnsignedShort();
        yield new Icmpv6Message.MobilePrefixAdvertisement(
            identifier, (flags & 0x8000) != 0, (flags & 0x4000) != 0, NdOptionCodec.decode(in));
      }
      default -> new Icmpv6Message.Unknown(type, code, rest(in));
    };
  }

  /** Behind the response delay, which only queries have. */
  private static Ipv6Address listenersGroup(ByteBuf in) throws MalformedPacketException {
    Wire.require(in, 20);
    in.skipBytes(4);
    return Wire.readAddress(in);
  }

  /** Its length tells the version (RFC 3810 section 8.1). */
  private static Icmpv6Message listenerQuery(ByteBuf in) throws MalformedPacketException {
    Wire.require(in, 20);
    int code = in.getUnsignedShort(in.readerIndex());
    Ipv6Address group = listenersGroup(in);
    if (!in.isReadable()) {
      return new Icmpv6Message.ListenerQuery(code, group, Optional.empty());
    }
    Wire.require(in, 4);
    int robustness = in.readUnsignedByte() & 7;
    int interval = in.readUnsignedByte();
    addresses(in, in.readUnsignedShort());
    return new Icmpv6Message.ListenerQuery(
        code, group, Optional.of(new Icmpv6Message.ListenerQuery.Querier(robustness, interval)));
  }

  private static ImmutableList<Ipv6Address> addresses(ByteBuf in, int count)
      throws MalformedPacketException {
    Wire.require(in, count * (Ipv6Address.BITS / 8));
    var addresses = ImmutableList.<Ipv6Address>builder();
    for (int i = 0; i < count; i++) {
      addresses.add(Wire.readAddress(in));
    }
    return addresses.build();
  }

  private static Icmpv6Message listenerReport(ByteBuf in) throws MalformedPacketException {
    in.skipBytes(2);
    int count = in.readUnsignedShort();
    var records = ImmutableList.<Icmpv6Message.GroupRecord>builder();
    for (int i = 0; i < count; i++) {
      Wire.require(in, 20);
      int type = in.readUnsignedByte();
      int auxiliary = 4 * in.readUnsignedByte();
      int sources = in.readUnsignedShort();
      Ipv6Address group = Wire.readAddress(in);
      records.add(new Icmpv6Message.GroupRecord(type, group, addresses(in, sources)));
      Wire.require(in, auxiliary);
      in.skipBytes(auxiliary);
    }
    return new Icmpv6Message.ListenerReport2(records.build());
  }

  private static Icmpv6Message routerAdvertisement(ByteBuf in) throws MalformedPacketException {
    Wire.require(in, 12);
    int hopLimit = in.readUnsignedByte();
    int flags = in.readUnsignedByte();
    return new Icmpv6Message.RouterAdvertisement(
        hopLimit,
        (flags & 0x80) != 0,
        (flags & 0x40) != 0,
        (flags & 0x20) != 0,
        flags & 0x1f,
        in.readUnsignedShort(),
        in.readUnsignedInt(),
        in.readUnsignedInt(),
        NdOptionCodec.decode(in));
  }

  private static Icmpv6Message homeAgentDiscoveryReply(ByteBuf in) throws MalformedPacketException {
    int identifier = in.readUnsignedShort();
    in.skipBytes(2);
    if (in.readableBytes() % (Ipv6Address.BITS / 8) != 0) {
      throw new MalformedPacketException(Reason.BAD_LENGTH, in.readerIndex());
    }
    var addresses = ImmutableList.<Ipv6Address>builder();
    while (in.isReadable()) {
      addresses.add(Wire.readAddress(in));
    }
    return new Icmpv6Message.HomeAgentDiscoveryReply(identifier, addresses.build());
  }

  private static Octets rest(ByteBuf in) {
    return Octets.read(in, in.readableBytes());
  }

  /** Writes a message with its checksum at the buffer's end. */
  public static void encode(
      Icmpv6Message message, Ipv6Address source, Ipv6Address destination, ByteBuf out) {
    int start = out.writerIndex();
    out.writeByte(message.type()).writeByte(codeOf(message)).writeShort(0);
    body(message, out);
    ByteBuf whole = out.slice(start, out.writerIndex() - start);
    out.setShort(start + 2, Checksum.of(source, destination, IpProtocol.ICMPV6, whole));
  }

  private static int codeOf(Icmpv6Message message) {
    if (message instanceof Icmpv6Message.ErrorMessage error) {
      return error.code();
    }
    return message instanceof Icmpv6Message.Unknown unknown ? unknown.code() : 0;
  }

  private static void body(Icmpv6Message message, ByteBuf out) {
    if (message instanceof Icmpv6Message.ErrorMessage error) {
      out.writeInt((int) error.value());
      error.packet().writeTo(out);
    } else if (message instanceof Icmpv6Message.EchoRequest echo) {
      out.writeShort(echo.identifier()).writeShort(echo.sequence());
      echo.data().writeTo(out);
    } else if (message instanceof Icmpv6Message.EchoReply echo) {
      out.writeShort(echo.identifier()).writeShort(echo.sequence());
      echo.data().writeTo(out);
    } else if (message instanceof Icmpv6Message.ListenerQuery it) {
      out.writeShort(it.maximumResponseCode()).writeShort(0);
      Wire.write(out, it.group());
      it.querier()
          .ifPresent(
              one -> out.writeByte(one.robustness()).writeByte(one.intervalCode()).writeShort(0));
    } else if (message instanceof Icmpv6Message.ListenerReport it) {
      out.writeInt(0);
      Wire.write(out, it.group());
    } else if (message instanceof Icmpv6Message.ListenerDone it) {
      out.writeInt(0);
      Wire.write(out, it.group());
    } else if (message instanceof Icmpv6Message.ListenerReport2 it) {
      out.writeShort(0).writeShort(it.records().size());
      for (Icmpv6Message.GroupRecord one : it.records()) {
        out.writeByte(one.type()).writeByte(0).writeShort(one.sources().size());
        Wire.write(out, one.group());
        one.sources().forEach(source -> Wire.write(out, source));
      }
    } else if (message instanceof Icmpv6Message.RouterSolicitation) {
      out.writeInt(0);
    } else if (message instanceof Icmpv6Message.RouterAdvertisement it) {
      checkArgument((it.flags() & ~0x1f) == 0, "flags beyond five bits: %s", it.flags());
      out.writeByte(it.hopLimit());
      out.writeByte(
          (it.managed() ? 0x80 : 0)
              | (it.otherConfiguration() ? 0x40 : 0)
              | (it.homeAgent() ? 0x20 : 0)
              | it.flags());
      out.writeShort(it.routerLifetime());
      out.writeInt((int) it.reachableTime()).writeInt((int) it.retransTimer());
    } else if (message instanceof Icmpv6Message.NeighborSolicitation it) {
      out.writeInt(0);
      Wire.write(out, it.target());
    } else if (message instanceof Icmpv6Message.NeighborAdvertisement it) {
      out.writeInt(
          (it.router() ? 0x8000_0000 : 0)
              | (it.solicited() ? 0x4000_0000 : 0)
              | (it.override() ? 0x2000_0000 : 0));
      Wire.write(out, it.target());
    } else if (message instanceof Icmpv6Message.HomeAgentDiscoveryRequest it) {
      out.writeShort(it.identifier()).writeShort(0);
    } else if (message instanceof Icmpv6Message.HomeAgentDiscoveryReply it) {
      out.writeShort(it.identifier()).writeShort(0);
      it.homeAgents().forEach(address -> Wire.write(out, address));
    } else if (message instanceof Icmpv6Message.MobilePrefixSolicitation it) {
      out.writeShort(it.identifier()).writeShort(0);
    } else if (message instanceof Icmpv6Message.MobilePrefixAdvertisement it) {
      out.writeShort(it.identifier());
      out.writeShort((it.managed() ? 0x8000 : 0) | (it.otherConfiguration() ? 0x4000 : 0));
    } else if (message instanceof Icmpv6Message.Unknown it) {
      it.body().writeTo(out);
    }
    if (message instanceof Icmpv6Message.WithOptions it) {
      NdOptionCodec.encode(it.options(), out);
    }
  }
}

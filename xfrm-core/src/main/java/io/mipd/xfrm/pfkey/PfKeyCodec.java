package io.mipd.xfrm.pfkey;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.BAD_LENGTH;
import static io.mipd.xfrm.packet.MalformedPacketException.Reason.BAD_VALUE;
import static io.mipd.xfrm.packet.MalformedPacketException.Reason.BAD_VERSION;
import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.ByteBuf;
import java.util.Optional;

/**
 * Messages and their extensions as octets, but for those of {@link PfKeyNegotiationCodec}.
 *
 * <pre>
 *  0         1       2        3         4      6          8       12      16
 *  +---------+-------+--------+---------+------+----------+-------+-------+
 *  | version | type  | errno  | satype  | len  | reserved |  seq  |  pid  |  sadb_msg
 *  +---------+-------+--------+---------+------+----------+-------+-------+
 *
 *  0       2      4                8        9       10     11        12      16
 *  +-------+------+----------------+--------+-------+------+---------+-------+
 *  | len   | type | spi            | replay | state | auth | encrypt | flags |  sadb_sa
 *  +-------+------+----------------+--------+-------+------+---------+-------+
 *  | len   | type | allocations    | bytes (8), addtime (8), usetime (8)     |  sadb_lifetime
 *  +-------+------+-------+--------+-----------------------------------------+
 *  | len   | type | proto | prefix | reserved (2), sockaddr, padding         |  sadb_address
 *  +-------+------+-------+--------+-----------------------------------------+
 *  | len   | type | bits  | reserv | key, padding                            |  sadb_key
 *  +-------+------+-------+--------+-------+---------------------------------+
 *  | len   | type | mode (1), 0 (3) | seq (4), reqid (4)                     |  sadb_x_sa2
 *  +-------+------+-------+---------+----------------------------------------+
 *  | len   | type | type  | dir, 0  | id (4), priority (4), requests         |  sadb_x_policy
 *  +-------+------+-------+---------+----------------------------------------+
 *  | len   | type | reserved        | sockaddr, sockaddr, padding            |  sadb_x_kmaddress
 *  +-------+------+-----------------+----------------------------------------+
 *
 *  0      2       4      5       6      8       12     16
 *  +------+-------+------+-------+------+-------+------+--------------------+
 *  | len  | proto | mode | level | 0    | reqid | 0    | sockaddr, sockaddr |  sadb_x_ipsecrequest
 *  +------+-------+------+-------+------+-------+------+--------------------+
 *
 *  0        2      4          8             24      28
 *  +--------+------+----------+-------------+-------+
 *  | family | port | flowinfo |   address   | scope |  sockaddr_in6
 *  +--------+------+----------+-------------+-------+
 * </pre>
 *
 * RFC 2367 section 2 and {@code linux/pfkeyv2.h}. Lengths are in units of eight octets, but that of
 * a request in octets. All in the host's byte order, which must be little-endian; SPI, port and
 * address in the network's.
 */
public final class PfKeyCodec {
  public static final int HEADER = 16;
  private static final int VERSION = 2;
  private static final int UNIT = 8;

  private static final int EXTENSION_HEADER = 4;
  private static final int SA_LENGTH = 16;
  private static final int LIFETIME_LENGTH = 32;
  private static final int ADDRESS_LENGTH = 8;
  private static final int KEY_LENGTH = 8;
  private static final int SA2_LENGTH = 16;
  private static final int POLICY_LENGTH = 16;
  private static final int REQUEST_LENGTH = 16;
  private static final int KMADDRESS_LENGTH = 8;
  private static final int SOCKADDR_IN6 = 28;
  private static final int AF_INET6 = 10;

  private PfKeyCodec() {}

  public static void encode(PfKeyMessage message, ByteBuf out) {
    int start = out.writerIndex();
    out.writeByte(VERSION);
    out.writeByte(message.type());
    out.writeByte(message.errno());
    out.writeByte(message.associationType());
    out.writeShortLE(0);
    out.writeShortLE(0);
    out.writeIntLE(message.sequence());
    out.writeIntLE(message.process());
    for (PfKeyExtension extension : message.extensions()) {
      encode(extension, out);
    }
    out.setShortLE(start + 4, (out.writerIndex() - start) / UNIT);
  }

  private static void encode(PfKeyExtension extension, ByteBuf out) {
    int start = out.writerIndex();
    out.writeShortLE(0);
    out.writeShortLE(extension.type());
    if (extension instanceof PfKeyExtension.Sa sa) {
      out.writeInt(sa.spi().value());
      out.writeByte(sa.replay());
      out.writeByte(sa.state());
      out.writeByte(sa.integrity());
      out.writeByte(sa.encryption());
      out.writeIntLE(sa.flags());
    } else if (extension instanceof PfKeyExtension.Lifetime lifetime) {
      out.writeIntLE(lifetime.allocations());
      out.writeLongLE(lifetime.bytes());
      out.writeLongLE(lifetime.addTime());
      out.writeLongLE(lifetime.useTime());
    } else if (extension instanceof PfKeyExtension.Address address) {
      out.writeByte(address.protocol());
      out.writeByte(address.prefix().length());
      out.writeShortLE(0);
      encode(address.prefix().address(), address.port(), out);
    } else if (extension instanceof PfKeyExtension.Key key) {
      out.writeShortLE(key.key().length() * 8);
      out.writeShortLE(0);
      out.writeBytes(key.key().reveal());
    } else if (extension instanceof PfKeyExtension.Sa2 sa2) {
      out.writeByte(sa2.mode());
      out.writeZero(3);
      out.writeIntLE(sa2.sequence());
      out.writeIntLE(sa2.reqId().value());
    } else if (extension instanceof PfKeyExtension.PolicyAction policy) {
      out.writeShortLE(policy.action());
      out.writeByte(policy.direction());
      out.writeByte(0);
      out.writeIntLE(policy.index());
      out.writeIntLE(policy.priority());
      policy.requests().forEach(request -> encode(request, out));
    } else if (extension instanceof PfKeyExtension.KeyManagerAddress address) {
      out.writeIntLE(0);
      encode(address.between(), out);
    } else if (extension instanceof PfKeyExtension.Unknown unknown) {
      unknown.octets().writeTo(out);
    } else {
      PfKeyNegotiationCodec.encode(extension, out);
    }
    int length = out.writerIndex() - start;
    out.writeZero(-length & (UNIT - 1));
    out.setShortLE(start, (out.writerIndex() - start) / UNIT);
  }

  private static void encode(PfKeyExtension.Request request, ByteBuf out) {
    out.writeShortLE(REQUEST_LENGTH + (request.endPoints().isPresent() ? 2 * SOCKADDR_IN6 : 0));
    out.writeShortLE(request.protocol());
    out.writeByte(request.mode());
    out.writeByte(request.level());
    out.writeShortLE(0);
    out.writeIntLE(request.reqId().value());
    out.writeIntLE(0);
    request.endPoints().ifPresent(pair -> encode(pair, out));
  }

  private static void encode(PfKeyExtension.AddressPair pair, ByteBuf out) {
    encode(pair.source(), 0, out);
    encode(pair.destination(), 0, out);
  }

  private static void encode(Ipv6Address address, int port, ByteBuf out) {
    out.writeShortLE(AF_INET6);
    out.writeShort(port);
    out.writeIntLE(0);
    out.writeBytes(address.toOctets());
    out.writeIntLE(0);
  }

  /** Reads one message, which is all that there is. */
  public static PfKeyMessage decode(ByteBuf in) throws MalformedPacketException {
    int start = in.readerIndex();
    if (in.readableBytes() < HEADER) {
      throw new MalformedPacketException(TRUNCATED, in.readableBytes());
    }
    if (in.readUnsignedByte() != VERSION) {
      throw new MalformedPacketException(BAD_VERSION, 0);
    }
    int type = in.readUnsignedByte();
    if (type == 0) {
      throw new MalformedPacketException(BAD_VALUE, 1);
    }
    int errno = in.readUnsignedByte();
    int associationType = in.readUnsignedByte();
    int length = in.readUnsignedShortLE() * UNIT;
    in.skipBytes(2);
    int sequence = in.readIntLE();
    int process = in.readIntLE();
    if (length != in.writerIndex() - start) {
      throw new MalformedPacketException(BAD_LENGTH, 4);
    }
    var extensions = ImmutableList.<PfKeyExtension>builder();
    while (in.isReadable()) {
      extensions.add(extension(in, start));
    }
    return new PfKeyMessage(type, associationType, errno, sequence, process, extensions.build());
  }

  private static PfKeyExtension extension(ByteBuf in, int start) throws MalformedPacketException {
    int at = in.readerIndex() - start;
    if (in.readableBytes() < UNIT) {
      throw new MalformedPacketException(TRUNCATED, at);
    }
    int length = in.readUnsignedShortLE() * UNIT;
    int type = in.readUnsignedShortLE();
    if (length < UNIT || length - EXTENSION_HEADER > in.readableBytes()) {
      throw new MalformedPacketException(BAD_LENGTH, at);
    }
    if (length < leastLength(type)) {
      throw new MalformedPacketException(BAD_LENGTH, at);
    }
    ByteBuf body = in.readSlice(length - EXTENSION_HEADER);
    return switch (type) {
      case PfKeyExtension.SA ->
          new PfKeyExtension.Sa(
              new Spi(body.readInt()),
              body.readUnsignedByte(),
              body.readUnsignedByte(),
              body.readUnsignedByte(),
              body.readUnsignedByte(),
              body.readIntLE());
      case PfKeyExtension.LIFETIME_CURRENT,
          PfKeyExtension.LIFETIME_HARD,
          PfKeyExtension.LIFETIME_SOFT ->
          new PfKeyExtension.Lifetime(
              type, body.readIntLE(), body.readLongLE(), body.readLongLE(), body.readLongLE());
      case PfKeyExtension.ADDRESS_SRC, PfKeyExtension.ADDRESS_DST, PfKeyExtension.ADDRESS_PROXY ->
          address(type, body, at);
      case PfKeyExtension.KEY_AUTH, PfKeyExtension.KEY_ENCRYPT -> key(type, body, at);
      case PfKeyExtension.X_SA2 -> {
        int mode = body.readUnsignedByte();
        body.skipBytes(3);
        yield new PfKeyExtension.Sa2(mode, body.readIntLE(), new ReqId(body.readIntLE()));
      }
      case PfKeyExtension.X_POLICY -> policy(body, at);
      case PfKeyExtension.X_KMADDRESS -> {
        var octets = body.duplicate();
        body.skipBytes(KMADDRESS_LENGTH - EXTENSION_HEADER);
        var pair = pair(body);
        yield pair.isPresent()
            ? new PfKeyExtension.KeyManagerAddress(pair.get())
            : unknown(type, octets);
      }
      default ->
          PfKeyNegotiationCodec.leastLength(type) > 0
              ? PfKeyNegotiationCodec.decode(type, body, at)
              : unknown(type, body);
    };
  }

  private static int leastLength(int type) {
    return switch (type) {
      case PfKeyExtension.SA -> SA_LENGTH;
      case PfKeyExtension.LIFETIME_CURRENT,
          PfKeyExtension.LIFETIME_HARD,
          PfKeyExtension.LIFETIME_SOFT ->
          LIFETIME_LENGTH;
      case PfKeyExtension.ADDRESS_SRC, PfKeyExtension.ADDRESS_DST, PfKeyExtension.ADDRESS_PROXY ->
          ADDRESS_LENGTH;
      case PfKeyExtension.KEY_AUTH, PfKeyExtension.KEY_ENCRYPT -> KEY_LENGTH;
      case PfKeyExtension.X_SA2 -> SA2_LENGTH;
      case PfKeyExtension.X_POLICY -> POLICY_LENGTH;
      case PfKeyExtension.X_KMADDRESS -> KMADDRESS_LENGTH;
      default -> Math.max(UNIT, PfKeyNegotiationCodec.leastLength(type));
    };
  }

  private static PfKeyExtension unknown(int type, ByteBuf body) {
    return new PfKeyExtension.Unknown(type, Octets.read(body, body.readableBytes()));
  }

  private static PfKeyExtension address(int type, ByteBuf body, int at)
      throws MalformedPacketException {
    var octets = body.duplicate();
    int protocol = body.readUnsignedByte();
    int prefixLength = body.readUnsignedByte();
    body.skipBytes(2);
    if (!isIpv6(body)) {
      return unknown(type, octets);
    }
    body.skipBytes(2);
    int port = body.readUnsignedShort();
    body.skipBytes(4);
    if (prefixLength > Ipv6Address.BITS) {
      throw new MalformedPacketException(BAD_VALUE, at + EXTENSION_HEADER + 1);
    }
    // With an association the kernel tells a prefix of the whole address, or of none of it.
    return new PfKeyExtension.Address(
        type, protocol, Ipv6Prefix.of(readAddress(body), prefixLength), port);
  }

  private static boolean isIpv6(ByteBuf body) {
    return body.readableBytes() >= SOCKADDR_IN6
        && body.getUnsignedShortLE(body.readerIndex()) == AF_INET6;
  }

  private static Ipv6Address readAddress(ByteBuf body) {
    byte[] octets = new byte[Ipv6Address.BITS / 8];
    body.readBytes(octets);
    return Ipv6Address.read(octets, 0);
  }

  private static PfKeyExtension key(int type, ByteBuf body, int at)
      throws MalformedPacketException {
    int bits = body.readUnsignedShortLE();
    body.skipBytes(2);
    if (bits % 8 != 0 || bits / 8 > body.readableBytes()) {
      throw new MalformedPacketException(BAD_VALUE, at + EXTENSION_HEADER);
    }
    byte[] key = new byte[bits / 8];
    body.readBytes(key);
    return new PfKeyExtension.Key(type, KeyMaterial.copyOf(key));
  }

  private static PfKeyExtension policy(ByteBuf body, int at) throws MalformedPacketException {
    var octets = body.duplicate();
    int action = body.readUnsignedShortLE();
    int direction = body.readUnsignedByte();
    body.skipBytes(1);
    int index = body.readIntLE();
    int priority = body.readIntLE();
    var requests = ImmutableList.<PfKeyExtension.Request>builder();
    while (body.isReadable()) {
      int position = at + EXTENSION_HEADER + octets.readableBytes() - body.readableBytes();
      if (body.readableBytes() < REQUEST_LENGTH) {
        throw new MalformedPacketException(TRUNCATED, position);
      }
      int length = body.readUnsignedShortLE();
      if (length < REQUEST_LENGTH || length - 2 > body.readableBytes()) {
        throw new MalformedPacketException(BAD_LENGTH, position);
      }
      ByteBuf request = body.readSlice(length - 2);
      int protocol = request.readUnsignedShortLE();
      int mode = request.readUnsignedByte();
      int level = request.readUnsignedByte();
      request.skipBytes(2);
      var reqId = new ReqId(request.readIntLE());
      request.skipBytes(4);
      Optional<PfKeyExtension.AddressPair> pair =
          request.isReadable() ? pair(request) : Optional.empty();
      if (request.isReadable() && pair.isEmpty()) {
        return unknown(PfKeyExtension.X_POLICY, octets);
      }
      requests.add(new PfKeyExtension.Request(protocol, mode, level, reqId, pair));
    }
    return new PfKeyExtension.PolicyAction(action, direction, index, priority, requests.build());
  }

  /** Two addresses; empty, and nothing read, if they are not IPv6. */
  private static Optional<PfKeyExtension.AddressPair> pair(ByteBuf in) {
    if (in.readableBytes() < 2 * SOCKADDR_IN6
        || !isIpv6(in)
        || in.getUnsignedShortLE(in.readerIndex() + SOCKADDR_IN6) != AF_INET6) {
      return Optional.empty();
    }
    in.skipBytes(8);
    Ipv6Address source = readAddress(in);
    in.skipBytes(12);
    Ipv6Address destination = readAddress(in);
    in.skipBytes(4);
    return Optional.of(new PfKeyExtension.AddressPair(source, destination));
  }
}

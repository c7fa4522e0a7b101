package io.mipd.xfrm.netlink;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.BAD_LENGTH;
import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import com.google.common.collect.ImmutableList;
import com.google.common.primitives.ImmutableIntArray;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;

/**
 * The values of {@code XFRMA_*}, as {@code linux/xfrm.h} lays them out.
 *
 * <pre>
 * xfrm_algo               alg_name (64), alg_key_len in bits (4), key
 * xfrm_algo_auth, _aead   alg_name (64), alg_key_len in bits (4), alg_trunc_len or alg_icv_len (4), key
 * xfrm_encap_tmpl         encap_type (2), sport (2, network order), dport (2), pad (2), encap_oa (16)
 * xfrm_mark               v (4), m (4)
 * xfrm_userpolicy_type    type (1), pad (1), reserved1 (2), reserved2 (1), pad (1)
 * xfrm_replay_state       oseq (4), seq (4), bitmap (4)
 * xfrm_replay_state_esn   bmp_len in words (4), oseq, seq, oseq_hi, seq_hi, replay_window (4 each), bmp
 * xfrm_address_filter     saddr (16), daddr (16), family (2), splen (1), dplen (1)
 * xfrm_user_kmaddress     local (16), remote (16), reserved (4), family (2), pad (2)
 * xfrm_user_offload       ifindex (4), flags (1), pad (3)
 *
 * xfrm_user_migrate:
 *  0           16          32          48          64      65     66       68      72         74      76
 *  +-----------+-----------+-----------+-----------+-------+------+--------+-------+----------+--------+
 *  | old_daddr | old_saddr | new_daddr | new_saddr | proto | mode |reserved| reqid |old_family| new_.. |
 *  +-----------+-----------+-----------+-----------+-------+------+--------+-------+----------+--------+
 * </pre>
 */
final class XfrmAttributeCodec {
  private static final int ALGORITHM_NAME = 64;
  private static final int ENCAPSULATION = 24;
  private static final int MARK = 8;
  private static final int REPLAY = 12;
  private static final int EXTENDED_REPLAY = 24;

  /** Words of the largest window, XFRMA_REPLAY_ESN_MAX. */
  private static final int MAX_BITMAP = 4096 / 32;

  private static final int FILTER = 36;
  private static final int KMADDRESS = 40;
  private static final int OFFLOAD = 5;
  private static final int OFFLOAD_PADDED = 8;
  private static final int MIGRATION = 76;
  private static final long LOW = 0xffff_ffffL;

  private XfrmAttributeCodec() {}

  /** Reads the attributes up to the end. */
  static XfrmAttributes decode(ByteBuf in) throws MalformedPacketException {
    if (in.readableBytes() == 0) {
      return XfrmAttributes.NONE;
    }
    var attributes = ImmutableList.<XfrmAttribute>builder();
    for (var raw = NetlinkAttribute.read(in); raw != null; raw = NetlinkAttribute.read(in)) {
      attributes.add(decode(raw));
    }
    return new XfrmAttributes(attributes.build());
  }

  private static XfrmAttribute decode(NetlinkAttribute raw) throws MalformedPacketException {
    int type = raw.type();
    ByteBuf in = raw.value().duplicate();
    return switch (type) {
      case XfrmAttribute.REPLAY_THRESH,
          XfrmAttribute.ETIMER_THRESH,
          XfrmAttribute.TFCPAD,
          XfrmAttribute.SA_EXTRA_FLAGS,
          XfrmAttribute.SET_MARK,
          XfrmAttribute.SET_MARK_MASK,
          XfrmAttribute.IF_ID,
          XfrmAttribute.MTIMER_THRESH ->
          new XfrmAttribute.NumberValue(type, raw.asInt());
      case XfrmAttribute.SRCADDR, XfrmAttribute.COADDR ->
          new XfrmAttribute.Address(type, raw.asAddress());
      case XfrmAttribute.ALG_AUTH, XfrmAttribute.ALG_CRYPT, XfrmAttribute.ALG_COMP ->
          algorithm(type, in, false);
      case XfrmAttribute.ALG_AEAD, XfrmAttribute.ALG_AUTH_TRUNC -> algorithm(type, in, true);
      case XfrmAttribute.ENCAP -> encapsulation(in);
      case XfrmAttribute.TMPL -> templates(in);
      case XfrmAttribute.SA -> new XfrmAttribute.Association(AssociationInfoCodec.decode(in));
      case XfrmAttribute.POLICY -> new XfrmAttribute.Policy(PolicyInfoCodec.decode(in));
      case XfrmAttribute.LTIME_VAL -> new XfrmAttribute.Lifetime(LifetimeCodec.decodeUse(in));
      case XfrmAttribute.REPLAY_VAL -> replay(in);
      case XfrmAttribute.REPLAY_ESN_VAL -> extendedReplay(in);
      case XfrmAttribute.LASTUSED -> new XfrmAttribute.LastUsed(require(in, 8).readLongLE());
      case XfrmAttribute.POLICY_TYPE -> new XfrmAttribute.PolicyType(raw.asUnsignedByte());
      case XfrmAttribute.MIGRATE -> migrations(in);
      case XfrmAttribute.KMADDRESS -> keyManagerAddress(in);
      case XfrmAttribute.MARK -> mark(in);
      case XfrmAttribute.PROTO -> new XfrmAttribute.Protocol(raw.asUnsignedByte());
      case XfrmAttribute.ADDRESS_FILTER -> filter(in);
      case XfrmAttribute.OFFLOAD_DEV -> offload(in);
      default -> new XfrmAttribute.Unknown(type, raw.asOctets());
    };
  }

  private static ByteBuf require(ByteBuf in, int octets) throws MalformedPacketException {
    if (in.readableBytes() < octets) {
      throw new MalformedPacketException(TRUNCATED, in.readerIndex());
    }
    return in;
  }

  private static XfrmAttribute algorithm(int type, ByteBuf in, boolean saysCheckBits)
      throws MalformedPacketException {
    require(in, ALGORITHM_NAME + (saysCheckBits ? 8 : 4));
    int start = in.readerIndex();
    int zero = in.bytesBefore(ALGORITHM_NAME, (byte) 0);
    String name = in.toString(start, zero < 0 ? ALGORITHM_NAME : zero, StandardCharsets.ISO_8859_1);
    in.skipBytes(ALGORITHM_NAME);
    long keyBits = in.readUnsignedIntLE();
    int checkBits = saysCheckBits ? in.readIntLE() : 0;
    long keyOctets = (keyBits + 7) / 8;
    if (keyOctets > in.readableBytes()) {
      throw new MalformedPacketException(TRUNCATED, in.readerIndex());
    }
    var key = new byte[(int) keyOctets];
    in.readBytes(key);
    return new XfrmAttribute.Algorithm(type, name, KeyMaterial.copyOf(key), checkBits);
  }

  private static XfrmAttribute encapsulation(ByteBuf in) throws MalformedPacketException {
    require(in, ENCAPSULATION);
    int encapsulation = in.readUnsignedShortLE();
    int sourcePort = in.readUnsignedShort();
    int destinationPort = in.readUnsignedShort();
    in.skipBytes(2);
    return new XfrmAttribute.Encapsulation(
        encapsulation, sourcePort, destinationPort, Ipv6Address.read(in));
  }

  private static XfrmAttribute templates(ByteBuf in) throws MalformedPacketException {
    if (in.readableBytes() % KernelTemplateCodec.LENGTH != 0) {
      throw new MalformedPacketException(BAD_LENGTH, in.readerIndex());
    }
    var templates = ImmutableList.<KernelTemplate>builder();
    while (in.readableBytes() > 0) {
      templates.add(KernelTemplateCodec.decode(in));
    }
    return new XfrmAttribute.Templates(templates.build());
  }

  private static XfrmAttribute replay(ByteBuf in) throws MalformedPacketException {
    require(in, REPLAY);
    return new XfrmAttribute.Replay(in.readIntLE(), in.readIntLE(), in.readIntLE());
  }

  private static XfrmAttribute extendedReplay(ByteBuf in) throws MalformedPacketException {
    require(in, EXTENDED_REPLAY);
    long words = in.readUnsignedIntLE();
    long outbound = in.readUnsignedIntLE();
    long inbound = in.readUnsignedIntLE();
    outbound |= in.readUnsignedIntLE() << 32;
    inbound |= in.readUnsignedIntLE() << 32;
    int window = in.readIntLE();
    // A request may leave the bitmap out, for one of zeros.
    boolean leftOut = in.readableBytes() == 0;
    if (words > MAX_BITMAP || (words * 4 > in.readableBytes() && !leftOut)) {
      throw new MalformedPacketException(TRUNCATED, in.readerIndex());
    }
    var bitmap = ImmutableIntArray.builder((int) words);
    for (int i = 0; i < words; i++) {
      bitmap.add(leftOut ? 0 : in.readIntLE());
    }
    return new XfrmAttribute.ExtendedReplay(outbound, inbound, window, bitmap.build());
  }

  private static XfrmAttribute migrations(ByteBuf in) throws MalformedPacketException {
    if (in.readableBytes() % MIGRATION != 0) {
      throw new MalformedPacketException(BAD_LENGTH, in.readerIndex());
    }
    var migrations = ImmutableList.<XfrmAttribute.Migration>builder();
    while (in.readableBytes() > 0) {
      var oldDestination = Ipv6Address.read(in);
      var oldSource = Ipv6Address.read(in);
      var newDestination = Ipv6Address.read(in);
      var newSource = Ipv6Address.read(in);
      int protocol = in.readUnsignedByte();
      int mode = in.readUnsignedByte();
      in.skipBytes(2);
      migrations.add(
          new XfrmAttribute.Migration(
              oldDestination,
              oldSource,
              newDestination,
              newSource,
              protocol,
              mode,
              new ReqId(in.readIntLE()),
              in.readUnsignedShortLE(),
              in.readUnsignedShortLE()));
    }
    return new XfrmAttribute.Migrations(migrations.build());
  }

  private static XfrmAttribute keyManagerAddress(ByteBuf in) throws MalformedPacketException {
    require(in, KMADDRESS);
    var local = Ipv6Address.read(in);
    var remote = Ipv6Address.read(in);
    in.skipBytes(4);
    return new XfrmAttribute.KeyManagerAddress(local, remote, in.readUnsignedShortLE());
  }

  private static XfrmAttribute mark(ByteBuf in) throws MalformedPacketException {
    require(in, MARK);
    return new XfrmAttribute.MarkValue(new Mark(in.readIntLE(), in.readIntLE()));
  }

  private static XfrmAttribute filter(ByteBuf in) throws MalformedPacketException {
    require(in, FILTER);
    return new XfrmAttribute.AddressFilter(
        Ipv6Address.read(in),
        Ipv6Address.read(in),
        in.readUnsignedShortLE(),
        in.readUnsignedByte(),
        in.readUnsignedByte());
  }

  private static XfrmAttribute offload(ByteBuf in) throws MalformedPacketException {
    require(in, OFFLOAD);
    return new XfrmAttribute.Offload(in.readIntLE(), in.readUnsignedByte());
  }

  static void encode(XfrmAttributes attributes, ByteBuf out) {
    for (XfrmAttribute attribute : attributes.list()) {
      int start = NetlinkAttribute.begin(out, attribute.type());
      encodeValue(attribute, out);
      NetlinkAttribute.end(out, start);
    }
  }

  private static void encodeValue(XfrmAttribute attribute, ByteBuf out) {
    if (attribute instanceof XfrmAttribute.NumberValue number) {
      out.writeIntLE(number.value());
    } else if (attribute instanceof XfrmAttribute.Templates templates) {
      for (KernelTemplate template : templates.templates()) {
        KernelTemplateCodec.encode(template, out);
      }
    } else if (attribute instanceof XfrmAttribute.MarkValue value) {
      out.writeIntLE(value.mark().value());
      out.writeIntLE(value.mark().mask());
    } else if (attribute instanceof XfrmAttribute.Address address) {
      address.address().write(out);
    } else if (attribute instanceof XfrmAttribute.PolicyType type) {
      out.writeByte(type.value());
      out.writeZero(5);
    } else if (attribute instanceof XfrmAttribute.Algorithm algorithm) {
      encode(algorithm, out);
    } else if (attribute instanceof XfrmAttribute.Encapsulation encapsulation) {
      out.writeShortLE(encapsulation.encapsulation());
      out.writeShort(encapsulation.sourcePort());
      out.writeShort(encapsulation.destinationPort());
      out.writeZero(2);
      encapsulation.originalAddress().write(out);
    } else if (attribute instanceof XfrmAttribute.Association association) {
      AssociationInfoCodec.encode(association.info(), out);
    } else if (attribute instanceof XfrmAttribute.Policy policy) {
      PolicyInfoCodec.encode(policy.info(), out);
    } else if (attribute instanceof XfrmAttribute.Lifetime lifetime) {
      LifetimeCodec.encode(lifetime.use(), out);
    } else if (attribute instanceof XfrmAttribute.Replay replay) {
      out.writeIntLE(replay.outbound());
      out.writeIntLE(replay.inbound());
      out.writeIntLE(replay.bitmap());
    } else if (attribute instanceof XfrmAttribute.ExtendedReplay replay) {
      encode(replay, out);
    } else if (attribute instanceof XfrmAttribute.LastUsed used) {
      out.writeLongLE(used.seconds());
    } else if (attribute instanceof XfrmAttribute.Protocol protocol) {
      out.writeByte(protocol.value());
    } else if (attribute instanceof XfrmAttribute.AddressFilter filter) {
      filter.source().write(out);
      filter.destination().write(out);
      out.writeShortLE(filter.family());
      out.writeByte(filter.sourceLength());
      out.writeByte(filter.destinationLength());
    } else if (attribute instanceof XfrmAttribute.Migrations migrations) {
      for (XfrmAttribute.Migration migration : migrations.migrations()) {
        encode(migration, out);
      }
    } else if (attribute instanceof XfrmAttribute.KeyManagerAddress address) {
      address.local().write(out);
      address.remote().write(out);
      out.writeIntLE(0);
      out.writeShortLE(address.family());
      out.writeZero(2);
    } else if (attribute instanceof XfrmAttribute.Offload offload) {
      out.writeIntLE(offload.interfaceIndex());
      out.writeByte(offload.flags());
      out.writeZero(OFFLOAD_PADDED - OFFLOAD);
    } else if (attribute instanceof XfrmAttribute.Unknown unknown) {
      out.writeBytes(unknown.octets());
    } else {
      throw new IllegalStateException("no such attribute: " + attribute.type());
    }
  }

  private static void encode(XfrmAttribute.Algorithm algorithm, ByteBuf out) {
    byte[] name = algorithm.name().getBytes(StandardCharsets.ISO_8859_1);
    out.writeBytes(name);
    out.writeZero(ALGORITHM_NAME - name.length);
    out.writeIntLE(algorithm.key().length() * 8);
    if (algorithm.type() == XfrmAttribute.ALG_AEAD
        || algorithm.type() == XfrmAttribute.ALG_AUTH_TRUNC) {
      out.writeIntLE(algorithm.checkBits());
    }
    out.writeBytes(algorithm.key().reveal());
  }

  private static void encode(XfrmAttribute.ExtendedReplay replay, ByteBuf out) {
    out.writeIntLE(replay.bitmap().length());
    out.writeIntLE((int) (replay.outbound() & LOW));
    out.writeIntLE((int) (replay.inbound() & LOW));
    out.writeIntLE((int) (replay.outbound() >>> 32));
    out.writeIntLE((int) (replay.inbound() >>> 32));
    out.writeIntLE(replay.window());
    replay.bitmap().forEach(out::writeIntLE);
  }

  private static void encode(XfrmAttribute.Migration migration, ByteBuf out) {
    migration.oldDestination().write(out);
    migration.oldSource().write(out);
    migration.newDestination().write(out);
    migration.newSource().write(out);
    out.writeByte(migration.protocol());
    out.writeByte(migration.mode());
    out.writeZero(2);
    out.writeIntLE(migration.reqId().value());
    out.writeShortLE(migration.oldFamily());
    out.writeShortLE(migration.newFamily());
  }
}

package io.mipd.xfrm.netlink;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import java.util.Optional;

/**
 * What follows the netlink header of a NETLINK_XFRM message: a fixed part, padded to four octets,
 * and attributes.
 *
 * <pre>
 * NEWSA UPDSA           xfrm_usersa_info (224)
 * DELSA GETSA           xfrm_usersa_id (24); a GETSA that lists has none
 * NEWPOLICY UPDPOLICY   xfrm_userpolicy_info (168)
 * DELPOLICY GETPOLICY   xfrm_userpolicy_id (64); a GETPOLICY that lists has none
 * ALLOCSPI              xfrm_usersa_info (224), min (4), max (4)
 * ACQUIRE               xfrm_id: daddr (16), spi (4), proto (1), pad (3); saddr (16), sel (56),
 *                       xfrm_userpolicy_info (168), aalgos (4), ealgos (4), calgos (4), seq (4)
 * EXPIRE                xfrm_usersa_info (224), hard (1), pad (7)
 * POLEXPIRE             xfrm_userpolicy_info (168), hard (1), pad (7)
 * FLUSHSA               proto (1)
 * FLUSHPOLICY           nothing
 * NEWAE GETAE           xfrm_usersa_id (24), saddr (16), flags (4), reqid (4)
 * REPORT                proto (1), pad (3), sel (56)
 * MIGRATE               xfrm_userpolicy_id (64)
 * MAPPING               xfrm_usersa_id (24), reqid (4), old_saddr (16), new_saddr (16),
 *                       old_sport (2, network order), new_sport (2)
 * NEWSPDINFO GETSPDINFO flags (4); attributes are XFRMA_SPD_*
 * </pre>
 */
public final class XfrmMessageCodec {
  private static final int HARD = 8;
  private static final int ALLOCSPI = AssociationInfoCodec.LENGTH + 8;
  private static final int ACQUIRE = 40 + KernelSelectorCodec.LENGTH + PolicyInfoCodec.LENGTH + 16;
  private static final int ASYNC_EVENT = AssociationNameCodec.LENGTH + 24;
  private static final int REPORT = 4 + KernelSelectorCodec.LENGTH;
  private static final int MAPPING = AssociationNameCodec.LENGTH + 40;

  private static final int SPD_INFO = 1;
  private static final int SPD_HINFO = 2;
  private static final int SPD_IPV4_HTHRESH = 3;
  private static final int SPD_IPV6_HTHRESH = 4;

  private XfrmMessageCodec() {}

  /**
   * Reads a message.
   *
   * @return empty if its type is unknown here
   */
  public static Optional<XfrmMessage> decode(NetlinkMessage message)
      throws MalformedPacketException {
    var in = message.payload().duplicate();
    int type = message.type();
    return switch (type) {
      case XfrmMessage.NEWSA, XfrmMessage.UPDSA ->
          Optional.of(
              new XfrmMessage.AssociationMessage(
                  type, AssociationInfoCodec.decode(in), XfrmAttributeCodec.decode(in)));
      case XfrmMessage.DELSA, XfrmMessage.GETSA ->
          Optional.of(
              isList(message)
                  ? new XfrmMessage.ListAssociations(XfrmAttributeCodec.decode(in))
                  : new XfrmMessage.AssociationNamed(
                      type, AssociationNameCodec.decode(in), XfrmAttributeCodec.decode(in)));
      case XfrmMessage.NEWPOLICY, XfrmMessage.UPDPOLICY ->
          Optional.of(
              new XfrmMessage.PolicyMessage(
                  type, PolicyInfoCodec.decode(in), XfrmAttributeCodec.decode(in)));
      case XfrmMessage.DELPOLICY, XfrmMessage.GETPOLICY ->
          Optional.of(
              isList(message)
                  ? new XfrmMessage.ListPolicies()
                  : new XfrmMessage.PolicyNamed(
                      type, PolicyNameCodec.decode(in), XfrmAttributeCodec.decode(in)));
      case XfrmMessage.ALLOCSPI -> Optional.of(allocateSpi(in));
      case XfrmMessage.ACQUIRE -> Optional.of(acquire(in));
      case XfrmMessage.EXPIRE -> {
        require(in, AssociationInfoCodec.LENGTH + HARD);
        yield Optional.of(
            new XfrmMessage.Expire(
                AssociationInfoCodec.decode(in), hard(in), XfrmAttributeCodec.decode(in)));
      }
      case XfrmMessage.POLEXPIRE -> {
        require(in, PolicyInfoCodec.LENGTH + HARD);
        yield Optional.of(
            new XfrmMessage.PolicyExpire(
                PolicyInfoCodec.decode(in), hard(in), XfrmAttributeCodec.decode(in)));
      }
      case XfrmMessage.FLUSHSA -> {
        int protocol = require(in, 1).readUnsignedByte();
        in.skipBytes(Math.min(in.readableBytes(), 3));
        yield Optional.of(
            new XfrmMessage.FlushAssociations(protocol, XfrmAttributeCodec.decode(in)));
      }
      case XfrmMessage.FLUSHPOLICY ->
          Optional.of(new XfrmMessage.FlushPolicies(XfrmAttributeCodec.decode(in)));
      case XfrmMessage.NEWAE, XfrmMessage.GETAE -> Optional.of(asyncEvent(type, in));
      case XfrmMessage.REPORT -> {
        int protocol = require(in, REPORT).readUnsignedByte();
        in.skipBytes(3);
        yield Optional.of(
            new XfrmMessage.Report(
                protocol, KernelSelectorCodec.decode(in), XfrmAttributeCodec.decode(in)));
      }
      case XfrmMessage.MIGRATE ->
          Optional.of(
              new XfrmMessage.Migrate(PolicyNameCodec.decode(in), XfrmAttributeCodec.decode(in)));
      case XfrmMessage.MAPPING -> Optional.of(mapping(in));
      case XfrmMessage.NEWSPDINFO, XfrmMessage.GETSPDINFO ->
          Optional.of(policyDatabaseInfo(type, in));
      default -> Optional.empty();
    };
  }

  private static boolean isList(NetlinkMessage message) {
    // NLM_F_DUMP is two bits, each of which means something else in other requests.
    return (message.type() == XfrmMessage.GETSA || message.type() == XfrmMessage.GETPOLICY)
        && message.isDump();
  }

  private static ByteBuf require(ByteBuf in, int octets) throws MalformedPacketException {
    if (in.readableBytes() < octets) {
      throw new MalformedPacketException(TRUNCATED, in.readerIndex());
    }
    return in;
  }

  private static boolean hard(ByteBuf in) {
    boolean hard = in.readByte() != 0;
    in.skipBytes(HARD - 1);
    return hard;
  }

  private static XfrmMessage allocateSpi(ByteBuf in) throws MalformedPacketException {
    require(in, ALLOCSPI);
    return new XfrmMessage.AllocateSpi(
        AssociationInfoCodec.decode(in),
        new Spi(in.readIntLE()),
        new Spi(in.readIntLE()),
        XfrmAttributeCodec.decode(in));
  }

  private static XfrmMessage acquire(ByteBuf in) throws MalformedPacketException {
    require(in, ACQUIRE);
    var destination = Ipv6Address.read(in);
    var spi = new Spi(in.readInt());
    int protocol = in.readUnsignedByte();
    in.skipBytes(3);
    return new XfrmMessage.Acquire(
        destination,
        spi,
        protocol,
        Ipv6Address.read(in),
        KernelSelectorCodec.decode(in),
        PolicyInfoCodec.decode(in),
        in.readIntLE(),
        in.readIntLE(),
        in.readIntLE(),
        in.readIntLE(),
        XfrmAttributeCodec.decode(in));
  }

  private static XfrmMessage asyncEvent(int type, ByteBuf in) throws MalformedPacketException {
    require(in, ASYNC_EVENT);
    return new XfrmMessage.AsyncEvent(
        type,
        AssociationNameCodec.decode(in),
        Ipv6Address.read(in),
        in.readIntLE(),
        new ReqId(in.readIntLE()),
        XfrmAttributeCodec.decode(in));
  }

  private static XfrmMessage mapping(ByteBuf in) throws MalformedPacketException {
    require(in, MAPPING);
    return new XfrmMessage.Mapping(
        AssociationNameCodec.decode(in),
        new ReqId(in.readIntLE()),
        Ipv6Address.read(in),
        Ipv6Address.read(in),
        in.readUnsignedShort(),
        in.readUnsignedShort());
  }

  private static XfrmMessage policyDatabaseInfo(int type, ByteBuf in)
      throws MalformedPacketException {
    int flags = require(in, 4).readIntLE();
    Optional<XfrmMessage.PolicyCounts> counts = Optional.empty();
    Optional<XfrmMessage.HashSize> hash = Optional.empty();
    Optional<XfrmMessage.HashThreshold> ipv4 = Optional.empty();
    Optional<XfrmMessage.HashThreshold> ipv6 = Optional.empty();
    var others = ImmutableList.<XfrmAttribute.Unknown>builder();
    for (var raw = NetlinkAttribute.read(in); raw != null; raw = NetlinkAttribute.read(in)) {
      var value = raw.value().duplicate();
      switch (raw.type()) {
        case SPD_INFO -> {
          require(value, 24);
          counts =
              Optional.of(
                  new XfrmMessage.PolicyCounts(
                      value.readIntLE(),
                      value.readIntLE(),
                      value.readIntLE(),
                      value.readIntLE(),
                      value.readIntLE(),
                      value.readIntLE()));
        }
        case SPD_HINFO -> {
          require(value, 8);
          hash = Optional.of(new XfrmMessage.HashSize(value.readIntLE(), value.readIntLE()));
        }
        case SPD_IPV4_HTHRESH -> ipv4 = Optional.of(threshold(value));
        case SPD_IPV6_HTHRESH -> ipv6 = Optional.of(threshold(value));
        default -> others.add(new XfrmAttribute.Unknown(raw.type(), raw.asOctets()));
      }
    }
    return new XfrmMessage.PolicyDatabaseInfo(
        type, flags, counts, hash, ipv4, ipv6, others.build());
  }

  private static XfrmMessage.HashThreshold threshold(ByteBuf in) throws MalformedPacketException {
    require(in, 2);
    return new XfrmMessage.HashThreshold(in.readUnsignedByte(), in.readUnsignedByte());
  }

  /** Writes what follows the netlink header. */
  public static void encode(XfrmMessage message, ByteBuf out) {
    if (message instanceof XfrmMessage.PolicyMessage policy) {
      PolicyInfoCodec.encode(policy.info(), out);
      XfrmAttributeCodec.encode(policy.attributes(), out);
    } else if (message instanceof XfrmMessage.PolicyNamed policy) {
      PolicyNameCodec.encode(policy.name(), out);
      XfrmAttributeCodec.encode(policy.attributes(), out);
    } else if (message instanceof XfrmMessage.AssociationMessage association) {
      AssociationInfoCodec.encode(association.info(), out);
      XfrmAttributeCodec.encode(association.attributes(), out);
    } else if (message instanceof XfrmMessage.AssociationNamed association) {
      AssociationNameCodec.encode(association.name(), out);
      XfrmAttributeCodec.encode(association.attributes(), out);
    } else if (message instanceof XfrmMessage.ListAssociations list) {
      XfrmAttributeCodec.encode(list.filters(), out);
    } else if (message instanceof XfrmMessage.Migrate migrate) {
      PolicyNameCodec.encode(migrate.policy(), out);
      XfrmAttributeCodec.encode(migrate.attributes(), out);
    } else if (message instanceof XfrmMessage.AllocateSpi allocate) {
      AssociationInfoCodec.encode(allocate.info(), out);
      out.writeIntLE(allocate.lowest().value());
      out.writeIntLE(allocate.highest().value());
      XfrmAttributeCodec.encode(allocate.attributes(), out);
    } else if (message instanceof XfrmMessage.Acquire acquire) {
      encode(acquire, out);
    } else if (message instanceof XfrmMessage.Expire expire) {
      AssociationInfoCodec.encode(expire.info(), out);
      writeHard(expire.hard(), out);
      XfrmAttributeCodec.encode(expire.attributes(), out);
    } else if (message instanceof XfrmMessage.PolicyExpire expire) {
      PolicyInfoCodec.encode(expire.info(), out);
      writeHard(expire.hard(), out);
      XfrmAttributeCodec.encode(expire.attributes(), out);
    } else if (message instanceof XfrmMessage.FlushAssociations flush) {
      out.writeByte(flush.protocol());
      out.writeZero(3);
      XfrmAttributeCodec.encode(flush.attributes(), out);
    } else if (message instanceof XfrmMessage.FlushPolicies flush) {
      XfrmAttributeCodec.encode(flush.attributes(), out);
    } else if (message instanceof XfrmMessage.AsyncEvent event) {
      AssociationNameCodec.encode(event.name(), out);
      event.source().write(out);
      out.writeIntLE(event.flags());
      out.writeIntLE(event.reqId().value());
      XfrmAttributeCodec.encode(event.attributes(), out);
    } else if (message instanceof XfrmMessage.Report report) {
      out.writeByte(report.protocol());
      out.writeZero(3);
      KernelSelectorCodec.encode(report.selector(), out);
      XfrmAttributeCodec.encode(report.attributes(), out);
    } else if (message instanceof XfrmMessage.Mapping mapping) {
      AssociationNameCodec.encode(mapping.name(), out);
      out.writeIntLE(mapping.reqId().value());
      mapping.oldSource().write(out);
      mapping.newSource().write(out);
      out.writeShort(mapping.oldPort());
      out.writeShort(mapping.newPort());
    } else if (message instanceof XfrmMessage.PolicyDatabaseInfo info) {
      encode(info, out);
    }
    // ListPolicies is empty.
  }

  private static void encode(XfrmMessage.Acquire acquire, ByteBuf out) {
    acquire.destination().write(out);
    out.writeInt(acquire.spi().value());
    out.writeByte(acquire.protocol());
    out.writeZero(3);
    acquire.source().write(out);
    KernelSelectorCodec.encode(acquire.selector(), out);
    PolicyInfoCodec.encode(acquire.policy(), out);
    out.writeIntLE(acquire.authAlgorithms());
    out.writeIntLE(acquire.encryptionAlgorithms());
    out.writeIntLE(acquire.compressionAlgorithms());
    out.writeIntLE(acquire.sequence());
    XfrmAttributeCodec.encode(acquire.attributes(), out);
  }

  private static void writeHard(boolean hard, ByteBuf out) {
    out.writeByte(hard ? 1 : 0);
    out.writeZero(HARD - 1);
  }

  private static void encode(XfrmMessage.PolicyDatabaseInfo info, ByteBuf out) {
    out.writeIntLE(info.flags());
    if (info.counts().isPresent()) {
      var counts = info.counts().get();
      int start = NetlinkAttribute.begin(out, SPD_INFO);
      out.writeIntLE(counts.in());
      out.writeIntLE(counts.out());
      out.writeIntLE(counts.forward());
      out.writeIntLE(counts.socketIn());
      out.writeIntLE(counts.socketOut());
      out.writeIntLE(counts.socketForward());
      NetlinkAttribute.end(out, start);
    }
    if (info.hash().isPresent()) {
      int start = NetlinkAttribute.begin(out, SPD_HINFO);
      out.writeIntLE(info.hash().get().buckets());
      out.writeIntLE(info.hash().get().most());
      NetlinkAttribute.end(out, start);
    }
    writeThreshold(SPD_IPV4_HTHRESH, info.ipv4(), out);
    writeThreshold(SPD_IPV6_HTHRESH, info.ipv6(), out);
    for (XfrmAttribute.Unknown other : info.others()) {
      NetlinkAttribute.write(out, other.type(), other.octets());
    }
  }

  private static void writeThreshold(
      int type, Optional<XfrmMessage.HashThreshold> threshold, ByteBuf out) {
    if (threshold.isPresent()) {
      int start = NetlinkAttribute.begin(out, type);
      out.writeByte(threshold.get().localLength());
      out.writeByte(threshold.get().remoteLength());
      NetlinkAttribute.end(out, start);
    }
  }
}

package io.mipd.xfrm.netlink;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.BAD_VALUE;
import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * RTM_NEWRULE, RTM_DELRULE and RTM_GETRULE.
 *
 * <pre>
 *  0          1          2          3         4        5     6     7        8         12
 *  +----------+----------+----------+---------+--------+-----+-----+--------+---------+----------
 *  |  family  |  dst_len |  src_len |   tos   | table  | res | res | action |  flags  | FRA_* ...
 *  +----------+----------+----------+---------+--------+-----+-----+--------+---------+----------
 * </pre>
 *
 * <p>{@code struct fib_rule_hdr} of {@code linux/fib_rules.h}.
 */
public final class RoutingRuleCodec {
  public static final int RTM_NEWRULE = 32;
  public static final int RTM_DELRULE = 33;
  public static final int RTM_GETRULE = 34;

  private static final int HEADER = 12;
  private static final int RT_TABLE_COMPAT = 252;
  private static final int FRA_DST = 1;
  private static final int FRA_SRC = 2;
  private static final int FRA_IIFNAME = 3;
  private static final int FRA_GOTO = 4;
  private static final int FRA_PRIORITY = 6;
  private static final int FRA_FWMARK = 10;
  private static final int FRA_TABLE = 15;
  private static final int FRA_FWMASK = 16;
  private static final int FRA_PROTOCOL = 21;
  private static final int FIB_RULE_FIND_SADDR = 0x10000;

  private RoutingRuleCodec() {}

  /**
   * Reads what follows the netlink header.
   *
   * @return empty if it is no IPv6 rule or has an action unknown here
   */
  public static Optional<RoutingRule> decode(ByteBuf payload) throws MalformedPacketException {
    var in = payload.duplicate();
    if (in.readableBytes() < HEADER) {
      throw new MalformedPacketException(TRUNCATED, 0);
    }
    int family = in.readUnsignedByte();
    int toLength = in.readUnsignedByte();
    int fromLength = in.readUnsignedByte();
    in.skipBytes(1);
    int table = in.readUnsignedByte();
    in.skipBytes(2);
    var action = action(in.readUnsignedByte());
    boolean findsSource = (in.readIntLE() & FIB_RULE_FIND_SADDR) != 0;
    if (family != InterfaceAddressCodec.AF_INET6 || action.isEmpty()) {
      return Optional.empty();
    }
    if (toLength > Ipv6Address.BITS || fromLength > Ipv6Address.BITS) {
      throw new MalformedPacketException(BAD_VALUE, 1);
    }
    var to = Ipv6Address.UNSPECIFIED;
    var from = Ipv6Address.UNSPECIFIED;
    int priority = 0;
    int target = 0;
    int mark = 0;
    int mask = 0;
    int protocol = 0;
    String input = "";
    for (var attribute = NetlinkAttribute.read(in);
        attribute != null;
        attribute = NetlinkAttribute.read(in)) {
      switch (attribute.type()) {
        case FRA_DST -> to = attribute.asAddress();
        case FRA_SRC -> from = attribute.asAddress();
        case FRA_IIFNAME -> input = attribute.asString();
        case FRA_GOTO -> target = attribute.asInt();
        case FRA_PRIORITY -> priority = attribute.asInt();
        case FRA_FWMARK -> mark = attribute.asInt();
        case FRA_FWMASK -> mask = attribute.asInt();
        case FRA_TABLE -> table = attribute.asInt();
        case FRA_PROTOCOL -> protocol = attribute.asUnsignedByte();
        default -> {}
      }
    }
    return Optional.of(
        new RoutingRule(
            priority,
            Ipv6Prefix.of(from, fromLength),
            Ipv6Prefix.of(to, toLength),
            action.get(),
            table,
            target,
            findsSource,
            new Mark(mark, mask),
            input,
            protocol));
  }

  private static Optional<RoutingRule.Action> action(int code) {
    for (RoutingRule.Action action : RoutingRule.Action.values()) {
      if (action.code() == code) {
        return Optional.of(action);
      }
    }
    return Optional.empty();
  }

  /** Writes a request for all IPv6 rules. */
  public static void encodeQuery(ByteBuf out) {
    out.writeByte(InterfaceAddressCodec.AF_INET6);
    out.writeZero(HEADER - 1);
  }

  public static void encode(RoutingRule rule, ByteBuf out) {
    out.writeByte(InterfaceAddressCodec.AF_INET6);
    out.writeByte(rule.to().length());
    out.writeByte(rule.from().length());
    out.writeByte(0);
    out.writeByte(rule.table() >>> 8 == 0 ? rule.table() : RT_TABLE_COMPAT);
    out.writeZero(2);
    out.writeByte(rule.action().code());
    out.writeIntLE(rule.findsSource() ? FIB_RULE_FIND_SADDR : 0);
    NetlinkAttribute.write(out, FRA_PRIORITY, rule.priority());
    if (rule.target() != 0) {
      NetlinkAttribute.write(out, FRA_GOTO, rule.target());
    }
    if (!rule.to().isAny()) {
      NetlinkAttribute.write(out, FRA_DST, rule.to().address());
    }
    if (!rule.from().isAny()) {
      NetlinkAttribute.write(out, FRA_SRC, rule.from().address());
    }
    if (!rule.input().isEmpty()) {
      NetlinkAttribute.write(
          out, FRA_IIFNAME, (rule.input() + "\0").getBytes(StandardCharsets.UTF_8));
    }
    if (!rule.mark().isAny()) {
      NetlinkAttribute.write(out, FRA_FWMARK, rule.mark().value());
      NetlinkAttribute.write(out, FRA_FWMASK, rule.mark().mask());
    }
    if (rule.table() != 0) {
      NetlinkAttribute.write(out, FRA_TABLE, rule.table());
    }
    NetlinkAttribute.writeByte(out, FRA_PROTOCOL, rule.protocol());
  }
}

package io.mipd.xfrm.netlink;

import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;

/**
 * An IPv6 routing rule: which packets, and which table (or what else) they meet.
 *
 * @param priority the least is asked first, unsigned
 * @param from {@link Ipv6Prefix#ANY} for all sources
 * @param to {@link Ipv6Prefix#ANY} for all destinations
 * @param table of {@link Action#LOOKUP}; 0 otherwise
 * @param input name of the interface that the packet must have come in by; empty for any
 * @param protocol who made it, as in {@link Route#protocol}
 */
public record RoutingRule(
    int priority,
    Ipv6Prefix from,
    Ipv6Prefix to,
    Action action,
    int table,
    Mark mark,
    String input,
    int protocol) {

  /** {@code FR_ACT_*} of {@code linux/fib_rules.h}. */
  public enum Action {
    LOOKUP(1),
    GOTO(2),
    NOP(3),
    BLACKHOLE(6),
    UNREACHABLE(7),
    PROHIBIT(8);

    private final int code;

    Action(int code) {
      this.code = code;
    }

    public int code() {
      return code;
    }
  }

  /** Packets from {@code from} meet {@code table}. */
  public static RoutingRule lookup(int priority, Ipv6Prefix from, int table) {
    return new RoutingRule(
        priority, from, Ipv6Prefix.ANY, Action.LOOKUP, table, Mark.ANY, "", Route.PROTOCOL_STATIC);
  }

  /** Packets from {@code from} are dropped. */
  public static RoutingRule blackhole(int priority, Ipv6Prefix from) {
    return new RoutingRule(
        priority, from, Ipv6Prefix.ANY, Action.BLACKHOLE, 0, Mark.ANY, "", Route.PROTOCOL_STATIC);
  }

  public RoutingRule withTo(Ipv6Prefix newTo) {
    return new RoutingRule(priority, from, newTo, action, table, mark, input, protocol);
  }

  public RoutingRule withMark(Mark newMark) {
    return new RoutingRule(priority, from, to, action, table, newMark, input, protocol);
  }

  /** Only packets that came in by the interface of this name. */
  public RoutingRule withInput(String newInput) {
    return new RoutingRule(priority, from, to, action, table, mark, newInput, protocol);
  }

  public RoutingRule withProtocol(int newProtocol) {
    return new RoutingRule(priority, from, to, action, table, mark, input, newProtocol);
  }
}

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
 * @param target of {@link Action#GOTO}: the priority of the rule to go on with, greater than this
 *     one's; 0 otherwise
 * @param findsSource {@code FIB_RULE_FIND_SADDR}: whether packets that have no source yet, of
 *     sockets that are not bound, meet the table too; they go on to the next rule where the source
 *     that the kernel would choose for the table's answer (RFC 6724 section 5) is not in {@code
 *     from}
 * @param input name of the interface that the packet must have come in by; empty for any
 * @param protocol who made it, as in {@link Route#protocol}
 */
public record RoutingRule(
    int priority,
    Ipv6Prefix from,
    Ipv6Prefix to,
    Action action,
    int table,
    int target,
    boolean findsSource,
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
    return of(priority, from, Action.LOOKUP, table, 0);
  }

  /** Packets from {@code from} are dropped. */
  public static RoutingRule blackhole(int priority, Ipv6Prefix from) {
    return of(priority, from, Action.BLACKHOLE, 0, 0);
  }

  /** All packets go on with the rule of priority {@code target}. */
  public static RoutingRule goTo(int priority, int target) {
    return of(priority, Ipv6Prefix.ANY, Action.GOTO, 0, target);
  }

  /** Nothing happens: somewhere to go to. */
  public static RoutingRule nop(int priority) {
    return of(priority, Ipv6Prefix.ANY, Action.NOP, 0, 0);
  }

  private static RoutingRule of(
      int priority, Ipv6Prefix from, Action action, int table, int target) {
    return new RoutingRule(
        priority,
        from,
        Ipv6Prefix.ANY,
        action,
        table,
        target,
        false,
        Mark.ANY,
        "",
        Route.PROTOCOL_STATIC);
  }

  public RoutingRule withTo(Ipv6Prefix newTo) {
    return new RoutingRule(
        priority, from, newTo, action, table, target, findsSource, mark, input, protocol);
  }

  public RoutingRule withMark(Mark newMark) {
    return new RoutingRule(
        priority, from, to, action, table, target, findsSource, newMark, input, protocol);
  }

  /** Only packets that came in by the interface of this name. */
  public RoutingRule withInput(String newInput) {
    return new RoutingRule(
        priority, from, to, action, table, target, findsSource, mark, newInput, protocol);
  }

  public RoutingRule withProtocol(int newProtocol) {
    return new RoutingRule(
        priority, from, to, action, table, target, findsSource, mark, input, newProtocol);
  }

  /** Also packets that have no source yet. */
  public RoutingRule findingSource() {
    return new RoutingRule(priority, from, to, action, table, target, true, mark, input, protocol);
  }
}

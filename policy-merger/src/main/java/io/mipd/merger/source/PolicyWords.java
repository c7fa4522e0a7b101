package io.mipd.merger.source;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.base.CharMatcher;
import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;

/**
 * Policies and flows in the words of {@code ip xfrm policy}, as it takes them and as it prints
 * them:
 *
 * <pre>
 *   src PREFIX dst PREFIX proto NAME sport N dport N type N code N mark VALUE/MASK if_id N
 *   dir in|out|fwd priority N action allow|block
 *   tmpl src ADDRESS dst ADDRESS proto esp|ah|comp spi N reqid N mode transport|tunnel
 *        level required|use
 * </pre>
 */
public final class PolicyWords {
  /** Names for protocols beside those that iproute2 prints. */
  private static final ImmutableMap<String, Integer> OTHER_NAMES =
      ImmutableMap.of("icmpv6", IpProtocol.ICMPV6, "mh", IpProtocol.MOBILITY);

  /** Where a word stands. */
  private final Iterator<String> words;

  private String word = "";

  // Of the selector.
  private String source = "";
  private String destination = "";
  private int protocol = IpProtocol.ANY;
  private Optional<PortMatch> sourcePort = Optional.empty();
  private Optional<PortMatch> destinationPort = Optional.empty();
  private boolean ports;
  private Mark mark = Mark.ANY;
  private int interfaceId;

  // Of the policy.
  private Optional<Direction> direction = Optional.empty();
  private int priority;
  private Policy.Action action = Policy.Action.ALLOW;
  private final ImmutableList.Builder<Template> templates = ImmutableList.builder();

  private PolicyWords(Iterable<String> words) {
    this.words = words.iterator();
  }

  /**
   * Reads one policy.
   *
   * @throws IllegalArgumentException with the word that is wrong, and what is allowed
   */
  public static Policy parse(String text) {
    String plain = text.replace("tmpl [", "[").replace("[", " tmpl ").replace(']', ' ');
    return new PolicyWords(Splitter.on(CharMatcher.whitespace()).omitEmptyStrings().split(plain))
        .policy();
  }

  /**
   * Reads the flow of a packet: addresses, not prefixes; protocol, and what it has of ports, type
   * and code.
   *
   * @throws IllegalArgumentException with the word that is wrong, and what is allowed
   */
  public static Flow parseFlow(Iterable<String> words) {
    return new PolicyWords(words).flow();
  }

  /** The number for a protocol's name or number. */
  public static int protocol(String text) {
    Integer other = OTHER_NAMES.get(text);
    return other == null ? IpProtocol.parse(text) : other;
  }

  private Policy policy() {
    boolean more = words.hasNext();
    if (more) {
      word = words.next();
    }
    while (more) {
      more = word.equals("tmpl") ? template() : policyWord() && advance();
    }
    checkArgument(direction.isPresent(), "dir is missing; allowed: dir in, dir out, dir fwd");
    ImmutableList<Template> all = templates.build();
    checkArgument(
        action == Policy.Action.ALLOW || all.isEmpty(), "a policy that blocks has no tmpl");
    return new Policy(selector(), direction.get(), priority, action, new Bundle(all));
  }

  private Flow flow() {
    while (words.hasNext()) {
      word = words.next();
      if (!selectorWord()) {
        throw new IllegalArgumentException(
            "unknown: \""
                + word
                + "\"; allowed: src, dst, proto, sport, dport, type, code, mark, if_id");
      }
    }
    checkArgument(!source.isEmpty() && !destination.isEmpty(), "src ADDRESS dst ADDRESS is needed");
    checkArgument(
        protocol != IpProtocol.ANY || (sourcePort.isEmpty() && destinationPort.isEmpty()),
        "ports and types need a proto");
    Selector selector = selector();
    boolean typed = protocol == IpProtocol.MOBILITY || protocol == IpProtocol.ICMPV6;
    int first = sourcePort.map(PortMatch::value).orElse(Flow.NO_PORT);
    int second = destinationPort.map(PortMatch::value).orElse(typed ? 0 : Flow.NO_PORT);
    return new Flow(
        Ipv6Address.parse(source),
        Ipv6Address.parse(destination),
        protocol == IpProtocol.ANY ? IpProtocol.NO_NEXT_HEADER : protocol,
        first,
        typed && first == Flow.NO_PORT ? Flow.NO_PORT : second,
        selector.mark().value(),
        interfaceId);
  }

  private boolean advance() {
    if (words.hasNext()) {
      word = words.next();
      return true;
    }
    return false;
  }

  private String next() {
    String before = word;
    try {
      return words.next();
    } catch (NoSuchElementException e) {
      throw new IllegalArgumentException("a value is missing behind \"" + before + "\"", e);
    }
  }

  /** Takes the word and its value; false if it is none of a selector. */
  private boolean selectorWord() {
    switch (word) {
      case "src" -> source = next();
      case "dst" -> destination = next();
      case "proto" -> protocol = protocol(next());
      case "sport" -> {
        ports = true;
        sourcePort = Optional.of(port(next()));
      }
      case "dport" -> {
        ports = true;
        destinationPort = Optional.of(port(next()));
      }
      case "type" -> sourcePort = Optional.of(port(next()));
      case "code" -> destinationPort = Optional.of(port(next()));
      case "mark" -> mark = mark(next());
      case "mask" -> {
        int mask = number(next());
        mark = new Mark(mark.value() & mask, mask);
      }
      case "if_id" -> interfaceId = number(next());
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean policyWord() {
    if (selectorWord()) {
      return true;
    }
    switch (word) {
      case "dir" -> direction = Optional.of(direction(next()));
      case "priority", "prio" -> {
        priority = number(next());
        checkArgument(priority >= 0, "priority is 0 to %s", Integer.MAX_VALUE);
      }
      case "action" -> action = action(next());
      case "ptype" -> {
        String type = next();
        checkArgument(type.equals("main"), "ptype %s; allowed: main", type);
      }
      default ->
          throw new IllegalArgumentException(
              "unknown: \""
                  + word
                  + "\"; allowed: src, dst, proto, sport, dport, type, code, mark, if_id, dir,"
                  + " priority, action, tmpl");
    }
    return true;
  }

  private Selector selector() {
    if (ports) {
      checkArgument(
          IpProtocol.hasPorts(protocol),
          "sport and dport need a proto that has them; allowed: tcp, udp, sctp, dccp, udplite");
    } else if (sourcePort.isPresent() || destinationPort.isPresent()) {
      checkArgument(
          protocol == IpProtocol.ICMPV6
              || (protocol == IpProtocol.MOBILITY && destinationPort.isEmpty()),
          "type needs proto ipv6-icmp or mobility-header, code needs ipv6-icmp");
    }
    return new Selector(
        source.isEmpty() ? Ipv6Prefix.ANY : Ipv6Prefix.parse(source),
        destination.isEmpty() ? Ipv6Prefix.ANY : Ipv6Prefix.parse(destination),
        protocol,
        sourcePort.orElse(PortMatch.ANY),
        destinationPort.orElse(PortMatch.ANY),
        mark,
        interfaceId);
  }

  /** Reads up to what is none of a template's words; whether there is such a word. */
  private boolean template() {
    Ipv6Address from = Ipv6Address.UNSPECIFIED;
    Ipv6Address to = Ipv6Address.UNSPECIFIED;
    Optional<TransformProtocol> transform = Optional.empty();
    Mode mode = Mode.TRANSPORT;
    ReqId reqId = ReqId.ANY;
    Spi spi = Spi.ANY;
    boolean optional = false;
    boolean more = advance();
    boolean mine = true;
    while (more && mine) {
      switch (word) {
        case "src" -> from = Ipv6Address.parse(next());
        case "dst" -> to = Ipv6Address.parse(next());
        case "proto" -> transform = Optional.of(transform(next()));
        case "mode" -> mode = mode(next());
        case "reqid" -> reqId = new ReqId(number(next()));
        case "spi" -> spi = new Spi(number(next()));
        case "level" -> optional = optional(next());
        default -> mine = false;
      }
      more = mine ? advance() : true;
    }
    checkArgument(
        transform.isPresent(), "a tmpl has no proto; allowed: esp, ah, comp, ipv6, hao, route2");
    templates.add(new Template(transform.get(), mode, from, to, reqId, spi, optional));
    return more;
  }

  private static Direction direction(String text) {
    for (Direction one : Direction.values()) {
      if (one.kernelName().equals(text)) {
        return one;
      }
    }
    throw new IllegalArgumentException("dir " + text + "; allowed: in, out, fwd");
  }

  private static Policy.Action action(String text) {
    return switch (text) {
      case "allow" -> Policy.Action.ALLOW;
      case "block" -> Policy.Action.BLOCK;
      default -> throw new IllegalArgumentException("action " + text + "; allowed: allow, block");
    };
  }

  private static TransformProtocol transform(String text) {
    for (TransformProtocol one : TransformProtocol.values()) {
      if (one.kernelName().equals(text)) {
        return one;
      }
    }
    throw new IllegalArgumentException(
        "tmpl proto " + text + "; allowed: esp, ah, comp, ipv6, hao, route2");
  }

  private static Mode mode(String text) {
    for (Mode one : Mode.values()) {
      if (one.kernelName().equals(text)) {
        return one;
      }
    }
    throw new IllegalArgumentException("mode " + text + "; allowed: transport, tunnel, ro");
  }

  private static boolean optional(String text) {
    return switch (text) {
      case "use" -> true;
      case "required" -> false;
      default -> throw new IllegalArgumentException("level " + text + "; allowed: required, use");
    };
  }

  /** {@code N}, or {@code N/MASK}. */
  public static PortMatch port(String text) {
    int slash = text.indexOf('/');
    return slash < 0
        ? PortMatch.exactly(number(text))
        : new PortMatch(number(text.substring(0, slash)), number(text.substring(slash + 1)));
  }

  /** {@code VALUE/MASK}, or {@code VALUE} alone for all its bits. */
  public static Mark mark(String text) {
    int slash = text.indexOf('/');
    Mark mark =
        slash < 0
            ? new Mark(number(text), -1)
            : new Mark(number(text.substring(0, slash)), number(text.substring(slash + 1)));
    checkArgument((mark.value() & ~mark.mask()) == 0, "mark %s has bits outside its mask", text);
    return mark;
  }

  /** 32 bits, decimal, or hexadecimal with 0x. */
  private static int number(String text) {
    long value;
    try {
      value = Long.decode(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "not a number: \"" + text + "\"; allowed: decimal, or hexadecimal with 0x", e);
    }
    checkArgument(value >= 0 && value <= 0xffff_ffffL, "not 32 bits: %s", text);
    return (int) value;
  }

  /** A policy in words that {@link #parse} reads. */
  public static String of(Policy policy) {
    var text = new StringBuilder(policy.id().toString());
    text.append(" priority ").append(Integer.toUnsignedLong(policy.priority()));
    if (policy.action() == Policy.Action.BLOCK) {
      text.append(" action block");
    }
    policy.bundle().templates().forEach(one -> text.append(" tmpl ").append(one));
    return text.toString();
  }
}

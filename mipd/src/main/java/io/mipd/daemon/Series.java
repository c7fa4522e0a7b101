package io.mipd.daemon;

import com.google.common.collect.ImmutableMap;
import java.util.Locale;

/**
 * One of the time series that monitoring reads; docs/metrics.md tells what each is for.
 *
 * @param labels values by name
 */
record Series(Family family, ImmutableMap<String, String> labels) {

  /** Whether what is measured only grows. */
  enum Kind {
    COUNTER,
    GAUGE
  }

  /** Series of one name. */
  enum Family {
    // Of the protocol, in both worlds.
    MOBILITY_MESSAGES(Kind.COUNTER, "", "Mobility Header messages (RFC 6275 section 6.1)"),
    BINDING_ACKNOWLEDGEMENTS(Kind.COUNTER, "", "Binding Acknowledgements by their status"),
    BINDING_REFRESH_ADVICES(
        Kind.COUNTER, "", "Binding Acknowledgements with a Binding Refresh Advice"),
    CORRESPONDENT_UPDATES(Kind.COUNTER, "", "Binding Updates that the correspondent has decided"),
    ICMPV6_MESSAGES(Kind.COUNTER, "", "ICMPv6 messages about home agents and prefixes"),
    PREFIX_ADVERTISEMENTS_IGNORED(
        Kind.COUNTER, "", "Mobile Prefix Advertisements that failed a check"),
    DISCOVERY_TIMEOUTS(Kind.COUNTER, "", "Questions for home agents that nobody answered"),
    PARAMETER_PROBLEMS(
        Kind.COUNTER, "", "ICMPv6 Parameter Problems, code 1 or 2, about packets of mobility's"),
    MOVEMENTS(Kind.COUNTER, "", "Links that the mobile node has moved to"),
    REFUSALS(Kind.COUNTER, "", "Messages that were not taken"),
    MALFORMED_MESSAGES(Kind.COUNTER, "", "Messages that were no messages"),
    MESSAGES_OVERFLOWN(Kind.COUNTER, "", "Messages for which there was no room"),
    POLICY_FAILURES(Kind.COUNTER, "", "Changes of policies that failed"),

    // Of the node as it stands.
    NODE(Kind.GAUGE, "", "1, with what the node is"),
    BINDINGS(Kind.GAUGE, "", "Home registrations at this home agent"),
    DRAINING(Kind.GAUGE, "", "1 while the home agent takes no new mobile nodes"),
    CORRESPONDENT_BINDINGS(Kind.GAUGE, "", "Bindings of peers that are mobile"),
    REGISTERED(
        Kind.GAUGE,
        "",
        "1 while the home agent has acknowledged a care-of address for each home address"),
    REGISTRATION_LEFT(
        Kind.GAUGE, "seconds", "Lifetime that is left of the home registration that ends first"),
    HOME_ADDRESS_PLACE(
        Kind.GAUGE, "", "How many of the mobile node's home addresses are in use there"),
    ROUTES(Kind.GAUGE, "", "Correspondents in the Binding Update List"),
    POLICIES_BEHIND(Kind.GAUGE, "", "1 while not all that is wished for is in force"),
    LOOP_WAIT(Kind.GAUGE, "seconds", "How long this scrape waited for the event loop"),
    LOOP_WORK(Kind.GAUGE, "seconds", "How long the event loop worked for this scrape"),

    // Of the engine, or the kernel.
    DISCARDS(Kind.COUNTER, "", "Packets that IPsec or mobility discarded"),
    ENGINE_PACKETS(Kind.COUNTER, "", "Packets through the engine, by where they were counted"),
    ENGINE_TRAFFIC(Kind.COUNTER, "bytes", "Octets of those packets"),
    ENGINE_MOBILITY_MESSAGES(Kind.COUNTER, "", "Mobility Headers that the engine has handed over"),
    ENGINE_FRAGMENTS(Kind.COUNTER, "", "Fragments"),
    ENGINE_REASSEMBLED(Kind.COUNTER, "", "Packets made whole of fragments"),
    ENGINE_SEGMENTS(Kind.COUNTER, "", "Segments that super-packets were cut into"),
    ENGINE_ICMPV6_ERRORS(Kind.COUNTER, "", "ICMPv6 errors"),
    ENGINE_PATH_MTU_LEARNT(Kind.COUNTER, "", "Packet Too Big messages believed"),
    ENGINE_FLOW_CACHE_MISSES(Kind.COUNTER, "", "Packets whose way had to be looked up"),
    PACKETS_SENT(Kind.COUNTER, "", "Packets handed to the kernel to be sent"),
    PACKETS_NOT_SENT(Kind.COUNTER, "", "Packets for which there was no way out"),
    PACKET_COPIES_LOST(Kind.COUNTER, "", "Arrived packets lost because mipd was too slow"),
    KERNEL_DISTRUSTED(Kind.COUNTER, "", "Messages whose policy was not in the kernel any more"),
    KERNEL_REPAIRS(Kind.COUNTER, "", "Policies and states put back that others had changed"),
    KERNEL_NOTICES_LOST(Kind.COUNTER, "", "Times that the kernel told more than we could read");

    private final Kind kind;
    private final String unit;
    private final String description;

    Family(Kind kind, String unit, String description) {
      this.kind = kind;
      this.unit = unit;
      this.description = description;
    }

    Kind kind() {
      return kind;
    }

    /** Prometheus' base unit; empty for a number of things. */
    String unit() {
      return unit;
    }

    String description() {
      return description;
    }

    /** With dots, as Micrometer has it, and without unit. */
    String meter() {
      return "mipd." + name().toLowerCase(Locale.ROOT).replace('_', '.');
    }

    /** As Prometheus reads it. */
    String exposed() {
      return "mipd_"
          + name().toLowerCase(Locale.ROOT)
          + (unit.isEmpty() ? "" : "_" + unit)
          + (kind == Kind.COUNTER ? "_total" : "");
    }

    Series series() {
      return new Series(this, ImmutableMap.of());
    }

    Series series(String label, String value) {
      return new Series(this, ImmutableMap.of(label, value));
    }
  }
}

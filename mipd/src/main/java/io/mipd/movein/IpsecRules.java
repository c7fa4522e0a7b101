package io.mipd.movein;

import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The {@code IPsecPolicySet}s: what protects which home address's traffic with which home agent.
 */
final class IpsecRules {
  /**
   * @param toHomeAgent the request id of the way there; 0 if none is given
   * @param toMobileNode of the way back
   */
  record Rule(Place place, int toHomeAgent, int toMobileNode) {}

  /** A home address and its home agent. */
  record Ends(Ipv6Address home, Ipv6Address agent) {}

  private final Map<Ends, Map<Use, Rule>> rules = new LinkedHashMap<>();
  private final Warnings warnings;

  IpsecRules(Warnings warnings) {
    this.warnings = warnings;
  }

  ImmutableMap<Ends, Map<Use, Rule>> all() {
    return ImmutableMap.copyOf(rules);
  }

  Optional<Ends> of(Ipv6Address home) {
    return rules.keySet().stream().filter(ends -> ends.home().equals(home)).findFirst();
  }

  /** Adds an {@code IPsecPolicySet}. */
  void add(Statement set) throws ImportException {
    Optional<Ipv6Address> agent = Optional.empty();
    List<Ipv6Address> homes = new ArrayList<>();
    for (Statement statement : set.block()) {
      Arguments arguments = statement.read();
      switch (statement.name()) {
        case "HomeAgentAddress" -> agent = Optional.of(arguments.address());
        case "HomeAddress" -> homes.add(arguments.interfaced().address());
        case "IPsecPolicy" -> {
          if (agent.isEmpty() || homes.isEmpty()) {
            throw new ImportException(
                statement.place(),
                "IPsecPolicy: HomeAgentAddress and HomeAddress belong before it");
          }
          rule(statement, arguments, homes, agent.get());
        }
        default ->
            throw new ImportException(
                statement.place(), statement.name() + ": unknown in IPsecPolicySet");
      }
      arguments.finish();
    }
  }

  private void rule(
      Statement statement, Arguments arguments, List<Ipv6Address> homes, Ipv6Address agent)
      throws ImportException {
    String kind = arguments.name("a kind of traffic");
    Optional<Use> use = use(statement, kind);
    boolean esp = false;
    int[] reqIds = {0, 0};
    int count = 0;
    while (arguments.hasMore()) {
      String word = arguments.name("a protocol, a request id, or allow or block");
      switch (word) {
        case "UseESP" -> esp = true;
        case "UseAH", "UseIPComp" ->
            throw new ImportException(
                statement.place(),
                "IPsecPolicy "
                    + kind
                    + ": "
                    + word
                    + "; allowed: UseESP, which mipd protects mobility by (RFC 3776)");
        default -> {
          Optional<Boolean> action = Arguments.flag(word);
          if (action.isPresent()) {
            if (!action.get()) {
              warnings.add(
                  statement.place(),
                  "IPsecPolicy " + kind + " block",
                  "has no equivalent: block it by a policy under user-ipsec");
              return;
            }
          } else if (count < 2) {
            reqIds[count++] = reqId(statement, word);
          } else {
            throw new ImportException(
                statement.place(), "IPsecPolicy: \"" + word + "\" is unknown");
          }
        }
      }
    }
    if (!esp) {
      throw new ImportException(statement.place(), "IPsecPolicy " + kind + ": no UseESP");
    }
    if (use.isEmpty()) {
      return;
    }
    var rule = new Rule(statement.place(), reqIds[0], count == 2 ? reqIds[1] : reqIds[0]);
    for (Ipv6Address home : homes) {
      Rule before =
          rules
              .computeIfAbsent(new Ends(home, agent), ends -> new EnumMap<>(Use.class))
              .putIfAbsent(use.get(), rule);
      if (before != null) {
        warnings.add(
            statement.place(),
            "IPsecPolicy " + kind,
            "skipped: " + use.get().key() + " is protected already by " + before.place());
      }
    }
  }

  private static int reqId(Statement statement, String word) throws ImportException {
    try {
      return Integer.parseInt(word);
    } catch (NumberFormatException e) {
      throw new ImportException(
          statement.place() + ": IPsecPolicy: \"" + word + "\" where a request id belongs", e);
    }
  }

  private Optional<Use> use(Statement statement, String kind) throws ImportException {
    Place place = statement.place();
    return switch (kind) {
      case "HomeRegBinding" -> Optional.of(Use.SIGNALLING);
      case "MobPfxDisc" -> Optional.of(Use.PREFIX_DISCOVERY);
      case "TunnelHomeTesting" -> Optional.of(Use.RETURN_ROUTABILITY);
      case "TunnelPayload" -> Optional.of(Use.PAYLOAD);
      case "Mh" -> {
        warnings.add(place, "Mh", "taken as HomeRegBinding: Binding Updates and Acknowledgements");
        yield Optional.of(Use.SIGNALLING);
      }
      case "ICMP" -> {
        warnings.add(place, "ICMP", "taken as MobPfxDisc: mobile prefix discovery alone");
        yield Optional.of(Use.PREFIX_DISCOVERY);
      }
      case "TunnelMh" -> {
        warnings.add(
            place, "TunnelMh", "taken as TunnelHomeTesting: other messages take payload's tunnel");
        yield Optional.of(Use.RETURN_ROUTABILITY);
      }
      case "any" -> {
        warnings.add(
            place,
            "any",
            "has no equivalent: write a policy under user-ipsec, which mipd composes with mobility");
        yield Optional.empty();
      }
      default -> throw new ImportException(place, "IPsecPolicy: \"" + kind + "\" is unknown");
    };
  }
}

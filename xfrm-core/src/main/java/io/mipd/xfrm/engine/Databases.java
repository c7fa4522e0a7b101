package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Policies of every direction and the associations, with a number that changes when they do. */
final class Databases {
  private final PolicyDatabase in;
  private final PolicyDatabase out;
  private final PolicyDatabase fwd;
  private final AssociationDatabase associations;

  /** How many templates name each pair of tunnel end points. */
  private final WordTable<Integer> tunnels;

  /** Where plain tunnels of policies ended before the policy was last changed. */
  private final Map<Policy.Id, FormerEnd> formerEnds = new LinkedHashMap<>();

  private PoliciesOnDemand onDemand = PoliciesOnDemand.NONE;
  private long generation;

  private record FormerEnd(Ipv6Address source, Ipv6Address former, Ipv6Address present) {}

  Databases(long seed) {
    in = new PolicyDatabase(seed ^ 0x1111_1111_1111_1111L);
    out = new PolicyDatabase(seed ^ 0x2222_2222_2222_2222L);
    fwd = new PolicyDatabase(seed ^ 0x3333_3333_3333_3333L);
    associations = new AssociationDatabase(seed ^ 0x4444_4444_4444_4444L);
    tunnels = new WordTable<>(seed ^ 0x6666_6666_6666_6666L, Integer[]::new);
  }

  /** Changes with every change of the databases: what was found under another number is void. */
  long generation() {
    return generation;
  }

  void changed() {
    generation++;
  }

  PolicyDatabase policies(Direction direction) {
    return switch (direction) {
      case IN -> in;
      case OUT -> out;
      case FWD -> fwd;
    };
  }

  void setOnDemand(PoliciesOnDemand source) {
    onDemand = source;
  }

  /** Whoever puts policies in when they are needed, to be told before they are looked up. */
  PoliciesOnDemand onDemand() {
    return onDemand;
  }

  /**
   * The policy for a flow; null if there is none.
   *
   * @param source of the flow, as {@code destination}
   */
  @Nullable Policy lookUp(
      Direction direction, FlowKey flow, Ipv6Address source, Ipv6Address destination) {
    onDemand.need(source);
    onDemand.need(destination);
    return policies(direction).lookUp(flow);
  }

  AssociationDatabase associations() {
    return associations;
  }

  void put(Policy policy) {
    PolicyDatabase database = policies(policy.direction());
    Optional<Policy> old = database.get(policy.selector());
    if (old.isPresent()) {
      countTunnels(old.get(), -1);
      noteFormerEnd(old.get(), policy);
    }
    database.put(policy);
    countTunnels(policy, 1);
    changed();
  }

  /** Returns whether there was one. */
  boolean remove(Policy.Id id) {
    PolicyDatabase database = policies(id.direction());
    database.get(id.selector()).ifPresent(old -> countTunnels(old, -1));
    formerEnds.remove(id);
    boolean removed = database.remove(id.selector());
    changed();
    return removed;
  }

  void clear() {
    in.clear();
    out.clear();
    fwd.clear();
    associations.clear();
    tunnels.clear();
    formerEnds.clear();
    changed();
  }

  /**
   * Allocates nothing. Whether a policy knows a tunnel from {@code source} to {@code destination}.
   */
  boolean isTunnel(Ipv6Address source, Ipv6Address destination) {
    return tunnels.get(source.high(), source.low(), destination.high(), destination.low(), 0, 0)
        != null;
  }

  /**
   * Where a plain tunnel ends now that arrives from {@code source} at {@code destination}; there
   * itself, unless a policy has moved it since. What is under way to a former care-of address of
   * ours still arrives. Its source must be right now: without ESP it is all that vouches for the
   * sender (RFC 6275 section 10.4.5).
   */
  Ipv6Address tunnelEnd(Ipv6Address source, Ipv6Address destination) {
    if (!formerEnds.isEmpty() && !isTunnel(source, destination)) {
      for (FormerEnd end : formerEnds.values()) {
        if (end.former().equals(destination) && end.source().equals(source)) {
          return end.present();
        }
      }
    }
    return destination;
  }

  private void noteFormerEnd(Policy old, Policy policy) {
    if (policy.direction() == Direction.OUT || old.bundle().equals(policy.bundle())) {
      return;
    }
    formerEnds.remove(policy.id());
    Template before = plainTunnel(old);
    Template after = plainTunnel(policy);
    if (before != null
        && after != null
        && before.source().equals(after.source())
        && !before.destination().equals(after.destination())) {
      formerEnds.put(
          policy.id(), new FormerEnd(after.source(), before.destination(), after.destination()));
    }
  }

  private static @Nullable Template plainTunnel(Policy policy) {
    for (Template template : policy.bundle().templates()) {
      if (template.isTunnel() && template.protocol() == TransformProtocol.IPV6) {
        return template;
      }
    }
    return null;
  }

  private void countTunnels(Policy policy, int change) {
    for (Template template : policy.bundle().templates()) {
      if (template.isTunnel()) {
        long a = template.source().high();
        long b = template.source().low();
        long c = template.destination().high();
        long d = template.destination().low();
        Integer before = tunnels.get(a, b, c, d, 0, 0);
        int after = (before == null ? 0 : before) + change;
        if (after == 0) {
          tunnels.remove(a, b, c, d, 0, 0);
        } else {
          tunnels.put(a, b, c, d, 0, 0, after);
        }
      }
    }
  }
}

package io.mipd.xfrm.engine;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The security associations (RFC 4301 section 4.4.2) and route optimization states. Inbound they
 * are found by destination, protocol and SPI; outbound by what a template asks for, the newest
 * first.
 */
final class AssociationDatabase {
  private final Map<AssociationId, LiveAssociation> associations = new LinkedHashMap<>();
  private final WordTable<LiveAssociation> byId;
  private final WordTable<LiveAssociation> byFormerId;
  private final Map<EndPoints, List<LiveAssociation>> byEndPoints = new LinkedHashMap<>();
  private final Map<RouteOptimizationState.Id, LiveRoute> routeOptimizations =
      new LinkedHashMap<>();
  private final WordTable<LiveRoute> routeOptimizationById;

  private record EndPoints(
      Ipv6Address source, Ipv6Address destination, TransformProtocol protocol, Mode mode) {
    static EndPoints of(SecurityAssociation association) {
      return new EndPoints(
          association.source(),
          association.destination(),
          association.id().protocol(),
          association.mode());
    }
  }

  AssociationDatabase(long seed) {
    byId = new WordTable<>(seed, LiveAssociation[]::new);
    byFormerId = new WordTable<>(Long.rotateLeft(seed, 17), LiveAssociation[]::new);
    routeOptimizationById = new WordTable<>(~seed, LiveRoute[]::new);
  }

  int size() {
    return associations.size();
  }

  /** How many are kept to refuse packets only. */
  int expiredCount() {
    int count = 0;
    for (LiveAssociation live : associations.values()) {
      count += live.isExpired() ? 1 : 0;
    }
    return count;
  }

  int routeOptimizationCount() {
    return routeOptimizations.size();
  }

  boolean contains(AssociationId id) {
    return associations.containsKey(id);
  }

  /** In the order in which they were added. */
  ImmutableList<LiveAssociation> associations() {
    return ImmutableList.copyOf(associations.values());
  }

  ImmutableList<LiveRoute> routeOptimizations() {
    return ImmutableList.copyOf(routeOptimizations.values());
  }

  /** The identity must be free. */
  void add(LiveAssociation live) {
    SecurityAssociation association = live.association();
    AssociationId id = association.id();
    associations.put(id, live);
    byId.put(
        id.destination().high(),
        id.destination().low(),
        id.protocol().number(),
        id.spi().value(),
        0,
        0,
        live);
    byEndPoints.computeIfAbsent(EndPoints.of(association), key -> new ArrayList<>(1)).add(live);
  }

  /** Returns what was there. */
  @Nullable LiveAssociation remove(AssociationId id) {
    LiveAssociation live = associations.remove(id);
    if (live == null) {
      return null;
    }
    byId.remove(
        id.destination().high(),
        id.destination().low(),
        id.protocol().number(),
        id.spi().value(),
        0,
        0);
    var endPoints = EndPoints.of(live.association());
    List<LiveAssociation> same = byEndPoints.get(endPoints);
    if (same != null) {
      same.remove(live);
      if (same.isEmpty()) {
        byEndPoints.remove(endPoints);
      }
    }
    forgetFormer(live);
    return live;
  }

  /**
   * What is still on its way to the address that the association had before it moved is taken too,
   * until it moves again: the SPI alone tells the association (RFC 4301 section 4.1), and packets
   * that were sent before the other side knew are as good as those after.
   */
  void alsoAt(AssociationId former, LiveAssociation live) {
    forgetFormer(live);
    live.setFormerId(former);
    byFormerId.put(
        former.destination().high(),
        former.destination().low(),
        former.protocol().number(),
        former.spi().value(),
        0,
        0,
        live);
  }

  private void forgetFormer(LiveAssociation live) {
    AssociationId former = live.formerId();
    if (former == null) {
      return;
    }
    live.setFormerId(null);
    long high = former.destination().high();
    long low = former.destination().low();
    int protocol = former.protocol().number();
    int spi = former.spi().value();
    LiveAssociation there = byFormerId.get(high, low, protocol, spi, 0, 0);
    if (there != null && there.order() == live.order()) {
      byFormerId.remove(high, low, protocol, spi, 0, 0);
    }
  }

  /** In the place of the one that had its identity, whose packets it goes on counting. */
  void put(RouteOptimizationState state) {
    RouteOptimizationState.Id id = state.id();
    LiveRoute before = routeOptimizations.get(id);
    var live = new LiveRoute(state, before == null ? 0 : before.packets());
    routeOptimizations.put(id, live);
    routeOptimizationById.put(
        id.source().high(),
        id.source().low(),
        id.destination().high(),
        id.destination().low(),
        id.protocol().number(),
        0,
        live);
  }

  /** Returns whether there was one. */
  boolean remove(RouteOptimizationState.Id id) {
    routeOptimizationById.remove(
        id.source().high(),
        id.source().low(),
        id.destination().high(),
        id.destination().low(),
        id.protocol().number(),
        0);
    return routeOptimizations.remove(id) != null;
  }

  void clear() {
    associations.clear();
    byId.clear();
    byFormerId.clear();
    byEndPoints.clear();
    routeOptimizations.clear();
    routeOptimizationById.clear();
  }

  /** Allocates nothing. */
  @Nullable LiveAssociation inbound(
      long destinationHigh, long destinationLow, TransformProtocol protocol, int spi) {
    LiveAssociation live = byId.get(destinationHigh, destinationLow, protocol.number(), spi, 0, 0);
    return live != null
        ? live
        : byFormerId.get(destinationHigh, destinationLow, protocol.number(), spi, 0, 0);
  }

  /** Allocates nothing. */
  @Nullable LiveRoute routeOptimization(
      TransformProtocol protocol, Ipv6Address source, Ipv6Address destination) {
    return routeOptimizationById.get(
        source.high(), source.low(), destination.high(), destination.low(), protocol.number(), 0);
  }

  /**
   * The association that a template of ESP or AH asks for; one that has expired only where there is
   * no other.
   *
   * @param current the flow as this layer sees it, whose addresses transport mode uses
   * @param innermost the flow that the policy was found for; the association's own selector must
   *     admit one of the two
   */
  Optional<LiveAssociation> outbound(Template template, Flow current, Flow innermost) {
    List<LiveAssociation> candidates = candidates(template, current);
    Optional<LiveAssociation> expired = Optional.empty();
    for (int i = candidates.size() - 1; i >= 0; i--) {
      LiveAssociation candidate = candidates.get(i);
      SecurityAssociation association = candidate.association();
      if (matches(template, association)
          && (association.selector().matches(innermost)
              || association.selector().matches(current))) {
        if (!candidate.isExpired()) {
          return Optional.of(candidate);
        }
        expired = Optional.of(candidate);
      }
    }
    return expired;
  }

  /** The associations of a reqid between two end points, oldest first. */
  ImmutableList<LiveAssociation> between(
      TransformProtocol protocol,
      Mode mode,
      ReqId reqId,
      Ipv6Address source,
      Ipv6Address destination) {
    return byEndPoints
        .getOrDefault(new EndPoints(source, destination, protocol, mode), List.of())
        .stream()
        .filter(live -> live.association().reqId().equals(reqId))
        .collect(ImmutableList.toImmutableList());
  }

  /** Whether an association of any mode joins these end points. */
  boolean hasBetween(TransformProtocol protocol, Ipv6Address source, Ipv6Address destination) {
    return byEndPoints.containsKey(new EndPoints(source, destination, protocol, Mode.TUNNEL))
        || byEndPoints.containsKey(new EndPoints(source, destination, protocol, Mode.TRANSPORT));
  }

  private List<LiveAssociation> candidates(Template template, Flow current) {
    var source = template.isTunnel() ? template.source() : current.source();
    var destination = template.isTunnel() ? template.destination() : current.destination();
    return byEndPoints.getOrDefault(
        new EndPoints(source, destination, template.protocol(), template.mode()), List.of());
  }

  private static boolean matches(Template template, SecurityAssociation association) {
    return (template.reqId().isAny() || template.reqId().equals(association.reqId()))
        && (template.spi().isAny() || template.spi().equals(association.id().spi()));
  }
}

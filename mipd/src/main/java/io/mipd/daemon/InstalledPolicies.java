package io.mipd.daemon;

import static com.google.common.collect.ImmutableList.toImmutableList;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.merger.plan.Plan;
import io.mipd.merger.plan.Transaction;
import io.mipd.merger.rule.Finding;
import io.mipd.merger.rule.Merged;
import io.mipd.merger.rule.PolicyMerger;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the backend holds, kept equal to what the cores wish for. */
final class InstalledPolicies {
  private static final Logger log = LoggerFactory.getLogger(InstalledPolicies.class);

  /** Carries moves; matches no packet, for nothing has this source and this destination. */
  private static final int CARRIER_PRIORITY = Integer.MAX_VALUE;

  /** Steps of one owner that may wait; the oldest is given up beyond. */
  private static final int MAX_UNFINISHED = 16;

  private final XfrmBackend backend;

  /** In the order in which the owners came: who comes later yields to those before. */
  private final Map<Ipv6Address, MobilityWish> wishes = new LinkedHashMap<>();

  private ImmutableList<Policy> policies = ImmutableList.of();
  private ImmutableList<RouteOptimizationState> states = ImmutableList.of();
  private ImmutableList<Finding> findings = ImmutableList.of();

  /** What waits, by owner: owners do not wait for each other. */
  private final Map<Ipv6Address, Deque<Step>> unfinished = new LinkedHashMap<>();

  private Optional<XfrmError> lastError = Optional.empty();
  private long failures;

  /** Something that the backend has refused. */
  private interface Step {
    boolean run();
  }

  InstalledPolicies(XfrmBackend backend) {
    this.backend = backend;
  }

  ImmutableList<Policy> policies() {
    return policies;
  }

  ImmutableList<Finding> findings() {
    return findings;
  }

  /** Changes that the backend refused and that were rolled back. */
  long failures() {
    return failures;
  }

  /** Whether something waits for {@link #retry}. */
  boolean isBehind() {
    return !unfinished.isEmpty();
  }

  /** Whether something of this home address does. */
  boolean isBehind(Ipv6Address owner) {
    return unfinished.containsKey(owner);
  }

  /**
   * Tries again, each owner's in order, what the backend has refused.
   *
   * @return whether nothing is left of it
   */
  boolean retry() {
    for (Ipv6Address owner : ImmutableList.copyOf(unfinished.keySet())) {
      retry(owner);
    }
    return unfinished.isEmpty();
  }

  private boolean retry(Ipv6Address owner) {
    Deque<Step> steps = unfinished.getOrDefault(owner, new ArrayDeque<>());
    while (!steps.isEmpty()) {
      if (!steps.element().run()) {
        return false;
      }
      steps.remove();
    }
    unfinished.remove(owner);
    return true;
  }

  /** Behind what waits already of that owner, for the order matters. */
  private boolean inOrder(Ipv6Address owner, Step step) {
    lastError = Optional.empty();
    boolean first = retry(owner);
    if (first && step.run()) {
      return true;
    }
    // What contradicts itself, or asks for too much, will do so the next time, too.
    if (!first || lastError.filter(InstalledPolicies::mayPass).isPresent()) {
      Deque<Step> steps = unfinished.computeIfAbsent(owner, key -> new ArrayDeque<>());
      steps.add(step);
      if (steps.size() > MAX_UNFINISHED) {
        log.error("too much of {} waits for the backend: the oldest step is given up", owner);
        steps.remove();
      }
    }
    return false;
  }

  private static boolean mayPass(XfrmError error) {
    return error == XfrmError.NO_MEMORY || error == XfrmError.NOT_FOUND || error == XfrmError.OTHER;
  }

  /**
   * Carries out a wish, whole or not at all; what could not be done is kept for {@link #retry}.
   *
   * @return whether the backend now holds it
   */
  boolean want(HomeAddress owner, MobilityWish wish) {
    return inOrder(owner.value(), () -> carryOut(owner, wish));
  }

  private boolean carryOut(HomeAddress owner, MobilityWish wish) {
    MobilityWish before = wishes.get(owner.value());
    if (wish.equals(before)) {
      return true;
    }
    put(owner, wish);
    if (apply()) {
      return true;
    }
    put(owner, before == null ? MobilityWish.NOTHING : before);
    failures++;
    return false;
  }

  private void put(HomeAddress owner, MobilityWish wish) {
    if (wish.equals(MobilityWish.NOTHING)) {
      wishes.remove(owner.value());
    } else {
      wishes.put(owner.value(), wish);
    }
  }

  private boolean apply() {
    var mobility = new ArrayList<MobilityPolicy>();
    var wantedStates = new ArrayList<RouteOptimizationState>();
    for (MobilityWish wish : wishes.values()) {
      mobility.addAll(wish.policies());
      wantedStates.addAll(wish.states());
    }
    // Signalling of all before payload of any, and of a home address before that of anybody,
    // whoever came first; a stable sort keeps each owner's precedence.
    mobility.sort(
        Comparator.comparing(MobilityPolicy::kind)
            .thenComparing(
                it -> it.kind() == MobilityPolicy.Kind.SIGNALLING && isForAnybody(it.selector())));
    Merged merged =
        PolicyMerger.merge(ImmutableList.of(), ImmutableList.copyOf(mobility), backend.limits());
    for (Finding finding : merged.findings()) {
      if (!findings.contains(finding)) {
        log.warn("{}", finding);
      }
    }
    // States before the policies that need them; those that nobody needs any more at the end.
    List<RouteOptimizationState> put = new ArrayList<>();
    for (RouteOptimizationState state : wantedStates) {
      if (states.contains(state)) {
        continue;
      }
      if (!done(new XfrmCommand.PutRouteOptimization(state))) {
        restore(put);
        return false;
      }
      put.add(state);
    }
    Transaction.Result result =
        Transaction.apply(Plan.between(policies, merged.policies()), backend);
    if (result instanceof Transaction.Result.RolledBack failed) {
      lastError = Optional.of(failed.failure().error());
      log.error(
          "{}: {} ({}); nothing changed{}",
          failed.command(),
          failed.failure().error(),
          failed.failure().text(),
          failed.unrepaired().isEmpty() ? "" : " but " + failed.unrepaired());
      restore(put);
      return false;
    }
    ImmutableSet<RouteOptimizationState.Id> wantedIds =
        wantedStates.stream()
            .map(RouteOptimizationState::id)
            .collect(ImmutableSet.toImmutableSet());
    var left = ImmutableList.<RouteOptimizationState>builder().addAll(wantedStates);
    boolean clean = true;
    for (RouteOptimizationState state : states) {
      if (!wantedIds.contains(state.id()) && !isGone(state.id())) {
        left.add(state);
        clean = false;
      }
    }
    states = left.build();
    policies = merged.policies();
    findings = merged.findings();
    return clean;
  }

  private static boolean isForAnybody(Selector selector) {
    return selector.source().isAny() || selector.destination().isAny();
  }

  /** One that has gone already is as it should be. */
  private boolean isGone(RouteOptimizationState.Id id) {
    XfrmReply reply = backend.apply(new XfrmCommand.DeleteRouteOptimization(id));
    if (reply instanceof XfrmReply.Failed failed && failed.error() != XfrmError.NOT_FOUND) {
      lastError = Optional.of(failed.error());
      log.error("{}: {} ({})", id, failed.error(), failed.text());
      return false;
    }
    return true;
  }

  /** Undoes states that were put: the old one of that identity, or none. */
  private void restore(List<RouteOptimizationState> put) {
    for (RouteOptimizationState state : put) {
      ImmutableList<RouteOptimizationState> old =
          states.stream().filter(one -> one.id().equals(state.id())).collect(toImmutableList());
      done(
          old.isEmpty()
              ? new XfrmCommand.DeleteRouteOptimization(state.id())
              : new XfrmCommand.PutRouteOptimization(old.get(0)));
    }
  }

  /**
   * Moves the associations of some tunnels, both ways. The backend moves them along with a policy
   * as the kernel does; at the first registration there is none yet, so that one which matches no
   * packet carries the move. Kept for {@link #retry} likewise.
   */
  boolean move(NodeAction.MoveTunnel move, ImmutableList<ReqId> tunnels) {
    return inOrder(move.owner().value(), () -> carryOut(move, tunnels));
  }

  private boolean carryOut(NodeAction.MoveTunnel move, ImmutableList<ReqId> tunnels) {
    for (ReqId reqId : tunnels) {
      Template old = Template.tunnel(TransformProtocol.ESP, move.from(), move.homeAgent(), reqId);
      Policy carrier =
          Policy.allow(
              Selector.between(move.owner().value(), move.owner().value())
                  .withProtocol(IpProtocol.NO_NEXT_HEADER),
              Direction.OUT,
              CARRIER_PRIORITY,
              Bundle.of(old));
      var moves =
          ImmutableList.of(
              new XfrmCommand.Move(
                  TransformProtocol.ESP,
                  Mode.TUNNEL,
                  reqId,
                  move.from(),
                  move.homeAgent(),
                  move.to(),
                  move.homeAgent()),
              new XfrmCommand.Move(
                  TransformProtocol.ESP,
                  Mode.TUNNEL,
                  reqId,
                  move.homeAgent(),
                  move.from(),
                  move.homeAgent(),
                  move.to()));
      if (!done(new XfrmCommand.UpdatePolicy(carrier))) {
        return false;
      }
      boolean moved = done(new XfrmCommand.Migrate(carrier.id(), moves));
      if (!done(new XfrmCommand.DeletePolicy(carrier.id())) || !moved) {
        return false;
      }
    }
    return true;
  }

  private boolean done(XfrmCommand command) {
    XfrmReply reply = backend.apply(command);
    if (reply instanceof XfrmReply.Failed failed) {
      lastError = Optional.of(failed.error());
      log.error("{}: {} ({})", command, failed.error(), failed.text());
      return false;
    }
    return true;
  }
}

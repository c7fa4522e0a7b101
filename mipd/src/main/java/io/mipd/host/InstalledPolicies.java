package io.mipd.host;

import static com.google.common.collect.ImmutableSet.toImmutableSet;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Lists;
import com.google.common.collect.Maps;
import io.mipd.merger.plan.Transaction;
import io.mipd.merger.rule.Change;
import io.mipd.merger.rule.Finding;
import io.mipd.merger.rule.MergedPolicy;
import io.mipd.merger.rule.StandingMerge;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.WishOwner;
import io.mipd.mobility.planner.HomeAgentWish;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.engine.PoliciesOnDemand;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
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
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the backend holds, kept equal to what the cores wish for. Where many home addresses come at
 * once and the engine asks for policies before it looks them up, those of a home address are made
 * when the first packet from or to it is: until then its wish is <em>asleep</em>.
 */
public final class InstalledPolicies implements PoliciesOnDemand {
  private static final Logger log = LoggerFactory.getLogger(InstalledPolicies.class);

  /** Carries moves; matches no packet, for nothing has this source and this destination. */
  private static final int CARRIER_PRIORITY = Integer.MAX_VALUE;

  /** Steps of one owner that may wait; the oldest is given up beyond. */
  private static final int MAX_UNFINISHED = 16;

  /** Home addresses that come at once and whose policies are made at once. */
  static final int FEW = 100;

  private static final WishOwner LINKS = WishOwner.of(HomePolicies.LINKS);

  private final XfrmBackend backend;

  private final StandingMerge<WishOwner> merge;
  private final ImmutableList<Policy> configured;

  /** In the order in which the owners came; nothing for those that are asleep. */
  private final Map<WishOwner, MobilityWish> wishes = new LinkedHashMap<>();

  /** By home address. */
  private Map<Ipv6Address, HomeAgentWish> asleep = new HashMap<>();

  /** Where the tunnels of those that are asleep lead from here, and how many there. */
  private Map<Ipv6Address, Integer> asleepAt = new HashMap<>();

  /** Their other end: that of one home agent. */
  private Optional<Ipv6Address> agent = Optional.empty();

  private boolean mayWait;

  private ImmutableList<Policy> others = ImmutableList.of();

  /** What waits, by owner: owners do not wait for each other. */
  private final Map<WishOwner, Deque<Step>> unfinished = new LinkedHashMap<>();

  private Consumer<Finding> onFinding = finding -> {};
  private Optional<XfrmError> lastError = Optional.empty();
  private long failures;
  private long changes;

  /** Something that the backend has refused. */
  private interface Step {
    boolean run();
  }

  /**
   * @param configured the user's policies, in force with the first wish
   */
  public InstalledPolicies(XfrmBackend backend, ImmutableList<Policy> configured) {
    this.backend = backend;
    this.configured = configured;
    merge = new StandingMerge<>(backend.limits());
    // By themselves they make no policy.
    MobilityWish links = HomePolicies.links();
    wishes.put(LINKS, links);
    merge.want(LINKS, links.policies());
  }

  /** Has somebody told of each finding when it appears; beside the log. */
  public void tellFindings(Consumer<Finding> listener) {
    onFinding = listener;
  }

  /** What is merged at present, or will be when it is needed. */
  public PolicyInputs inputs() {
    var all = ImmutableMap.<WishOwner, MobilityWish>builderWithExpectedSize(wishes.size());
    wishes.forEach(
        (owner, wish) -> {
          HomeAgentWish waiting = owner.peer().isPresent() ? null : asleep.get(owner.address());
          all.put(owner, waiting == null ? wish : waiting.wish());
        });
    return new PolicyInputs(configured, others, all.buildOrThrow(), backend.limits());
  }

  /** How many wishes those are. */
  public int wishCount() {
    return wishes.size();
  }

  /** From now on somebody asks by {@link #need} before policies are looked up. */
  public void mayWait() {
    mayWait = true;
  }

  /** Home addresses whose policies have not been needed yet. */
  public int asleep() {
    return asleep.size();
  }

  @Override
  public void need(Ipv6Address address) {
    if (asleep.isEmpty()) {
      return;
    }
    HomeAgentWish waiting = asleep.get(address);
    if (waiting != null) {
      wake(waiting);
    }
  }

  @Override
  public boolean hasTunnel(Ipv6Address here, Ipv6Address farEnd) {
    return asleepAt.containsKey(farEnd) && agent.filter(here::equals).isPresent();
  }

  private void wake(HomeAgentWish waiting) {
    want(waiting.owner(), waiting.wish());
  }

  /** One that is not asleep. */
  private void sleep(WishOwner owner, HomeAgentWish wish) {
    merge.reserve(owner);
    wishes.putIfAbsent(owner, MobilityWish.NOTHING);
    asleep.put(owner.address(), wish);
    agent = Optional.of(wish.policies().agent());
    wish.careOf().ifPresent(careOf -> asleepAt.merge(careOf.value(), 1, Integer::sum));
  }

  /** An owner that has something of its own next. */
  private void wakeUp(WishOwner owner) {
    HomeAgentWish before = owner.peer().isPresent() ? null : asleep.remove(owner.address());
    if (before == null || before.careOf().isEmpty()) {
      return;
    }
    asleepAt.computeIfPresent(
        before.careOf().get().value(), (careOf, count) -> count == 1 ? null : count - 1);
  }

  private void wakeAll() {
    ImmutableList.copyOf(asleep.values()).forEach(this::wake);
  }

  /** By precedence within each direction. */
  public ImmutableList<Policy> policies() {
    return merge.policies();
  }

  /** Likewise, and how each came about. */
  public ImmutableList<MergedPolicy> merged() {
    return merge.all();
  }

  /** The first of them, no more than so many; those of home addresses that are asleep are not. */
  public ImmutableList<MergedPolicy> merged(int limit) {
    return merge.first(limit);
  }

  public int count() {
    return merge.count();
  }

  /** What decides about a flow: one of them, or one of the user's own. */
  public Optional<MergedPolicy> decides(Direction direction, Flow flow) {
    need(flow.source());
    need(flow.destination());
    return merge.decides(direction, flow);
  }

  /** Changes that the backend refused and that were rolled back. */
  public long failures() {
    return failures;
  }

  /** How often what is wished for, or what others have, has changed; refused changes count too. */
  public long changes() {
    return changes;
  }

  /** Whether something waits for {@link #retry}. */
  public boolean isBehind() {
    return !unfinished.isEmpty();
  }

  /** Whether something does that packets from one address to another need. */
  public boolean isBehind(Ipv6Address source, Ipv6Address destination) {
    return unfinished.containsKey(WishOwner.of(destination))
        || unfinished.containsKey(WishOwner.route(source, destination));
  }

  /**
   * Tries again, each owner's in order, what the backend has refused.
   *
   * @return whether nothing is left of it
   */
  public boolean retry() {
    for (WishOwner owner : ImmutableList.copyOf(unfinished.keySet())) {
      retry(owner);
    }
    return unfinished.isEmpty();
  }

  private boolean retry(WishOwner owner) {
    Deque<Step> steps = unfinished.get(owner);
    if (steps == null) {
      return true;
    }
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
  private boolean inOrder(WishOwner owner, Step step) {
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
  public boolean want(WishOwner owner, MobilityWish wish) {
    wakeUp(owner);
    return inOrder(owner, () -> carryOut(owner, wish));
  }

  /**
   * As {@link #want} for each in this order, but at once where the backend takes it: for the
   * bindings of a predecessor.
   *
   * @return whether the backend now holds all of them
   */
  public boolean want(ImmutableMap<WishOwner, MobilityWish> all) {
    all.keySet().forEach(this::wakeUp);
    if (all.size() > 1
        && all.keySet().stream().noneMatch(unfinished::containsKey)
        && carryOut(all)) {
      return true;
    }
    boolean done = true;
    for (var one : all.entrySet()) {
      done &= want(one.getKey(), one.getValue());
    }
    return done;
  }

  /**
   * As {@link #want} for each in this order; those that come with many others, and those that are
   * asleep, need not be in force before a packet needs them.
   *
   * @return whether the backend now holds all that are to be in force
   */
  public boolean want(List<HomeAgentWish> all) {
    // A user's policies are composed with all wishes, and what is doubtful is told at once.
    boolean wait = mayWait && all.size() > FEW && configured.isEmpty() && others.isEmpty();
    if (wait && asleep.isEmpty()) {
      asleep = Maps.newHashMapWithExpectedSize(all.size());
      asleepAt = Maps.newHashMapWithExpectedSize(all.size());
    }
    Map<WishOwner, MobilityWish> now = new LinkedHashMap<>();
    boolean done = true;
    for (HomeAgentWish one : all) {
      WishOwner owner = one.owner();
      if (asleep.containsKey(owner.address())) {
        wakeUp(owner);
        sleep(owner, one);
      } else if (wait && !wishes.containsKey(owner)) {
        sleep(owner, one);
      } else {
        if (now.containsKey(owner)) {
          done &= want(ImmutableMap.copyOf(now));
          now.clear();
        }
        now.put(owner, one.wish());
      }
    }
    return want(ImmutableMap.copyOf(now)) && done;
  }

  /** All or nothing; nothing, too, where a state is changed or is to go. */
  private boolean carryOut(ImmutableMap<WishOwner, MobilityWish> all) {
    var policies = ImmutableMap.<WishOwner, ImmutableList<MobilityPolicy>>builder();
    List<RouteOptimizationState> put = new ArrayList<>();
    int changed = 0;
    for (var one : all.entrySet()) {
      MobilityWish before = wishes.getOrDefault(one.getKey(), MobilityWish.NOTHING);
      changed += one.getValue().equals(before) ? 0 : 1;
      if (!before.states().isEmpty() && !before.states().equals(one.getValue().states())) {
        return false;
      }
      if (before.states().isEmpty()) {
        put.addAll(one.getValue().states());
      }
      policies.put(one.getKey(), one.getValue().policies());
    }
    List<RouteOptimizationState> there = putAll(put);
    if (there.size() < put.size() || !changed(() -> merge.want(policies.buildOrThrow()))) {
      restore(there, MobilityWish.NOTHING);
      return false;
    }
    changes += changed;
    all.forEach(this::hold);
    return true;
  }

  /** Those that the backend has taken. */
  private List<RouteOptimizationState> putAll(List<RouteOptimizationState> put) {
    ImmutableList<XfrmReply> replies =
        backend.applyAll(Lists.transform(put, XfrmCommand.PutRouteOptimization::new));
    List<RouteOptimizationState> there = new ArrayList<>();
    for (int i = 0; i < put.size(); i++) {
      if (!(replies.get(i) instanceof XfrmReply.Failed)) {
        there.add(put.get(i));
      }
    }
    return there;
  }

  private void hold(WishOwner owner, MobilityWish now) {
    if (now.equals(MobilityWish.NOTHING)) {
      wishes.remove(owner);
    } else {
      wishes.put(owner, now);
    }
  }

  private boolean carryOut(WishOwner owner, MobilityWish wish) {
    MobilityWish before = wishes.getOrDefault(owner, MobilityWish.NOTHING);
    if (wish.equals(before)) {
      return true;
    }
    changes++;
    // States before the policies that need them; those that nobody needs any more at the end.
    List<RouteOptimizationState> put = new ArrayList<>();
    for (RouteOptimizationState state : wish.states()) {
      if (before.states().contains(state)) {
        continue;
      }
      if (!done(new XfrmCommand.PutRouteOptimization(state))) {
        restore(put, before);
        return failed();
      }
      put.add(state);
    }
    if (!changed(() -> merge.want(owner, wish.policies()))) {
      restore(put, before);
      return failed();
    }
    ImmutableSet<RouteOptimizationState.Id> wanted =
        wish.states().stream().map(RouteOptimizationState::id).collect(toImmutableSet());
    var left = ImmutableList.<RouteOptimizationState>builder().addAll(wish.states());
    boolean clean = true;
    for (RouteOptimizationState state : before.states()) {
      if (!wanted.contains(state.id()) && !isGone(state.id())) {
        left.add(state);
        clean = false;
      }
    }
    hold(owner, new MobilityWish(wish.policies(), left.build()));
    return clean || failed();
  }

  private boolean failed() {
    failures++;
    return false;
  }

  /**
   * Takes over what others have installed, as it is now: their policies are merged with what
   * mobility wants, and ours come before them.
   *
   * @return whether it could be done; if not, to be asked again
   */
  public boolean others(ImmutableList<Policy> installed) {
    if (!installed.isEmpty()) {
      wakeAll();
    }
    changes++;
    lastError = Optional.empty();
    if (!changed(() -> merge.users(configured, installed))) {
      return failed();
    }
    others = installed;
    return true;
  }

  /** Carries a change of the merge out, or makes it undone. */
  private boolean changed(Supplier<Change> inputs) {
    Change change;
    try {
      change = inputs.get();
    } catch (IllegalStateException e) {
      lastError = Optional.of(XfrmError.LIMIT);
      log.error("{}; nothing changed", e.getMessage());
      return false;
    } catch (RuntimeException e) {
      // A mistake of ours is not to end the loop.
      lastError = Optional.of(XfrmError.INVALID);
      log.error("policies cannot be merged; nothing changed", e);
      return false;
    }
    Transaction.Result result = Transaction.apply(change.plan(), backend);
    if (result instanceof Transaction.Result.RolledBack failed) {
      change.undo();
      lastError = Optional.of(failed.failure().error());
      log.error(
          "{}: {} ({}); nothing changed{}",
          failed.command(),
          failed.failure().error(),
          failed.failure().text(),
          failed.unrepaired().isEmpty() ? "" : " but " + failed.unrepaired());
      return false;
    }
    for (Finding finding : change.appeared()) {
      log.warn("{}", finding);
      onFinding.accept(finding);
    }
    return true;
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
  private void restore(List<RouteOptimizationState> put, MobilityWish before) {
    for (RouteOptimizationState state : put) {
      done(
          before.states().stream()
              .filter(one -> one.id().equals(state.id()))
              .findFirst()
              .<XfrmCommand>map(XfrmCommand.PutRouteOptimization::new)
              .orElseGet(() -> new XfrmCommand.DeleteRouteOptimization(state.id())));
    }
  }

  /**
   * Moves the associations of some tunnels, both ways. The backend moves them along with a policy
   * as the kernel does; at the first registration there is none yet, so that one which matches no
   * packet carries the move. Kept for {@link #retry} likewise.
   */
  public boolean move(NodeAction.MoveTunnel move, ImmutableList<ReqId> tunnels) {
    return inOrder(WishOwner.of(move.owner()), () -> carryOut(move, tunnels));
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

package io.mipd.daemon;

import com.google.common.collect.HashMultimap;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.LinkedHashMultimap;
import com.google.common.collect.Lists;
import com.google.common.collect.SetMultimap;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.linux.KernelBackend;
import io.mipd.xfrm.linux.KernelSequences;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.SecurityPath;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.netlink.KernelAssociation;
import io.mipd.xfrm.netlink.KernelPolicy;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The books of what the kernel has of ours: it passes commands on and remembers what became of
 * them. So it can answer for what the kernel has let through, put back what others have taken away,
 * and take over from a predecessor that was killed. Tunnels that are no states to the kernel are
 * made by {@link PlainTunnels}.
 */
final class KernelLedger implements XfrmBackend {
  private static final Logger log = LoggerFactory.getLogger(KernelLedger.class);

  private final KernelBackend kernel;

  /** What carries out commands: the kernel, if no test is in between. */
  private final XfrmBackend changes;

  private final KernelSequences sequences;
  private final PlainTunnels tunnels;

  /** Of associations that a key manager makes: they are in no book. */
  private final ImmutableSet<ReqId> negotiated;

  private final Map<Policy.Id, Policy> policies = new LinkedHashMap<>();
  private final Map<AssociationId, SecurityAssociation> associations = new LinkedHashMap<>();
  private final SetMultimap<ReqId, AssociationId> byReqId = HashMultimap.create();
  private final Map<RouteOptimizationState.Id, RouteOptimizationState> states =
      new LinkedHashMap<>();

  /** Inbound policies between two hosts, by the two. */
  private final Map<Hosts, Set<Policy.Id>> inbound = new HashMap<>();

  /**
   * Inbound policies of a host with anybody, or with multicast groups; empty if groups are none of
   * our business.
   */
  private final Optional<SetMultimap<Ipv6Address, Policy.Id>> inboundOfHosts;

  /** Outbound policies, by what their templates demand. */
  private final SetMultimap<ReqId, Policy.Id> senders = LinkedHashMultimap.create();

  /** Others' inbound policies that messages of ours may meet before ours. */
  private ImmutableList<Policy> foreign = ImmutableList.of();

  /** A policy that demands IPsec has come between two hosts and was not there before. */
  private boolean inboundAdded;

  /** Likewise between a host and anybody, or groups. */
  private boolean inboundOfHostsAdded;

  /** Associations of one request id and direction that a key manager may have at a time. */
  private static final int MOST_ALIKE = 4;

  /** Policies of a predecessor that nobody has wished for yet. */
  private final Map<Policy.Id, Policy> survivors = new LinkedHashMap<>();

  private record Hosts(Ipv6Address source, Ipv6Address destination) {}

  KernelLedger(
      KernelBackend kernel,
      XfrmBackend changes,
      KernelSequences sequences,
      PlainTunnels tunnels,
      ImmutableSet<ReqId> negotiated,
      boolean groups) {
    this.kernel = kernel;
    this.changes = changes;
    this.sequences = sequences;
    this.tunnels = tunnels;
    this.negotiated = negotiated;
    inboundOfHosts = groups ? Optional.of(LinkedHashMultimap.create()) : Optional.empty();
  }

  @Override
  public Limits limits() {
    return kernel.limits();
  }

  /**
   * Begins with the policies that a killed predecessor has left in force. A message that comes for
   * the first time has no state of its own: its policy decides.
   */
  void adopt() throws IOException {
    putWildcards();
    readForeign();
    for (Policy policy : kernel.policies()) {
      survivors.put(policy.id(), policy);
    }
    if (!survivors.isEmpty()) {
      log.info("{} policies of a daemon that was killed are still in force", survivors.size());
    }
  }

  /** Others' policies are not as they were, by our own doing. */
  void othersChanged() throws IOException {
    readForeign();
  }

  /** Whatever its mark: what packets bear is not known here. */
  private void readForeign() throws IOException {
    foreign =
        kernel.foreignPolicies().stream()
            .flatMap(policy -> policy.policy().stream())
            .filter(policy -> policy.direction() == Direction.IN)
            .filter(policy -> mayMeetMessages(policy.selector().protocol()))
            .collect(ImmutableList.toImmutableList());
  }

  /** What is payload of others to a group is believed by policies, too. */
  private boolean mayMeetMessages(int protocol) {
    return protocol == IpProtocol.ANY
        || protocol == IpProtocol.MOBILITY
        || (inboundOfHosts.isPresent()
            && (protocol == IpProtocol.ICMPV6 || protocol == IpProtocol.UDP));
  }

  private void putWildcards() throws IOException {
    require(kernel.putWildcard(TransformProtocol.HAO));
    require(kernel.putWildcard(TransformProtocol.ROUTE2));
  }

  /** Removes what the predecessor had and nobody has wished for since {@link #adopt}. */
  void dropSurvivors() throws IOException {
    List<XfrmCommand> deletions = new ArrayList<>();
    for (Policy.Id id : survivors.keySet()) {
      log.info("no longer wanted, removed: {}", id);
      deletions.add(new XfrmCommand.DeletePolicy(id));
    }
    survivors.clear();
    for (RouteOptimizationState state : statesThere()) {
      if (!states.containsKey(state.id())) {
        deletions.add(new XfrmCommand.DeleteRouteOptimization(state.id()));
      }
    }
    changes.applyAll(deletions);
  }

  private List<RouteOptimizationState> statesThere() throws SystemCallException {
    return kernel.ownAssociations().stream()
        .flatMap(one -> one.routeOptimization().stream())
        .toList();
  }

  /**
   * Puts the configured associations into the kernel. A predecessor's that are the same, wherever
   * they have been moved to, stay and keep their sequence numbers; its others go.
   */
  void establish(ImmutableList<SecurityAssociation> configured) throws IOException {
    Map<SecurityAssociation, SecurityAssociation> there = new HashMap<>();
    for (KernelAssociation one : kernel.ownAssociations()) {
      one.association(kernel.ours()).ifPresent(found -> there.put(anywhere(found), found));
    }
    List<SecurityAssociation> missing = new ArrayList<>();
    for (SecurityAssociation association : configured) {
      SecurityAssociation found = there.remove(anywhere(association));
      if (found == null) {
        missing.add(association);
      } else {
        require(sequences.takeOver(found));
        book(found);
      }
    }
    for (SecurityAssociation stale : there.values()) {
      log.info("not as it is configured now, removed: {}", stale);
      // What comes in its place goes on behind its numbers.
      if (sequences.takeOver(stale) instanceof XfrmReply.Failed failed) {
        log.warn("{}: {}", stale.id(), failed.text());
      }
    }
    sequences.remove(there.values().stream().map(SecurityAssociation::id).toList());
    for (XfrmReply reply :
        applyAll(missing.stream().map(XfrmCommand.AddAssociation::new).toList())) {
      require(reply);
    }
  }

  private static void require(XfrmReply reply) throws IOException {
    if (reply instanceof XfrmReply.Failed failed) {
      throw new IOException(failed.text());
    }
  }

  /** The same association, if it had never been moved. */
  private static SecurityAssociation anywhere(SecurityAssociation association) {
    return association.mode() == Mode.TUNNEL
        ? association.movedTo(Ipv6Address.UNSPECIFIED, Ipv6Address.UNSPECIFIED)
        : association;
  }

  @Override
  public XfrmReply apply(XfrmCommand command) {
    return applyAll(ImmutableList.of(command)).get(0);
  }

  /** Those of a kind that follow each other go together. */
  @Override
  public ImmutableList<XfrmReply> applyAll(List<? extends XfrmCommand> commands) {
    var replies = ImmutableList.<XfrmReply>builderWithExpectedSize(commands.size());
    int next = 0;
    while (next < commands.size()) {
      int first = next++;
      Kind kind = kind(commands.get(first));
      while (kind != Kind.SINGLE && next < commands.size() && kind(commands.get(next)) == kind) {
        next++;
      }
      List<? extends XfrmCommand> run = commands.subList(first, next);
      replies.addAll(
          switch (kind) {
            case ADDED -> added(run);
            case DELETED -> deleted(run);
            case PLAIN -> passedOn(run);
            case SINGLE -> ImmutableList.of(single(run.get(0)));
          });
    }
    return replies.build();
  }

  /** What a command is to the ledger. */
  private enum Kind {
    /** An association that is added, with its sequence numbers. */
    ADDED,
    /** An association that is deleted, with its sequence numbers. */
    DELETED,
    /** Passed on as it is, and booked. */
    PLAIN,
    /** More than that is to be done. */
    SINGLE
  }

  private Kind kind(XfrmCommand command) {
    if (command instanceof XfrmCommand.AddAssociation) {
      return Kind.ADDED;
    } else if (command instanceof XfrmCommand.DeleteAssociation) {
      return Kind.DELETED;
    } else if (command instanceof XfrmCommand.AddPolicy add) {
      return needsTunnel(add.policy()) ? Kind.SINGLE : Kind.PLAIN;
    } else if (command instanceof XfrmCommand.UpdatePolicy update) {
      return needsTunnel(update.policy()) ? Kind.SINGLE : Kind.PLAIN;
    } else if (command instanceof XfrmCommand.DeletePolicy delete) {
      return tunnels.isUsedBy(delete.id()) ? Kind.SINGLE : Kind.PLAIN;
    }
    return command instanceof XfrmCommand.PutRouteOptimization
            || command instanceof XfrmCommand.DeleteRouteOptimization
        ? Kind.PLAIN
        : Kind.SINGLE;
  }

  /** Now, or until now. */
  private boolean needsTunnel(Policy policy) {
    return PlainTunnels.of(policy).isPresent() || tunnels.isUsedBy(policy.id());
  }

  private List<XfrmReply> added(List<? extends XfrmCommand> commands) {
    List<SecurityAssociation> associations = new ArrayList<>();
    for (XfrmCommand command : commands) {
      if (command instanceof XfrmCommand.AddAssociation add) {
        associations.add(add.association());
      }
    }
    List<XfrmReply> replies = sequences.install(associations);
    for (int i = 0; i < replies.size(); i++) {
      if (replies.get(i) instanceof XfrmReply.Done) {
        book(associations.get(i));
      }
    }
    return replies;
  }

  private List<XfrmReply> deleted(List<? extends XfrmCommand> commands) {
    List<AssociationId> ids = new ArrayList<>();
    for (XfrmCommand command : commands) {
      if (command instanceof XfrmCommand.DeleteAssociation delete) {
        ids.add(delete.id());
      }
    }
    List<XfrmReply> replies = sequences.remove(ids);
    for (int i = 0; i < replies.size(); i++) {
      if (isGone(replies.get(i))) {
        strike(ids.get(i));
      }
    }
    return replies;
  }

  /** Whether there is no longer what was to be deleted; somebody else may have done it. */
  private static boolean isGone(XfrmReply reply) {
    return !(reply instanceof XfrmReply.Failed failed) || failed.error() == XfrmError.NOT_FOUND;
  }

  private List<XfrmReply> passedOn(List<? extends XfrmCommand> commands) {
    ImmutableList<XfrmReply> replies = changes.applyAll(Lists.transform(commands, this::forKernel));
    List<XfrmReply> booked = new ArrayList<>();
    for (int i = 0; i < replies.size(); i++) {
      booked.add(booked(commands.get(i), replies.get(i)));
    }
    return booked;
  }

  private XfrmCommand forKernel(XfrmCommand command) {
    if (command instanceof XfrmCommand.AddPolicy add) {
      Policy policy = inKernel(add.policy());
      // A predecessor's with the same identity is replaced in place.
      return survivors.containsKey(policy.id())
          ? new XfrmCommand.UpdatePolicy(policy)
          : new XfrmCommand.AddPolicy(policy);
    } else if (command instanceof XfrmCommand.UpdatePolicy update) {
      return new XfrmCommand.UpdatePolicy(inKernel(update.policy()));
    }
    return command;
  }

  private XfrmReply booked(XfrmCommand command, XfrmReply reply) {
    if (command instanceof XfrmCommand.AddPolicy add) {
      XfrmReply put = inItsPlace(add.policy(), reply);
      if (put instanceof XfrmReply.Done) {
        remember(add.policy());
      }
      return put;
    } else if (command instanceof XfrmCommand.DeletePolicy delete && isGone(reply)) {
      return after(reply, () -> forget(delete.id()));
    } else if (command instanceof XfrmCommand.DeleteRouteOptimization delete && isGone(reply)) {
      states.remove(delete.id());
    } else if (reply instanceof XfrmReply.Failed) {
      return reply;
    } else if (command instanceof XfrmCommand.UpdatePolicy update) {
      remember(update.policy());
    } else if (command instanceof XfrmCommand.PutRouteOptimization put) {
      states.put(put.state().id(), put.state());
    }
    return reply;
  }

  /** What somebody else has put in the place of a policy of ours is replaced. */
  private XfrmReply inItsPlace(Policy policy, XfrmReply reply) {
    if (!(reply instanceof XfrmReply.Failed failed) || failed.error() != XfrmError.EXISTS) {
      return reply;
    }
    log.warn("somebody else has put a policy in the place of one of ours, replaced: {}", policy);
    return changes.apply(new XfrmCommand.UpdatePolicy(inKernel(policy)));
  }

  private XfrmReply single(XfrmCommand command) {
    if (command instanceof XfrmCommand.AddPolicy add) {
      return put(add.policy(), command);
    } else if (command instanceof XfrmCommand.UpdatePolicy update) {
      return put(update.policy(), command);
    } else if (command instanceof XfrmCommand.Migrate migrate) {
      return migrate(migrate);
    } else if (command instanceof XfrmCommand.Flush) {
      return flush();
    }
    return booked(command, changes.apply(command));
  }

  private XfrmReply flush() {
    XfrmReply reply = changes.apply(new XfrmCommand.Flush());
    if (reply instanceof XfrmReply.Failed) {
      return reply;
    }
    associations.clear();
    byReqId.clear();
    states.clear();
    return after(
        reply,
        () -> {
          for (Policy.Id id : ImmutableList.copyOf(policies.keySet())) {
            forget(id);
          }
        });
  }

  /** A way into a tunnel comes before the policy that needs it, and goes after it. */
  private XfrmReply put(Policy policy, XfrmCommand command) {
    boolean plain = PlainTunnels.of(policy).isPresent();
    XfrmReply prepared = plain ? after(XfrmReply.DONE, () -> tunnels.put(policy)) : XfrmReply.DONE;
    if (prepared instanceof XfrmReply.Failed) {
      return prepared;
    }
    XfrmReply reply = booked(command, changes.apply(forKernel(command)));
    if (reply instanceof XfrmReply.Failed) {
      Policy before = policies.get(policy.id());
      return after(
          reply,
          () -> {
            if (before == null) {
              tunnels.remove(policy.id());
            } else {
              tunnels.put(before);
            }
          });
    }
    return plain ? reply : after(reply, () -> tunnels.put(policy));
  }

  private void remember(Policy policy) {
    boolean known = survivors.remove(policy.id()) != null;
    Policy before = policies.put(policy.id(), policy);
    known |= before != null;
    if (before != null) {
      reqIds(before).forEach(reqId -> senders.remove(reqId, policy.id()));
    }
    reqIds(policy).forEach(reqId -> senders.put(reqId, policy.id()));
    if (policy.direction() == Direction.IN
        && policy.selector().source().isHost()
        && policy.selector().destination().isHost()) {
      inbound.computeIfAbsent(hosts(policy.id()), key -> new LinkedHashSet<>()).add(policy.id());
      inboundAdded |= !known && demandsIpsec(policy);
    }
    if (inboundOfHosts.isPresent() && oneHost(policy.id()).isPresent()) {
      inboundOfHosts.get().put(oneHost(policy.id()).get(), policy.id());
      inboundOfHostsAdded |= !known && demandsIpsec(policy);
    }
  }

  /** The one host of an inbound policy that is about one, and anybody or groups. */
  private static Optional<Ipv6Address> oneHost(Policy.Id id) {
    Ipv6Prefix source = id.selector().source();
    Ipv6Prefix destination = id.selector().destination();
    if (id.direction() != Direction.IN || source.isHost() == destination.isHost()) {
      return Optional.empty();
    }
    return Optional.of(source.isHost() ? source.address() : destination.address());
  }

  private static boolean demandsIpsec(Policy policy) {
    return policy.bundle().templates().stream()
        .anyMatch(template -> !template.optional() && template.protocol().isIpsec());
  }

  /** Of what it sends through. */
  private static Stream<ReqId> reqIds(Policy policy) {
    return policy.direction() == Direction.OUT
        ? policy.bundle().templates().stream().map(Template::reqId)
        : Stream.empty();
  }

  private void forget(Policy.Id id) throws IOException {
    Policy gone = policies.remove(id);
    if (gone != null) {
      reqIds(gone).forEach(reqId -> senders.remove(reqId, id));
    }
    Set<Policy.Id> ids = inbound.get(hosts(id));
    if (ids != null && ids.remove(id) && ids.isEmpty()) {
      inbound.remove(hosts(id));
    }
    inboundOfHosts.ifPresent(all -> oneHost(id).ifPresent(host -> all.remove(host, id)));
    tunnels.remove(id);
  }

  private static Hosts hosts(Policy.Id id) {
    return new Hosts(id.selector().source().address(), id.selector().destination().address());
  }

  private interface Step {
    void run() throws IOException;
  }

  private static XfrmReply after(XfrmReply reply, Step step) {
    try {
      step.run();
      return reply;
    } catch (IOException e) {
      return reply instanceof XfrmReply.Failed
          ? reply
          : new XfrmReply.Failed(XfrmError.OTHER, "" + e.getMessage());
    }
  }

  /** The policy as the kernel has it: without a plain tunnel, which is a device. */
  private static Policy inKernel(Policy policy) {
    int plain = PlainTunnels.of(policy).isPresent() ? 1 : 0;
    ImmutableList<Template> templates = policy.bundle().templates();
    return KernelPolicy.asInstalled(
        new Policy(
            policy.selector(),
            policy.direction(),
            policy.priority(),
            policy.action(),
            new Bundle(templates.subList(0, templates.size() - plain))));
  }

  /**
   * Moves associations from where they are, which after a predecessor's death may not be where the
   * command takes them to be. A policy that sends through one of them moves along, so that no
   * packet asks in between for an association that has just gone (an acquire).
   */
  private XfrmReply migrate(XfrmCommand.Migrate command) {
    XfrmReply reply = migrateOnce(command);
    if (command.moves().stream().noneMatch(move -> negotiated.contains(move.reqId()))) {
      return reply;
    }
    // Just rekeyed there are several, of which the kernel moves one at a time.
    for (int i = 0; i < MOST_ALIKE && reply instanceof XfrmReply.Done; i++) {
      var left = ImmutableList.<XfrmCommand.Move>builder();
      try {
        for (XfrmCommand.Move move : command.moves()) {
          if (kernel.hasAssociation(move)) {
            left.add(move);
          }
        }
      } catch (SystemCallException e) {
        return new XfrmReply.Failed(XfrmError.OTHER, "" + e.getMessage());
      }
      if (left.build().isEmpty()) {
        return reply;
      }
      reply = migrateOnce(new XfrmCommand.Migrate(command.policy(), left.build()));
    }
    if (reply instanceof XfrmReply.Done) {
      log.warn("{}: more than {} associations alike, not all have moved", command, MOST_ALIKE);
    }
    return reply;
  }

  private XfrmReply migrateOnce(XfrmCommand.Migrate command) {
    var moves = ImmutableList.<XfrmCommand.Move>builder();
    for (XfrmCommand.Move move : command.moves()) {
      if (negotiated.contains(move.reqId())) {
        moves.add(move);
        continue;
      }
      moving(move)
          .map(association -> from(association, move))
          .filter(actual -> !isDone(actual))
          .ifPresent(moves::add);
    }
    ImmutableList<XfrmCommand.Move> actual = moves.build();
    if (actual.isEmpty()) {
      return XfrmReply.DONE;
    }
    Optional<Policy> sending = sendingThrough(actual);
    XfrmReply prepared =
        sending.isPresent() ? XfrmReply.DONE : prepare(command.policy(), actual.get(0));
    if (prepared instanceof XfrmReply.Failed) {
      return prepared;
    }
    var migrate = new XfrmCommand.Migrate(sending.map(Policy::id).orElse(command.policy()), actual);
    XfrmReply reply = changes.apply(migrate);
    if (reply instanceof XfrmReply.Done) {
      for (XfrmCommand.Move move : actual) {
        moving(move).ifPresent(one -> moved(one, move));
      }
      sending.ifPresent(policy -> policies.put(policy.id(), moved(policy, migrate)));
    }
    return reply;
  }

  private static Policy moved(Policy policy, XfrmCommand.Migrate migrate) {
    return Policy.allow(
        policy.selector(), policy.direction(), policy.priority(), migrate.moved(policy.bundle()));
  }

  /** The kernel moves nothing that no template of the policy names. */
  private XfrmReply prepare(Policy.Id carrier, XfrmCommand.Move move) {
    Policy policy = policies.get(carrier);
    if (policy == null) {
      return XfrmReply.DONE;
    }
    Template template =
        Template.tunnel(move.protocol(), move.oldSource(), move.oldDestination(), move.reqId());
    return changes.apply(
        new XfrmCommand.UpdatePolicy(
            Policy.allow(
                policy.selector(), policy.direction(), policy.priority(), Bundle.of(template))));
  }

  private Optional<Policy> sendingThrough(ImmutableList<XfrmCommand.Move> moves) {
    return moves.stream()
        .flatMap(
            move ->
                senders.get(move.reqId()).stream()
                    .flatMap(id -> Stream.ofNullable(policies.get(id)))
                    .filter(policy -> policy.bundle().templates().stream().anyMatch(move::isOf)))
        // The carrier of the move is the last to look at: it sends nothing.
        .min(Comparator.comparingInt(Policy::priority));
  }

  /** The association that a move is about: the one that shares the end which stays. */
  private Optional<SecurityAssociation> moving(XfrmCommand.Move move) {
    return byReqId.get(move.reqId()).stream()
        .flatMap(id -> Stream.ofNullable(associations.get(id)))
        .filter(
            one ->
                one.id().protocol() == move.protocol()
                    && one.mode() == move.mode()
                    && (one.source().equals(move.newSource())
                        || one.destination().equals(move.newDestination())))
        .findFirst();
  }

  private static XfrmCommand.Move from(SecurityAssociation association, XfrmCommand.Move move) {
    return new XfrmCommand.Move(
        move.protocol(),
        move.mode(),
        move.reqId(),
        association.source(),
        association.destination(),
        move.newSource(),
        move.newDestination());
  }

  private static boolean isDone(XfrmCommand.Move move) {
    return move.oldSource().equals(move.newSource())
        && move.oldDestination().equals(move.newDestination());
  }

  private void moved(SecurityAssociation association, XfrmCommand.Move move) {
    strike(association.id());
    SecurityAssociation now = association.movedTo(move.newSource(), move.newDestination());
    sequences.moved(association.id(), now);
    book(now);
  }

  /** Takes an association that the kernel has already into the books. */
  void book(SecurityAssociation association) {
    associations.put(association.id(), association);
    byReqId.put(association.reqId(), association.id());
  }

  private void strike(AssociationId id) {
    SecurityAssociation gone = associations.remove(id);
    if (gone != null) {
      byReqId.remove(gone.reqId(), id);
    }
  }

  /** The state that is wished for. */
  Optional<RouteOptimizationState> state(RouteOptimizationState.Id id) {
    return Optional.ofNullable(states.get(id));
  }

  ImmutableList<SecurityAssociation> associations() {
    return ImmutableList.copyOf(associations.values());
  }

  /**
   * What came of {@link #repair}.
   *
   * @param done what was put back, in words
   * @param problems what could not be, in words
   * @param foreign whether others' policies that messages may meet have changed
   */
  record Repair(ImmutableList<String> done, ImmutableList<String> problems, boolean foreign) {
    /** Whether something may have passed that should not have. */
    boolean wasNeeded() {
      return !done.isEmpty() || !problems.isEmpty() || foreign;
    }
  }

  /** Puts back what others have changed or taken away. */
  Repair repair() throws IOException {
    var done = ImmutableList.<String>builder();
    var problems = ImmutableList.<String>builder();
    ImmutableList<Policy> before = foreign;
    readForeign();
    putWildcards();
    Map<Policy.Id, Policy> there = new HashMap<>();
    for (Policy policy : kernel.policies()) {
      there.put(policy.id(), policy);
    }
    Map<AssociationId, SecurityAssociation> present = new HashMap<>();
    for (KernelAssociation one : kernel.ownAssociations()) {
      one.association(kernel.ours()).ifPresent(found -> present.put(found.id(), found));
    }
    // Associations before the policies that need them.
    List<SecurityAssociation> gone =
        associations.values().stream()
            .filter(one -> !one.equals(present.get(one.id())) && !sequences.isSuspended(one.id()))
            .toList();
    // What is left of the old one: sequence numbers go on behind those.
    sequences.remove(gone.stream().map(SecurityAssociation::id).toList());
    putBack(gone, XfrmCommand.AddAssociation::new, done, problems);
    Map<RouteOptimizationState.Id, RouteOptimizationState> routes = new HashMap<>();
    statesThere().forEach(state -> routes.put(state.id(), state));
    putBack(
        states.values().stream().filter(one -> !one.equals(routes.get(one.id()))).toList(),
        XfrmCommand.PutRouteOptimization::new,
        done,
        problems);
    putBack(
        policies.values().stream()
            .filter(one -> !inKernel(one).equals(there.get(one.id())))
            .toList(),
        XfrmCommand.UpdatePolicy::new,
        done,
        problems);
    return new Repair(done.build(), problems.build(), !foreign.equals(before));
  }

  private <T> void putBack(
      List<T> all,
      Function<T, XfrmCommand> command,
      ImmutableList.Builder<String> done,
      ImmutableList.Builder<String> problems) {
    ImmutableList<XfrmReply> replies = applyAll(Lists.transform(all, command::apply));
    for (int i = 0; i < all.size(); i++) {
      if (replies.get(i) instanceof XfrmReply.Failed failed) {
        problems.add(all.get(i) + ": " + failed.text());
      } else {
        done.add("" + all.get(i));
      }
    }
  }

  /**
   * Takes everything out of the kernel; sequence numbers are stored.
   *
   * @return what went wrong, in words
   */
  ImmutableList<String> close() {
    var problems = ImmutableList.<String>builder();
    List<XfrmReply> replies =
        new ArrayList<>(
            applyAll(policies.keySet().stream().map(XfrmCommand.DeletePolicy::new).toList()));
    replies.addAll(sequences.removeAll());
    for (XfrmReply reply : replies) {
      if (reply instanceof XfrmReply.Failed failed && !isGone(failed)) {
        problems.add(failed.text());
      }
    }
    if (apply(new XfrmCommand.Flush()) instanceof XfrmReply.Failed failed) {
      problems.add(failed.text());
    }
    return problems.build();
  }

  /**
   * What the kernel has made sure of before it let a packet of this flow through to this host: the
   * associations that the policy for it demands. Only policies between two hosts count, so that a
   * flow for which there is none is one of which nothing is known.
   */
  SecurityPath demanded(Flow flow) {
    return demanded(
        flow, inbound.getOrDefault(new Hosts(flow.source(), flow.destination()), Set.of()));
  }

  /** Likewise of a flow to a multicast group: the policies of its source count. */
  SecurityPath demandedOfGroup(Flow flow) {
    return demanded(flow, ofHost(flow.source()));
  }

  private Set<Policy.Id> ofHost(Ipv6Address host) {
    return inboundOfHosts.map(all -> all.get(host)).orElse(Set.of());
  }

  /**
   * The tunnel by which the packets of a home address come: by our books, which the kernel may have
   * been told to differ from a moment ago.
   *
   * @param home ours, or one that we serve
   * @param agent its home agent's address
   */
  Optional<Template> tunnelOf(Ipv6Address home, Ipv6Address agent) {
    return ofHost(home).stream()
        .filter(id -> id.selector().protocol() == IpProtocol.ANY)
        .flatMap(id -> Stream.ofNullable(policies.get(id)))
        .min(Comparator.comparingInt(Policy::priority))
        .flatMap(
            policy ->
                policy.bundle().templates().stream()
                    .filter(Template::isTunnel)
                    .filter(it -> it.source().equals(agent) || it.destination().equals(agent))
                    // A user's may be within, or around it between other ends.
                    .reduce((inner, outer) -> outer));
  }

  private SecurityPath demanded(Flow flow, Set<Policy.Id> candidates) {
    Optional<Policy> own =
        candidates.stream()
            .flatMap(id -> Stream.ofNullable(policies.get(id)))
            .filter(policy -> policy.selector().matches(flow))
            .min(Comparator.comparingInt(Policy::priority));
    if (own.isEmpty() || !isInForce(own.get())) {
      return SecurityPath.EMPTY;
    }
    Optional<Policy> before =
        foreign.stream()
            .filter(policy -> Integer.compareUnsigned(policy.priority(), own.get().priority()) <= 0)
            .filter(policy -> policy.selector().withMark(Mark.ANY).matches(flow))
            .findFirst();
    if (before.isPresent()) {
      log.warn("not believed, for somebody else's policy comes before ours: {}", before.get());
      return SecurityPath.EMPTY;
    }
    return path(own.get(), flow);
  }

  /** Asked for each message: a flush that is under way has not been told of yet. */
  private boolean isInForce(Policy policy) {
    try {
      return kernel.policy(policy.id()).equals(Optional.of(inKernel(policy)));
    } catch (SystemCallException e) {
      log.warn("{}: {}", policy.id(), e.getMessage());
      return false;
    }
  }

  /**
   * Whether a policy between two hosts has come since the last time it was asked: what was queued
   * before has not met it.
   */
  boolean hasNewInbound() {
    boolean was = inboundAdded;
    inboundAdded = false;
    return was;
  }

  /** Likewise of policies between a host and anybody, or groups. */
  boolean hasNewInboundOfHosts() {
    boolean was = inboundOfHostsAdded;
    inboundOfHostsAdded = false;
    return was;
  }

  private static SecurityPath path(Policy policy, Flow flow) {
    var steps = ImmutableList.<SecurityPath.Step>builder();
    for (Template template : policy.bundle().templates()) {
      if (!template.optional() && template.protocol().isIpsec()) {
        steps.add(
            new SecurityPath.Step(
                template.protocol(),
                template.mode(),
                template.isTunnel() ? template.source() : flow.source(),
                template.isTunnel() ? template.destination() : flow.destination(),
                template.reqId(),
                template.spi()));
      }
    }
    return new SecurityPath(steps.build());
  }
}

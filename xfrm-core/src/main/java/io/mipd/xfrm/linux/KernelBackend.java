package io.mipd.xfrm.linux;

import static com.google.common.base.Preconditions.checkArgument;
import static com.google.common.collect.ImmutableList.toImmutableList;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.netlink.KernelAssociation;
import io.mipd.xfrm.netlink.KernelPolicy;
import io.mipd.xfrm.netlink.KernelSelector;
import io.mipd.xfrm.netlink.PolicyName;
import io.mipd.xfrm.netlink.SequencePosition;
import io.mipd.xfrm.netlink.XfrmAttribute;
import io.mipd.xfrm.netlink.XfrmAttributes;
import io.mipd.xfrm.netlink.XfrmMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The kernel's own policies and states, by NETLINK_XFRM, in the network namespace in which it was
 * opened. Used from one thread.
 *
 * <p>All that it installs is of the main type and asks for a mark that no packet lacks: so it
 * stands beside a user's policy of equal selector, and is known again after a crash.
 */
public final class KernelBackend implements XfrmBackend, AutoCloseable {
  /** A bit of the packet mark that must be 0: nobody may set it. */
  public static final Mark OURS = new Mark(0, 0x8000_0000);

  /** Templates of both policy types that act on one packet; the kernel's sixth gives ENOBUFS. */
  private static final Limits LIMITS = new Limits(5);

  /** Precedes nothing: the carrier of a move matches no packet. */
  private static final int CARRIER_PRIORITY = Integer.MAX_VALUE;

  private final NetlinkSocket requests;
  private final KernelNotices notices;
  private final LastWords lastWords;
  private final Mark ours;

  private KernelBackend(
      NetlinkSocket requests, KernelNotices notices, LastWords lastWords, Mark ours) {
    this.requests = requests;
    this.notices = notices;
    this.lastWords = lastWords;
    this.ours = ours;
  }

  public static KernelBackend open() throws SystemCallException {
    return open(OURS);
  }

  /**
   * @param ours bits of the packet mark of which nobody else makes use, and their value
   */
  public static KernelBackend open(Mark ours) throws SystemCallException {
    checkArgument(!ours.isAny(), "without a mark ours cannot be told from others'");
    var requests = NetlinkSocket.forRequests(NetlinkSocket.NETLINK_XFRM, "xfrm");
    KernelNotices notices = null;
    try {
      notices = KernelNotices.open(ours, requests.port());
      return new KernelBackend(requests, notices, LastWords.open(requests.port()), ours);
    } catch (SystemCallException e) {
      if (notices != null) {
        notices.close();
      }
      requests.close();
      throw e;
    }
  }

  @Override
  public Limits limits() {
    return LIMITS;
  }

  /** For {@link Poller#add}: readable when {@link #receive} has something. */
  public int fd() {
    return notices.fd();
  }

  /** Tells what has happened since the last call. Never waits. */
  public void receive(Consumer<XfrmNotice> consumer) throws SystemCallException {
    notices.receive(consumer);
  }

  /** How often notices were lost, each time told by {@link XfrmNotice.Resync}. */
  public long overruns() {
    return notices.overruns();
  }

  @Override
  public XfrmReply apply(XfrmCommand command) {
    var refusal = refusal(command);
    if (refusal.isPresent()) {
      return refusal.get();
    }
    if (command instanceof XfrmCommand.PutRouteOptimization put) {
      return put(put.state());
    } else if (command instanceof XfrmCommand.Migrate migrate) {
      return migrate(migrate);
    } else if (command instanceof XfrmCommand.Flush) {
      return flush();
    }
    return send(request(command));
  }

  /**
   * Carries out commands in their order, many at a time. One that fails does not keep those behind
   * it from being carried out.
   *
   * @return the reply to each
   */
  public ImmutableList<XfrmReply> applyAll(List<? extends XfrmCommand> commands) {
    var replies = ImmutableList.<XfrmReply>builderWithExpectedSize(commands.size());
    List<XfrmCommand> waiting = new ArrayList<>();
    for (XfrmCommand command : commands) {
      var refusal = refusal(command);
      boolean alone =
          refusal.isPresent()
              || command instanceof XfrmCommand.Migrate
              || command instanceof XfrmCommand.Flush;
      if (alone || waiting.size() == NetlinkSocket.BATCH) {
        replies.addAll(applyTogether(waiting));
        waiting.clear();
      }
      if (alone) {
        replies.add(refusal.isPresent() ? refusal.get() : apply(command));
      } else {
        waiting.add(command);
      }
    }
    replies.addAll(applyTogether(waiting));
    return replies.build();
  }

  private List<XfrmReply> applyTogether(List<XfrmCommand> commands) {
    List<NetlinkSocket.Request> all = new ArrayList<>();
    for (XfrmCommand command : commands) {
      if (command instanceof XfrmCommand.PutRouteOptimization put) {
        // One of the two succeeds: which, is not known before.
        all.add(request(XfrmMessage.UPDSA, put.state()));
        all.add(request(XfrmMessage.NEWSA, put.state()));
      } else {
        all.add(request(command));
      }
    }
    var outcomes = requests.batch(all).iterator();
    List<XfrmReply> replies = new ArrayList<>();
    for (XfrmCommand command : commands) {
      var outcome = outcomes.next();
      if (command instanceof XfrmCommand.PutRouteOptimization put) {
        var added = outcomes.next();
        boolean absent = outcome.isPresent() && outcome.get().is("ESRCH");
        // Between the two an acquire may have made one: it becomes ours.
        replies.add(
            !absent ? reply(outcome) : added.isPresent() ? put(put.state()) : XfrmReply.DONE);
      } else {
        replies.add(reply(outcome));
      }
    }
    return replies;
  }

  /** What the kernel would refuse with less clear words, or not refuse but not do either. */
  private static Optional<XfrmReply> refusal(XfrmCommand command) {
    Policy policy;
    if (command instanceof XfrmCommand.AddPolicy add) {
      policy = add.policy();
    } else if (command instanceof XfrmCommand.UpdatePolicy update) {
      policy = update.policy();
    } else {
      return Optional.empty();
    }
    if (!policy.selector().mark().isAny()) {
      return Optional.of(
          failed(
              XfrmError.INVALID,
              policy
                  + ": with a mark of its own it could not be told from a user's, for ours are known"
                  + " by theirs"));
    }
    int templates = policy.bundle().templates().size();
    if (templates > LIMITS.maxTemplates()) {
      return Optional.of(
          failed(
              XfrmError.LIMIT,
              policy
                  + ": "
                  + templates
                  + " templates; the kernel applies at most "
                  + LIMITS.maxTemplates()
                  + " to a packet"));
    }
    for (Template template : policy.bundle().templates()) {
      if (template.protocol() == TransformProtocol.IPV6) {
        return Optional.of(
            failed(
                XfrmError.INVALID,
                policy
                    + ": a plain IPv6 tunnel cannot be a template of the kernel's, for its state"
                    + " cannot be made by netlink; a tunnel device (ip6tnl) does that"));
      }
    }
    return Optional.empty();
  }

  private NetlinkSocket.Request request(XfrmCommand command) {
    if (command instanceof XfrmCommand.AddPolicy add) {
      return request(XfrmMessage.NEWPOLICY, add.policy());
    } else if (command instanceof XfrmCommand.UpdatePolicy update) {
      return request(XfrmMessage.UPDPOLICY, update.policy());
    } else if (command instanceof XfrmCommand.DeletePolicy delete) {
      return request(
          "XFRM_MSG_DELPOLICY",
          KernelPolicy.named(XfrmMessage.DELPOLICY, delete.id(), ours),
          delete.id());
    } else if (command instanceof XfrmCommand.AddAssociation add) {
      return request(add.association(), SequencePosition.START, 0);
    } else if (command instanceof XfrmCommand.DeleteAssociation delete) {
      return request(
          "XFRM_MSG_DELSA",
          KernelAssociation.named(XfrmMessage.DELSA, delete.id(), ours),
          delete.id());
    } else if (command instanceof XfrmCommand.DeleteRouteOptimization delete) {
      return request(
          "XFRM_MSG_DELSA",
          KernelAssociation.named(XfrmMessage.DELSA, delete.id(), ours),
          delete.id());
    }
    throw new IllegalStateException("not one request: " + command);
  }

  private NetlinkSocket.Request request(int type, Policy policy) {
    var kernelPolicy = KernelPolicy.of(policy, ours);
    return request(
        type == XfrmMessage.NEWPOLICY ? "XFRM_MSG_NEWPOLICY" : "XFRM_MSG_UPDPOLICY",
        new XfrmMessage.PolicyMessage(type, kernelPolicy.info(), kernelPolicy.attributes()),
        policy);
  }

  private NetlinkSocket.Request request(
      SecurityAssociation association, SequencePosition position, int noticeEvery) {
    var state = KernelAssociation.of(association, ours, position, noticeEvery);
    return request(
        "XFRM_MSG_NEWSA",
        new XfrmMessage.AssociationMessage(XfrmMessage.NEWSA, state.info(), state.attributes()),
        association);
  }

  private NetlinkSocket.Request request(int type, RouteOptimizationState state) {
    return request(type, KernelAssociation.of(state, ours), state);
  }

  private static NetlinkSocket.Request request(int type, KernelAssociation state, Object object) {
    return request(
        type == XfrmMessage.NEWSA ? "XFRM_MSG_NEWSA" : "XFRM_MSG_UPDSA",
        new XfrmMessage.AssociationMessage(type, state.info(), state.attributes()),
        object);
  }

  private static NetlinkSocket.Request request(String name, XfrmMessage message, Object object) {
    return XfrmRequests.request(name, message, object);
  }

  private XfrmReply send(NetlinkSocket.Request request) {
    try {
      XfrmRequests.send(requests, request);
      return XfrmReply.DONE;
    } catch (SystemCallException e) {
      return failed(e);
    }
  }

  private static XfrmReply reply(Optional<SystemCallException> outcome) {
    return outcome.isPresent() ? failed(outcome.get()) : XfrmReply.DONE;
  }

  private static XfrmReply failed(XfrmError error, String text) {
    return new XfrmReply.Failed(error, text);
  }

  private static XfrmReply failed(SystemCallException e) {
    return failed(XfrmRequests.error(e), String.valueOf(e.getMessage()));
  }

  /**
   * Changes the state in place, so that no packet finds none. One that an acquire has made is in
   * the way of a new one and not of a change.
   */
  private XfrmReply put(RouteOptimizationState state) {
    XfrmReply updated = send(request(XfrmMessage.UPDSA, state));
    if (!isFailure(updated, XfrmError.NOT_FOUND)) {
      return updated;
    }
    XfrmReply added = send(request(XfrmMessage.NEWSA, state));
    return isFailure(added, XfrmError.EXISTS) ? send(request(XfrmMessage.UPDSA, state)) : added;
  }

  private static boolean isFailure(XfrmReply reply, XfrmError error) {
    return reply instanceof XfrmReply.Failed failed && failed.error() == error;
  }

  private XfrmReply migrate(XfrmCommand.Migrate migrate) {
    XfrmReply reply = migrate(migrate.policy(), migrate.moves());
    if (!isFailure(reply, XfrmError.NOT_FOUND)) {
      return reply;
    }
    // The kernel looks for a policy by its selector alone: where a user's has the same, it may
    // have found that one.
    try {
      var policy = policy(migrate.policy());
      Bundle moved = policy.isEmpty() ? Bundle.EMPTY : movedBy(migrate, policy.get().bundle());
      return policy.isEmpty() || moved.equals(policy.get().bundle())
          ? reply
          : migrateByCarrier(migrate.moves(), policy.get(), moved);
    } catch (SystemCallException e) {
      return failed(e);
    }
  }

  private XfrmReply migrate(Policy.Id policy, ImmutableList<XfrmCommand.Move> moves) {
    var migrations =
        moves.stream()
            .map(
                move ->
                    new XfrmAttribute.Migration(
                        move.oldDestination(),
                        move.oldSource(),
                        move.newDestination(),
                        move.newSource(),
                        move.protocol().number(),
                        move.mode().number(),
                        move.reqId(),
                        KernelSelector.AF_INET6,
                        KernelSelector.AF_INET6))
            .collect(toImmutableList());
    var attributes = ImmutableList.<XfrmAttribute>builder();
    attributes.add(new XfrmAttribute.Migrations(migrations));
    if (policy.selector().interfaceId() != 0) {
      attributes.add(
          new XfrmAttribute.NumberValue(XfrmAttribute.IF_ID, policy.selector().interfaceId()));
    }
    var message =
        new XfrmMessage.Migrate(
            new PolicyName(KernelSelector.of(policy.selector()), 0, policy.direction().number()),
            new XfrmAttributes(attributes.build()));
    XfrmReply reply = send(request("XFRM_MSG_MIGRATE", message, policy + " " + moves));
    if (reply instanceof XfrmReply.Done) {
      notices.expect(message);
    }
    return reply;
  }

  private static Bundle movedBy(XfrmCommand.Migrate migrate, Bundle bundle) {
    var templates = ImmutableList.<Template>builder();
    for (Template template : bundle.templates()) {
      Template moved = template;
      for (XfrmCommand.Move move : migrate.moves()) {
        if (isOf(move, template)) {
          moved = template.withAddresses(move.newSource(), move.newDestination());
        }
      }
      templates.add(moved);
    }
    return new Bundle(templates.build());
  }

  /** As the kernel compares them. */
  private static boolean isOf(XfrmCommand.Move move, Template template) {
    return template.isTunnel()
        && template.mode() == move.mode()
        && template.protocol() == move.protocol()
        && (move.reqId().isAny() || move.reqId().equals(template.reqId()))
        && template.source().equals(move.oldSource())
        && template.destination().equals(move.oldDestination());
  }

  /** Moves the states along with a policy that nobody else has, and puts ours in its new form. */
  private XfrmReply migrateByCarrier(
      ImmutableList<XfrmCommand.Move> moves, Policy policy, Bundle moved) {
    var host = moves.get(0).oldSource();
    Policy carrier =
        Policy.allow(
            Selector.between(host, host).withProtocol(IpProtocol.NO_NEXT_HEADER),
            Direction.OUT,
            CARRIER_PRIORITY,
            new Bundle(
                policy.bundle().templates().stream()
                    .filter(template -> moves.stream().anyMatch(move -> isOf(move, template)))
                    .collect(toImmutableList())));
    XfrmReply reply = send(request(XfrmMessage.UPDPOLICY, carrier));
    if (reply instanceof XfrmReply.Failed) {
      return reply;
    }
    XfrmReply migrated = migrate(carrier.id(), moves);
    send(request(new XfrmCommand.DeletePolicy(carrier.id())));
    if (migrated instanceof XfrmReply.Failed) {
      return migrated;
    }
    return send(
        request(
            XfrmMessage.UPDPOLICY,
            Policy.allow(policy.selector(), policy.direction(), policy.priority(), moved)));
  }

  /** Removes what is ours and leaves what is others'. */
  private XfrmReply flush() {
    try {
      var deletions = ImmutableList.<XfrmCommand>builder();
      for (Policy policy : policies()) {
        deletions.add(new XfrmCommand.DeletePolicy(policy.id()));
      }
      for (KernelAssociation association : ownAssociations()) {
        if (association.id().isPresent()) {
          deletions.add(new XfrmCommand.DeleteAssociation(association.id().get()));
        } else if (association.routeOptimizationId().isPresent()) {
          deletions.add(
              new XfrmCommand.DeleteRouteOptimization(association.routeOptimizationId().get()));
        }
      }
      for (XfrmReply reply : applyAll(deletions.build())) {
        // One that has gone meanwhile is as it should be.
        if (reply instanceof XfrmReply.Failed failed && failed.error() != XfrmError.NOT_FOUND) {
          return reply;
        }
      }
      return XfrmReply.DONE;
    } catch (SystemCallException e) {
      return failed(e);
    }
  }

  /**
   * As {@link XfrmCommand.AddAssociation}, with numbers that go on behind {@code position}.
   *
   * @param noticeEvery packets after which {@link XfrmNotice.SequencesMoved} is told; 0 for never
   */
  public XfrmReply install(
      SecurityAssociation association, SequencePosition position, int noticeEvery) {
    try {
      if (noticeEvery > 0) {
        notices.hearSequences();
      }
      return send(request(association, position, noticeEvery));
    } catch (SystemCallException e) {
      return failed(e);
    }
  }

  /** Tells {@link XfrmNotice.SequencesMoved} from now on. */
  void hearSequences() throws SystemCallException {
    notices.hearSequences();
  }

  /**
   * As {@link XfrmCommand.DeleteAssociation}.
   *
   * @return where its sequence numbers stood when it went; empty if there was none
   */
  public Optional<SequencePosition> remove(AssociationId id) throws SystemCallException {
    return lastWords.of(
        id, () -> XfrmRequests.send(requests, request(new XfrmCommand.DeleteAssociation(id))));
  }

  /**
   * Lets packets with a Home Address option or a routing header for which there is no state come as
   * far as the policies. Nothing changes if they do already.
   */
  public XfrmReply putWildcard(TransformProtocol protocol) {
    var wildcard = KernelAssociation.wildcard(protocol, ours);
    XfrmReply reply =
        send(request(XfrmMessage.NEWSA, wildcard, KernelAssociation.wildcardId(protocol)));
    return isFailure(reply, XfrmError.EXISTS) ? XfrmReply.DONE : reply;
  }

  /** Fails with {@link XfrmError#NOT_FOUND} if there is none. */
  public XfrmReply deleteWildcard(TransformProtocol protocol) {
    return send(
        request(new XfrmCommand.DeleteRouteOptimization(KernelAssociation.wildcardId(protocol))));
  }

  /** What is ours, as it is installed ({@link KernelPolicy#asInstalled}); in no order. */
  public ImmutableList<Policy> policies() throws SystemCallException {
    return allPolicies().stream()
        .filter(this::isOurs)
        .flatMap(policy -> policy.policy(ours).stream())
        .collect(toImmutableList());
  }

  /** Others' policies, of both types, those of sockets and of IPv4 among them; in no order. */
  public ImmutableList<KernelPolicy> foreignPolicies() throws SystemCallException {
    return allPolicies().stream().filter(policy -> !isOurs(policy)).collect(toImmutableList());
  }

  /** The very mark: a user's of any value may cover our bit as well. */
  private boolean isOurs(KernelPolicy policy) {
    return policy.isMain() && policy.mark().equals(ours) && policy.policy(ours).isPresent();
  }

  private ImmutableList<KernelPolicy> allPolicies() throws SystemCallException {
    return XfrmRequests.policies(requests);
  }

  /** The policy of ours with this identity, as it is installed; empty if it is not there. */
  public Optional<Policy> policy(Policy.Id id) throws SystemCallException {
    return XfrmRequests.policy(requests, KernelPolicy.named(XfrmMessage.GETPOLICY, id, ours), id)
        .flatMap(policy -> policy.policy(ours));
  }

  /** All states, others' too, with their counters and sequence numbers. */
  public ImmutableList<KernelAssociation> associations() throws SystemCallException {
    return XfrmRequests.associations(requests, XfrmAttributes.NONE);
  }

  /** The states that we made, and those that an acquire made for our policies. */
  public ImmutableList<KernelAssociation> ownAssociations() throws SystemCallException {
    return associations().stream()
        .filter(association -> association.mark().equals(ours))
        .collect(toImmutableList());
  }

  /** Empty if there is no such association. */
  public Optional<SequencePosition> sequenceOf(AssociationId id) throws SystemCallException {
    return XfrmRequests.association(
            requests, KernelAssociation.named(XfrmMessage.GETSA, id, ours), id)
        .map(KernelAssociation::position);
  }

  /** The bits of the mark by which ours are known. */
  public Mark ours() {
    return ours;
  }

  /** What it has installed stays. */
  @Override
  public void close() {
    lastWords.close();
    notices.close();
    requests.close();
  }
}

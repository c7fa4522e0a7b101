package io.mipd.xfrm.linux;

import static com.google.common.base.Preconditions.checkArgument;
import static com.google.common.collect.ImmutableList.toImmutableList;
import static com.google.common.collect.ImmutableSet.toImmutableSet;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Lists;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
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
import io.mipd.xfrm.pfkey.PfKeyAssociation;
import io.mipd.xfrm.pfkey.PfKeyExtension;
import io.mipd.xfrm.pfkey.PfKeyPolicy;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/**
 * The kernel's own policies and states, by NETLINK_XFRM, in the network namespace in which it was
 * opened. Used from one thread.
 *
 * <p>All that it installs is of the main type and asks for a mark that no packet lacks: so it
 * stands beside a user's policy of equal selector, and is known again after a crash.
 *
 * <p>By {@link KernelInterface#PF_KEY} policies whose selector can be named there bear no mark, and
 * {@link UnmarkedPolicies} knows them. Each keeps its kind as long as it is there: what PF_KEY
 * cannot say of one, such as Mobile IPv6's headers, is told by netlink and still without the mark;
 * and one that somebody else's of equal selector is in the way of, or has replaced, has the mark.
 *
 * <p>Likewise associations that can be said by PF_KEY bear no mark, and {@link
 * UnmarkedAssociations} knows them; the others, and the states of Mobile IPv6, have the mark. What
 * an association is to begin with, its sequence numbers, is told by netlink when it is there.
 */
public final class KernelBackend implements XfrmBackend, AutoCloseable {
  /** A bit of the packet mark that must be 0: nobody may set it. */
  public static final Mark OURS = new Mark(0, 0x8000_0000);

  /** Templates of both policy types that act on one packet; the kernel's sixth gives ENOBUFS. */
  public static final Limits LIMITS =
      new Limits(
          5,
          /* ahTunnelsUnderOptions= */ false,
          KernelPolicy.reservedMarks(OURS),
          KernelRelease.running().seesPortsBehindOptions());

  /**
   * Of the kernel's clock, after which it tells numbers that have moved: a quarter of a second to
   * two and a half, by how fast that runs.
   */
  private static final int NOTICE_TICKS = 250;

  /** How many policies with marks of their own may be made. */
  private static final int NUMBERS = 1 << 26;

  /** Of those that are reserved (RFC 4303 section 2.1), so that nobody uses it. */
  private static final Spi ANSWERING = new Spi(0x80);

  // Octets of the answering association's keys.
  private static final int AES_KEY = 16;
  private static final int HMAC_KEY = 32;

  private final NetlinkSocket requests;
  private final KernelNotices notices;
  private final LastWords lastWords;
  private final Mark ours;
  private final Ownership ownership;
  private final Optional<PfKeyBackend> pfKey;
  private long pfKeyRequests;

  /** Of policies that have a mark of their own; begins somewhere, for others may be left. */
  private int nextNumber = ThreadLocalRandom.current().nextInt(NUMBERS);

  private KernelBackend(
      NetlinkSocket requests,
      KernelNotices notices,
      LastWords lastWords,
      Ownership ownership,
      Optional<PfKeyBackend> pfKey) {
    this.requests = requests;
    this.notices = notices;
    this.lastWords = lastWords;
    this.ownership = ownership;
    this.pfKey = pfKey;
    ours = ownership.mark();
  }

  public static KernelBackend open() throws SystemCallException {
    return open(OURS);
  }

  /**
   * @param ours bits of the packet mark of which nobody else makes use, and their value
   */
  public static KernelBackend open(Mark ours) throws SystemCallException {
    checkArgument(!ours.isAny(), "without a mark ours cannot be told from others'");
    return open(
        new Ownership(ours, UnmarkedPolicies.NONE, UnmarkedAssociations.NONE),
        KernelInterface.NETLINK);
  }

  /**
   * @param unmarked also those of a predecessor that may have used the other interface
   * @param associations likewise
   * @throws SystemCallException with EAFNOSUPPORT if PF_KEY is asked for and the kernel has none
   */
  public static KernelBackend open(
      KernelInterface by, UnmarkedPolicies unmarked, UnmarkedAssociations associations)
      throws SystemCallException {
    KernelBackend kernel = open(new Ownership(OURS, unmarked, associations), by);
    try {
      unmarked.adopt(
          kernel.allPolicies().stream()
              .filter(Ownership::isUnmarked)
              .flatMap(one -> one.policy().stream())
              .toList());
      for (AssociationId id : associations.all()) {
        if (kernel.sequenceOf(id).isEmpty()) {
          associations.gone(id);
        }
      }
      return kernel;
    } catch (SystemCallException e) {
      kernel.close();
      throw e;
    }
  }

  private static KernelBackend open(Ownership ownership, KernelInterface by)
      throws SystemCallException {
    var requests = NetlinkSocket.forRequests(NetlinkSocket.NETLINK_XFRM, "xfrm");
    KernelNotices notices = null;
    LastWords lastWords = null;
    try {
      notices = KernelNotices.open(ownership, requests.port());
      lastWords = LastWords.open(requests.port());
      return new KernelBackend(
          requests,
          notices,
          lastWords,
          ownership,
          // Asked for with the same number, its changes are kept from our notices like netlink's.
          by == KernelInterface.PF_KEY
              ? Optional.of(PfKeyBackend.open(requests.port()))
              : Optional.empty());
    } catch (SystemCallException e) {
      if (lastWords != null) {
        lastWords.close();
      }
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
    } else if (command instanceof XfrmCommand.AddAssociation add
        && isToldByPfKey(add.association())) {
      return install(new Continued(add.association(), SequencePosition.START, 0));
    } else if (command instanceof XfrmCommand.DeleteAssociation delete) {
      return delete(delete.id());
    } else if (command instanceof XfrmCommand.AddPolicy add) {
      return put(XfrmMessage.NEWPOLICY, add.policy());
    } else if (command instanceof XfrmCommand.UpdatePolicy update) {
      return put(XfrmMessage.UPDPOLICY, update.policy());
    } else if (command instanceof XfrmCommand.DeletePolicy delete) {
      return delete(delete.id());
    } else if (command instanceof XfrmCommand.Migrate migrate) {
      return migrate(migrate);
    } else if (command instanceof XfrmCommand.TellKeyManager tell) {
      return tell(tell);
    } else if (command instanceof XfrmCommand.Flush) {
      return flush();
    }
    return send(request(command));
  }

  @Override
  public ImmutableList<XfrmReply> applyAll(List<? extends XfrmCommand> commands) {
    var replies = ImmutableList.<XfrmReply>builderWithExpectedSize(commands.size());
    List<XfrmCommand> waiting = new ArrayList<>();
    for (XfrmCommand command : commands) {
      var refusal = refusal(command);
      boolean alone =
          refusal.isPresent()
              || isOrMayBeUnmarked(command)
              || command instanceof XfrmCommand.Migrate
              || command instanceof XfrmCommand.TellKeyManager
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

  private boolean isOrMayBeUnmarked(XfrmCommand command) {
    if (command instanceof XfrmCommand.AddPolicy add) {
      return pfKey.isPresent() || ownership.unmarked().contains(add.policy().id());
    } else if (command instanceof XfrmCommand.UpdatePolicy update) {
      return pfKey.isPresent() || ownership.unmarked().contains(update.policy().id());
    } else if (command instanceof XfrmCommand.AddAssociation add) {
      return isToldByPfKey(add.association());
    } else if (command instanceof XfrmCommand.DeleteAssociation delete) {
      return ownership.associations().contains(delete.id());
    }
    return command instanceof XfrmCommand.DeletePolicy delete
        && ownership.unmarked().contains(delete.id());
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
  private Optional<XfrmReply> refusal(XfrmCommand command) {
    Policy policy;
    if (command instanceof XfrmCommand.AddPolicy add) {
      policy = add.policy();
    } else if (command instanceof XfrmCommand.UpdatePolicy update) {
      policy = update.policy();
    } else {
      return Optional.empty();
    }
    if (!canBear(policy.selector())) {
      return Optional.of(
          failed(
              XfrmError.INVALID,
              policy
                  + ": with this mark it could not be told from a user's, for ours are known by the"
                  + " two highest bits"));
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
    if (KernelPolicy.isInexpressible(policy.bundle(), policy.direction())) {
      return Optional.of(
          failed(
              XfrmError.INVALID,
              policy
                  + ": an AH tunnel whose outer header bears a Home Address option or routing"
                  + " header cannot be a list of the kernel's, which would leave it out of what AH"
                  + " covers"));
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
      return request(XfrmMessage.NEWPOLICY, add.policy(), ours);
    } else if (command instanceof XfrmCommand.UpdatePolicy update) {
      return request(XfrmMessage.UPDPOLICY, update.policy(), ours);
    } else if (command instanceof XfrmCommand.DeletePolicy delete) {
      return deletion(delete.id());
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

  private NetlinkSocket.Request deletion(Policy.Id id) {
    return request(
        "XFRM_MSG_DELPOLICY",
        KernelPolicy.named(XfrmMessage.DELPOLICY, id, ownership.markOf(id)),
        id);
  }

  private NetlinkSocket.Request request(int type, Policy policy, Mark mark) {
    var kernelPolicy = KernelPolicy.of(policy, mark);
    if (!policy.selector().mark().isAny()) {
      kernelPolicy = kernelPolicy.numbered(nextNumber++ % NUMBERS);
    }
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
   * @param type {@link XfrmMessage#NEWPOLICY}, or {@link XfrmMessage#UPDPOLICY} also where there is
   *     none
   */
  private XfrmReply put(int type, Policy policy) {
    UnmarkedPolicies unmarked = ownership.unmarked();
    boolean known;
    try {
      cedeToOthers(policy.id());
      known = unmarked.contains(policy.id());
      if (!known && !canBeUnmarked(policy.id())) {
        return send(request(type, policy, ours));
      }
      unmarked.coming(policy);
    } catch (SystemCallException e) {
      return failed(e);
    } catch (IOException e) {
      return failed(XfrmError.OTHER, policy + ": it cannot be remembered: " + e.getMessage());
    }
    // Somebody else's of its identity that has come meanwhile is not replaced.
    XfrmReply reply = putUnmarked(known ? type : XfrmMessage.NEWPOLICY, policy);
    if (reply instanceof XfrmReply.Done) {
      unmarked.put(policy);
    } else if (!known && isFailure(reply, XfrmError.EXISTS)) {
      unmarked.gone(policy.id());
      return send(request(type, policy, ours));
    } else if (!known) {
      forgetUnlessThere(policy.id());
    }
    return reply;
  }

  private void cedeToOthers(Policy.Id id) throws SystemCallException {
    if (ownership.unmarked().contains(id)) {
      ownership.cede(id, kernelPolicy(id, Mark.ANY));
    }
  }

  private void forgetUnlessThere(Policy.Id id) {
    try {
      ownership.failed(id, kernelPolicy(id, Mark.ANY));
    } catch (SystemCallException e) {
      // It may be there: it stays ours, and is put again or taken away as such.
    }
  }

  /** Whether PF_KEY is to be used, can name it, and neither ours nor anybody else's is there. */
  private boolean canBeUnmarked(Policy.Id id) throws SystemCallException {
    return pfKey.isPresent()
        && PfKeyPolicy.inexpressible(id.selector()).isEmpty()
        && kernelPolicy(id, ours).isEmpty()
        && kernelPolicy(id, Mark.ANY).isEmpty();
  }

  private XfrmReply putUnmarked(int type, Policy policy) {
    if (pfKey.isEmpty() || PfKeyPolicy.inexpressible(policy).isPresent()) {
      return send(request(type, policy, Mark.ANY));
    }
    return byPfKey(
        type == XfrmMessage.NEWPOLICY
            ? new XfrmCommand.AddPolicy(policy)
            : new XfrmCommand.UpdatePolicy(policy));
  }

  private XfrmReply delete(Policy.Id id) {
    boolean unmarked;
    XfrmReply reply;
    try {
      cedeToOthers(id);
      unmarked = ownership.unmarked().contains(id);
      if (unmarked && pfKey.isPresent() && isAnswered(id)) {
        reply = byPfKey(new XfrmCommand.DeletePolicy(id));
      } else {
        reply = send(deletion(id));
      }
    } catch (SystemCallException e) {
      return failed(e);
    }
    if (unmarked && (reply instanceof XfrmReply.Done || isFailure(reply, XfrmError.NOT_FOUND))) {
      ownership.unmarked().gone(id);
    }
    return reply;
  }

  private boolean isToldByPfKey(SecurityAssociation association) {
    return pfKey.isPresent() && PfKeyAssociation.inexpressible(association).isEmpty();
  }

  /**
   * What the kernel is told of an association: if PF_KEY can say all but its selector, it has none,
   * and only the policies that demand its request id say what it is for. By netlink its anti-replay
   * window may be larger ({@link KernelAssociation#asKept}).
   */
  public SecurityAssociation asTold(SecurityAssociation association) {
    SecurityAssociation kept = KernelAssociation.asKept(association);
    Selector selector = association.selector();
    if (!selector.mark().isAny() || selector.interfaceId() != 0) {
      return kept;
    }
    SecurityAssociation bare = kept.toBuilder().selector(Selector.ANY).build();
    return isToldByPfKey(bare) ? bare : kept;
  }

  /**
   * By PF_KEY; its numbers by netlink, as soon as it is there. It is in the journal already.
   *
   * @param isNew whether it was not there before
   */
  private XfrmReply add(Continued one, boolean isNew) {
    AssociationId id = one.association().id();
    XfrmReply reply = byPfKey(new XfrmCommand.AddAssociation(one.association()));
    if (reply instanceof XfrmReply.Failed failed) {
      if (isNew && failed.error() == XfrmError.EXISTS) {
        ownership.associations().gone(id);
        return failed(
            XfrmError.EXISTS,
            failed.text()
                + ": in its place is somebody else's, or one left by a mipd whose journal is gone"
                + " (ip xfrm state delete)");
      } else if (isNew) {
        // It may be there without an answer, and would begin anew.
        delete(id);
      }
      return reply;
    }
    boolean begins = one.noticeEvery() > 0 || !one.position().equals(SequencePosition.START);
    XfrmReply begun =
        begins
            ? send(event(one.association(), Optional.of(one.position()), one.noticeEvery()))
            : XfrmReply.DONE;
    if (begun instanceof XfrmReply.Failed) {
      // Better none than one that begins anew.
      delete(id);
    }
    return begun;
  }

  private XfrmReply byPfKey(XfrmCommand command) {
    pfKeyRequests++;
    return pfKey.orElseThrow().apply(command);
  }

  /**
   * @param position where its numbers are to go on, if not where they are
   */
  private static NetlinkSocket.Request event(
      SecurityAssociation association, Optional<SequencePosition> position, int noticeEvery) {
    var attributes = ImmutableList.<XfrmAttribute>builder();
    position.ifPresent(it -> attributes.add(KernelAssociation.replay(it)));
    if (noticeEvery > 0) {
      attributes.add(new XfrmAttribute.NumberValue(XfrmAttribute.REPLAY_THRESH, noticeEvery));
      attributes.add(new XfrmAttribute.NumberValue(XfrmAttribute.ETIMER_THRESH, NOTICE_TICKS));
    }
    return XfrmRequests.replacement(
        "XFRM_MSG_NEWAE",
        new XfrmMessage.AsyncEvent(
            XfrmMessage.NEWAE,
            KernelAssociation.name(association.id()),
            association.source(),
            0,
            association.reqId(),
            new XfrmAttributes(attributes.build())),
        association.id());
  }

  private XfrmReply delete(AssociationId id) {
    UnmarkedAssociations unmarked = ownership.associations();
    var deletion = new XfrmCommand.DeleteAssociation(id);
    if (!unmarked.contains(id)) {
      return send(request(deletion));
    }
    XfrmReply reply = pfKey.isPresent() ? byPfKey(deletion) : send(request(deletion));
    if (reply instanceof XfrmReply.Done || isFailure(reply, XfrmError.NOT_FOUND)) {
      unmarked.gone(id);
    }
    return reply;
  }

  /**
   * Whether PF_KEY answers a deletion. Of a policy that it cannot tell, with Mobile IPv6's headers,
   * it takes the deletion and says nothing.
   */
  private boolean isAnswered(Policy.Id id) throws SystemCallException {
    return kernelPolicy(id, Mark.ANY)
        .flatMap(KernelPolicy::policy)
        .filter(there -> PfKeyPolicy.inexpressible(there).isEmpty())
        .isPresent();
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
    XfrmReply reply = migrate(migrate.policy(), migrate.moves(), Optional.empty());
    if (!isFailure(reply, XfrmError.NOT_FOUND)) {
      return reply;
    }
    migrate.moves().forEach(this::forgetAcquire);
    reply = migrate(migrate.policy(), migrate.moves(), Optional.empty());
    if (!isFailure(reply, XfrmError.NOT_FOUND)) {
      return reply;
    }
    // The kernel looks for a policy by its selector alone: where a user's has the same, it may
    // have found that one.
    try {
      var policy = policy(migrate.policy());
      return policy.isEmpty() || migrate.moved(policy.get().bundle()).equals(policy.get().bundle())
          ? reply
          : migrateByCarrier(migrate, policy.get());
    } catch (SystemCallException e) {
      return failed(e);
    }
  }

  /**
   * What an acquire has made has no keys, and where it has the addresses and the reqid of a move
   * the kernel picks it, and fails. It cannot be deleted, for it has no SPI; but it goes when an
   * association comes that would answer it.
   */
  private void forgetAcquire(XfrmCommand.Move move) {
    SecurityAssociation answer =
        SecurityAssociation.builder(
                new AssociationId(move.oldDestination(), move.protocol(), ANSWERING),
                move.oldSource(),
                move.mode())
            .reqId(move.reqId())
            .encryption(EncryptionAlgorithm.AES_CBC, randomKey(AES_KEY))
            .integrity(IntegrityAlgorithm.HMAC_SHA2_256_128, randomKey(HMAC_KEY))
            .build();
    if (apply(new XfrmCommand.AddAssociation(answer)) instanceof XfrmReply.Done) {
      apply(new XfrmCommand.DeleteAssociation(answer.id()));
    }
  }

  /** Nobody has it: what meets the association in its short life is lost, and not readable. */
  private static KeyMaterial randomKey(int octets) {
    var key = new byte[octets];
    new SecureRandom().nextBytes(key);
    return KeyMaterial.copyOf(key);
  }

  private XfrmReply tell(XfrmCommand.TellKeyManager tell) {
    KeyManagerMove moved = KeyManagerMove.of(tell);
    Policy carrier = moved.carrier();
    XfrmReply reply = put(XfrmMessage.UPDPOLICY, carrier);
    if (reply instanceof XfrmReply.Failed) {
      return reply;
    }
    XfrmReply told =
        migrate(
            carrier.id(),
            ImmutableList.of(moved.move()),
            Optional.of(
                new XfrmAttribute.KeyManagerAddress(
                    tell.local(), tell.remote(), KernelSelector.AF_INET6)));
    delete(carrier.id());
    return told;
  }

  private XfrmReply migrate(
      Policy.Id policy,
      ImmutableList<XfrmCommand.Move> moves,
      Optional<XfrmAttribute.KeyManagerAddress> keyManager) {
    ImmutableMap<AssociationId, AssociationId> moving = movingUnmarked(moves);
    try {
      if (!moving.isEmpty()) {
        ownership.associations().coming(moving.values().asList());
      }
    } catch (IOException e) {
      return failed(XfrmError.OTHER, policy + ": it cannot be remembered: " + e.getMessage());
    }
    XfrmReply reply = migrateTogether(policy, moves, keyManager);
    moving.forEach(this::settle);
    return reply;
  }

  /** From where to where associations may move that bear no mark. */
  private ImmutableMap<AssociationId, AssociationId> movingUnmarked(
      ImmutableList<XfrmCommand.Move> moves) {
    UnmarkedAssociations unmarked = ownership.associations();
    var moving = ImmutableMap.<AssociationId, AssociationId>builder();
    for (XfrmCommand.Move move : moves) {
      if (move.oldDestination().equals(move.newDestination())) {
        continue;
      }
      for (AssociationId id : unmarked.to(move.oldDestination())) {
        var there = new AssociationId(move.newDestination(), id.protocol(), id.spi());
        if (id.protocol() == move.protocol() && !unmarked.contains(there)) {
          moving.put(id, there);
        }
      }
    }
    return moving.buildKeepingLast();
  }

  private void settle(AssociationId before, AssociationId after) {
    try {
      ownership.associations().gone(sequenceOf(after).isPresent() ? before : after);
    } catch (SystemCallException e) {
      // Both stay ours: what is not there does no harm.
    }
  }

  private XfrmReply migrateTogether(
      Policy.Id policy,
      ImmutableList<XfrmCommand.Move> moves,
      Optional<XfrmAttribute.KeyManagerAddress> keyManager) {
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
    keyManager.ifPresent(attributes::add);
    if (policy.selector().interfaceId() != 0) {
      attributes.add(
          new XfrmAttribute.NumberValue(XfrmAttribute.IF_ID, policy.selector().interfaceId()));
    }
    var message =
        new XfrmMessage.Migrate(
            new PolicyName(KernelSelector.of(policy.selector()), 0, policy.direction().number()),
            new XfrmAttributes(attributes.build()));
    XfrmReply reply;
    if (pfKey.isPresent() && ownership.unmarked().contains(policy)) {
      pfKeyRequests++;
      reply =
          pfKey
              .get()
              .move(
                  policy,
                  moves,
                  keyManager.map(it -> new PfKeyExtension.AddressPair(it.local(), it.remote())));
    } else {
      reply = send(request("XFRM_MSG_MIGRATE", message, policy + " " + moves));
    }
    if (reply instanceof XfrmReply.Done) {
      notices.expect(message);
    }
    return reply;
  }

  /** Moves the states along with a policy that nobody else has, and puts ours in its new form. */
  private XfrmReply migrateByCarrier(XfrmCommand.Migrate migrate, Policy policy) {
    var host = migrate.moves().get(0).oldSource();
    Policy carrier =
        Policy.allow(
            Selector.between(host, host).withProtocol(IpProtocol.NO_NEXT_HEADER),
            Direction.OUT,
            KeyManagerMove.CARRIER_PRIORITY,
            new Bundle(
                policy.bundle().templates().stream()
                    .filter(template -> migrate.moves().stream().anyMatch(it -> it.isOf(template)))
                    .collect(toImmutableList())));
    XfrmReply reply = put(XfrmMessage.UPDPOLICY, carrier);
    if (reply instanceof XfrmReply.Failed) {
      return reply;
    }
    XfrmReply migrated = migrate(carrier.id(), migrate.moves(), Optional.empty());
    delete(carrier.id());
    if (migrated instanceof XfrmReply.Failed) {
      return migrated;
    }
    return put(
        XfrmMessage.UPDPOLICY,
        Policy.allow(
            policy.selector(),
            policy.direction(),
            policy.priority(),
            migrate.moved(policy.bundle())));
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

  /** Whether a policy of ours can have this selector and still be told from others'. */
  public boolean canBear(Selector selector) {
    return KernelPolicy.canBear(selector.mark(), ours);
  }

  /**
   * Changes somebody else's policies in place, in this order. One that has gone meanwhile is back.
   *
   * @return the reply to each
   */
  public ImmutableList<XfrmReply> changeOthers(List<KernelPolicy> policies) {
    List<NetlinkSocket.Request> all = new ArrayList<>();
    for (KernelPolicy policy : policies) {
      checkArgument(!isOurs(policy), "not somebody else's: %s", policy);
      all.add(
          request(
              "XFRM_MSG_UPDPOLICY",
              new XfrmMessage.PolicyMessage(
                  XfrmMessage.UPDPOLICY, policy.info(), policy.attributes()),
              policy));
    }
    var replies = ImmutableList.<XfrmReply>builder();
    for (List<NetlinkSocket.Request> some : Lists.partition(all, NetlinkSocket.BATCH)) {
      requests.batch(some).forEach(outcome -> replies.add(reply(outcome)));
    }
    return replies.build();
  }

  /**
   * An association whose numbers go on behind {@code position}.
   *
   * @param noticeEvery packets after which {@link XfrmNotice.SequencesMoved} is told; 0 for never
   */
  public record Continued(
      SecurityAssociation association, SequencePosition position, int noticeEvery) {}

  private XfrmReply install(Continued one) {
    return install(ImmutableList.of(one)).get(0);
  }

  /** As {@link XfrmCommand.AddAssociation} for each, many at a time. */
  public ImmutableList<XfrmReply> install(List<Continued> all) {
    UnmarkedAssociations unmarked = ownership.associations();
    ImmutableSet<AssociationId> coming =
        all.stream()
            .map(Continued::association)
            .filter(this::isToldByPfKey)
            .map(SecurityAssociation::id)
            .filter(id -> !unmarked.contains(id))
            .collect(toImmutableSet());
    try {
      if (all.stream().anyMatch(one -> one.noticeEvery() > 0)) {
        notices.hearSequences();
      }
      if (!coming.isEmpty()) {
        unmarked.coming(coming.asList());
      }
      var byNetlink =
          requests
              .batch(
                  all.stream()
                      .filter(one -> !isToldByPfKey(one.association()))
                      .map(one -> request(one.association(), one.position(), one.noticeEvery()))
                      .toList())
              .iterator();
      return all.stream()
          .map(
              one ->
                  isToldByPfKey(one.association())
                      ? add(one, coming.contains(one.association().id()))
                      : reply(byNetlink.next()))
          .collect(toImmutableList());
    } catch (SystemCallException e) {
      return ImmutableList.copyOf(Collections.nCopies(all.size(), failed(e)));
    } catch (IOException e) {
      XfrmReply reply =
          failed(XfrmError.OTHER, "associations cannot be remembered: " + e.getMessage());
      return ImmutableList.copyOf(Collections.nCopies(all.size(), reply));
    }
  }

  /**
   * Tells {@link XfrmNotice.SequencesMoved} of an association that is there, whoever has put it.
   *
   * @param noticeEvery packets
   */
  XfrmReply hear(SecurityAssociation association, int noticeEvery) throws SystemCallException {
    notices.hearSequences();
    return ownership.associations().contains(association.id())
        ? send(event(association, Optional.empty(), noticeEvery))
        : XfrmReply.DONE;
  }

  /**
   * What became of an association that was to be deleted.
   *
   * @param last where its sequence numbers stood when it went; empty if it did not, or that was not
   *     told
   */
  public record Removal(XfrmReply reply, Optional<SequencePosition> last) {}

  public Removal remove(AssociationId id) {
    return remove(ImmutableList.of(id)).get(0);
  }

  /** As {@link XfrmCommand.DeleteAssociation} for each, many at a time. */
  public ImmutableList<Removal> remove(List<AssociationId> ids) {
    var removals = ImmutableList.<Removal>builderWithExpectedSize(ids.size());
    // What a batch tells must find room in the queue of the socket that listens.
    for (List<AssociationId> some : Lists.partition(ids, NetlinkSocket.BATCH)) {
      removals.addAll(removeTogether(some));
    }
    return removals.build();
  }

  private List<Removal> removeTogether(List<AssociationId> ids) {
    List<Removal> removals = new ArrayList<>();
    try {
      List<XfrmReply> replies = new ArrayList<>();
      Map<AssociationId, SequencePosition> last =
          lastWords.during(
              () ->
                  replies.addAll(
                      applyAll(Lists.transform(ids, XfrmCommand.DeleteAssociation::new))));
      for (int i = 0; i < ids.size(); i++) {
        var position = Optional.ofNullable(last.get(ids.get(i)));
        removals.add(
            new Removal(
                replies.get(i) instanceof XfrmReply.Done && position.isEmpty()
                    ? failed(
                        XfrmError.NO_MEMORY,
                        ids.get(i) + ": deleted, but its last sequence numbers were not told")
                    : replies.get(i),
                position));
      }
    } catch (SystemCallException e) {
      ids.forEach(id -> removals.add(new Removal(failed(e), Optional.empty())));
    }
    return removals;
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

  private boolean isOurs(KernelPolicy policy) {
    return ownership.isOurs(policy) && policy.policy(ours).isPresent();
  }

  private ImmutableList<KernelPolicy> allPolicies() throws SystemCallException {
    return XfrmRequests.policies(requests);
  }

  /** The policy of ours with this identity, as it is installed; empty if it is not there. */
  public Optional<Policy> policy(Policy.Id id) throws SystemCallException {
    return kernelPolicy(id, ownership.markOf(id))
        .filter(policy -> !ownership.isUnmarkedOfOthers(policy))
        .flatMap(policy -> policy.policy(ours));
  }

  private Optional<KernelPolicy> kernelPolicy(Policy.Id id, Mark mark) throws SystemCallException {
    return XfrmRequests.policy(requests, KernelPolicy.named(XfrmMessage.GETPOLICY, id, mark), id);
  }

  /** How often something was asked for by PF_KEY. */
  public long pfKeyRequests() {
    return pfKeyRequests;
  }

  /** All states, others' too, with their counters and sequence numbers. */
  public ImmutableList<KernelAssociation> associations() throws SystemCallException {
    return XfrmRequests.associations(requests, XfrmAttributes.NONE);
  }

  /** Whether somebody's association is where a move begins; what an acquire has made is none. */
  public boolean hasAssociation(XfrmCommand.Move move) throws SystemCallException {
    var between =
        new XfrmAttribute.AddressFilter(
            move.oldSource(),
            move.oldDestination(),
            KernelSelector.AF_INET6,
            Ipv6Address.BITS,
            Ipv6Address.BITS);
    return XfrmRequests.associations(requests, new XfrmAttributes(ImmutableList.of(between)))
        .stream()
        .map(KernelAssociation::info)
        .anyMatch(
            info ->
                info.reqId().equals(move.reqId())
                    && info.mode() == move.mode().number()
                    && info.protocol() == move.protocol().number()
                    && info.source().equals(move.oldSource())
                    && info.destination().equals(move.oldDestination())
                    && info.spi().value() != 0);
  }

  /** The states that we made, and those that an acquire made for our policies. */
  public ImmutableList<KernelAssociation> ownAssociations() throws SystemCallException {
    return associations().stream().filter(ownership::isOurs).collect(toImmutableList());
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
    pfKey.ifPresent(PfKeyBackend::close);
    lastWords.close();
    notices.close();
    requests.close();
  }
}

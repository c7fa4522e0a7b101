package io.mipd.xfrm.linux;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.pfkey.PfKeyAssociation;
import io.mipd.xfrm.pfkey.PfKeyExtension;
import io.mipd.xfrm.pfkey.PfKeyMessage;
import io.mipd.xfrm.pfkey.PfKeyPolicy;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The kernel's policies and associations of IPsec, by PF_KEYv2, in the network namespace in which
 * it was opened. Used from one thread.
 *
 * <p>PF_KEY says less than netlink. What it cannot say is refused with {@link XfrmError#INVALID}
 * and the reason, and never installed in part: nothing of Mobile IPv6's own headers, no mark, no
 * selector of an association. Since there is no mark either by which ours would be known, they
 * collide with others' of equal selector, and {@link XfrmCommand.Flush} takes what this object has
 * put.
 */
public final class PfKeyBackend implements XfrmBackend, AutoCloseable {
  public static final Limits LIMITS =
      new Limits(KernelBackend.LIMITS.maxTemplates(), /* ahTunnelsUnderOptions= */ false);

  private final PfKeySocket socket;
  private final Set<Policy.Id> policies = new LinkedHashSet<>();
  private final Set<AssociationId> associations = new LinkedHashSet<>();

  private PfKeyBackend(PfKeySocket socket) {
    this.socket = socket;
  }

  /**
   * @throws SystemCallException with EAFNOSUPPORT where the kernel has no {@code af_key}
   */
  public static PfKeyBackend open() throws SystemCallException {
    return open((int) ProcessHandle.current().pid());
  }

  /**
   * @param asker what the kernel tells listeners of netlink of the one whose doing a change is
   */
  static PfKeyBackend open(int asker) throws SystemCallException {
    return new PfKeyBackend(PfKeySocket.open(asker));
  }

  @Override
  public Limits limits() {
    return LIMITS;
  }

  @Override
  public XfrmReply apply(XfrmCommand command) {
    return reply(() -> carryOut(command));
  }

  private interface Work {
    /** Returns why it is not done, if it is not. */
    Optional<XfrmReply> run() throws SystemCallException;
  }

  private static XfrmReply reply(Work work) {
    try {
      Optional<XfrmReply> refusal = work.run();
      return refusal.isPresent() ? refusal.get() : XfrmReply.DONE;
    } catch (SystemCallException e) {
      return new XfrmReply.Failed(XfrmRequests.error(e), String.valueOf(e.getMessage()));
    }
  }

  /** Returns why it is not carried out, if it is not. */
  private Optional<XfrmReply> carryOut(XfrmCommand command) throws SystemCallException {
    if (command instanceof XfrmCommand.AddPolicy add) {
      return put("SADB_X_SPDADD", PfKeyMessage.X_SPDADD, add.policy());
    } else if (command instanceof XfrmCommand.UpdatePolicy update) {
      return put("SADB_X_SPDUPDATE", PfKeyMessage.X_SPDUPDATE, update.policy());
    } else if (command instanceof XfrmCommand.DeletePolicy delete) {
      return delete(delete.id());
    } else if (command instanceof XfrmCommand.AddAssociation add) {
      return add(add.association());
    } else if (command instanceof XfrmCommand.DeleteAssociation delete) {
      return delete(delete.id());
    } else if (command instanceof XfrmCommand.Migrate migrate) {
      Optional<XfrmReply> refusal = migrate(migrate.policy(), migrate.moves(), Optional.empty());
      if (refusal.isEmpty()) {
        follow(migrate.moves());
      }
      return refusal;
    } else if (command instanceof XfrmCommand.TellKeyManager tell) {
      return tell(tell);
    } else if (command instanceof XfrmCommand.Flush) {
      return flush();
    }
    return refused(
        command, "a state of Mobile IPv6's headers, which has no association type in PF_KEY");
  }

  private static Optional<XfrmReply> refused(Object object, String what) {
    return Optional.of(
        new XfrmReply.Failed(
            XfrmError.INVALID,
            object + ": PF_KEY cannot say " + what + "; the netlink interface can"));
  }

  private Optional<XfrmReply> put(String name, int type, Policy policy) throws SystemCallException {
    if (policy.bundle().templates().size() > LIMITS.maxTemplates()) {
      return Optional.of(
          new XfrmReply.Failed(
              XfrmError.LIMIT,
              policy + ": the kernel applies at most " + LIMITS.maxTemplates() + " templates"));
    }
    Optional<String> unsaid = PfKeyPolicy.inexpressible(policy);
    if (unsaid.isPresent()) {
      return refused(policy, unsaid.get());
    }
    socket.request(name, PfKeyPolicy.message(type, policy), policy);
    policies.add(policy.id());
    return Optional.empty();
  }

  private Optional<XfrmReply> delete(Policy.Id id) throws SystemCallException {
    Optional<String> unsaid = PfKeyPolicy.inexpressible(id.selector());
    if (unsaid.isPresent()) {
      return refused(id, unsaid.get());
    }
    socket.request("SADB_X_SPDDELETE", PfKeyPolicy.deletion(id), id);
    policies.remove(id);
    return Optional.empty();
  }

  private Optional<XfrmReply> add(SecurityAssociation association) throws SystemCallException {
    Optional<String> unsaid = PfKeyAssociation.inexpressible(association);
    if (unsaid.isPresent()) {
      return refused(association, unsaid.get());
    }
    socket.request("SADB_ADD", PfKeyAssociation.addition(association), association);
    associations.add(association.id());
    return Optional.empty();
  }

  private Optional<XfrmReply> delete(AssociationId id) throws SystemCallException {
    socket.request("SADB_DELETE", PfKeyAssociation.deletion(id), id);
    associations.remove(id);
    return Optional.empty();
  }

  /**
   * As {@link XfrmCommand.Migrate}, for who knows himself where associations are.
   *
   * @param keyManager what key managers are told with it
   */
  XfrmReply move(
      Policy.Id policy,
      List<XfrmCommand.Move> moves,
      Optional<PfKeyExtension.AddressPair> keyManager) {
    return reply(
        () -> migrate(policy, moves, keyManager.map(PfKeyExtension.KeyManagerAddress::new)));
  }

  /** The kernel tells everybody that it is done, by a message that bears no number of ours. */
  private Optional<XfrmReply> migrate(
      Policy.Id policy,
      List<XfrmCommand.Move> moves,
      Optional<PfKeyExtension.KeyManagerAddress> keyManager)
      throws SystemCallException {
    Optional<String> unsaid = PfKeyPolicy.inexpressible(policy.selector());
    if (unsaid.isPresent()) {
      return refused(policy, unsaid.get());
    }
    PfKeyMessage message = PfKeyPolicy.migration(policy, moves, keyManager);
    var requests = requestsOf(message);
    socket.request(
        "SADB_X_MIGRATE", message, policy, answer -> requestsOf(answer).equals(requests));
    return Optional.empty();
  }

  /** Which of those that this object has put are elsewhere now. */
  private void follow(List<XfrmCommand.Move> moves) throws SystemCallException {
    for (XfrmCommand.Move move : moves) {
      var moved =
          associations.stream()
              .filter(
                  id ->
                      id.destination().equals(move.oldDestination())
                          && id.protocol() == move.protocol())
              .toList();
      for (AssociationId id : moved) {
        var there = new AssociationId(move.newDestination(), id.protocol(), id.spi());
        if (!there.equals(id) && isThere(there)) {
          associations.remove(id);
          associations.add(there);
        }
      }
    }
  }

  private boolean isThere(AssociationId id) throws SystemCallException {
    try {
      socket.request("SADB_GET", PfKeyAssociation.query(id), id);
      return true;
    } catch (SystemCallException e) {
      if (XfrmRequests.error(e) == XfrmError.NOT_FOUND) {
        return false;
      }
      throw e;
    }
  }

  private static ImmutableList<PfKeyExtension.Request> requestsOf(PfKeyMessage message) {
    return message.extensions().stream()
        .filter(PfKeyExtension.PolicyAction.class::isInstance)
        .map(PfKeyExtension.PolicyAction.class::cast)
        .findFirst()
        .map(PfKeyExtension.PolicyAction::requests)
        .orElse(ImmutableList.of());
  }

  private Optional<XfrmReply> tell(XfrmCommand.TellKeyManager tell) throws SystemCallException {
    KeyManagerMove moved = KeyManagerMove.of(tell);
    Policy carrier = moved.carrier();
    Optional<XfrmReply> refusal = put("SADB_X_SPDUPDATE", PfKeyMessage.X_SPDUPDATE, carrier);
    if (refusal.isPresent()) {
      return refusal;
    }
    try {
      return migrate(
          carrier.id(),
          ImmutableList.of(moved.move()),
          Optional.of(
              new PfKeyExtension.KeyManagerAddress(
                  new PfKeyExtension.AddressPair(tell.local(), tell.remote()))));
    } finally {
      delete(carrier.id());
    }
  }

  private Optional<XfrmReply> flush() throws SystemCallException {
    for (Policy.Id id : ImmutableList.copyOf(policies)) {
      XfrmReply reply = apply(new XfrmCommand.DeletePolicy(id));
      if (isFailure(reply)) {
        return Optional.of(reply);
      }
    }
    for (AssociationId id : ImmutableList.copyOf(associations)) {
      XfrmReply reply = apply(new XfrmCommand.DeleteAssociation(id));
      if (isFailure(reply)) {
        return Optional.of(reply);
      }
    }
    policies.clear();
    associations.clear();
    return Optional.empty();
  }

  /** One that has gone meanwhile is as it should be. */
  private static boolean isFailure(XfrmReply reply) {
    return reply instanceof XfrmReply.Failed failed && failed.error() != XfrmError.NOT_FOUND;
  }

  /**
   * Everybody's policies of the main type, as far as PF_KEY tells them: without mark, interface id
   * and masks of ports.
   *
   * @throws SystemCallException with EINVAL if there is one with a header of Mobile IPv6's: the
   *     kernel ends its list there
   */
  public ImmutableList<Policy> policies() throws SystemCallException {
    return socket
        .list(
            "SADB_X_SPDDUMP",
            PfKeyMessage.request(
                PfKeyMessage.X_SPDDUMP, PfKeyMessage.UNSPECIFIED, ImmutableList.of()))
        .stream()
        .flatMap(message -> PfKeyPolicy.of(message).stream())
        .collect(ImmutableList.toImmutableList());
  }

  /** Everybody's associations of ESP and AH, those that PF_KEY tells whole. */
  public ImmutableList<SecurityAssociation> associations() throws SystemCallException {
    var all = ImmutableList.<SecurityAssociation>builder();
    for (int type : new int[] {PfKeyMessage.ESP, PfKeyMessage.AH}) {
      socket
          .list("SADB_DUMP", PfKeyMessage.request(PfKeyMessage.DUMP, type, ImmutableList.of()))
          .forEach(message -> PfKeyAssociation.of(message).ifPresent(all::add));
    }
    return all.build();
  }

  /** What it has installed stays. */
  @Override
  public void close() {
    socket.close();
  }
}

package io.mipd.xfrm.linux;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.netlink.SequencePosition;
import io.mipd.xfrm.transform.SequenceLedger;
import io.mipd.xfrm.transform.SequenceLimits;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Associations with configured keys in the kernel, whose sequence numbers go on across restarts
 * (RFC 4303 section 3.3.3). The kernel begins behind all that was ever reserved; its notices move
 * the reserve on, ahead of what is sent; when an association is taken out, its true number is kept.
 *
 * <p>The kernel does not wait for the reserve. It can pass it only by sending half a block before
 * this process has read one notice: {@link #BLOCK} is half a second of a million packets per
 * second. What that costs, numbers repeated, needs a crash of the whole machine besides; if only
 * the process dies, the kernel still knows, and {@link #takeOver} asks it.
 */
public final class KernelSequences {
  /** Numbers reserved at a time. */
  static final int BLOCK = 1 << 20;

  /** Packets after which the kernel tells its position; it does so after some time as well. */
  static final int NOTICE_EVERY = 1 << 14;

  /** Opens the durable side of an association. */
  public interface Ledgers {
    SequenceLedger ledger(SecurityAssociation association) throws IOException;
  }

  private record Held(SecurityAssociation association, SequenceLedger ledger) {
    long last() {
      return SequenceLimits.last(association);
    }
  }

  private final KernelBackend backend;
  private final Ledgers ledgers;
  private final int block;
  private final int noticeEvery;
  private final Map<AssociationId, Held> held = new LinkedHashMap<>();

  /** Taken out, for their reserve could not be moved on. */
  private final Map<AssociationId, SecurityAssociation> suspended = new LinkedHashMap<>();

  public KernelSequences(KernelBackend backend, Ledgers ledgers) {
    this(backend, ledgers, BLOCK, NOTICE_EVERY);
  }

  KernelSequences(KernelBackend backend, Ledgers ledgers, int block, int noticeEvery) {
    this.backend = backend;
    this.ledgers = ledgers;
    this.block = block;
    this.noticeEvery = noticeEvery;
  }

  public XfrmReply install(SecurityAssociation association) {
    return install(ImmutableList.of(association)).get(0);
  }

  /** Installs associations that go on where they stood. */
  public ImmutableList<XfrmReply> install(List<SecurityAssociation> associations) {
    var replies = new XfrmReply[associations.size()];
    List<Integer> prepared = new ArrayList<>();
    List<SequenceLedger> opened = new ArrayList<>();
    List<KernelBackend.Continued> wanted = new ArrayList<>();
    for (int i = 0; i < replies.length; i++) {
      SecurityAssociation association = associations.get(i);
      try {
        SequenceLedger ledger = ledgers.ledger(association);
        var position = new SequencePosition(ledger.reserved(), ledger.taken());
        if (reserve(association, ledger)) {
          prepared.add(i);
          opened.add(ledger);
          wanted.add(new KernelBackend.Continued(association, position, noticeEvery));
        } else {
          replies[i] =
              new XfrmReply.Failed(
                  XfrmError.LIMIT,
                  association.id() + ": all sequence numbers are used; it needs new keys");
        }
      } catch (IOException e) {
        replies[i] = failed(association.id(), e);
      }
    }
    ImmutableList<XfrmReply> installed = backend.install(wanted);
    for (int k = 0; k < installed.size(); k++) {
      var one = wanted.get(k);
      replies[prepared.get(k)] =
          installed.get(k) instanceof XfrmReply.Done
              ? hold(one.association(), opened.get(k))
              : giveBack(one, opened.get(k), installed.get(k));
    }
    return ImmutableList.copyOf(replies);
  }

  /**
   * @return false if there are no numbers left
   */
  private boolean reserve(SecurityAssociation association, SequenceLedger ledger)
      throws IOException {
    long last = SequenceLimits.last(association);
    if (ledger.reserved() >= last) {
      return false;
    }
    ledger.reserve(Math.min(last, ledger.reserved() + block));
    return true;
  }

  private XfrmReply hold(SecurityAssociation association, SequenceLedger ledger) {
    held.put(association.id(), new Held(association, ledger));
    return XfrmReply.DONE;
  }

  private static XfrmReply giveBack(
      KernelBackend.Continued unused, SequenceLedger ledger, XfrmReply reply) {
    try {
      ledger.settle(unused.position().outbound());
      return reply;
    } catch (IOException e) {
      // They are skipped the next time.
      return reply;
    }
  }

  /**
   * Goes on with an association that is in the kernel, from a process that has died. One that is
   * further behind the reserve than that is ever moved on was put and not told where to begin: it
   * is put again.
   */
  public XfrmReply takeOver(SecurityAssociation association) {
    AssociationId id = association.id();
    try {
      Optional<SequencePosition> position = backend.sequenceOf(id);
      if (position.isEmpty()) {
        return new XfrmReply.Failed(XfrmError.NOT_FOUND, "nothing there: " + id);
      }
      SequenceLedger ledger = ledgers.ledger(association);
      if (position.get().outbound() < ledger.reserved() - block) {
        XfrmReply removed = backend.remove(id).reply();
        return removed instanceof XfrmReply.Failed ? removed : install(association);
      }
      XfrmReply heard = backend.hear(association, noticeEvery);
      if (heard instanceof XfrmReply.Failed) {
        return heard;
      }
      hold(association, ledger);
      return moved(id, position.get());
    } catch (IOException e) {
      return failed(id, e);
    }
  }

  private static XfrmReply failed(AssociationId id, IOException e) {
    return new XfrmReply.Failed(XfrmError.OTHER, id + ": its sequence numbers: " + e.getMessage());
  }

  /**
   * Moves the reserve on.
   *
   * @return a failure if that was not possible: the association has been taken out then, with half
   *     a block left of what it may send, until {@link #resume}
   */
  public XfrmReply on(XfrmNotice.SequencesMoved notice) {
    return moved(notice.association(), new SequencePosition(notice.outbound(), notice.inbound()));
  }

  private XfrmReply moved(AssociationId id, SequencePosition position) {
    Held one = held.get(id);
    if (one == null) {
      return XfrmReply.DONE;
    }
    one.ledger().take(position.inbound());
    try {
      if (position.outbound() + block / 2 > one.ledger().reserved()) {
        one.ledger().reserve(Math.min(one.last(), position.outbound() + block));
      }
      return XfrmReply.DONE;
    } catch (IOException e) {
      return suspend(one, e);
    }
  }

  private XfrmReply suspend(Held one, IOException reason) {
    AssociationId id = one.association().id();
    XfrmReply reply = remove(id);
    suspended.put(id, one.association());
    return new XfrmReply.Failed(
        XfrmError.OTHER,
        id
            + ": no further sequence numbers can be reserved ("
            + reason.getMessage()
            + "), so it is taken out until they can: what needs it is not sent"
            + (reply instanceof XfrmReply.Failed failed ? "; " + failed.text() : ""));
  }

  /** Whether an association was taken out and is to come back. */
  public boolean isSuspended(AssociationId id) {
    return suspended.containsKey(id);
  }

  /** Whether there is something for {@link #resume}. */
  public boolean hasSuspended() {
    return !suspended.isEmpty();
  }

  /**
   * Puts back what was taken out, if numbers can be reserved again.
   *
   * @return what is back
   */
  public ImmutableList<AssociationId> resume() {
    var back = ImmutableList.<AssociationId>builder();
    for (SecurityAssociation one : ImmutableList.copyOf(suspended.values())) {
      // It is still there if it could not be taken out at first.
      backend.remove(one.id());
      if (install(one) instanceof XfrmReply.Done) {
        suspended.remove(one.id());
        back.add(one.id());
      }
    }
    return back.build();
  }

  /** Asks for the position of every association: after {@link XfrmNotice.Resync}. */
  public XfrmReply resynchronise() {
    XfrmReply worst = XfrmReply.DONE;
    for (AssociationId id : new ArrayList<>(held.keySet())) {
      try {
        Optional<SequencePosition> position = backend.sequenceOf(id);
        XfrmReply reply = position.isPresent() ? moved(id, position.get()) : XfrmReply.DONE;
        worst = reply instanceof XfrmReply.Failed ? reply : worst;
      } catch (SystemCallException e) {
        worst = failed(id, e);
      }
    }
    return worst;
  }

  /** An association was moved and is known by another destination. */
  public void moved(AssociationId id, SecurityAssociation now) {
    Held one = held.remove(id);
    if (one != null) {
      hold(now, one.ledger());
    }
    if (suspended.remove(id) != null) {
      suspended.put(now.id(), now);
    }
  }

  /** Takes an association out and keeps its true position. */
  public XfrmReply remove(AssociationId id) {
    return remove(ImmutableList.of(id)).get(0);
  }

  /** Takes associations out and keeps their true positions. */
  public ImmutableList<XfrmReply> remove(List<AssociationId> ids) {
    var replies = ImmutableList.<XfrmReply>builderWithExpectedSize(ids.size());
    var removals = backend.remove(ids).iterator();
    for (AssociationId id : ids) {
      XfrmReply reply = settled(id, removals.next());
      boolean wasOut = suspended.remove(id) != null;
      replies.add(wasOut ? XfrmReply.DONE : reply);
    }
    return replies.build();
  }

  private XfrmReply settled(AssociationId id, KernelBackend.Removal removal) {
    Held one = held.remove(id);
    if (one == null) {
      return removal.reply();
    }
    try {
      if (removal.last().isPresent()) {
        one.ledger().take(removal.last().get().inbound());
        one.ledger().settle(removal.last().get().outbound());
      }
      return removal.reply();
    } catch (IOException e) {
      return failed(id, e);
    }
  }

  /** Takes all out; each failure is told. */
  public List<XfrmReply.Failed> removeAll() {
    List<AssociationId> all = new ArrayList<>(held.keySet());
    all.addAll(suspended.keySet());
    return remove(all).stream()
        .filter(XfrmReply.Failed.class::isInstance)
        .map(XfrmReply.Failed.class::cast)
        .toList();
  }
}

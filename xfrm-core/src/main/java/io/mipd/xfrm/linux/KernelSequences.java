package io.mipd.xfrm.linux;

import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Ipv6Address;
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

  /** Packets after which the kernel tells its position; the time of one second does so as well. */
  static final int NOTICE_EVERY = 1 << 14;

  /** Opens the durable side of an association. */
  public interface Ledgers {
    SequenceLedger ledger(SecurityAssociation association) throws IOException;
  }

  private record Held(SequenceLedger ledger, long last) {}

  private final KernelBackend backend;
  private final Ledgers ledgers;
  private final int block;
  private final int noticeEvery;
  private final Map<AssociationId, Held> held = new LinkedHashMap<>();

  public KernelSequences(KernelBackend backend, Ledgers ledgers) {
    this(backend, ledgers, BLOCK, NOTICE_EVERY);
  }

  KernelSequences(KernelBackend backend, Ledgers ledgers, int block, int noticeEvery) {
    this.backend = backend;
    this.ledgers = ledgers;
    this.block = block;
    this.noticeEvery = noticeEvery;
  }

  /** Installs an association that goes on where it stood. */
  public XfrmReply install(SecurityAssociation association) {
    try {
      var ledger = ledgers.ledger(association);
      long last = SequenceLimits.last(association);
      long start = ledger.reserved();
      if (start >= last) {
        ledger.close();
        return new XfrmReply.Failed(
            XfrmError.LIMIT,
            association.id() + ": all sequence numbers are used; it needs new keys");
      }
      ledger.reserve(Math.min(last, start + block));
      XfrmReply reply =
          backend.install(association, new SequencePosition(start, ledger.taken()), noticeEvery);
      if (reply instanceof XfrmReply.Failed) {
        ledger.settle(start);
        ledger.close();
      } else {
        held.put(association.id(), new Held(ledger, last));
      }
      return reply;
    } catch (IOException e) {
      return failed(association.id(), e);
    }
  }

  /** Goes on with an association that is in the kernel, from a process that has died. */
  public XfrmReply takeOver(SecurityAssociation association) {
    try {
      Optional<SequencePosition> position = backend.sequenceOf(association.id());
      if (position.isEmpty()) {
        return new XfrmReply.Failed(XfrmError.NOT_FOUND, "nothing there: " + association.id());
      }
      backend.hearSequences();
      held.put(
          association.id(),
          new Held(ledgers.ledger(association), SequenceLimits.last(association)));
      return moved(association.id(), position.get());
    } catch (IOException e) {
      return failed(association.id(), e);
    }
  }

  private static XfrmReply failed(AssociationId id, IOException e) {
    return new XfrmReply.Failed(XfrmError.OTHER, id + ": its sequence numbers: " + e.getMessage());
  }

  /**
   * Moves the reserve on.
   *
   * @return a failure if that was not possible: the association must be taken out before the
   *     reserve is used up
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
      return failed(id, e);
    }
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
  public void renamed(AssociationId id, Ipv6Address newDestination) {
    Held one = held.remove(id);
    if (one != null) {
      held.put(new AssociationId(newDestination, id.protocol(), id.spi()), one);
    }
  }

  /** Takes an association out and keeps its true position. */
  public XfrmReply remove(AssociationId id) {
    Held one = held.remove(id);
    try {
      Optional<SequencePosition> position = backend.remove(id);
      if (one != null && position.isPresent()) {
        one.ledger().take(position.get().inbound());
        one.ledger().settle(position.get().outbound());
      }
      return position.isPresent()
          ? XfrmReply.DONE
          : new XfrmReply.Failed(XfrmError.NOT_FOUND, "nothing there: " + id);
    } catch (IOException e) {
      return failed(id, e);
    } finally {
      if (one != null) {
        one.ledger().close();
      }
    }
  }

  /** Takes all out; each failure is told. */
  public List<XfrmReply.Failed> removeAll() {
    List<XfrmReply.Failed> failures = new ArrayList<>();
    for (AssociationId id : new ArrayList<>(held.keySet())) {
      if (remove(id) instanceof XfrmReply.Failed failed) {
        failures.add(failed);
      }
    }
    return failures;
  }
}

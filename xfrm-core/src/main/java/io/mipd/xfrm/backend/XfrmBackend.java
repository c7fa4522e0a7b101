package io.mipd.xfrm.backend;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Mark;
import java.util.List;

/**
 * Holds policies and associations and acts on packets by them: the kernel, our engine, or the
 * simulator's engine that can delay or fail. Used from one thread.
 */
public interface XfrmBackend {
  /** Carries out one command; a failure is a value, never an exception. */
  XfrmReply apply(XfrmCommand command);

  /**
   * Carries out commands in their order, many at a time where the backend can. One that fails does
   * not keep those behind it from being carried out: whoever sends many together learns what became
   * of them when all are done. So what must not be in force without something else goes into a
   * later call.
   *
   * @return the reply to each
   */
  default ImmutableList<XfrmReply> applyAll(List<? extends XfrmCommand> commands) {
    return commands.stream().map(this::apply).collect(ImmutableList.toImmutableList());
  }

  /** What this backend cannot do, so that the merger says it before the backend does. */
  Limits limits();

  /**
   * @param maxTemplates templates that may act on one packet (Linux: 5)
   * @param ahTunnelsUnderOptions whether an AH tunnel's outer header can bear a Home Address option
   *     or type 2 routing header that AH covers (Linux: no)
   * @param reservedMarks bits that no packet's mark has, for policies of the backend's are known by
   *     them (Linux: the two highest)
   * @param portsBehindOptions whether the ports of what arrives are seen behind a Home Address
   *     option or routing header (Linux: from 6.7 on)
   */
  record Limits(
      int maxTemplates,
      boolean ahTunnelsUnderOptions,
      int reservedMarks,
      boolean portsBehindOptions) {
    /** Who has no marks of its own, and sees all ports. */
    public Limits(int maxTemplates, boolean ahTunnelsUnderOptions) {
      this(maxTemplates, ahTunnelsUnderOptions, 0, /* portsBehindOptions= */ true);
    }

    /** Whose only limit is a number. */
    public Limits(int maxTemplates) {
      this(maxTemplates, true);
    }

    /** Whether no packet can have this mark. */
    public boolean isImpossible(Mark mark) {
      return (mark.value() & reservedMarks) != 0;
    }

    /**
     * The mark that matches the same packets and that a policy of the backend's can bear: it does
     * not ask for the reserved bits, which all packets have clear, or it asks for all bits.
     */
    public Mark bearable(Mark mark) {
      if (reservedMarks == 0) {
        return mark;
      }
      int mask = mark.mask() & ~reservedMarks;
      return new Mark(mark.value(), mask == ~reservedMarks ? ~0 : mask);
    }
  }
}

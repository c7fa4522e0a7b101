package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmReply;
import java.util.List;

/** Ends the life of its daemon at some command, or refuses one. */
final class Dying implements XfrmBackend {
  private final XfrmBackend backend;
  private int left;
  private int untilRefusal = Integer.MAX_VALUE;
  private Look look = () -> {};
  private boolean isLookedAt;

  /** What is done before each command. */
  interface Look {
    void now() throws Exception;
  }

  Dying(XfrmBackend backend, int commands) {
    this.backend = backend;
    left = commands;
  }

  @Override
  public XfrmReply apply(XfrmCommand command) {
    look();
    if (left-- == 0) {
      throw new Death();
    }
    return untilRefusal-- == 0
        ? new XfrmReply.Failed(XfrmError.NO_MEMORY, "refused by the test")
        : backend.apply(command);
  }

  /** Those before the last of its life are carried out; those behind one that is refused, too. */
  @Override
  public ImmutableList<XfrmReply> applyAll(List<? extends XfrmCommand> commands) {
    if (isLookedAt) {
      return commands.stream().map(this::apply).collect(ImmutableList.toImmutableList());
    }
    int alive = Math.min(left, commands.size());
    if (alive < commands.size()) {
      backend.applyAll(commands.subList(0, alive));
      throw new Death();
    }
    left -= alive;
    int refused = untilRefusal;
    untilRefusal -= alive;
    if (refused < 0 || refused >= alive) {
      return backend.applyAll(commands);
    }
    return ImmutableList.<XfrmReply>builder()
        .addAll(backend.applyAll(commands.subList(0, refused)))
        .add(new XfrmReply.Failed(XfrmError.NO_MEMORY, "refused by the test"))
        .addAll(backend.applyAll(commands.subList(refused + 1, alive)))
        .build();
  }

  /** Before each command, also between those that are sent together: another CPU may look then. */
  void looksAt(Look between) {
    look = between;
    isLookedAt = true;
  }

  private void look() {
    try {
      look.now();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  void diesAt(int commands) {
    left = commands;
  }

  void refusesAt(int commands) {
    untilRefusal = commands;
  }

  boolean hasRefused() {
    return untilRefusal < 0;
  }

  @Override
  public Limits limits() {
    return backend.limits();
  }

  static final class Death extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }
}

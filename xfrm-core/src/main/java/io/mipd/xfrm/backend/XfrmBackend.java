package io.mipd.xfrm.backend;

/**
 * Holds policies and associations and acts on packets by them: the kernel, our engine, or the
 * simulator's engine that can delay or fail. Used from one thread.
 */
public interface XfrmBackend {
  /** Carries out one command; a failure is a value, never an exception. */
  XfrmReply apply(XfrmCommand command);

  /** What this backend cannot do, so that the merger says it before the backend does. */
  Limits limits();

  /**
   * @param maxTemplates templates that may act on one packet (Linux: 5)
   */
  record Limits(int maxTemplates) {}
}

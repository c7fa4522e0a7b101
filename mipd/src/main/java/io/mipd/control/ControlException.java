package io.mipd.control;

import java.util.Locale;

/** A request that is refused, or has failed: for whoever asked. */
public final class ControlException extends Exception {
  private static final long serialVersionUID = 1L;

  private final Reason reason;

  /** Why, for programs. */
  public enum Reason {
    /** The line is no request. */
    NOT_A_REQUEST,
    /** The line is longer than {@link ControlRequest#LONGEST}. */
    TOO_LONG,
    /** It is of another version of the protocol. */
    UNSUPPORTED_VERSION,
    /** There is no such request. */
    UNKNOWN_REQUEST,
    /** An argument is missing, unknown, or not what it has to be. */
    BAD_ARGUMENT,
    /** Only root and the daemon's own user may ask for that. */
    NOT_PERMITTED,
    /** This node has not the role for it, or it cannot be done as things stand. */
    NOT_POSSIBLE,
    /** Too many ask at once, or a request came before the one before it was answered. */
    BUSY,
    /** A mistake of the daemon's, or of the system under it. */
    FAILED;

    /** As the protocol spells it. */
    public String word() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  public ControlException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }
}

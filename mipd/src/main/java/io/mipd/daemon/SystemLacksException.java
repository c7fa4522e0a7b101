package io.mipd.daemon;

/** The system lacks something that mipd needs; the message says what, and what to do about it. */
public final class SystemLacksException extends Exception {
  private static final long serialVersionUID = 1L;

  SystemLacksException(String message) {
    super(message);
  }
}

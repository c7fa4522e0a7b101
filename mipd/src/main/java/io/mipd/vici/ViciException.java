package io.mipd.vici;

/** charon refuses; the connection goes on. */
public final class ViciException extends Exception {
  private static final long serialVersionUID = 1L;

  public ViciException(String what, String why) {
    super(what + ": " + why);
  }
}

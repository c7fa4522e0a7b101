package io.mipd.movein;

/** A file that cannot be taken over; its message is for the person who wrote it. */
public final class ImportException extends Exception {
  private static final long serialVersionUID = 1L;

  ImportException(Place place, String message) {
    super(place + ": " + message);
  }

  public ImportException(String message) {
    super(message);
  }

  public ImportException(String message, Throwable cause) {
    super(message, cause);
  }
}

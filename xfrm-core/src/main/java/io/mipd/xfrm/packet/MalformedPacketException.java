package io.mipd.xfrm.packet;

/**
 * Octets from outside that are not what their place requires. Carries a reason and an offset, and
 * no stack trace: it is thrown for every bad packet and caught at the one doorway.
 */
public final class MalformedPacketException extends Exception {
  private static final long serialVersionUID = 1L;

  /** What was wrong; the name is the counter's name too. */
  public enum Reason {
    /** Fewer octets than the header or option needs. */
    TRUNCATED,
    /** A length field that cannot be: too small, too large, no multiple of what it must be. */
    BAD_LENGTH,
    BAD_CHECKSUM,
    /** A field with a value that its definition forbids. */
    BAD_VALUE,
    BAD_VERSION,
    /** More headers or options than we are willing to read. */
    TOO_MANY
  }

  private final Reason reason;
  private final int offset;

  /**
   * @param offset in octets from the start of what was given to the codec
   */
  public MalformedPacketException(Reason reason, int offset) {
    super(reason + " at octet " + offset, null, false, false);
    this.reason = reason;
    this.offset = offset;
  }

  public Reason reason() {
    return reason;
  }

  public int offset() {
    return offset;
  }
}

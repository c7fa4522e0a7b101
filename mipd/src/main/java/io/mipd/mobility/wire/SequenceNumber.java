package io.mipd.mobility.wire;

import static com.google.common.base.Preconditions.checkArgument;

/** A free-running 16-bit counter, compared modulo 2^16 (RFC 6275 section 9.5.1). */
public record SequenceNumber(int value) {
  public SequenceNumber {
    checkArgument(value >= 0 && value <= 0xffff, "not 16 bits: %s", value);
  }

  /** The last number and the 32768 before it are old; the 32767 after it are new. */
  public boolean isAfter(SequenceNumber last) {
    int distance = (value - last.value) & 0xffff;
    return distance >= 1 && distance <= 0x7fff;
  }

  public SequenceNumber next() {
    return new SequenceNumber((value + 1) & 0xffff);
  }

  @Override
  public String toString() {
    return Integer.toString(value);
  }
}

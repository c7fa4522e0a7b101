package io.mipd.xfrm.packet;

import io.netty.buffer.ByteBuf;
import java.util.Arrays;
import java.util.HexFormat;

/** Octets as a value: immutable, compared by content. Not for keys. */
public final class Octets {
  public static final Octets EMPTY = new Octets(new byte[0]);

  private final byte[] octets;

  private Octets(byte[] octets) {
    this.octets = octets;
  }

  public static Octets of(byte... octets) {
    return new Octets(octets.clone());
  }

  /** Takes {@code length} octets from a buffer, which must have them. */
  public static Octets read(ByteBuf in, int length) {
    byte[] octets = new byte[length];
    in.readBytes(octets);
    return new Octets(octets);
  }

  /**
   * @throws IllegalArgumentException if the text is not hexadecimal
   */
  public static Octets parse(String hexadecimal) {
    return new Octets(HexFormat.of().parseHex(hexadecimal));
  }

  public int length() {
    return octets.length;
  }

  /** The octet at {@code index}, 0 to 255. */
  public int at(int index) {
    return octets[index] & 0xff;
  }

  public byte[] toArray() {
    return octets.clone();
  }

  public void writeTo(ByteBuf out) {
    out.writeBytes(octets);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Octets that && Arrays.equals(octets, that.octets);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(octets);
  }

  @Override
  public String toString() {
    return HexFormat.of().formatHex(octets);
  }
}

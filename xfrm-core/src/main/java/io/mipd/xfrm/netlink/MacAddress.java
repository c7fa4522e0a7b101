package io.mipd.xfrm.netlink;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import java.util.Locale;

/**
 * A 48-bit link-layer address.
 *
 * @param value the six octets in network order, in the low 48 bits
 */
public record MacAddress(long value) {
  public static final int LENGTH = 6;

  public MacAddress {
    checkArgument(value >>> 48 == 0, "not 48 bits: %s", value);
  }

  /**
   * Reads {@code 02:00:5e:10:00:01}.
   *
   * @throws IllegalArgumentException if the text is no such address
   */
  public static MacAddress parse(String text) {
    var parts = ImmutableList.copyOf(Splitter.on(':').split(text));
    checkArgument(parts.size() == LENGTH, "not a link-layer address: %s", text);
    long value = 0;
    for (String part : parts) {
      checkArgument(part.matches("[0-9a-fA-F]{1,2}"), "not a link-layer address: %s", text);
      value = value << 8 | Integer.parseInt(part, 16);
    }
    return new MacAddress(value);
  }

  /** Reads six octets from {@code offset}. */
  public static MacAddress read(byte[] octets, int offset) {
    long value = 0;
    for (int i = 0; i < LENGTH; i++) {
      value = value << 8 | (octets[offset + i] & 0xff);
    }
    return new MacAddress(value);
  }

  public byte[] toOctets() {
    var octets = new byte[LENGTH];
    for (int i = 0; i < LENGTH; i++) {
      octets[i] = (byte) (value >>> (8 * (LENGTH - 1 - i)));
    }
    return octets;
  }

  @Override
  public String toString() {
    var octets = toOctets();
    return String.format(
        Locale.ROOT,
        "%02x:%02x:%02x:%02x:%02x:%02x",
        octets[0],
        octets[1],
        octets[2],
        octets[3],
        octets[4],
        octets[5]);
  }
}

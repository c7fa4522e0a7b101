package io.mipd.vici;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.packet.Octets;
import java.nio.charset.StandardCharsets;

/** What has a name in a message: a section, a value or a list of values. */
public sealed interface ViciElement permits ViciMessage, ViciElement.Value, ViciElement.Values {

  /** At most 65535 octets, of text or not. */
  record Value(Octets octets) implements ViciElement {
    static final int MAX_LENGTH = 0xffff;

    public Value {
      checkArgument(octets.length() <= MAX_LENGTH, "%s octets", octets.length());
    }

    public static Value of(String text) {
      return new Value(Octets.of(text.getBytes(StandardCharsets.UTF_8)));
    }

    public String text() {
      return new String(octets.toArray(), StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
      return octets.length() + " octets";
    }
  }

  /** A list of values. */
  record Values(ImmutableList<Value> all) implements ViciElement {}
}

package io.mipd.sim.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mipd.sim.lab.GuestMessage.Kind;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class GuestMessageTest {
  private static byte[] octetsOf(GuestMessage message) throws IOException {
    var octets = new ByteArrayOutputStream();
    message.write(new DataOutputStream(octets));
    return octets.toByteArray();
  }

  private static GuestMessage read(byte[] octets) throws IOException {
    return GuestMessage.read(new DataInputStream(new ByteArrayInputStream(octets)));
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void carriesAnyOctets(Kind kind) throws Exception {
    byte[] all = new byte[256];
    for (int i = 0; i < all.length; i++) {
      all[i] = (byte) i;
    }
    GuestMessage message = GuestMessage.ofOctets(7, kind, all, all.length);
    GuestMessage back = read(octetsOf(message));
    assertThat(back).isEqualTo(message);
    assertThat(back.octets()).isEqualTo(all);
  }

  @Test
  void aPartOfAMessageIsTheEnd() throws Exception {
    byte[] whole = octetsOf(new GuestMessage(1, Kind.OUTPUT, "hello"));
    for (int length = 0; length < whole.length; length++) {
      byte[] part = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> read(part)).isInstanceOf(EOFException.class);
    }
  }

  @Test
  void refusesWhatIsNotAMessage() {
    assertThatThrownBy(() -> read(new byte[] {0, 0, 0, 1, '?', 0, 0, 0, 0}))
        .hasMessageContaining("not a message");
    assertThatThrownBy(() -> read(new byte[] {0, 0, 0, 1, '1', 127, 0, 0, 0}))
        .hasMessageContaining("not a message");
  }
}

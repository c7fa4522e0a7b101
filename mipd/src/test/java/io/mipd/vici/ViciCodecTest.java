package io.mipd.vici;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Golden octets were taken at the socket of charon 5.9.8 (Debian 5.9.8-5+deb12u6), length included.
 */
class ViciCodecTest {
  private static final String LOAD_CONNECTION =
      "0000014f00096c6f61642d636f6e6e0104686f6d65030776657273696f6e000132040b6c6f63616c5f6164647273"
          + "05000e323030313a6462383a613a3a313006040c72656d6f74655f616464727305000d323030313a6462383a"
          + "313a3a310603066d6f62696b6500026e6f01076c6f63616c2d31030461757468000370736b03026964000e6d"
          + "6e2e6578616d706c652e6f726702010872656d6f74652d31030461757468000370736b03026964000e68612e"
          + "6578616d706c652e6f72670201086368696c6472656e010a7369676e616c6c696e6703046d6f6465000f7472"
          + "616e73706f72745f70726f78790308706f6c696369657300026e6f0305726571696400043831393304086c6f"
          + "63616c5f7473050017323030313a6462383a313a3a31302f3132385b3133355d06040972656d6f74655f7473"
          + "050016323030313a6462383a313a3a312f3132385b3133355d06020202";

  private static final String UNKNOWN_OPTION =
      "000000400103077375636365737300026e6f03066572726d73670028756e6b6e6f776e206f7074696f6e3a20766572"
          + "736f6e2c20636f6e66696720646973636172646564";

  private static ViciPacket decode(String hexadecimal) throws MalformedPacketException {
    ByteBuf in = Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(hexadecimal));
    assertThat(in.readInt()).as("length").isEqualTo(in.readableBytes());
    return ViciCodec.decode(in);
  }

  private static String encode(ViciPacket packet) {
    ByteBuf out = Unpooled.buffer();
    ViciCodec.encode(packet, out);
    return ByteBufUtil.hexDump(out);
  }

  @Test
  void loadsAConnection() throws MalformedPacketException {
    var side = ViciMessage.builder().put("auth", "psk");
    var packet =
        new ViciPacket.CommandRequest(
            "load-conn",
            ViciMessage.builder()
                .put(
                    "home",
                    ViciMessage.builder()
                        .put("version", 2)
                        .put("local_addrs", List.of("2001:db8:a::10"))
                        .put("remote_addrs", List.of("2001:db8:1::1"))
                        .put("mobike", "no")
                        .put("local-1", side.put("id", "mn.example.org").build())
                        .put(
                            "remote-1",
                            ViciMessage.builder()
                                .put("auth", "psk")
                                .put("id", "ha.example.org")
                                .build())
                        .put(
                            "children",
                            ViciMessage.builder()
                                .put(
                                    "signalling",
                                    ViciMessage.builder()
                                        .put("mode", "transport_proxy")
                                        .put("policies", "no")
                                        .put("reqid", 8193)
                                        .put("local_ts", List.of("2001:db8:1::10/128[135]"))
                                        .put("remote_ts", List.of("2001:db8:1::1/128[135]"))
                                        .build())
                                .build())
                        .build())
                .build());
    assertThat(encode(packet)).isEqualTo(LOAD_CONNECTION);
    assertThat(decode(LOAD_CONNECTION)).isEqualTo(packet);
  }

  @Test
  void readsWhatCharonAnswers() throws MalformedPacketException {
    assertThat(decode("0000000f010307737563636573730003796573"))
        .isEqualTo(
            new ViciPacket.CommandResponse(ViciMessage.builder().put("success", "yes").build()));
    assertThat(decode(UNKNOWN_OPTION))
        .isEqualTo(
            new ViciPacket.CommandResponse(
                ViciMessage.builder()
                    .put("success", "no")
                    .put("errmsg", "unknown option: verson, config discarded")
                    .build()));
  }

  @Test
  void packetsWithoutAMessageAreOneOctet() throws MalformedPacketException {
    assertThat(decode("0000000102")).isEqualTo(new ViciPacket.CommandUnknown());
    assertThat(decode("0000000105")).isEqualTo(new ViciPacket.EventConfirm());
    assertThat(decode("0000000106")).isEqualTo(new ViciPacket.EventUnknown());
    assertThat(encode(new ViciPacket.EventRegister("list-conn")))
        .isEqualTo("0000000b03096c6973742d636f6e6e");
    assertThat(encode(new ViciPacket.CommandRequest("version", ViciMessage.EMPTY)))
        .isEqualTo("00000009000776657273696f6e");
  }

  @Test
  void readsAnEventWithEmptyLists() throws MalformedPacketException {
    // The event "list-conn", cut to the parts that differ from the above.
    var event =
        (ViciPacket.Event)
            decode(
                "0000001f07096c6973742d636f6e6e0104686f6d650406" + "67726f7570730601016902" + "02");
    ViciMessage home = event.message().section("home");
    assertThat(event.event()).isEqualTo("list-conn");
    assertThat(home.elements()).containsEntry("groups", new ViciElement.Values(ImmutableList.of()));
    assertThat(home.sections()).containsOnlyKeys("i");
  }

  @Test
  void noTruncationIsTaken() {
    ByteBuf whole = Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(LOAD_CONNECTION));
    // At the end of the name of a command, a message without elements begins and ends.
    int command = Integer.BYTES + 2 + "load-conn".length();
    for (int end = Integer.BYTES; end < whole.writerIndex(); end++) {
      ByteBuf cut = whole.slice(Integer.BYTES, end - Integer.BYTES);
      if (end != command) {
        assertThatThrownBy(() -> ViciCodec.decode(cut))
            .as("%s octets", end)
            .isInstanceOf(MalformedPacketException.class);
      }
    }
  }

  @Test
  void anyOctetsAreAPacketOrMalformed() {
    var random = new Random(20261129);
    byte[] golden = ByteBufUtil.decodeHexDump(LOAD_CONNECTION);
    for (int i = 0; i < 20_000; i++) {
      byte[] octets = golden.clone();
      for (int j = random.nextInt(4); j >= 0; j--) {
        octets[4 + random.nextInt(octets.length - 4)] = (byte) random.nextInt(256);
      }
      ByteBuf in = Unpooled.wrappedBuffer(octets, 4, octets.length - 4);
      try {
        ViciPacket packet = ViciCodec.decode(in);
        assertThat(decode(encode(packet))).isEqualTo(packet);
      } catch (MalformedPacketException e) {
        assertThat(e.offset()).isBetween(0, octets.length);
      }
    }
  }

  @Test
  void noTextShowsAValue() {
    var message =
        ViciMessage.builder().put("data", "a secret").put("owners", List.of("me")).build();
    assertThat(message.toString()).contains("data").doesNotContain("secret").doesNotContain("me]");
  }
}

package io.mipd.sim.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.common.collect.ImmutableList;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** That tshark knows the fields and filters that we ask for, and tells them as we read them. */
class TsharkTest {
  private static final int ETHERNET = 1;

  /** A Binding Update without options from 2001:db8:a::1 to 2001:db8:1::1, its checksum right. */
  private static final String BINDING_UPDATE =
      "020000000001"
          + "0200000000aa"
          + "86dd"
          + "6000000000108740"
          + "20010db8000a00000000000000000001"
          + "20010db8000100000000000000000001"
          + "3b010500" // next header, length, type, reserved
          + "0000" // checksum
          + "0001c0000069" // sequence, A and H, 420 s
          + "01020000";

  private static final Endpoints ENDS =
      new Endpoints("2001:db8:1::1", "2001:db8:1::100", "2001:db8:c::c", 5001, 5002);

  private static Path capture(Path folder, String frame) throws Exception {
    byte[] octets = HexFormat.of().parseHex(frame);
    ByteBuffer file = ByteBuffer.allocate(24 + 16 + octets.length).order(ByteOrder.LITTLE_ENDIAN);
    file.putInt(0xa1b2c3d4).putShort((short) 2).putShort((short) 4).putLong(0);
    file.putInt(65536).putInt(ETHERNET);
    file.putInt(1_700_000_000).putInt(250_000).putInt(octets.length).putInt(octets.length);
    file.put(octets);
    return Files.write(folder.resolve("x.pcap"), file.array());
  }

  private static Tshark tshark(Path folder) throws Exception {
    assumeTrue(
        new ProcessBuilder("sh", "-c", "command -v tshark").start().waitFor() == 0,
        "tshark is not installed");
    WiresharkProfile.write(folder, ImmutableList.of());
    return new Tshark(folder);
  }

  @Test
  void readsABindingUpdate(@TempDir Path folder) throws Exception {
    ImmutableList<CapturedFrame> frames =
        tshark(folder).frames(capture(folder, BINDING_UPDATE), ENDS);
    assertThat(frames).hasSize(1);
    CapturedFrame frame = frames.get(0);
    assertThat(frame.nanos()).isEqualTo(1_700_000_000_250_000_000L);
    assertThat(frame.etherSource()).isEqualTo("02:00:00:00:00:aa");
    assertThat(frame.sources()).containsExactly("2001:db8:a::1");
    assertThat(frame.mobilityTypes()).containsExactly(5);
  }

  @Test
  void findsABadChecksum(@TempDir Path folder) throws Exception {
    String udp =
        BINDING_UPDATE.substring(0, 28)
            + "6000000000081140"
            + BINDING_UPDATE.substring(44, 108)
            + "1389138900081234";
    Tshark.Findings findings = tshark(folder).findings(capture(folder, udp));
    assertThat(findings.frames()).isEqualTo(1);
    assertThat(findings.badChecksums()).isEqualTo(1);
    assertThat(findings.clean()).isFalse();
  }

  @Test
  void findsEspThatItCannotRead(@TempDir Path folder) throws Exception {
    String esp =
        BINDING_UPDATE.substring(0, 28)
            + "6000000000103240"
            + BINDING_UPDATE.substring(44, 108)
            + "0000999900000001aabbccddeeff0011";
    Tshark.Findings findings = tshark(folder).findings(capture(folder, esp));
    assertThat(findings.unreadable()).isEqualTo(1);
    assertThat(findings.clean()).isFalse();
  }
}

package io.mipd.sim.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CaptureTest {
  private static final int FILE_HEADER = 24;

  /** Three records of 10, 20 and 30 octets, and half of a fourth. */
  private static byte[] file() {
    ByteBuffer file = ByteBuffer.allocate(FILE_HEADER + 3 * 16 + 60 + 16 + 5);
    file.order(ByteOrder.LITTLE_ENDIAN).putInt(0xa1b2c3d4).position(FILE_HEADER);
    for (int length = 10; length <= 40; length += 10) {
      file.putInt(length).putInt(2).putInt(length).putInt(length);
      file.position(Math.min(file.position() + length, file.limit()));
    }
    return file.array();
  }

  @Test
  void endsWithTheLastWholeRecord(@TempDir Path folder) throws Exception {
    Path path = Files.write(folder.resolve("x.pcap"), file());
    var capture = new Capture(path);
    assertThat(capture.end(0)).isEqualTo(FILE_HEADER + 3 * 16 + 60);
    assertThat(capture.end(FILE_HEADER + 26)).isEqualTo(FILE_HEADER + 3 * 16 + 60);
  }

  @Test
  void reachesAsFarAsTheLastWholeRecord(@TempDir Path folder) throws Exception {
    var capture = new Capture(Files.write(folder.resolve("x.pcap"), file()));
    long last = 30_000_002_000L;
    assertThat(capture.reaches(0, last)).isTrue();
    assertThat(capture.reaches(FILE_HEADER + 26, last)).isTrue();
    assertThat(capture.reaches(0, last + 1)).isFalse();
    assertThat(capture.reaches(capture.end(0), 1)).as("nothing from there on").isFalse();
  }

  @Test
  void aSliceIsACaptureOfItsOwn(@TempDir Path folder) throws Exception {
    var capture = new Capture(Files.write(folder.resolve("x.pcap"), file()));
    Path slice = folder.resolve("slice.pcap");
    long second = FILE_HEADER + 26;
    capture.slice(second, second + 36, slice);
    assertThat(Files.size(slice)).isEqualTo(FILE_HEADER + 36);
    assertThat(new Capture(slice).end(0)).isEqualTo(FILE_HEADER + 36);
    assertThat(Files.readAllBytes(slice)[FILE_HEADER + 8]).isEqualTo((byte) 20);
  }

  @Test
  void somethingElseIsRefused(@TempDir Path folder) throws Exception {
    Path path = Files.write(folder.resolve("x.pcap"), new byte[100]);
    assertThatThrownBy(() -> new Capture(path).end(0)).hasMessageContaining("not a capture");
  }

  @Test
  void nothingWrittenYetHasNoEnd(@TempDir Path folder) throws Exception {
    assertThat(new Capture(Files.write(folder.resolve("x.pcap"), new byte[0])).end(0)).isZero();
  }
}

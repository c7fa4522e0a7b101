package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;

/**
 * The store is on a disk of a guest ({@code bin/uml}) that is killed: with it goes whatever its
 * kernel had not written yet. What was said to be durable is there when the next guest looks.
 */
@Tag("long")
class PowerLossTest {
  private static final long DISK_OCTETS = 256L << 20;
  private static final int LINES = 3000;

  @TempDir private Path folder = Path.of("");

  private Path disk = Path.of("");

  @BeforeEach
  void makeDisk() throws Exception {
    disk = folder.resolve("disk");
    try (var file = new RandomAccessFile(disk.toFile(), "rw")) {
      file.setLength(DISK_OCTETS);
    }
    Process mkfs =
        new ProcessBuilder("/sbin/mke2fs", "-q", "-F", "-t", "ext4", disk.toString())
            .inheritIO()
            .start();
    assertThat(mkfs.waitFor()).isZero();
  }

  private Process guest(Class<?> program) throws IOException {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    return new ProcessBuilder(
            Path.of("../bin/uml").toString(),
            "--disk",
            disk.toString(),
            "--limit",
            "300",
            "--",
            "sh",
            "-c",
            "mkdir /tmp/disk && mount -t ext4 /dev/ubda /tmp/disk && \"$@\"; status=$?;"
                + " umount /tmp/disk; exit $status",
            "sh",
            java,
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            program.getName(),
            "/tmp/disk")
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  @RepeatedTest(3)
  void nothingAcknowledgedIsLostWithThePower() throws Exception {
    Map<Integer, Integer> acknowledged = new HashMap<>();
    Process writer = guest(BindingStoreTest.Writer.class);
    try (BufferedReader told = writer.inputReader(StandardCharsets.UTF_8)) {
      String line = told.readLine();
      for (int i = 0; i < LINES && line != null; i++) {
        note(line, acknowledged);
        line = told.readLine();
      }
      writer
          .descendants()
          .filter(it -> it.info().command().orElse("").endsWith("linux.uml"))
          .forEach(ProcessHandle::destroyForcibly);
      // What had been said before; the last line may be cut off.
      for (; line != null; line = told.readLine()) {
        note(line, acknowledged);
      }
    } finally {
      writer.destroy();
      assertThat(writer.waitFor(60, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(acknowledged.size()).isGreaterThan(1000);

    Map<Integer, Integer> kept = new HashMap<>();
    Process reader = guest(Reader.class);
    try (BufferedReader told = reader.inputReader(StandardCharsets.UTF_8)) {
      for (String line = told.readLine(); line != null; line = told.readLine()) {
        note(line, kept);
      }
    }
    assertThat(reader.waitFor()).isZero();
    acknowledged.forEach(
        (home, sequence) ->
            assertThat(kept.getOrDefault(home, -1))
                .as("sequence number of home address %d", home)
                .isGreaterThanOrEqualTo(sequence));
  }

  private static void note(String line, Map<Integer, Integer> into) {
    if (line.endsWith(".")) {
      BindingStoreTest.note(line, into);
    }
  }

  /** Says {@code HOME SEQUENCE .} of each entry that is there. */
  static final class Reader {
    private Reader() {}

    public static void main(String[] args) throws Exception {
      try (var store = DurableBindingStore.ofHomeAgent(Path.of(args[0]), () -> {})) {
        for (BindingStore.Entry entry : store.entries()) {
          int home = (int) entry.homeAddress().value().low();
          if (!entry.equals(BindingStoreTest.entry(home, entry.sequence().value()))) {
            throw new IOException("never written: " + entry);
          }
          System.out.println(home + " " + entry.sequence().value() + " .");
        }
      }
    }
  }
}

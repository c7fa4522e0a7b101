package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The store is on a disk of a guest ({@code bin/uml}) that is killed: with it goes whatever its
 * kernel had not written yet. What was said to be durable is there when the next guest looks, and
 * what a home agent has acknowledged the next one knows.
 */
@Tag("long")
class PowerLossTest {
  private static final long DISK_OCTETS = 256L << 20;
  private static final int LINES = 3000;

  /** Acknowledgements before the power goes. */
  private static final int ACKNOWLEDGED = 300;

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

  private Process guest(Class<?> program, String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.addAll(List.of("../bin/uml", "--disk", disk.toString(), "--limit", "900"));
    command.addAll(List.of("--readable", folder.toString(), "--", "sh", "-c"));
    command.add(
        "mkdir /tmp/disk && mount -t ext4 /dev/ubda /tmp/disk && \"$@\"; status=$?;"
            + " umount /tmp/disk; exit $status");
    command.add("sh");
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"));
    command.addAll(List.of(System.getProperty("java.class.path"), program.getName(), "/tmp/disk"));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  /** The kernel dies first: it must not see its processes end, and put the disk in order. */
  private static void cutPower(Process guest) {
    List<ProcessHandle> all = guest.descendants().filter(PowerLossTest::isOfGuest).toList();
    assertThat(all).as("processes of the guest's kernel").isNotEmpty();
    all.stream()
        .filter(it -> it.parent().filter(PowerLossTest::isOfGuest).isEmpty())
        .forEach(ProcessHandle::destroyForcibly);
    all.forEach(ProcessHandle::destroyForcibly);
  }

  private static boolean isOfGuest(ProcessHandle process) {
    return process.info().command().orElse("").endsWith("linux.uml");
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
      cutPower(writer);
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

  /** Told by mobile nodes that know of nothing but packets. */
  @Test
  void theHomeAgentKnowsWhatItHasAcknowledged() throws Exception {
    List<String> diary = new ArrayList<>();
    Process first = guest(Scene.class);
    try (BufferedReader told = first.inputReader(StandardCharsets.UTF_8)) {
      int acknowledged = 0;
      String line = told.readLine();
      for (; line != null && acknowledged < ACKNOWLEDGED; line = told.readLine()) {
        acknowledged += line.startsWith("acknowledged ") ? 1 : 0;
        keep(line, diary);
      }
      assertThat(acknowledged).as("%s", diary).isEqualTo(ACKNOWLEDGED);
      cutPower(first);
      for (; line != null; line = told.readLine()) {
        keep(line, diary);
      }
    } finally {
      first.destroy();
      assertThat(first.waitFor(60, TimeUnit.SECONDS)).isTrue();
    }
    Path file = Files.write(folder.resolve("diary"), diary);
    Process second = guest(Scene.class, file.toString());
    String said = new String(second.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(second.waitFor()).as(said).isZero();
    assertThat(said).contains("nothing is forgotten");
  }

  private static void keep(String line, List<String> diary) {
    if (line.endsWith(" .")) {
      diary.add(line.substring(0, line.length() - 2));
    }
  }

  /**
   * A network with a home agent whose state is on the disk, and mobile nodes: they register without
   * end, or find out what the home agent knows of what the diary says that others have done.
   */
  static final class Scene {
    private static final int NODES = 20;

    /** One of so many registrations ends a binding. */
    private static final int ENDS = 10;

    private Scene() {}

    public static void main(String[] args) throws Exception {
      Path folder = Files.createTempDirectory("scene");
      String state = folder.resolve("ha/state").toString();
      var random = new Random(6275);
      try (TestNet net = TestNet.create(folder);
          var nodes =
              new RegisteringNodes(net, NODES, random, line -> System.out.println(line + " ."))) {
        Path configuration = nodes.configuration(state, Path.of(args[0], "state").toString());
        if (args.length == 1) {
          net.startQuietMipd("ha", configuration);
          nodes.registerAll();
          while (true) {
            nodes.register(nodes.any(), random.nextInt(ENDS) == 0 ? 0 : RegisteringNodes.LIFETIME);
            nodes.listen();
            LockSupport.parkNanos(RegisteringNodes.SPACING_NANOS);
          }
        }
        nodes.remember(Files.readAllLines(Path.of(args[1])));
        net.startQuietMipd("ha", configuration);
        int later = nodes.assertNothingIsForgotten().all();
        System.out.println("nothing is forgotten; not acknowledged, and kept: " + later);
      }
    }
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

package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.base.Splitter;
import io.mipd.host.CoreDriver.Durability;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What was said to be durable is there after a crash, whichever store has it. */
class BindingStoreTest {
  private static final Ipv6Address PREFIX = Ipv6Address.parse("2001:db8:1::");

  @TempDir private Path folder = Path.of("");

  private static BindingStore.Entry entry(int number, int sequence) {
    var home = new HomeAddress(new Ipv6Address(PREFIX.high(), number));
    Optional<BindingStore.StoredBinding> binding =
        sequence % 5 == 0
            ? Optional.empty()
            : Optional.of(
                new BindingStore.StoredBinding(
                    new CareOfAddress(Ipv6Address.parse("2001:db8:a::" + (sequence % 7))),
                    0xc000,
                    Instant.ofEpochMilli(1_000_000_000_123L + sequence)));
    return new BindingStore.Entry(home, new SequenceNumber(sequence), binding);
  }

  private BindingStore open() throws IOException {
    return DurableBindingStore.ofHomeAgent(folder, () -> {});
  }

  @Test
  void whatWasPutIsThereAgainAndTheLastOneCounts() throws IOException {
    try (BindingStore store = open()) {
      for (int i = 300; i > 0; i--) {
        store.put(entry(i, i));
      }
      store.put(entry(7, 65535));
      assertThat(store.entry(entry(7, 0).homeAddress())).contains(entry(7, 65535));
      assertThat(store.entries()).hasSize(300);
    }

    try (BindingStore again = open()) {
      assertThat(again.entries()).hasSize(300).startsWith(entry(1, 1), entry(2, 2));
      assertThat(again.entry(entry(7, 0).homeAddress())).contains(entry(7, 65535));
      assertThat(again.entry(entry(301, 0).homeAddress())).isEmpty();
    }
  }

  @Test
  void durabilityIsToldWhenItIsDecided() throws Exception {
    var news = new Semaphore(0);
    try (BindingStore store = DurableBindingStore.ofHomeAgent(folder, news::release)) {
      news.drainPermits();
      long first = store.put(entry(1, 1));
      long second = store.put(entry(2, 2));
      assertThat(second).isGreaterThan(first);
      while (store.durability(second) == Durability.PENDING) {
        assertThat(news.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
      }
      assertThat(store.durability(first)).isEqualTo(Durability.DURABLE);
      assertThat(store.durability(second)).isEqualTo(Durability.DURABLE);
      assertThat(store.durability(second + 1)).isEqualTo(Durability.PENDING);
    }
  }

  @Test
  void theSmallFileOfAnEarlierDaemonIsTakenOver() throws IOException {
    try (BindingMedium file = new BindingFile(folder)) {
      file.write(List.of(entry(1, 1), entry(2, 2)));
    }

    try (BindingStore store = open()) {
      assertThat(store.entries()).containsExactly(entry(1, 1), entry(2, 2));
      store.put(entry(2, 3));
    }

    assertThat(folder.resolve("bindings")).doesNotExist();
    try (BindingStore store = open()) {
      assertThat(store.entries()).containsExactly(entry(1, 1), entry(2, 3));
    }
  }

  @Test
  void aMobileNodeHasReservedTheSequenceNumbersThatComeNext() throws Exception {
    try (BindingStore store = DurableBindingStore.ofMobileNode(folder, () -> {})) {
      long first = store.put(entry(1, 65530));
      store.flush();
      assertThat(store.durability(first)).isEqualTo(Durability.DURABLE);
      BindingStore.Entry next =
          new BindingStore.Entry(
              entry(1, 0).homeAddress(), new SequenceNumber(20), entry(1, 65530).binding());
      // Nothing is written for this one.
      assertThat(store.put(next)).isEqualTo(first);
      assertThat(store.entry(next.homeAddress())).contains(next);
      assertThat(store.put(entry(1, 21))).isGreaterThan(first);
    }

    try (BindingStore again = DurableBindingStore.ofMobileNode(folder, () -> {})) {
      assertThat(again.entries())
          .singleElement()
          .satisfies(
              kept -> {
                assertThat(kept.sequence().value()).isEqualTo(21 + 32);
                assertThat(kept.binding()).isEqualTo(entry(1, 21).binding());
              });
    }
  }

  @Test
  void aBrokenDatabaseIsSaidToBeOneAndKept() throws IOException {
    try (BindingStore store = open()) {
      store.put(entry(1, 1));
    }
    Path manifest;
    try (Stream<Path> files = Files.list(folder.resolve("home-bindings"))) {
      manifest =
          files.filter(it -> it.getFileName().toString().startsWith("MANIFEST")).findFirst().get();
    }
    Files.writeString(manifest, "nothing that anybody would take for a manifest");

    assertThatThrownBy(this::open)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("home-bindings cannot be opened")
        .hasMessageContaining("move it away");
    assertThat(manifest).exists();
  }

  @Test
  void theNativeLibraryIsWhereNobodyElseCanPutOne() throws Exception {
    Process writer = startWriter();
    try (BufferedReader told = writer.inputReader(StandardCharsets.UTF_8)) {
      assertThat(told.readLine()).endsWith(".");
      try (Stream<Path> files = Files.list(folder.resolve("native"))) {
        assertThat(files).hasSize(1);
      }
    } finally {
      writer.destroyForcibly().waitFor();
    }
  }

  @Test
  void oneDaemonAtATime() throws IOException {
    try (BindingStore store = open()) {
      store.put(entry(1, 1));
      assertThatThrownBy(this::open).isInstanceOf(IOException.class).hasMessageContaining("LOCK");
    }
  }

  /** A process that registers without end, and says what is durable, is killed. */
  @RepeatedTest(3)
  void nothingAcknowledgedIsLostByKill9() throws Exception {
    Process writer = startWriter();
    Map<Integer, Integer> acknowledged = new HashMap<>();
    try (BufferedReader told = writer.inputReader(StandardCharsets.UTF_8)) {
      String line = told.readLine();
      for (int i = 0; i < 5000 && line != null; i++) {
        note(line, acknowledged);
        line = told.readLine();
      }
      // Not Process.destroyForcibly(), which throws away what it has said.
      writer.toHandle().destroyForcibly();
      writer.waitFor();
      // What it had said and nobody had read yet; the last line may be cut off.
      for (String last = line; last != null; last = told.readLine()) {
        if (last.endsWith(".")) {
          note(last, acknowledged);
        }
      }
    }
    assertThat(acknowledged.size()).isGreaterThan(1000);

    try (BindingStore store = open()) {
      for (Map.Entry<Integer, Integer> one : acknowledged.entrySet()) {
        BindingStore.Entry kept = store.entry(entry(one.getKey(), 0).homeAddress()).orElseThrow();
        // What was not acknowledged any more may be there all the same.
        assertThat(kept.sequence().value()).isGreaterThanOrEqualTo(one.getValue());
        assertThat(kept).isEqualTo(entry(one.getKey(), kept.sequence().value()));
      }
    }
  }

  private Process startWriter() throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            Writer.class.getName(),
            folder.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private static void note(String line, Map<Integer, Integer> acknowledged) {
    List<String> words = Splitter.on(' ').splitToList(line);
    acknowledged.put(Integer.parseInt(words.get(0)), Integer.parseInt(words.get(1)));
  }

  /** Puts in hundreds and says {@code HOME SEQUENCE .} of each that is durable. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] args) throws Exception {
      var news = new Semaphore(0);
      var store = DurableBindingStore.ofHomeAgent(Path.of(args[0]), news::release);
      for (int sequence = 1; ; sequence++) {
        for (int from = 1; from < 2000; from += 100) {
          long number = 0;
          for (int home = from; home < from + 100; home++) {
            number = store.put(entry(home, sequence));
          }
          while (store.durability(number) == Durability.PENDING) {
            news.acquire();
          }
          if (store.durability(number) == Durability.FAILED) {
            throw new IOException("not written");
          }
          var said = new StringBuilder();
          for (int home = from; home < from + 100; home++) {
            said.append(home).append(' ').append(sequence).append(" .\n");
          }
          System.out.print(said);
          System.out.flush();
        }
      }
    }
  }
}

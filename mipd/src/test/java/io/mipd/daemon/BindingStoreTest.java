package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.util.concurrent.Uninterruptibles;
import io.mipd.host.CoreDriver.Durability;
import io.mipd.mobility.HomeLinkState;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.NdOption;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;

/** What was said to be durable is there after a crash, whichever store has it. */
class BindingStoreTest {
  private static final Ipv6Address PREFIX = Ipv6Address.parse("2001:db8:1::");

  @TempDir private Path folder = Path.of("");

  static BindingStore.Entry entry(int number, int sequence) {
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
      file.write(new BindingMedium.Content(List.of(entry(1, 1), entry(2, 2)), Optional.empty()));
    }

    try (BindingStore store = open()) {
      assertThat(store.entries()).isEmpty();
      DurableBindingStore.takeOver(folder, store);
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

  private static final HomeLinkState HOME_LINK =
      new HomeLinkState(
          "eth1",
          Ipv6Prefix.parse("2001:db8:1::/64"),
          ImmutableList.of(
              new HomeLinkState.Agent(
                  Ipv6Address.parse("fe80::2"),
                  -7,
                  Instant.ofEpochMilli(1_000_000_000_123L),
                  ImmutableMap.of(
                      Ipv6Address.parse("2001:db8:1::2"),
                      Instant.MAX,
                      Ipv6Address.parse("2001:db8:9::2"),
                      Instant.ofEpochMilli(5)))),
          ImmutableList.of(
              new HomeLinkState.Prefix(
                  new NdOption.PrefixInformation(
                      64,
                      Ipv6Address.parse("2001:db8:9::"),
                      true,
                      false,
                      true,
                      NdOption.PrefixInformation.INFINITE,
                      7),
                  Instant.ofEpochMilli(1_000_000_000_001L),
                  Optional.of(Instant.MAX)),
              new HomeLinkState.Prefix(
                  new NdOption.PrefixInformation(
                      48, Ipv6Address.parse("2001:db8:8::"), false, true, false, 9, 8),
                  Instant.ofEpochMilli(1),
                  Optional.empty())));

  @Test
  void whatWasHeardOfTheHomeLinkIsThereAgainBesideTheBindings() throws IOException {
    try (BindingStore store = open()) {
      assertThat(store.homeLink()).isEqualTo(HomeLinkState.NOTHING);
      store.put(entry(1, 1));
      store.put(HomeLinkState.NOTHING);
      store.put(HOME_LINK);
      assertThat(store.homeLink()).isEqualTo(HOME_LINK);
    }

    try (BindingStore again = open()) {
      assertThat(again.homeLink()).isEqualTo(HOME_LINK);
      assertThat(again.entries()).containsExactly(entry(1, 1));
    }
  }

  /** Of the bindings nothing is lost by that. */
  @Test
  void aHomeLinkThatCannotBeReadIsHeardAnew() throws Exception {
    try (BindingStore store = open()) {
      store.put(entry(1, 1));
    }
    byte[] octets = HomeLinkCodec.encode(HOME_LINK);
    octets[0] = 2;
    try (var options = new Options();
        var database = RocksDB.open(options, folder.resolve("home-bindings").toString())) {
      database.put("home-link".getBytes(StandardCharsets.US_ASCII), octets);
    }

    try (BindingStore store = open()) {
      assertThat(store.entries()).containsExactly(entry(1, 1));
      assertThat(store.homeLink()).isEqualTo(HomeLinkState.NOTHING);
    }
  }

  @Test
  void otherOctetsAreNotWhatWasHeardOfTheHomeLink() {
    byte[] octets = HomeLinkCodec.encode(HOME_LINK);
    for (int length = 0; length < octets.length; length++) {
      byte[] shorter = Arrays.copyOf(octets, length);
      assertThatThrownBy(() -> HomeLinkCodec.decode(shorter)).isInstanceOf(IOException.class);
    }
    byte[] longer = Arrays.copyOf(octets, octets.length + 1);
    assertThatThrownBy(() -> HomeLinkCodec.decode(longer)).isInstanceOf(IOException.class);
    octets[0] = 2;
    assertThatThrownBy(() -> HomeLinkCodec.decode(octets))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("format");

    var random = new Random(9);
    for (int i = 0; i < 10_000; i++) {
      byte[] changed = HomeLinkCodec.encode(HOME_LINK);
      for (int change = random.nextInt(4); change >= 0; change--) {
        changed[1 + random.nextInt(changed.length - 1)] = (byte) random.nextInt();
      }
      try {
        assertThat(HomeLinkCodec.decode(changed)).isNotNull();
      } catch (IOException e) {
        // Nothing else may come of it.
      }
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
  void whatANewerDaemonHasWrittenIsNotGuessedAt() throws Exception {
    open().close();
    byte[] newer = {2, 0, 1};
    try (var options = new Options();
        var database = RocksDB.open(options, folder.resolve("home-bindings").toString())) {
      database.put(entry(1, 1).homeAddress().value().toOctets(), newer);
    }

    assertThatThrownBy(this::open)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("an entry of 16 and 3 octets is not as this mipd writes them")
        .hasMessageContaining(
            "a newer one may have, go back to that to keep the bindings; move it away");
  }

  /** A state directory as a crash leaves it: with a log of so many writes. */
  private Path crashed(int writes) throws Exception {
    Path crashed = folder.resolve("crashed");
    Path database = Files.createDirectories(crashed.resolve("home-bindings"));
    try (BindingStore store = open()) {
      for (int i = 1; i <= writes; i++) {
        store.put(entry(i, 1));
        store.flush();
      }
      try (Stream<Path> files = Files.list(folder.resolve("home-bindings"))) {
        for (Path file : files.toList()) {
          Files.copy(file, database.resolve(folder.resolve("home-bindings").relativize(file)));
        }
      }
    }
    return crashed;
  }

  private static Path log(Path stateDirectory) throws IOException {
    try (Stream<Path> files = Files.list(stateDirectory.resolve("home-bindings"))) {
      return files.filter(it -> it.toString().endsWith(".log")).findFirst().orElseThrow();
    }
  }

  @Test
  void theLastWriteMayBeIncomplete() throws Exception {
    Path crashed = crashed(20);
    Path log = log(crashed);
    byte[] octets = Files.readAllBytes(log);
    Files.write(log, Arrays.copyOf(octets, octets.length - 5));

    try (BindingStore store = DurableBindingStore.ofHomeAgent(crashed, () -> {})) {
      assertThat(store.entries()).hasSize(19);
    }
  }

  @Test
  void damageInTheMiddleOfTheLogIsNoticed() throws Exception {
    Path crashed = crashed(20);
    Path log = log(crashed);
    byte[] octets = Files.readAllBytes(log);
    octets[octets.length / 2] ^= 1;
    Files.write(log, octets);

    assertThatThrownBy(() -> DurableBindingStore.ofHomeAgent(crashed, () -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("home-bindings cannot be opened")
        .hasMessageContaining("move it away");
  }

  /** A medium that does with a write as it is told. */
  private record Told(Consumer<Collection<BindingStore.Entry>> write) implements BindingMedium {
    @Override
    public Content read() {
      return new Content(List.of(), Optional.empty());
    }

    @Override
    public void write(Content content) {
      write.accept(content.entries());
    }

    @Override
    public void close() {}
  }

  private static Durability decided(BindingStore store, long number, Semaphore news)
      throws InterruptedException {
    while (store.durability(number) == Durability.PENDING) {
      assertThat(news.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
    }
    return store.durability(number);
  }

  @Test
  void aDiskThatDoesNotAnswerHoldsUpNoStop() throws Exception {
    var answer = new CountDownLatch(1);
    var medium = new Told(entries -> Uninterruptibles.awaitUninterruptibly(answer));
    BindingStore store =
        DurableBindingStore.of(folder, () -> medium, Duration.ofMillis(50), () -> {});
    long number = store.put(entry(1, 1));

    assertThatThrownBy(store::flush)
        .isInstanceOf(IOException.class)
        .hasMessageContaining(folder + " has not answered for 50 ms: 1 registrations");
    assertThatThrownBy(store::close)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("has not answered");
    assertThat(store.durability(number)).isEqualTo(Durability.PENDING);
    store.put(HOME_LINK);
    assertThatThrownBy(store::flush).hasMessageContaining(": 1 registrations");

    answer.countDown();
    store.close();
    assertThat(store.durability(number)).isEqualTo(Durability.DURABLE);
  }

  @Test
  void whatFailedIsWrittenWithWhatComesNext() throws Exception {
    var news = new Semaphore(0);
    var written = new ArrayList<BindingStore.Entry>();
    var fails = new AtomicBoolean(true);
    var medium =
        new Told(
            entries -> {
              if (fails.get()) {
                throw new OutOfMemoryError("for this test");
              }
              written.addAll(entries);
            });
    try (BindingStore store =
        DurableBindingStore.of(folder, () -> medium, Duration.ofMinutes(1), news::release)) {
      long first = store.put(entry(1, 1));
      assertThat(decided(store, first, news)).isEqualTo(Durability.FAILED);

      fails.set(false);
      long second = store.put(entry(2, 2));
      assertThat(decided(store, second, news)).isEqualTo(Durability.DURABLE);
      assertThat(written).containsExactly(entry(1, 1), entry(2, 2));
      assertThat(store.durability(first)).isEqualTo(Durability.DURABLE);
    }
  }

  @Test
  void nobodyWaitsForAWriterThatIsNoMore() throws Exception {
    var medium = new Told(entries -> {});
    var fails = new AtomicBoolean(true);
    var news = new Semaphore(0);
    BindingStore store =
        DurableBindingStore.of(
            folder,
            () -> medium,
            Duration.ofMinutes(1),
            () -> {
              if (fails.getAndSet(false)) {
                throw new IllegalStateException("for this test");
              }
              news.release();
            });
    assertThat(store.isBroken()).isFalse();
    assertThat(store.durability(store.put(entry(1, 1)))).isNotEqualTo(Durability.FAILED);
    assertThat(news.tryAcquire(30, TimeUnit.SECONDS)).as("somebody is told").isTrue();
    assertThat(store.isBroken()).isTrue();

    long late = store.put(entry(2, 2));
    assertThat(store.durability(late)).isEqualTo(Durability.FAILED);
    assertThatThrownBy(store::flush)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no longer stored");
    store.close();
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

  static void note(String line, Map<Integer, Integer> acknowledged) {
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

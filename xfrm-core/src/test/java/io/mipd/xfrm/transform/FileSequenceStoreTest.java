package io.mipd.xfrm.transform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.TransformProtocol;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileSequenceStoreTest {
  @TempDir private Path directory = Path.of("");

  static SecurityAssociation association(int keySeed) {
    byte[] key = new byte[32];
    key[0] = (byte) keySeed;
    return SecurityAssociation.builder(
            new AssociationId(
                Ipv6Address.parse("2001:db8::1"), TransformProtocol.ESP, new Spi(0x1001)),
            Ipv6Address.parse("2001:db8::2"),
            Mode.TRANSPORT)
        .integrity(IntegrityAlgorithm.HMAC_SHA2_256_128, KeyMaterial.copyOf(key))
        .replayWindow(32)
        .build();
  }

  @Test
  void neverGivesANumberTwice() throws IOException {
    long last = 0;
    for (int restart = 0; restart < 3; restart++) {
      var numbers = new FileSequenceStore(directory).outbound(association(1));
      for (int i = 0; i < 10; i++) {
        long next = numbers.next();
        assertThat(next).isGreaterThan(last);
        last = next;
      }
    }
    assertThat(new FileSequenceStore(directory).outbound(association(2)).next())
        .as("with other keys")
        .isEqualTo(1);
  }

  /** What the kernel numbers and what the engine numbers is one row. */
  @Test
  void aLedgerGoesOnWhereASourceStoppedAndTheOtherWayRound() throws IOException {
    var store = new FileSequenceStore(directory);
    assertThat(store.outbound(association(1)).next()).isEqualTo(1);
    store.inbound(association(1)).accept(40);

    SequenceLedger ledger = store.ledger(association(1));
    assertThat(ledger.reserved()).isEqualTo(FileSequenceStore.BLOCK);
    assertThat(ledger.taken()).isEqualTo(40);
    ledger.reserve(200_000);
    ledger.reserve(100);
    assertThat(ledger.reserved()).isEqualTo(200_000);
    ledger.take(50);
    ledger.take(45);
    assertThat(ledger.taken()).isEqualTo(50);
    assertThat(store.outbound(association(1)).next()).isEqualTo(200_001);
    assertThat(store.inbound(association(1)).reconstruct(50)).isEqualTo(AntiReplay.REFUSED);
    assertThat(store.inbound(association(1)).reconstruct(51)).isEqualTo(51);

    store.ledger(association(1)).settle(150_000);
    assertThat(store.ledger(association(1)).reserved()).isEqualTo(150_000);
  }

  @Test
  void refusesAfterARestartWhatWasTakenBefore() throws IOException {
    var before = new FileSequenceStore(directory).inbound(association(1));
    assertThat(before.reconstruct(40)).isEqualTo(40);
    before.accept(40);

    var after = new FileSequenceStore(directory).inbound(association(1));
    for (int number = 0; number <= 40; number++) {
      assertThat(after.reconstruct(number)).as("%s", number).isEqualTo(AntiReplay.REFUSED);
    }
    assertThat(after.reconstruct(41)).isEqualTo(41);
  }

  @Test
  void survivesBeingKilled() throws Exception {
    var child =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-cp",
                    System.getProperty("java.class.path"),
                    Victim.class.getName(),
                    directory.toString()))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    long sent;
    try (var lines = child.inputReader(StandardCharsets.US_ASCII)) {
      sent = Long.parseLong("" + lines.readLine());
      child.destroyForcibly().waitFor();
    }
    assertThat(sent).isEqualTo(100_000);
    assertThat(new FileSequenceStore(directory).outbound(association(1)).next())
        .isGreaterThan(sent);
    var window = new FileSequenceStore(directory).inbound(association(1));
    assertThat(window.reconstruct((int) sent)).isEqualTo(AntiReplay.REFUSED);
    assertThat(window.reconstruct((int) sent + 1)).isEqualTo(sent + 1);
  }

  /** Uses numbers, says how many, and waits to be killed. */
  static final class Victim {
    public static void main(String[] arguments) throws Exception {
      var store = new FileSequenceStore(Path.of(arguments[0]));
      var numbers = store.outbound(association(1));
      var window = store.inbound(association(1));
      long number = 0;
      for (int i = 0; i < 100_000; i++) {
        number = numbers.next();
        window.accept(window.reconstruct((int) number));
      }
      System.out.println(number);
      System.out.flush();
      Thread.currentThread().join();
    }
  }

  @Test
  void saysWhatToDoWithAFileThatIsNotItsOwn() throws IOException {
    new FileSequenceStore(directory).outbound(association(1)).next();
    Path file;
    try (var files = Files.list(directory)) {
      file = files.findFirst().orElseThrow();
    }
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    Files.writeString(file, "something else altogether");
    var store = new FileSequenceStore(directory);
    assertThatThrownBy(() -> store.outbound(association(1)))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("change the keys");
  }
}

package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateFileTest {
  private static final HomeAddress HOME = new HomeAddress(Ipv6Address.parse("2001:db8:1::100"));
  private static final CareOfAddress CARE_OF =
      new CareOfAddress(Ipv6Address.parse("2001:db8:a::1"));

  @TempDir private Path folder = Path.of("");

  private void write(BindingStore.Entry... entries) throws IOException {
    new BindingFile(folder).write(new BindingMedium.Content(List.of(entries), Optional.empty()));
  }

  @Test
  void bindingsAreReadAsTheyWereWritten() throws IOException {
    var bound =
        new BindingStore.Entry(
            HOME,
            new SequenceNumber(65535),
            Optional.of(
                new BindingStore.StoredBinding(CARE_OF, 0xc000, Instant.ofEpochSecond(1000))));
    var unbound =
        new BindingStore.Entry(
            new HomeAddress(Ipv6Address.parse("2001:db8:1::200")),
            new SequenceNumber(7),
            Optional.empty());
    write(bound, unbound);

    assertThat(new BindingFile(folder).read().entries()).containsExactly(bound, unbound);
    assertThat(bound.binding().orElseThrow().left(Instant.ofEpochSecond(990)))
        .isEqualTo(Duration.ofSeconds(10));
    assertThat(Files.getPosixFilePermissions(folder.resolve("bindings")))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
  }

  @Test
  void aCutOrForeignFileIsKeptAsideAndCountsAsEmpty() throws IOException {
    write(new BindingStore.Entry(HOME, new SequenceNumber(1), Optional.empty()));
    Path file = folder.resolve("bindings");
    String text = Files.readString(file);
    for (String bad :
        List.of(
            "",
            text.substring(0, text.length() - 1),
            text.substring(0, text.length() - 6),
            text.replace("bindings 1", "bindings 2"),
            text.replace("none", "nobody"),
            text.replace("2001", "x"),
            text.replace("end 1", "end 2"))) {
      Files.writeString(file, bad);

      assertThat(new BindingFile(folder).read().entries()).as(bad).isEmpty();

      assertThat(file).doesNotExist();
      try (Stream<Path> files = Files.list(folder)) {
        assertThat(files)
            .singleElement()
            .satisfies(
                aside -> {
                  assertThat(aside.getFileName().toString()).startsWith("bindings.bad-");
                  assertThat(aside).hasContent(bad);
                  Files.delete(aside);
                });
      }
    }
  }

  @Test
  void theJournalSurvivesAndEndsWithItsLastEntry() throws IOException {
    var sysctl = new Journal.Entry.SysctlChanged("net/ipv6/conf/eth0.7/accept_ra", "1 2");
    var address = new Journal.Entry.AddressAdded("eth0", HOME.value(), 64);
    var proxy = new Journal.Entry.ProxyAdded("eth1", HOME.value());
    var journal = Journal.open(folder);
    journal.add(sysctl);
    journal.add(address);
    journal.add(proxy);

    var again = Journal.open(folder);

    assertThat(again.entries()).containsExactly(sysctl, address, proxy);
    assertThat(again.before("net/ipv6/conf/eth0.7/accept_ra")).contains("1 2");
    again.remove(address);
    assertThat(Journal.open(folder).entries()).containsExactly(sysctl, proxy);
    again.remove(sysctl);
    again.remove(proxy);
    assertThat(folder.resolve("system.journal")).doesNotExist();
  }

  @Test
  void aJournalWithACutLineOrOfAnEarlierBootIsNoObstacle() throws IOException {
    var proxy = new Journal.Entry.ProxyAdded("eth1", HOME.value());
    Path file = folder.resolve("system.journal");
    var journal = Journal.open(folder);
    journal.add(proxy);
    journal.add(new Journal.Entry.DeviceAdded("mipd0"));
    journal.removeLater(new Journal.Entry.DeviceAdded("mipd0"));
    journal.add(new Journal.Entry.DeviceAdded("mipd1"));
    assertThat(Files.readAllLines(file)).last().isEqualTo("- device mipd0");
    Files.writeString(file, "+ device mip", StandardOpenOption.APPEND);

    var again = Journal.open(folder);
    assertThat(again.entries()).containsExactly(proxy, new Journal.Entry.DeviceAdded("mipd1"));
    again.add(new Journal.Entry.DeviceAdded("mipd2"));
    assertThat(Journal.open(folder).entries())
        .containsExactly(
            proxy, new Journal.Entry.DeviceAdded("mipd1"), new Journal.Entry.DeviceAdded("mipd2"));

    String text = Files.readString(file);
    Files.writeString(file, text.replace("+ proxy", "+ prox"));
    assertThat(Journal.open(folder).entries()).isEmpty();
    assertThat(file).doesNotExist();

    Files.writeString(file, text.replaceFirst("2 [0-9a-f]", "2 x"));
    assertThat(Journal.open(folder).entries()).isEmpty();
    assertThat(file).doesNotExist();
  }

  @Test
  void aJournalDoesNotGrow() throws IOException {
    var journal = Journal.open(folder);
    journal.add(new Journal.Entry.DeviceAdded("mipd0"));
    for (int i = 0; i < 2000; i++) {
      var proxy = new Journal.Entry.ProxyAdded("eth" + i, HOME.value());
      journal.add(proxy);
      journal.remove(proxy);
    }
    assertThat(Files.readAllLines(folder.resolve("system.journal")).size()).isLessThan(1100);
    assertThat(Journal.open(folder).entries())
        .containsExactly(new Journal.Entry.DeviceAdded("mipd0"));
  }
}

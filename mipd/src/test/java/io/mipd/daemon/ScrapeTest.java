package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.daemon.Scrapes.Scrape;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Scrapes of a home agent with few bindings and with more. How long they take with ten thousand
 * {@code bench/scrape.sh} measures.
 */
@Tag("root")
class ScrapeTest {
  private static final int BINDINGS = 300;

  @TempDir private Path folder = Path.of("");

  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES)
  void itsLengthDoesNotGrowWithTheBindings() throws Exception {
    Scrape few;
    Scrape many;
    try (TestNet net = TestNet.create(Files.createDirectory(folder.resolve("few")))) {
      few = last(Scrapes.of(net, 10, 2));
    }
    try (TestNet net = TestNet.create(Files.createDirectory(folder.resolve("many")))) {
      many = last(Scrapes.of(net, BINDINGS, 2));
    }
    assertThat(Scrapes.value(few.text(), "mipd_bindings")).isEqualTo(10);
    assertThat(Scrapes.value(many.text(), "mipd_bindings")).isEqualTo(BINDINGS);
    assertThat(Scrapes.value(many.text(), "mipd_policies_behind")).isZero();
    assertThat(series(many)).isEqualTo(series(few));
  }

  private static Scrape last(List<Scrape> scrapes) {
    return scrapes.get(scrapes.size() - 1);
  }

  private static List<String> series(Scrape scrape) {
    return scrape
        .text()
        .lines()
        .filter(line -> line.startsWith("mipd_"))
        .map(line -> line.substring(0, line.lastIndexOf(' ')))
        .toList();
  }
}

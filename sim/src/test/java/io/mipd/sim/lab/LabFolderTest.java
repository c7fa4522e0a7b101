package io.mipd.sim.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A folder for results that is used again. */
class LabFolderTest {
  private static void write(Path folder, String... names) throws Exception {
    for (String name : names) {
      Path file = folder.resolve(name);
      Files.createDirectories(file.resolveSibling("."));
      Files.writeString(file, "old");
    }
  }

  private static List<String> left(Path folder) throws Exception {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile)
          .map(file -> folder.relativize(file).toString())
          .sorted()
          .toList();
    }
  }

  @Test
  void nothingOfAnEarlierRunCountsForTheNext(@TempDir Path folder) throws Exception {
    write(
        folder,
        "ping.txt",
        "ping-1.txt",
        "ping-12.txt",
        "flow-out.csv",
        "flow-1-cbr-mn-to-cn.csv",
        "handovers-mn.csv",
        "parts.csv",
        "results.csv",
        "routes.csv",
        "compare.md",
        "compare.csv",
        "compare.svg",
        "mn.pcap",
        "mn.log",
        "state/mn/bindings",
        "config/mn/mipd.conf",
        "config/radvd-ara.conf",
        "wireshark/esp_sa");
    LabRun.prepare(folder);
    assertThat(left(folder)).containsExactly("wireshark/esp_sa");
  }

  @Test
  void whatIsNotOursStays(@TempDir Path folder) throws Exception {
    write(folder, "ping-pong.txt", "flow.csv", "compare.txt", "config/mine.conf");
    LabRun.prepare(folder);
    assertThat(left(folder))
        .containsExactly("compare.txt", "config/mine.conf", "flow.csv", "ping-pong.txt");
  }
}

package io.mipd.sim.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The lab inside a guest: the same network, line, traffic and captures, and nothing is left. */
@Tag("kernel")
class KernelLabTest {
  @Test
  void atHomeEverythingArrivesInAGuestToo(@TempDir Path folder) throws Exception {
    LabTest.Ended ended =
        LabTest.lab("--world", "kernel", "--no-daemons", "--delay", "20", "--out", "" + folder);
    assertThat(ended.output()).endsWith("results: " + folder + "\n");
    assertThat(ended.status()).as(ended.output()).isZero();
    assertThat(folder.resolve("mn.pcap")).isNotEmptyFile();
    assertThat(Files.readString(folder.resolve("config/ha/home-agent.conf")))
        .contains("world = kernel");
    LabTest.assertNothingIsLeftOf(ended.pid());
  }
}

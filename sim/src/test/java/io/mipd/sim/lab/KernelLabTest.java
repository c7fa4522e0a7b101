package io.mipd.sim.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

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

  /** As docs/ikev2.md has it: a handover and the way home, with one IKE_SA. */
  @Test
  @Tag("long")
  void movementsTakeNegotiatedKeysAlong(@TempDir Path folder) throws Exception {
    boolean there = Files.isExecutable(Path.of("/usr/lib/ipsec/charon"));
    if (!there) {
      System.err.println("SKIPPED: there is no charon: apt install strongswan-charon");
      assertThat(System.getenv("CI")).as("there is no charon").isNotEqualTo("true");
    }
    assumeThat(there).isTrue();
    LabTest.Ended ended =
        LabTest.lab("--world", "kernel", "--ike", "--handovers", "1", "--out", "" + folder);
    assertThat(ended.status()).as(ended.output()).isZero();
    assertThat(ended.output())
        .contains(
            "ok     keys are negotiated once: 1 IKE_SA begun, up at the end, for signalling,"
                + " prefix-discovery, return-routability, payload");
    LabTest.assertNothingIsLeftOf(ended.pid());
  }
}

package io.mipd.proof;

import com.google.common.collect.ImmutableList;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The table of {@link Cases} on our engine and on Linux, side by side: the same merged policies and
 * states, the same packet in, the same octets out, the same accepted and refused.
 */
@Tag("kernel")
class MergedPoliciesKernelTest {
  private static final Proof PROOF = new Proof(new EngineWorld(), new KernelWorld());

  @TempDir static Path directory = Path.of("");

  static ImmutableList<Case> cases() {
    return Cases.ALL;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void holds(Case row) throws Exception {
    PROOF.holds(row);
  }

  @AfterAll
  static void tsharkReadsTheSame() throws Exception {
    try (PROOF) {
      PROOF.tsharkAgrees(directory);
    }
  }
}

package io.mipd.proof;

import com.google.common.collect.ImmutableList;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What becomes of packets by merged policies, on our engine: the table of {@link Cases}. */
class MergedPoliciesTest {
  private static final Proof PROOF = new Proof(new EngineWorld());

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
    PROOF.tsharkAgrees(directory);
  }
}

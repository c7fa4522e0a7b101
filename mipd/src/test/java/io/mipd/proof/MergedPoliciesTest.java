package io.mipd.proof;

import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What becomes of packets by merged policies, on our engine: the table of {@link Cases}, and those
 * of it that Linux cannot have.
 */
class MergedPoliciesTest {
  private static final Proof PROOF = new Proof(new EngineWorld());

  @TempDir static Path directory = Path.of("");

  static Stream<Case> cases() {
    return Stream.concat(Cases.ALL.stream(), Cases.OF_THE_ENGINE.stream());
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

package io.mipd.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSet;
import io.mipd.conformance.Suite.Requirement;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class RequirementTableTest {
  private static final Path DOCUMENT = Path.of("../docs/conformance.md");

  @Test
  void everyCaseAndVerdictIsAboutARequirement() {
    ImmutableSet<String> ids =
        Suite.requirements().stream().map(Requirement::id).collect(ImmutableSet.toImmutableSet());
    assertThat(ids).hasSameSizeAs(Suite.requirements());
    assertThat(Suite.cases()).allSatisfy(one -> assertThat(ids).containsAll(one.requirements()));
    assertThat(ids).containsAll(Suite.verdicts().keySet());
  }

  @Test
  void theDocumentIsUpToDate() throws IOException {
    String wanted = RequirementTable.render();
    if (Boolean.getBoolean("mipd.conformance.write")) {
      Files.writeString(DOCUMENT, wanted);
    }
    assertThat(DOCUMENT)
        .as(
            "write it anew: mvn -pl mipd -am test -Dtest=RequirementTableTest"
                + " -DargLine=-Dmipd.conformance.write=true")
        .hasContent(wanted);
  }
}

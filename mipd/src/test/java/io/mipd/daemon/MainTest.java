package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
  /** From the jar it is that of the manifest; classes without one are not of any version. */
  @ParameterizedTest
  @ValueSource(strings = {"--version", "-V", "status --version", "policy check --version"})
  void eachCommandTellsTheVersion(String arguments) {
    var out = new StringWriter();
    int status =
        Main.run(Main.commandLine().setOut(new PrintWriter(out)), arguments.split(" ", -1));
    assertThat(status).isZero();
    assertThat(out.toString()).matches("mipd (unpackaged|\\d+\\.\\S+)\\R");
  }
}

package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a shell completes. */
class CompletionTest {
  @TempDir private Path folder = Path.of("");

  private String completed(String line) throws IOException, InterruptedException {
    Path script = folder.resolve("mipd.bash");
    var out = new StringWriter();
    assertThat(Main.run(Main.commandLine().setOut(new PrintWriter(out)), "generate-completion"))
        .isZero();
    Files.writeString(
        script,
        out
            + "COMP_WORDS=("
            + line
            + ")\nCOMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))\ncompopt() { :; }\n"
            + "_complete_mipd\necho \"${COMPREPLY[@]}\"\n");
    Process bash = new ProcessBuilder("bash", script.toString()).redirectErrorStream(true).start();
    String said = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(bash.waitFor()).as(said).isZero();
    return said.strip();
  }

  @Test
  void commandsAndOptionsAreCompleted() throws Exception {
    assertThat(completed("mipd nei")).isEqualTo("neighbours neighbors");
    assertThat(completed("mipd events --f")).isEqualTo("--follow");
    assertThat(completed("mipd policy e")).isEqualTo("explain");
    assertThat(completed("mipd dereg")).isEqualTo("deregister");
    assertThat(completed("mipd capture --o")).isEqualTo("--off");
  }
}

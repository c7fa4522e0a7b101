package io.mipd.sim.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.common.collect.ImmutableList;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code bin/uml}: what a command in a guest can rely on, and what the host can. */
@Tag("root")
class UmlTest {
  private static final Path HOME = Path.of("..").toAbsolutePath().normalize();

  @BeforeAll
  static void needsTheGuest() {
    boolean there = Files.exists(Path.of("/usr/bin/linux.uml"));
    if (!there) {
      System.err.println("UmlTest is skipped, missing: package user-mode-linux");
      assertThat(System.getenv("CI")).as("user-mode-linux").isNotEqualTo("true");
    }
    assumeTrue(there, "user-mode-linux");
  }

  private static Program uml(String... words) {
    return Program.local(
        ImmutableList.<String>builder().add(HOME.resolve("bin/uml") + "").add(words).build());
  }

  @Test
  void outputAndExitStatusAreTheCommands() throws Exception {
    Program.Ended ended =
        uml("--", "sh", "-c", "uname -r; echo \"$1\"; exit 7", "-", "a  b'").run();
    assertThat(ended.status()).as(ended.output()).isEqualTo(7);
    assertThat(ended.output()).contains("\na  b'\n");
  }

  @Test
  void theHostIsWrittenOnlyWhereItIsAllowed(@TempDir Path folder) throws Exception {
    Path allowed = Files.createDirectory(folder.resolve("allowed"));
    Path hidden = Files.createDirectory(folder.resolve("hidden"));
    String script =
        "echo yes > %s/file; echo no > %s/file; echo no > %s/no; echo no > /etc/mipd-no"
            .formatted(allowed, hidden, HOME);
    uml("--writable", allowed.toString(), "--", "sh", "-c", script).run();
    assertThat(allowed.resolve("file")).hasContent("yes\n");
    assertThat(hidden.resolve("file")).doesNotExist();
    assertThat(HOME.resolve("no")).doesNotExist();
    assertThat(Path.of("/etc/mipd-no")).doesNotExist();
  }

  @Test
  void itIsOverWhenItsTimeIs() throws Exception {
    assertThat(uml("--limit", "4", "--", "sleep", "1000").run().status()).isEqualTo(124);
  }

  @Test
  void nothingIsLeftOfOneThatWasKilled(@TempDir Path folder) throws Exception {
    Path started = folder.resolve("started");
    Process process =
        uml("--writable", folder.toString(), "--", "sh", "-c", "touch " + started + "; sleep 1000")
            .start(
                Program.nothing(),
                ProcessBuilder.Redirect.DISCARD,
                ProcessBuilder.Redirect.DISCARD);
    await(() -> Files.exists(started));
    String job = "mipd-uml-" + process.pid() + "-";
    assertThat(Program.local("ps", "-eo", "args").must()).contains(job);
    process.destroyForcibly().waitFor();
    await(() -> !Program.local("ps", "-eo", "args").must().contains(job));
  }

  /** Something that is so, or not yet. */
  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void await(Condition condition) throws Exception {
    // Others may have the places of all guests for a while.
    long limit = System.nanoTime() + 300_000_000_000L;
    while (!condition.holds()) {
      assertThat(System.nanoTime()).isLessThan(limit);
      Thread.sleep(100);
    }
  }
}

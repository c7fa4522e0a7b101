package io.mipd.xfrm.linux;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.platform.console.ConsoleLauncher;

/**
 * Runs test classes one by one in this virtual machine, for {@code bin/in-guest-tests}: in a guest
 * the start of another one costs more than many a class.
 */
public final class GuestTests {
  private static final Pattern FOUND = Pattern.compile("[1-9]\\d* tests found");

  private GuestTests() {}

  /**
   * Takes the classes that no other guest has taken. What one says is told as a whole when it is
   * done; of one that has no tests of the tags nothing is told. Ends with status 1 if one failed.
   *
   * @param arguments the queue, a folder of which each class taken has a folder, with its log and,
   *     unless it has passed, a file {@code failed}; a tag expression; the folder of reports; the
   *     classes
   */
  public static void main(String... arguments) throws IOException {
    Path queue = Path.of(arguments[0]);
    boolean passed = true;
    for (String name : List.of(arguments).subList(3, arguments.length)) {
      Path folder = queue.resolve(name);
      try {
        Files.createDirectory(folder);
      } catch (FileAlreadyExistsException e) {
        continue;
      }
      passed &= run(name, arguments[1], arguments[2], folder);
    }
    System.exit(passed ? 0 : 1);
  }

  private static boolean run(String name, String tags, String reports, Path folder)
      throws IOException {
    PrintStream out = System.out;
    PrintStream err = System.err;
    out.println(name);
    out.flush();
    Path failed = Files.createFile(folder.resolve("failed"));
    Path log = folder.resolve("log");
    int status;
    try (var said = new PrintStream(Files.newOutputStream(log), true, StandardCharsets.UTF_8)) {
      System.setOut(said);
      System.setErr(said);
      var words = new PrintWriter(said, true, StandardCharsets.UTF_8);
      status =
          ConsoleLauncher.run(
                  words,
                  words,
                  "execute",
                  "--select-class=" + name,
                  "--include-classname=.*",
                  "--include-tag=" + tags,
                  "--exclude-engine=junit-vintage",
                  "--exclude-engine=junit-platform-suite",
                  "--reports-dir=" + reports + "/" + name,
                  "--details=tree",
                  "--disable-ansi-colors",
                  "--disable-banner")
              .getExitCode();
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
    if (status == 0) {
      Files.delete(failed);
    }
    String text = Files.readString(log);
    if (FOUND.matcher(text).find()) {
      out.println(text);
      out.flush();
    }
    return status == 0;
  }
}

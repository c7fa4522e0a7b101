package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** What the documents show of {@code mipd policy} is what it prints today. */
class DocumentsTest {
  private static final Path ROOT = Path.of("..");
  private static final Path EXAMPLES = ROOT.resolve("docs/merging");
  private static final String PROMPT = "    $ bin/mipd policy ";

  /** A word, or several in quotes. */
  private static final Pattern WORD = Pattern.compile("'([^']*)'|(\\S+)");

  @TempDir private Path folder = Path.of("");

  /** A configuration beside a file of keys that only its owner may read. */
  static DaemonConfiguration configuration(Path folder, String text, String keys) throws Exception {
    keys(folder, keys);
    return DaemonConfiguration.read(Files.writeString(folder.resolve("mipd.conf"), text));
  }

  private static void keys(Path folder, String text) throws IOException {
    Path file = Files.writeString(folder.resolve("keys"), text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"README.md", "docs/merging.md"})
  void showsWhatIsPrinted(String document) throws IOException {
    keys(folder, Files.readString(EXAMPLES.resolve("keys")));
    for (String name : List.of("mobile-node.conf", "route-optimization.conf", "home-agent.conf")) {
      Files.copy(EXAMPLES.resolve(name), folder.resolve(name));
    }
    String text = Files.readString(ROOT.resolve(document));
    assertThat(text).contains(PROMPT);
    var printed = new StringBuilder();
    List<String> lines = Splitter.on('\n').splitToList(text);
    for (int i = 0; i < lines.size(); ) {
      printed.append(lines.get(i)).append('\n');
      if (!lines.get(i++).startsWith(PROMPT)) {
        continue;
      }
      var command = new StringBuilder(lines.get(i - 1).substring(PROMPT.length()));
      while (command.charAt(command.length() - 1) == '\\') {
        command.setLength(command.length() - 1);
        command.append(lines.get(i).strip());
        printed.append(lines.get(i++)).append('\n');
      }
      for (String line : Splitter.on('\n').split(run(command.toString()).stripTrailing())) {
        printed.append(line.isEmpty() ? "" : "    " + line).append('\n');
      }
      // Up to the next text, a command or a paragraph that is not indented.
      while (i < lines.size()
          && !lines.get(i).startsWith(PROMPT)
          && (lines.get(i).isEmpty() || lines.get(i).startsWith("    "))) {
        i++;
      }
      printed.append('\n');
    }
    assertThat(printed.toString().strip() + "\n").isEqualTo(text);
  }

  private String run(String command) {
    List<String> words = new ArrayList<>(List.of("policy"));
    Matcher matcher = WORD.matcher(command);
    while (matcher.find()) {
      String word = matcher.group(1) == null ? matcher.group(2) : matcher.group(1);
      words.add(word.replaceFirst("^docs/merging/", folder + "/"));
    }
    var out = new StringWriter();
    var line = Main.commandLine();
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(out));
    int status = Main.run(line, words.toArray(new String[0]));
    assertThat(status).as(out.toString()).isLessThan(CommandLine.ExitCode.USAGE);
    return out.toString();
  }
}

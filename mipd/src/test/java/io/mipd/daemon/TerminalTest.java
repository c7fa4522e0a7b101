package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What --watch draws. */
class TerminalTest {
  private static List<String> lines(String screen) {
    assertThat(screen).endsWith("\n");
    return Splitter.on('\n').splitToList(screen.substring(0, screen.length() - 1));
  }

  private static String words(String text) {
    return text.replaceAll("\\s+", " ").strip();
  }

  @Test
  void whatFitsStaysAsItIs() {
    String text =
        IntStream.range(0, 22).mapToObj(i -> "line " + i).collect(Collectors.joining("\n"));
    assertThat(Terminal.DEFAULT.screen("mipd status", text))
        .isEqualTo("mipd status\n" + text + "\n");
  }

  @Test
  void whatDoesNotFitIsToldOfInTheLastLine() {
    String text = "line\n".repeat(100);
    List<String> lines = lines(Terminal.DEFAULT.screen("mipd policies", text));
    assertThat(lines).hasSize(23).endsWith("line", "... 79 more lines");
    assertThat(lines(Terminal.DEFAULT.screen("mipd bindings", text + "... 9900 more\n")))
        .hasSize(23)
        .endsWith("line", "... 79 more lines, and 9900 more");
  }

  @Test
  void longLinesGoOnIndentedAtABlank() {
    String care = "2001:db8:1234:5678:9abc:def0:1234:5678";
    String text = "0x00001001  tunnel  12  3456  " + care + "  " + care + "  cbc(aes) hmac(sha256)";
    assertThat(Terminal.DEFAULT.screen("t", text))
        .isEqualTo(
            "t\n0x00001001  tunnel  12  3456  "
                + care
                + "\n          "
                + care
                + "  cbc(aes) hmac(sha256)\n");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 20, 31, 80, 132})
  void nothingIsWiderThanTheTerminalAndNoWordIsLost(int columns) {
    var terminal = new Terminal(columns, 1000);
    String text =
        IntStream.range(1, 60)
            .mapToObj(i -> "x".repeat(i) + " " + "y".repeat(i % 7))
            .collect(Collectors.joining("\n"));
    String screen = terminal.screen("title", text);
    assertThat(lines(screen)).allMatch(line -> line.length() <= terminal.columns());
    assertThat(screen.replaceAll("\\s", "")).isEqualTo("title" + text.replaceAll("\\s", ""));
    if (columns > 80) {
      assertThat(words(screen)).isEqualTo("title " + words(text));
    }
  }

  @Test
  void itsSizeIsThatOfStty() {
    assertThat(Terminal.parse("50 132\n")).isEqualTo(new Terminal(132, 50));
    assertThat(Terminal.parse("")).isEqualTo(Terminal.DEFAULT);
    assertThat(Terminal.parse("stty: not a terminal")).isEqualTo(Terminal.DEFAULT);
    assertThat(Terminal.parse("0 0")).as("one that does not know").isEqualTo(Terminal.DEFAULT);
  }
}

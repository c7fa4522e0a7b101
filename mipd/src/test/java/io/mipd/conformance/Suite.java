package io.mipd.conformance;

import com.google.common.base.CharMatcher;
import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Requirements, cases and verdicts, as their files have them. */
final class Suite {
  private static final Path FOLDER = Path.of("src/test/resources/conformance");
  private static final Splitter STEPS = Splitter.on(';').trimResults().omitEmptyStrings();
  private static final Splitter IDS = Splitter.on(CharMatcher.anyOf(", ")).omitEmptyStrings();

  private Suite() {}

  /**
   * @param unseen why no packet shows it; empty if one can
   */
  record Requirement(String id, String level, String who, String what, String unseen) {}

  /**
   * @param file the section, or sections, that it is about
   */
  record Case(String file, ImmutableList<String> requirements, ImmutableList<String> steps) {
    String name() {
      return String.join(" ", requirements) + ": " + String.join("; ", steps);
    }
  }

  static ImmutableList<Requirement> requirements() {
    var all = ImmutableList.<Requirement>builder();
    for (String line : lines(FOLDER.resolve("requirements.txt"))) {
      List<String> parts = Splitter.on('|').trimResults().splitToList(line);
      all.add(
          new Requirement(
              parts.get(0),
              parts.get(1),
              parts.get(2),
              parts.get(3),
              parts.size() > 4 ? parts.get(4) : ""));
    }
    return all.build();
  }

  /** Why there is no case, where a packet could show it. */
  static ImmutableMap<String, String> verdicts() {
    var all = ImmutableMap.<String, String>builder();
    for (String line : lines(FOLDER.resolve("verdicts.txt"))) {
      List<String> two = Splitter.on('|').trimResults().splitToList(line);
      all.put(two.get(0), two.get(1));
    }
    return all.buildOrThrow();
  }

  static ImmutableList<Case> cases() {
    var all = ImmutableList.<Case>builder();
    try (Stream<Path> files = Files.list(FOLDER)) {
      files
          .filter(file -> file.getFileName().toString().matches("\\d.*\\.cases"))
          .sorted()
          .forEach(file -> all.addAll(cases(file)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return all.build();
  }

  private static List<Case> cases(Path file) {
    List<Case> all = new ArrayList<>();
    String name = file.getFileName().toString().replace(".cases", "");
    for (String line : lines(file)) {
      int colon = line.indexOf(": ");
      if (colon < 0) {
        throw new IllegalArgumentException(file + ": no requirement: " + line);
      }
      all.add(
          new Case(
              name,
              ImmutableList.copyOf(IDS.split(line.substring(0, colon))),
              ImmutableList.copyOf(STEPS.split(line.substring(colon + 2)))));
    }
    return all;
  }

  /** Steps by the name that stands for them. */
  static Map<String, List<String>> macros() {
    Map<String, List<String>> all = new LinkedHashMap<>();
    for (String line : lines(FOLDER.resolve("states.txt"))) {
      int at = line.indexOf(":=");
      all.put(line.substring(0, at).strip(), STEPS.splitToList(line.substring(at + 2)));
    }
    return all;
  }

  /** Without comments; a line that is indented goes on with the one before. */
  private static List<String> lines(Path file) {
    List<String> lines = new ArrayList<>();
    try {
      for (String line : Files.readAllLines(file)) {
        if (line.isBlank() || line.startsWith("#")) {
          continue;
        }
        if (line.startsWith(" ")) {
          int last = lines.size() - 1;
          lines.set(last, lines.get(last) + " " + line.strip());
        } else {
          lines.add(line.strip());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return lines;
  }
}

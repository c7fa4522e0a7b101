package io.mipd.conformance;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSetMultimap;
import com.google.common.collect.SetMultimap;
import io.mipd.conformance.Suite.Case;
import io.mipd.conformance.Suite.Requirement;
import java.util.LinkedHashMap;
import java.util.Map;

/** The requirements with their cases and verdicts, as {@code docs/conformance.md} has them. */
final class RequirementTable {
  private static final String HEAD =
      """
      # Conformance with RFC 6275

      Every MUST, SHOULD and their negations of sections 6 to 11, in the order of the text and in our words, with the cases that show
      it. A case is a line of `mipd/src/test/resources/conformance/*.cases`: packets in, packets expected and what holds afterwards,
      with a clock of its own, for the protocol core with the packet engine (`mvn -pl mipd -am test -Dtest=ConformanceTest`). Packets
      are made and read by code of the tests. What other tests show without naming a requirement is not counted here. Those cases of the
      correspondent that leave nothing behind in it, and wait for nothing but answers, are played against a live daemon as well
      (`LiveConformanceTest`, as root); likewise, with `bin/check --full`, those of sections 10.2 and 10.3.1 that need no clock, each with a home agent
      of its own on an Ethernet, and those of the mobile node without a wait that packets and its status show, each with a mobile node of its own, whose
      cable goes in and out.

      This file is written by `RequirementTableTest` from the requirements, the cases and `verdicts.txt`, and fails the build when it is
      not up to date.

      """;

  /** What the words of a verdict begin with where there is no case, and will be none. */
  private static final ImmutableList<String> WITHOUT_CASES =
      ImmutableList.of("not met", "other tests show it");

  private RequirementTable() {}

  static String render() {
    SetMultimap<String, Case> cases =
        Suite.cases().stream()
            .collect(
                ImmutableSetMultimap.flatteningToImmutableSetMultimap(
                    one -> one, one -> one.requirements().stream()))
            .inverse();
    ImmutableMap<String, String> words = Suite.verdicts();
    Map<String, int[]> counts = new LinkedHashMap<>();
    var tables = new StringBuilder();
    String section = "";
    for (Requirement one : Suite.requirements()) {
      String its = one.id().substring(0, one.id().indexOf('-'));
      if (!its.equals(section)) {
        section = its;
        tables
            .append("\n## Section ")
            .append(section)
            .append(
                "\n\n| id | level | who | what | cases | verdict |\n|---|---|---|---|---|---|\n");
      }
      int number = cases.get(one.id()).size();
      String kind = kind(one, number, words.getOrDefault(one.id(), ""));
      counts.computeIfAbsent(kind, it -> new int[1])[0]++;
      tables.append(
          "| %s | %s | %s | %s | %s | %s |\n"
              .formatted(
                  one.id(),
                  one.level(),
                  one.who(),
                  one.what(),
                  number == 0 ? "" : Integer.toString(number),
                  verdict(one, kind, words.getOrDefault(one.id(), ""))));
    }
    var text = new StringBuilder(HEAD);
    text.append("| verdict | requirements |\n|---|---|\n");
    counts.forEach((kind, count) -> text.append("| %s | %d |\n".formatted(kind, count[0])));
    return text.append(tables).toString();
  }

  private static String kind(Requirement one, int cases, String words) {
    if (cases > 0) {
      return "shown";
    }
    if (!one.unseen().isEmpty()) {
      return "no packet shows it";
    }
    return WITHOUT_CASES.stream().filter(words::startsWith).findFirst().orElse("no case yet");
  }

  private static String verdict(Requirement one, String kind, String words) {
    String why = one.unseen().isEmpty() ? words : one.unseen();
    if (why.isEmpty()) {
      return kind;
    }
    return why.startsWith(kind) ? why : kind + ": " + why;
  }
}

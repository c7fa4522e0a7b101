package io.mipd.merger.explain;

import com.google.common.base.Splitter;
import io.mipd.merger.rule.Finding;
import io.mipd.merger.rule.MergedPolicy;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import java.util.ArrayList;
import java.util.List;

/** An explanation for people: a line for each rule, template and header. */
public final class ExplanationText {
  private static final int TITLE_WIDTH = 10;
  private static final int OCTETS_WIDTH = 6;
  private static final int KIND_WIDTH = 8;
  private static final int LINE_WIDTH = 100;

  private ExplanationText() {}

  public static String of(Explanation explanation) {
    var text = new StringBuilder();
    titled(text, "packet", List.of(explanation.packet().toString()));
    explanation.policy().ifPresent(policy -> policy(text, policy));
    if (explanation.verdict() != Explanation.Verdict.TRANSFORMED) {
      titled(text, "verdict", List.of(verdict(explanation)));
    }
    if (explanation.verdict() == Explanation.Verdict.TRANSFORMED
        || explanation.verdict() == Explanation.Verdict.HELD) {
      wire(text, explanation);
    }
    explanation.size().ifPresent(size -> size(text, size));
    titled(text, "note", explanation.notes());
    titled(text, "finding", explanation.findings().stream().map(Finding::toString).toList());
    return text.toString();
  }

  private static String verdict(Explanation explanation) {
    boolean arrives = explanation.packet().direction() != Direction.OUT;
    return arrives && explanation.verdict() == Explanation.Verdict.HELD
        ? "not taken, for what undoes one of these headers is not there"
        : explanation.verdict().words();
  }

  private static void policy(StringBuilder text, MergedPolicy policy) {
    titled(
        text, "policy", List.of(policy.policy().id() + " priority " + policy.policy().priority()));
    titled(text, "rules", policy.trace().stream().map(MergedPolicy.Step::toString).toList());
    titled(text, "bundle", templates(policy.policy().bundle()));
  }

  private static List<String> templates(Bundle bundle) {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < bundle.templates().size(); i++) {
      lines.add(i + " " + bundle.templates().get(i));
    }
    return lines;
  }

  private static void wire(StringBuilder text, Explanation explanation) {
    text.append("  octets  on the wire, from the outside in\n");
    for (WireHeader header : explanation.wire()) {
      String octets =
          header.octets().isPresent() ? Integer.toString(header.octets().getAsInt()) : "?";
      text.append("  ").append(" ".repeat(OCTETS_WIDTH - octets.length())).append(octets);
      text.append("  ").append("|  ".repeat(header.depth()));
      text.append(words(header)).append('\n');
    }
  }

  private static String words(WireHeader header) {
    List<String> words = new ArrayList<>();
    header.between().ifPresent(between -> words.add(between.toString()));
    header.spi().ifPresent(spi -> words.add("spi " + spi));
    if (!header.words().isEmpty()) {
      words.add(header.words());
    }
    if (header.nextHeader().isPresent()) {
      int next = header.nextHeader().getAsInt();
      words.add("next " + next + " " + name(next));
    }
    return padded(header.kind().title(), KIND_WIDTH) + String.join(", ", words);
  }

  private static String name(int protocol) {
    String name = IpProtocol.nameOf(protocol);
    return Character.isDigit(name.charAt(0)) ? "" : name;
  }

  private static void size(StringBuilder text, Explanation.Size size) {
    String range =
        size.leastOverhead() == size.mostOverhead()
            ? "" + size.leastOverhead()
            : size.leastOverhead() + " to " + size.mostOverhead() + ", by the padding";
    titled(
        text,
        "size",
        List.of(
            size.inner() + " octets, " + size.outer() + " on the wire",
            "overhead " + (size.outer() - size.inner()) + " (" + range + ")",
            "MTU " + size.mtu() + " where the path carries " + size.pathMtu()));
  }

  private static void titled(StringBuilder text, String title, List<String> lines) {
    String before = title;
    for (String line : lines) {
      for (String part : wrapped(line)) {
        text.append(padded(before, TITLE_WIDTH)).append(part).append('\n');
        before = "";
      }
    }
  }

  /** Lines that a terminal shows whole; what continues one is indented. */
  private static List<String> wrapped(String line) {
    List<String> parts = new ArrayList<>();
    var part = new StringBuilder();
    for (String word : Splitter.on(' ').split(line)) {
      if (part.length() > 0 && TITLE_WIDTH + part.length() + 1 + word.length() > LINE_WIDTH) {
        parts.add(part.toString());
        part = new StringBuilder("   ");
      }
      part.append(part.length() == 0 ? "" : " ").append(word);
    }
    parts.add(part.toString());
    return parts;
  }

  private static String padded(String text, int width) {
    return text + " ".repeat(Math.max(1, width - text.length()));
  }
}

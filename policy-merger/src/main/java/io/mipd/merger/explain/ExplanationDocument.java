package io.mipd.merger.explain;

import io.mipd.merger.rule.Finding;
import io.mipd.merger.rule.MergedPolicy;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Template;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** An explanation for programs: maps, lists, texts and numbers, for JSON. */
public final class ExplanationDocument {
  private ExplanationDocument() {}

  public static Map<String, Object> of(Explanation explanation) {
    Map<String, Object> document = new LinkedHashMap<>();
    Map<String, Object> packet = flow(explanation.packet().flow());
    packet.put("direction", explanation.packet().direction().kernelName());
    explanation.packet().length().ifPresent(octets -> packet.put("octets", octets));
    document.put("packet", packet);
    document.put("verdict", key(explanation.verdict().name()));
    explanation.policy().ifPresent(policy -> document.put("policy", policy(policy)));
    document.put("wire", explanation.wire().stream().map(ExplanationDocument::header).toList());
    explanation.size().ifPresent(size -> document.put("size", size(size)));
    document.put("notes", explanation.notes());
    document.put("findings", findings(explanation.findings()));
    return document;
  }

  /** A policy of a merge, and the rules that made it. */
  public static Map<String, Object> policy(MergedPolicy merged) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("selector", merged.policy().selector().toString());
    document.put("direction", merged.policy().direction().kernelName());
    document.put("priority", merged.policy().priority());
    document.put("action", key(merged.policy().action().name()));
    document.put(
        "templates",
        merged.policy().bundle().templates().stream().map(Template::toString).toList());
    List<Object> trace = new ArrayList<>();
    for (MergedPolicy.Step step : merged.trace()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("rule", step.rule());
      one.put("words", step.words());
      trace.add(one);
    }
    document.put("trace", trace);
    return document;
  }

  private static Map<String, Object> header(WireHeader header) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("header", key(header.kind().name()));
    document.put("depth", header.depth());
    header
        .between()
        .ifPresent(
            between -> {
              document.put("source", between.source().toString());
              document.put("destination", between.destination().toString());
            });
    header.nextHeader().ifPresent(next -> document.put("next-header", next));
    header.spi().ifPresent(spi -> document.put("spi", spi.toString()));
    document.put("words", header.words());
    header.octets().ifPresent(octets -> document.put("octets", octets));
    return document;
  }

  private static Map<String, Object> size(Explanation.Size size) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("path-mtu", size.pathMtu());
    document.put("mtu", size.mtu());
    document.put("inner", size.inner());
    document.put("outer", size.outer());
    document.put("overhead", size.outer() - size.inner());
    document.put("least-overhead", size.leastOverhead());
    document.put("most-overhead", size.mostOverhead());
    return document;
  }

  /** Findings, each with the packet that meets it. */
  public static List<Object> findings(List<Finding> findings) {
    List<Object> all = new ArrayList<>();
    for (Finding finding : findings) {
      Map<String, Object> document = new LinkedHashMap<>();
      document.put("kind", key(finding.kind().name()));
      document.put("words", finding.words());
      document.put("witness", flow(finding.witness()));
      all.add(document);
    }
    return all;
  }

  private static Map<String, Object> flow(Flow flow) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("source", flow.source().toString());
    document.put("destination", flow.destination().toString());
    document.put("protocol", flow.protocol());
    if (flow.sourcePort() != Flow.NO_PORT) {
      document.put("source-port-or-type", flow.sourcePort());
    }
    if (flow.destinationPort() != Flow.NO_PORT) {
      document.put("destination-port-or-code", flow.destinationPort());
    }
    document.put("mark", Integer.toUnsignedLong(flow.mark()));
    document.put("if_id", Integer.toUnsignedLong(flow.interfaceId()));
    return document;
  }

  private static String key(String constant) {
    return constant.toLowerCase(Locale.ROOT).replace('_', '-');
  }
}

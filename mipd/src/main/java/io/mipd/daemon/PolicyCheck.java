package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.explain.Explainer;
import io.mipd.merger.explain.Explanation;
import io.mipd.merger.explain.ExplanationDocument;
import io.mipd.merger.explain.Packet;
import io.mipd.merger.rule.Finding;
import io.mipd.merger.rule.Merged;
import io.mipd.merger.rule.MergedPolicy;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * What is doubtful about a node's policies.
 *
 * @param held policies whose packets wait for an association that nobody but the configuration
 *     could bring
 */
record PolicyCheck(
    PolicyState state, int policies, ImmutableList<Finding> findings, ImmutableList<Held> held) {

  /**
   * @param witness a packet that waits
   */
  record Held(Policy policy, Flow witness, ImmutableList<String> missing) {}

  static PolicyCheck of(PolicyState state) {
    Merged merged = state.inputs().merge();
    var held = ImmutableList.<Held>builder();
    if (state.world() == DaemonConfiguration.WorldChoice.ENGINE) {
      for (MergedPolicy one : merged.all()) {
        if (isOfHosts(one.policy())) {
          Flow witness = witness(one.policy().selector());
          var packet = new Packet(one.policy().direction(), witness, OptionalInt.empty());
          Explanation explanation =
              Explainer.explain(packet, merged, state.knowledge(), Explainer.DEFAULT_PATH_MTU);
          if (explanation.verdict() == Explanation.Verdict.HELD
              && explanation.policy().equals(java.util.Optional.of(one))) {
            held.add(new Held(one.policy(), witness, explanation.notes()));
          }
        }
      }
    }
    return new PolicyCheck(state, merged.all().size(), merged.findings(), held.build());
  }

  /** Whether its templates find the same associations for all its packets. */
  private static boolean isOfHosts(Policy policy) {
    Selector selector = policy.selector();
    return (selector.source().isHost() && selector.destination().isHost())
        || policy.bundle().templates().stream().allMatch(one -> one.isTunnel());
  }

  private static Flow witness(Selector selector) {
    boolean typed =
        IpProtocol.hasPorts(selector.protocol())
            || selector.protocol() == IpProtocol.ICMPV6
            || selector.protocol() == IpProtocol.MOBILITY;
    return new Flow(
        selector.source().address(),
        selector.destination().address(),
        selector.protocol() == IpProtocol.ANY ? IpProtocol.NO_NEXT_HEADER : selector.protocol(),
        typed ? selector.sourcePort().value() : Flow.NO_PORT,
        typed ? selector.destinationPort().value() : Flow.NO_PORT,
        selector.mark().value(),
        selector.interfaceId());
  }

  /** Whether somebody should look at it. */
  boolean needsAttention() {
    return !findings.isEmpty() || !held.isEmpty();
  }

  String text() {
    var text = new StringBuilder();
    text.append("checked   ").append(state.where()).append('\n');
    text.append("policies  ")
        .append(state.inputs().allUser().size())
        .append(" of the user's; ")
        .append(policies)
        .append(" with mobility's, composed\n");
    int number = 1;
    for (Finding finding : findings) {
      text.append('\n').append(number++).append(". ").append(finding.kind()).append('\n');
      text.append("   ").append(finding.words()).append('\n');
      text.append("   for instance ").append(finding.witness()).append('\n');
    }
    for (Held one : held) {
      text.append('\n').append(number++).append(". NO_ASSOCIATION\n");
      text.append("   ").append(one.policy()).append('\n');
      one.missing().forEach(it -> text.append("   ").append(it).append('\n'));
      text.append("   for instance ").append(one.witness()).append('\n');
    }
    return text.append(needsAttention() ? "" : "nothing is doubtful\n").toString();
  }

  Map<String, Object> document() {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("checked", state.where());
    document.put("user-policies", state.inputs().allUser().size());
    document.put("policies", policies);
    document.put("findings", ExplanationDocument.findings(findings));
    List<Object> waiting = new ArrayList<>();
    for (Held one : held) {
      Map<String, Object> policy = new LinkedHashMap<>();
      policy.put("policy", one.policy().toString());
      policy.put("witness", one.witness().toString());
      policy.put("missing", one.missing());
      waiting.add(policy);
    }
    document.put("no-association", waiting);
    return document;
  }
}

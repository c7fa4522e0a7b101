package io.mipd.merger.explain;

import static com.google.common.base.Preconditions.checkArgument;
import static com.google.common.collect.ImmutableList.toImmutableList;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.rule.Finding;
import io.mipd.merger.rule.Merged;
import io.mipd.merger.rule.MergedPolicy;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Follows one packet through the merged policies, template by template, to the wire. */
public final class Explainer {
  /** Every IPv6 link carries as much (RFC 8200 section 5). */
  public static final int LEAST_MTU = 1280;

  public static final int DEFAULT_PATH_MTU = 1500;

  /** Padding repeats itself with the largest block of an algorithm, 16 octets. */
  private static final int PADDING_PERIOD = 64;

  private final Knowledge knowledge;
  private final Packet packet;
  private final List<Layer> layers = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private Flow current;
  private boolean held;

  private Explainer(Packet packet, Knowledge knowledge) {
    this.packet = packet;
    this.knowledge = knowledge;
    current = packet.flow();
    layers.add(Layer.of(packet.flow()));
  }

  /**
   * @param pathMtu what the path carries of the outermost packet, in octets
   */
  public static Explanation explain(
      Packet packet, Merged merged, Knowledge knowledge, int pathMtu) {
    checkArgument(
        pathMtu >= LEAST_MTU && pathMtu <= Packet.MOST_LENGTH,
        "a path MTU is %s to %s octets, not %s",
        LEAST_MTU,
        Packet.MOST_LENGTH,
        pathMtu);
    Optional<MergedPolicy> policy = merged.decides(packet.direction(), packet.flow());
    return new Explainer(packet, knowledge)
        .explain(policy, concerning(packet, policy, merged), pathMtu);
  }

  /** Findings whose witness meets the same policy. */
  private static ImmutableList<Finding> concerning(
      Packet packet, Optional<MergedPolicy> policy, Merged merged) {
    return merged.findings().stream()
        .filter(
            finding ->
                finding.witness().equals(packet.flow())
                    || (policy.isPresent()
                        && merged.decides(packet.direction(), finding.witness()).equals(policy)))
        .collect(toImmutableList());
  }

  private Explanation explain(
      Optional<MergedPolicy> decided, ImmutableList<Finding> findings, int pathMtu) {
    Optional<Policy> policy = decided.map(MergedPolicy::policy);
    if (policy.isPresent() && policy.get().action() == Policy.Action.BLOCK) {
      return new Explanation(
          packet,
          decided,
          Explanation.Verdict.BLOCKED,
          ImmutableList.of(),
          Optional.empty(),
          findings,
          ImmutableList.of());
    }
    policy.ifPresent(one -> one.bundle().templates().forEach(this::apply));
    Explanation.Verdict verdict =
        held
            ? Explanation.Verdict.HELD
            : policy.isEmpty()
                ? Explanation.Verdict.NO_POLICY
                : isAsItWas() ? Explanation.Verdict.CLEAR : Explanation.Verdict.TRANSFORMED;
    // What is held for want of a care-of address lacks a header here.
    Optional<Explanation.Size> size = held ? Optional.empty() : size(pathMtu);
    OptionalInt inner = size.isPresent() ? OptionalInt.of(size.get().inner()) : packet.length();
    ImmutableList<WireHeader> wire = wire(inner);
    size.ifPresent(this::remark);
    return new Explanation(
        packet, decided, verdict, wire, size, findings, ImmutableList.copyOf(notes));
  }

  private boolean isAsItWas() {
    return layers.size() == 1 && outermost().equals(Layer.of(packet.flow()));
  }

  private Layer outermost() {
    return layers.get(layers.size() - 1);
  }

  private void apply(Template template) {
    if (template.protocol().isRouteOptimization()) {
      routeOptimization(template);
      return;
    }
    if (template.protocol() == TransformProtocol.IPV6) {
      layers.add(Layer.between(template.source(), template.destination()));
      current = template.seenFromOutside(current);
      return;
    }
    Optional<KnownAssociation> association = knowledge.association(template, current);
    if (association.isEmpty() && template.protocol() != TransformProtocol.IPCOMP) {
      if (template.optional()) {
        notes.add("[" + template + "] is left out: no association is known, and it is optional");
        return;
      }
      held = true;
      notes.add("no association is known for [" + template + "]: octets and MTU are not known");
    }
    if (template.protocol() == TransformProtocol.IPCOMP) {
      notes.add("sizes are those of a packet that IPComp does not make smaller");
    }
    var protection = new Layer.Protection(template, association);
    if (template.isTunnel()) {
      layers.add(Layer.between(template.source(), template.destination()).with(protection));
    } else {
      layers.set(layers.size() - 1, outermost().with(protection));
    }
    current = template.seenFromOutside(current);
  }

  private void routeOptimization(Template template) {
    boolean option = template.protocol() == TransformProtocol.HAO;
    Ipv6Address home = option ? current.source() : current.destination();
    Optional<Ipv6Address> careOf = knowledge.careOf(template, current);
    if (careOf.isEmpty()) {
      held |= !template.optional();
      notes.add(
          "["
              + template
              + "] is left out: no care-of address of "
              + home
              + " is known"
              + (template.optional() ? ", and it is optional" : ""));
    } else if (!careOf.get().equals(home)) {
      layers.set(
          layers.size() - 1,
          option
              ? outermost().withHomeAddressOption(careOf.get())
              : outermost().withRoutingHeader(careOf.get()));
    }
  }

  /** Octets on the wire of a packet of {@code inner} octets; empty if they are not known. */
  private OptionalInt outer(int inner) {
    OptionalInt octets = OptionalInt.of(inner - Packet.LEAST_LENGTH);
    for (Layer layer : layers) {
      octets = layer.around(octets.getAsInt());
      if (octets.isEmpty()) {
        return octets;
      }
    }
    return octets;
  }

  private Optional<Explanation.Size> size(int pathMtu) {
    if (outer(Packet.LEAST_LENGTH).isEmpty()) {
      return Optional.empty();
    }
    int mtu = pathMtu;
    while (mtu > Packet.LEAST_LENGTH && outer(mtu).getAsInt() > pathMtu) {
      mtu--;
    }
    int least = Integer.MAX_VALUE;
    int most = 0;
    for (int length = LEAST_MTU; length < LEAST_MTU + PADDING_PERIOD; length++) {
      int overhead = outer(length).getAsInt() - length;
      least = Math.min(least, overhead);
      most = Math.max(most, overhead);
    }
    int inner = packet.length().orElse(mtu);
    return Optional.of(
        new Explanation.Size(pathMtu, mtu, inner, outer(inner).getAsInt(), least, most));
  }

  private void remark(Explanation.Size size) {
    if (size.inner() > size.mtu()) {
      notes.add(
          "too big: its sender is told (Packet Too Big) that "
              + Math.max(size.mtu(), LEAST_MTU)
              + " octets fit");
    }
    if (size.mtu() < LEAST_MTU) {
      notes.add(
          "what is left is less than 1280 octets, which every IPv6 link carries (RFC 8200 section"
              + " 5): outer packets are sent in fragments");
    }
  }

  /**
   * @param inner octets of the packet; empty if that is not known
   */
  private ImmutableList<WireHeader> wire(OptionalInt inner) {
    var wire = ImmutableList.<WireHeader>builder();
    for (int i = layers.size() - 1; i >= 0; i--) {
      int protocol = i == 0 ? packet.flow().protocol() : IpProtocol.IPV6;
      layers.get(i).describe(layers.size() - 1 - i, protocol, wire);
    }
    OptionalInt content =
        inner.isPresent()
            ? OptionalInt.of(inner.getAsInt() - Packet.LEAST_LENGTH)
            : OptionalInt.empty();
    wire.add(payload(content));
    for (int i = 0; i < layers.size(); i++) {
      layers.get(i).describeEnd(layers.size() - 1 - i, content, wire);
      content =
          content.isPresent() ? layers.get(i).around(content.getAsInt()) : OptionalInt.empty();
    }
    return wire.build();
  }

  private WireHeader payload(OptionalInt octets) {
    Flow flow = packet.flow();
    String words = IpProtocol.nameOf(flow.protocol());
    if (IpProtocol.hasPorts(flow.protocol()) && flow.sourcePort() != Flow.NO_PORT) {
      words += " " + flow.sourcePort() + " > " + flow.destinationPort();
    } else if (flow.sourcePort() != Flow.NO_PORT) {
      words += " type " + flow.sourcePort();
    }
    return new WireHeader(
        WireHeader.Kind.PAYLOAD,
        layers.size() - 1,
        Optional.empty(),
        OptionalInt.empty(),
        Optional.empty(),
        words,
        octets);
  }
}

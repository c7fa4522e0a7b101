package io.mipd.proof;

import static com.google.common.collect.ImmutableSet.toImmutableSet;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.merger.explain.Explainer;
import io.mipd.merger.explain.Explanation;
import io.mipd.merger.explain.Packet;
import io.mipd.merger.explain.WireHeader;
import io.mipd.merger.rule.Finding;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.proof.Case.Journey;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.host.Datagram;
import io.mipd.xfrm.host.Dissection;
import io.mipd.xfrm.host.EngineHost;
import io.mipd.xfrm.host.Host;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.transform.Tshark;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * Sends the packets of cases through worlds and compares: each world with what the case says, the
 * worlds with each other in every octet, and what must be refused with what is.
 */
final class Proof implements AutoCloseable {
  private static final int NEXT_HEADER = 6;

  /** An explanation says them elsewhere. */
  private static final Pattern WITHIN_A_HEADER = Pattern.compile("(DSTOPT|RH2)\\([^)]*\\)");

  private final ImmutableList<World> worlds;

  /** What was seen on wires, for tshark. */
  private final List<byte[]> packets = new ArrayList<>();

  private final List<String> chains = new ArrayList<>();
  private final Map<Integer, SecurityAssociation> keys = new LinkedHashMap<>();

  Proof(World... worlds) {
    this.worlds = ImmutableList.copyOf(worlds);
  }

  void holds(Case row) throws Exception {
    isTold(row);
    for (World world : worlds) {
      world.prepare(row);
    }
    for (Journey journey : row.journeys()) {
      goes(row, journey);
    }
    for (Journey journey : row.journeys()) {
      refusesWhatDiffers(row, journey);
      refusesToForward(row, journey);
    }
  }

  /** What the mobile node's user is told, each with a packet that meets what he has demanded. */
  private static void isTold(Case row) {
    ImmutableList<Finding> findings = row.merged(Place.MOBILE_NODE).findings();
    assertThat(findings.stream().map(Finding::kind).collect(toImmutableSet()))
        .as("%s: %s", row, findings)
        .isEqualTo(row.findings());
    for (Finding finding : findings) {
      assertThat(row.users(Place.MOBILE_NODE))
          .as("%s: %s", row, finding)
          .anyMatch(policy -> isMetBy(policy, finding.witness(), row));
    }
  }

  /** As the packet is, or as mobility alone sends it: a user may mean what carries it. */
  private static boolean isMetBy(Policy users, Flow witness, Case row) {
    return users.selector().matches(witness)
        || row.mobilityAlone(Place.MOBILE_NODE)
            .decides(users.direction(), witness)
            .filter(it -> users.selector().matches(it.policy().bundle().outermost(witness)))
            .isPresent()
        || row.wanted(Place.MOBILE_NODE).stream()
            .filter(way -> way.selector().matches(witness))
            .flatMap(way -> way.onLink().stream())
            .anyMatch(link -> users.selector().matches(directly(witness, link)));
  }

  private static Flow directly(Flow flow, MobilityPolicy.OnLink link) {
    return new Flow(
        link.source(),
        link.destination(),
        flow.protocol(),
        flow.sourcePort(),
        flow.destinationPort(),
        flow.mark(),
        flow.interfaceId());
  }

  // The way of a packet.

  private void goes(Case row, Journey journey) throws Exception {
    List<byte[]> before =
        journey.legs().isEmpty()
            ? Collections.nCopies(worlds.size(), journey.datagram().octets())
            : List.of();
    if (!journey.legs().isEmpty()) {
      isExplained(row, journey.datagram(), journey.legs().get(0));
    }
    for (Case.Leg leg : journey.legs()) {
      List<List<byte[]>> left = new ArrayList<>();
      for (World world : worlds) {
        left.add(left(world.host(leg.from()), journey.datagram(), before));
      }
      for (List<byte[]> ofWorld : left) {
        for (byte[] packet : ofWorld) {
          Dissection seen = Dissection.of(packet, Place.NAMES, row.associations());
          assertThat(seen.chain()).as("%s: from %s", row, leg.from()).isEqualTo(leg.chain());
        }
        if (leg.chain().isEmpty()) {
          assertThat(ofWorld).as("%s: from %s", row, leg.from()).isEmpty();
        } else {
          assertThat(ofWorld)
              .as("%s: from %s should leave %s", row, leg.from(), leg.chain())
              .hasSize(Math.max(1, before.size()));
        }
      }
      List<byte[]> next = new ArrayList<>();
      for (int world = 0; world < worlds.size() && !leg.chain().isEmpty(); world++) {
        areTheSame(row, leg, left.get(0), left.get(world));
        next.add(left.get(world).get(0));
        keep(row, journey.datagram(), left.get(world).get(0), leg.chain());
      }
      before = next;
    }
    if (journey.end() != null) {
      for (int world = 0; world < worlds.size(); world++) {
        ends(row, journey, journey.end(), worlds.get(world), before.get(world));
      }
    }
  }

  /** The merger says of what is sent what is then seen. */
  private static void isExplained(Case row, Datagram datagram, Case.Leg leg) {
    var packet = new Packet(Direction.OUT, flow(datagram), OptionalInt.empty());
    Explanation explanation =
        Explainer.explain(
            packet, row.merged(leg.from()), row.knowledge(leg.from()), Explainer.DEFAULT_PATH_MTU);
    assertThat(explained(explanation))
        .as("%s: from %s, explained", row, leg.from())
        .isEqualTo(WITHIN_A_HEADER.matcher(leg.chain()).replaceAll("$1"));
  }

  private static String explained(Explanation explanation) {
    List<String> words = new ArrayList<>();
    for (WireHeader header : explanation.wire()) {
      switch (header.kind()) {
        case IPV6 -> {
          var between = header.between().orElseThrow();
          words.add(name(between.source()) + ">" + name(between.destination()));
        }
        case DESTINATION_OPTIONS -> words.add("DSTOPT");
        case ROUTING -> words.add("RH2");
        case ESP, AH -> words.add(header.kind() + "(0x" + Integer.toHexString(spi(header)) + ")");
        case IPCOMP -> words.add("COMP");
        case PAYLOAD -> words.add(upper(explanation.packet().flow()));
        default -> assertThat(header.kind()).isEqualTo(WireHeader.Kind.ESP_TRAILER);
      }
    }
    return String.join(" ", words);
  }

  private static String name(Ipv6Address address) {
    return Place.NAMES.getOrDefault(address, address.toString());
  }

  private static int spi(WireHeader header) {
    return header.spi().orElseThrow().value();
  }

  private static String upper(Flow flow) {
    return switch (flow.protocol()) {
      case IpProtocol.MOBILITY -> "MH(" + flow.sourcePort() + ")";
      case IpProtocol.ICMPV6 -> "ICMPV6(" + flow.sourcePort() + ")";
      default -> "UDP";
    };
  }

  private static void ends(Case row, Journey journey, Place end, World world, byte[] packet)
      throws Exception {
    Host host = world.host(end);
    if (!journey.refused()) {
      assertThat(host.receives(packet).delivered())
          .as("%s: %s at %s: %s", row, journey.datagram(), end, host.refusals())
          .hasValueSatisfying(
              got -> {
                assertThat(got.source()).isEqualTo(journey.datagram().source());
                assertThat(got.protocol()).isEqualTo(journey.datagram().protocol());
                assertThat(got.number()).isEqualTo(journey.datagram().number());
                assertThat(got.text()).isEqualTo(journey.datagram().text());
              });
    } else if (world instanceof KernelWorld || !isPlain(packet)) {
      assertThat(host.refuses(packet).isRefused())
          .as("%s: %s at %s is refused", row, journey.datagram(), end)
          .isTrue();
    }
  }

  /** Without a header of the engine's it is the stack's: that it refuses is not the engine's. */
  private static boolean isPlain(byte[] packet) {
    return packet[NEXT_HEADER] == IpProtocol.UDP || packet[NEXT_HEADER] == IpProtocol.ICMPV6;
  }

  /** What leaves a host that sends, or that has got these. */
  private static List<byte[]> left(Host host, Datagram datagram, List<byte[]> got)
      throws Exception {
    if (got.isEmpty()) {
      return host.sends(datagram);
    }
    var left = ImmutableList.<byte[]>builder();
    for (byte[] packet : got) {
      left.addAll(host.receives(packet).left());
    }
    return left.build();
  }

  private static void areTheSame(
      Case row, Case.Leg leg, List<byte[]> ofEngine, List<byte[]> ofWorld) {
    for (int i = 0; i < ofEngine.size(); i++) {
      var one = Dissection.of(ofEngine.get(i), Place.NAMES, row.associations());
      var other = Dissection.of(ofWorld.get(i), Place.NAMES, row.associations());
      assertThat(other.octets()).as("%s: from %s", row, leg.from()).isEqualTo(one.octets());
    }
  }

  // What must be refused.

  /**
   * Whoever has all the keys, and puts fewer layers or others around a packet than policy demands,
   * in any order, is not heard.
   */
  private void refusesWhatDiffers(Case row, Journey journey) throws Exception {
    if (journey.end() == null || journey.refused() || journey.legs().isEmpty()) {
      return;
    }
    Flow flow = flow(journey.datagram());
    Place end = journey.end();
    var policy = row.merged(end).decides(Direction.IN, flow);
    if (policy.isEmpty()) {
      return;
    }
    Bundle bundle = policy.get().policy().bundle();
    Set<String> right = new HashSet<>();
    right.add(journey.legs().get(journey.legs().size() - 1).chain());
    // Work in another order may make the same packet, so these are known when all are made.
    Map<String, byte[]> wrong = new LinkedHashMap<>();
    Set<String> notOfTheEngine = new HashSet<>();
    for (List<Template> attempt : orderedParts(bundle.templates())) {
      for (byte[] packet : attempts(row, end, forged(journey.datagram()), attempt)) {
        String chain = Dissection.of(packet, Place.NAMES, row.associations()).chain();
        if (isDemanded(bundle, attempt)) {
          right.add(chain);
        } else if (!isADevices(bundle, attempt)) {
          wrong.put(chain, packet);
          if (attempt.isEmpty() || isPlain(packet) || isLeftToItsOwnCheck(bundle, attempt)) {
            notOfTheEngine.add(chain);
          }
        }
      }
    }
    wrong.keySet().removeAll(right);
    for (Map.Entry<String, byte[]> one : wrong.entrySet()) {
      if (!end.has(Ipv6Address.read(one.getValue(), 24))) {
        continue;
      }
      for (World world : askedAbout(!notOfTheEngine.contains(one.getKey()))) {
        assertThat(world.host(end).refuses(one.getValue()).delivered())
            .as("%s: %s at %s, by %s", row, one.getKey(), end, world.getClass().getSimpleName())
            .isEmpty();
      }
    }
    // And it was not that nothing is heard any more.
    goes(row, journey);
  }

  /**
   * Home agent and gateways pass on only what came by the tunnel of their policy: neither what came
   * by another, nor what came past them in clear.
   */
  private void refusesToForward(Case row, Journey journey) throws Exception {
    if (row.hasPlainTunnel() || journey.legs().isEmpty() || !sentByTheMobileNode(journey)) {
      return;
    }
    Flow flow = flow(journey.datagram());
    var sent = row.merged(Place.MOBILE_NODE).decides(Direction.OUT, flow);
    if (sent.isEmpty()) {
      return;
    }
    for (Case.Leg leg : journey.legs()) {
      Place place = leg.from();
      if (place.forwards()) {
        var templates = new LinkedHashSet<>(sent.get().policy().bundle().templates());
        row.templates().stream()
            .filter(one -> place.has(one.destination()))
            .forEach(templates::add);
        for (List<Template> attempt : orderedParts(List.copyOf(templates))) {
          for (byte[] packet : attempts(row, place, forged(journey.datagram()), attempt)) {
            forwards(row, flow, place, attempt, packet);
          }
        }
      }
    }
  }

  private static boolean sentByTheMobileNode(Journey journey) {
    return journey.legs().get(0).from() == Place.MOBILE_NODE;
  }

  private void forwards(Case row, Flow flow, Place place, List<Template> attempt, byte[] packet)
      throws Exception {
    boolean arrives = place.has(Ipv6Address.read(packet, 24));
    if (!arrives
        && !demandsMore(row, place, new Bundle(ImmutableList.copyOf(attempt)).outermost(flow))) {
      return;
    }
    boolean right = arrives && passes(row, place, flow, attempt, Proof::isDemanded);
    boolean unclear =
        arrives && !right && passes(row, place, flow, attempt, Proof::isLeftToItsOwnCheck);
    String chain = Dissection.of(packet, Place.NAMES, row.associations()).chain();
    for (World world : askedAbout(arrives && !unclear)) {
      Host host = world.host(place);
      assertThat((right ? host.receives(packet) : host.refuses(packet)).left().isEmpty())
          .as("%s: %s at %s, by %s", row, chain, place, world.getClass().getSimpleName())
          .isEqualTo(!right);
    }
  }

  private static boolean demandsMore(Case row, Place place, Flow passing) {
    return row.merged(place)
        .decides(Direction.FWD, passing)
        .filter(it -> !it.policy().bundle().isEmpty())
        .isPresent();
  }

  /** Whether the outer headers are such as the policy for what is within has. */
  private static boolean passes(
      Case row,
      Place place,
      Flow flow,
      List<Template> attempt,
      BiPredicate<Bundle, List<Template>> such) {
    for (int from = 0; from < attempt.size(); from++) {
      Flow within = new Bundle(ImmutableList.copyOf(attempt.subList(0, from))).outermost(flow);
      List<Template> undone = attempt.subList(from, attempt.size());
      if (!place.has(within.destination())
          && row.merged(place)
              .decides(Direction.FWD, within)
              .filter(it -> it.policy().action() == Policy.Action.ALLOW)
              .filter(it -> such.test(it.policy().bundle(), undone))
              .isPresent()) {
        return true;
      }
    }
    return false;
  }

  /**
   * @param ofTheEngine for an address of its own and with a header of its own; the rest is the
   *     stack's
   */
  private ImmutableList<World> askedAbout(boolean ofTheEngine) {
    return ofTheEngine
        ? worlds
        : worlds.stream()
            .filter(world -> world instanceof KernelWorld)
            .collect(ImmutableList.toImmutableList());
  }

  /** Whether nothing but what is optional has been left out. */
  private static boolean isDemanded(Bundle bundle, List<Template> attempt) {
    List<Template> done = attempt.stream().map(Template::asOptional).toList();
    return bundle.templates().stream()
        .filter(one -> !one.optional() || done.contains(one))
        .map(Template::asOptional)
        .toList()
        .equals(done);
  }

  /**
   * Whether only headers of Mobile IPv6's are not where an optional template has them: the engine
   * leaves them to their own check (RFC 6275 section 9.3.1), and the kernel refuses them.
   */
  private static boolean isLeftToItsOwnCheck(Bundle bundle, List<Template> attempt) {
    Predicate<Template> isOptional =
        one ->
            one.protocol().isRouteOptimization() && bundle.templates().contains(one.asOptional());
    return isDemanded(
        new Bundle(
            bundle.templates().stream()
                .filter(isOptional.negate())
                .collect(ImmutableList.toImmutableList())),
        attempt.stream().filter(isOptional.negate()).toList());
  }

  /** The kernel's device vouches for a plain tunnel, not its policies. */
  private static boolean isADevices(Bundle bundle, List<Template> attempt) {
    return bundle.templates().stream()
        .anyMatch(one -> one.protocol() == TransformProtocol.IPV6 && !attempt.contains(one));
  }

  /** One that is taken all the same, but late, is told from those that are right. */
  private static Datagram forged(Datagram datagram) {
    return new Datagram(
        datagram.source(),
        datagram.destination(),
        datagram.protocol(),
        datagram.number(),
        datagram.port(),
        datagram.isUdp() ? "forged" : "");
  }

  private List<byte[]> attempts(Case row, Place at, Datagram datagram, List<Template> templates) {
    if (templates.isEmpty()) {
      return List.of(datagram.octets());
    }
    var roles = ImmutableMap.<Ipv6Address, Role>builder();
    Place.NAMES
        .keySet()
        .forEach(address -> roles.put(address, at.has(address) ? Role.OTHER : Role.HOME));
    var host = new EngineHost(roles.buildOrThrow());
    row.associations().forEach(one -> EngineWorld.done(host, new XfrmCommand.AddAssociation(one)));
    row.states().forEach(one -> EngineWorld.done(host, new XfrmCommand.PutRouteOptimization(one)));
    EngineWorld.done(
        host,
        new XfrmCommand.AddPolicy(
            Policy.allow(
                Selector.between(datagram.source(), datagram.destination()),
                Direction.OUT,
                1,
                new Bundle(ImmutableList.copyOf(templates)))));
    return host.sends(datagram);
  }

  /** All choices of some of them, in all orders. */
  private static Set<List<Template>> orderedParts(List<Template> all) {
    Set<List<Template>> parts = new HashSet<>();
    parts.add(List.of());
    for (Template last : all) {
      List<Template> rest = new ArrayList<>(all);
      rest.remove(last);
      for (List<Template> part : orderedParts(rest)) {
        List<Template> longer = new ArrayList<>(part);
        longer.add(last);
        parts.add(longer);
      }
    }
    return parts;
  }

  private static Flow flow(Datagram datagram) {
    return Flow.withPorts(
        datagram.source(),
        datagram.destination(),
        datagram.protocol(),
        datagram.number(),
        datagram.port());
  }

  // What somebody else reads.

  private void keep(Case row, Datagram datagram, byte[] packet, String chain) {
    if (datagram.port() == Datagram.KEY_EXCHANGE) {
      // It would look for what is not in it.
      return;
    }
    if (row.associations().stream()
        .anyMatch(one -> !one.encryption().kernelName().contains("null"))) {
      // The same SPIs with other keys.
      return;
    }
    packets.add(packet);
    chains.add(chain);
    row.associations().forEach(one -> keys.put(one.id().spi().value(), one));
  }

  /**
   * tshark sees the headers that the cases name, and each integrity check value of ESP is right.
   */
  void tsharkAgrees(Path directory) throws Exception {
    Tshark.assumeInstalled();
    List<String> lines =
        Tshark.read(
            directory,
            packets,
            ImmutableList.copyOf(keys.values()),
            "frame.protocols",
            "esp.icv_good",
            "_ws.malformed");
    List<String> expected = new ArrayList<>();
    List<String> seen = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      expected.add(chains.get(i) + ": " + asTsharkSays(chains.get(i)));
      seen.add(chains.get(i) + ": " + lines.get(i).replace(":data", ""));
    }
    assertThat(lines).hasSameSizeAs(packets);
    assertThat(seen).isEqualTo(expected);
  }

  private static String asTsharkSays(String chain) {
    List<String> protocols = new ArrayList<>();
    List<String> icvs = new ArrayList<>();
    for (String word : Splitter.on(' ').split(chain)) {
      if (word.contains(">")) {
        protocols.add("ipv6");
      } else if (word.startsWith("ESP")) {
        protocols.add("esp");
        icvs.add("1");
      } else if (word.startsWith("AH")) {
        protocols.add("ah");
      } else if (word.startsWith("DSTOPT")) {
        protocols.add("ipv6.dstopts");
      } else if (word.startsWith("RH2")) {
        protocols.add("ipv6.routing");
      } else if (word.startsWith("ICMPV6(1)")) {
        // With what it answers.
        protocols.addAll(List.of("icmpv6", "ipv6", "udp"));
      } else if (word.startsWith("ICMPV6")) {
        protocols.add("icmpv6");
      } else {
        protocols.add(word.startsWith("MH") ? "mipv6" : "udp");
      }
    }
    return String.join(":", protocols) + "\t" + String.join(",", icvs) + "\t";
  }

  @Override
  public void close() {
    worlds.forEach(World::close);
  }
}

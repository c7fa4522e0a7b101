package io.mipd.daemon;

import static com.google.common.collect.ImmutableList.toImmutableList;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import io.mipd.host.PolicyInputs;
import io.mipd.merger.explain.KnownAssociation;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.merger.source.PolicyWords;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.WishOwner;
import io.mipd.mobility.planner.RouteRoles;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.engine.AssociationStatus;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.TransformProtocol;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A running daemon's policy state over its control socket: JSON there and back. Whoever asks does
 * the work, so that a question does not keep the daemon from its packets.
 */
final class PolicyStateDocument {
  /** The request that it answers. */
  static final String REQUEST = "policy-state";

  private PolicyStateDocument() {}

  /**
   * @param associations those of the world, as they are now
   */
  static Map<String, Object> of(PolicyState state, ImmutableList<AssociationStatus> associations) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("world", state.world().toString());
    document.put("max-templates", state.inputs().limits().maxTemplates());
    document.put("ah-tunnels-under-options", state.inputs().limits().ahTunnelsUnderOptions());
    document.put("reserved-marks", state.inputs().limits().reservedMarks());
    document.put("ports-behind-options", state.inputs().limits().portsBehindOptions());
    document.put("user", words(state.inputs().user()));
    document.put("others", words(state.inputs().others()));
    List<Object> wishes = new ArrayList<>();
    state.inputs().wishes().forEach((owner, wish) -> wishes.add(wish(owner, wish)));
    document.put("wishes", wishes);
    document.put("associations", associations.stream().map(StatusReport::association).toList());
    document.put("homes", state.homes().stream().map(PolicyStateDocument::home).toList());
    return document;
  }

  private static List<String> words(ImmutableList<Policy> policies) {
    return policies.stream().map(PolicyWords::of).toList();
  }

  private static ImmutableList<Policy> policies(List<String> words) {
    return words.stream().map(PolicyWords::parse).collect(toImmutableList());
  }

  private static Map<String, Object> wish(WishOwner owner, MobilityWish wish) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("owner", owner.address().toString());
    owner.peer().ifPresent(peer -> document.put("peer", peer.toString()));
    List<Object> policies = new ArrayList<>();
    for (MobilityPolicy policy : wish.policies()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("kind", StatusReport.key(policy.kind().name()));
      one.put(
          "policy",
          PolicyWords.of(
              new Policy(
                  policy.selector(), policy.direction(), 0, policy.action(), policy.bundle())));
      one.put("reason", policy.reason());
      policy
          .onLink()
          .ifPresent(
              it ->
                  one.put(
                      "on-link",
                      Map.of(
                          "source",
                          it.source().toString(),
                          "destination",
                          it.destination().toString())));
      policies.add(one);
    }
    document.put("policies", policies);
    List<Object> states = new ArrayList<>();
    for (RouteOptimizationState state : wish.states()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("protocol", state.id().protocol().kernelName());
      one.put("source", state.id().source().toString());
      one.put("destination", state.id().destination().toString());
      one.put("care-of-address", state.careOf().toString());
      states.add(one);
    }
    document.put("states", states);
    return document;
  }

  private static Map<String, Object> home(PolicyState.Home home) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("home-address", home.address().toString());
    document.put("home-agent", home.agent().toString());
    document.put("mobile-node", home.mobileNode());
    document.put("optimizes", home.roles().optimizes());
    document.put("corresponds", home.roles().corresponds());
    home.careOf().ifPresent(careOf -> document.put("care-of-address", careOf.toString()));
    Map<String, Object> reqIds = new LinkedHashMap<>();
    TunnelProtection protection = home.protection();
    protection.signalling().ifPresent(it -> reqIds.put("signalling", it.value()));
    protection.prefixDiscovery().ifPresent(it -> reqIds.put("prefix-discovery", it.value()));
    protection.returnRoutability().ifPresent(it -> reqIds.put("return-routability", it.value()));
    protection.payload().ifPresent(it -> reqIds.put("payload", it.value()));
    document.put("reqids", reqIds);
    document.put("groups", protection.groups());
    return document;
  }

  /**
   * @throws IOException if it is no such document
   */
  static PolicyState read(Config document) throws IOException {
    try {
      Map<WishOwner, MobilityWish> wishes = new LinkedHashMap<>();
      for (Config one : document.getConfigList("wishes")) {
        wishes.put(owner(one), wish(one));
      }
      var associations = ImmutableList.<KnownAssociation>builder();
      for (Config one : document.getConfigList("associations")) {
        associations.add(association(one));
      }
      var homes = ImmutableList.<PolicyState.Home>builder();
      for (Config one : document.getConfigList("homes")) {
        homes.add(home(one));
      }
      return new PolicyState(
          DaemonConfiguration.WorldChoice.valueOf(
              document.getString("world").toUpperCase(Locale.ROOT)),
          new PolicyInputs(
              policies(document.getStringList("user")),
              policies(document.getStringList("others")),
              ImmutableMap.copyOf(wishes),
              new XfrmBackend.Limits(
                  document.getInt("max-templates"),
                  document.getBoolean("ah-tunnels-under-options"),
                  document.getInt("reserved-marks"),
                  document.getBoolean("ports-behind-options"))),
          associations.build(),
          homes.build());
    } catch (ConfigException | IllegalArgumentException e) {
      throw new IOException("not what a mipd of this version answers: " + e.getMessage(), e);
    }
  }

  private static WishOwner owner(Config document) {
    Ipv6Address address = address(document, "owner");
    return document.hasPath("peer")
        ? WishOwner.route(address, address(document, "peer"))
        : WishOwner.of(address);
  }

  private static MobilityWish wish(Config document) {
    var policies = ImmutableList.<MobilityPolicy>builder();
    for (Config one : document.getConfigList("policies")) {
      Policy policy = PolicyWords.parse(one.getString("policy"));
      policies.add(
          new MobilityPolicy(
              policy.selector(),
              policy.direction(),
              MobilityPolicy.Kind.valueOf(
                  one.getString("kind").toUpperCase(Locale.ROOT).replace('-', '_')),
              policy.action(),
              policy.bundle(),
              one.getString("reason"),
              one.hasPath("on-link") ? Optional.of(onLink(one)) : Optional.empty()));
    }
    var states = ImmutableList.<RouteOptimizationState>builder();
    for (Config one : document.getConfigList("states")) {
      states.add(
          new RouteOptimizationState(
              new RouteOptimizationState.Id(
                  protocol(one), address(one, "source"), address(one, "destination")),
              address(one, "care-of-address")));
    }
    return new MobilityWish(policies.build(), states.build());
  }

  private static MobilityPolicy.OnLink onLink(Config document) {
    Config addresses = document.getConfig("on-link");
    return new MobilityPolicy.OnLink(
        address(addresses, "source"), address(addresses, "destination"));
  }

  private static KnownAssociation association(Config document) {
    return PolicyState.known(
        new AssociationId(
            address(document, "destination"),
            protocol(document),
            Spi.ofAssociation(Long.decode(document.getString("spi")))),
        address(document, "source"),
        Arrays.stream(Mode.values())
            .filter(mode -> mode.kernelName().equals(document.getString("mode")))
            .findFirst()
            .orElseThrow(IllegalArgumentException::new),
        new ReqId(document.getInt("reqid")),
        document.getString("encryption"),
        document.getString("integrity"));
  }

  private static PolicyState.Home home(Config document) {
    return new PolicyState.Home(
        address(document, "home-address"),
        address(document, "home-agent"),
        document.getBoolean("mobile-node"),
        new TunnelProtection(
                reqId(document, "signalling"),
                reqId(document, "prefix-discovery"),
                reqId(document, "return-routability"),
                reqId(document, "payload"))
            .withGroups(document.hasPath("groups") && document.getBoolean("groups")),
        new RouteRoles(document.getBoolean("optimizes"), document.getBoolean("corresponds")),
        document.hasPath("care-of-address")
            ? Optional.of(address(document, "care-of-address"))
            : Optional.empty());
  }

  private static Optional<ReqId> reqId(Config document, String name) {
    String path = "reqids." + name;
    return document.hasPath(path)
        ? Optional.of(new ReqId(document.getInt(path)))
        : Optional.empty();
  }

  private static Ipv6Address address(Config document, String key) {
    return Ipv6Address.parse(document.getString(key));
  }

  private static TransformProtocol protocol(Config document) {
    return Arrays.stream(TransformProtocol.values())
        .filter(one -> one.kernelName().equals(document.getString("protocol")))
        .findFirst()
        .orElseThrow(IllegalArgumentException::new);
  }
}

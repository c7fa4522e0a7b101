package io.mipd.daemon;

import io.mipd.merger.explain.ExplanationDocument;
import io.mipd.mobility.binding.CorrespondentBinding;
import io.mipd.mobility.binding.HomeBinding;
import io.mipd.mobility.mn.MobileNode;
import io.mipd.mobility.mn.RouteVerdict;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Whether packets to a peer go directly, and if not, why not. */
final class WhyReport {
  private WhyReport() {}

  static Map<String, Object> of(
      DaemonConfiguration configuration, NodeShell shell, Ipv6Address peer, Instant now) {
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("peer", peer.toString());
    Optional<CorrespondentBinding> binding =
        shell.roles().correspondent().stream()
            .flatMap(core -> core.bindings().stream())
            .filter(one -> one.homeAddress().value().equals(peer))
            .findFirst();
    binding.ifPresent(it -> document.put("peer-care-of-address", it.careOf().toString()));
    Optional<Ipv6Address> local = binding.map(CorrespondentBinding::local);
    if (configuration.role() instanceof DaemonConfiguration.MobileNode mobile) {
      Ipv6Address home = talking(shell, peer, now).orElse(mobile.homeAddress());
      local = Optional.of(home);
      mobileNode(document, shell, home, peer, now);
    } else if (configuration.role() instanceof DaemonConfiguration.HomeAgent agent) {
      local = Optional.of(agent.address());
      homeAgent(document, shell, peer, binding.isPresent());
    } else {
      correspondent(document, peer, binding, now);
    }
    local
        .flatMap(source -> shell.decides(Direction.OUT, Flow.of(source, peer, IpProtocol.TCP)))
        .ifPresent(policy -> document.put("policy", ExplanationDocument.policy(policy)));
    return document;
  }

  /** The first of our home addresses that has something going on with the peer. */
  private static Optional<Ipv6Address> talking(NodeShell shell, Ipv6Address peer, Instant now) {
    return shell.roles().mobiles().entrySet().stream()
        .filter(it -> it.getValue().why(now, peer).route().isPresent())
        .map(Map.Entry::getKey)
        .findFirst();
  }

  private static void mobileNode(
      Map<String, Object> document,
      NodeShell shell,
      Ipv6Address home,
      Ipv6Address peer,
      Instant now) {
    MobileNode core = shell.roles().mobiles().get(home);
    if (core == null) {
      say(document, false, "no-home-agent", "no home agent has been found yet");
      return;
    }
    RouteVerdict verdict = core.why(now, peer);
    say(
        document,
        verdict.reason() == RouteVerdict.Reason.OPTIMIZED,
        StatusReport.key(verdict.reason().name()),
        words(verdict));
    verdict
        .route()
        .ifPresent(route -> document.put("route", Cores.route(new HomeAddress(home), route)));
    verdict.retryIn().ifPresent(wait -> document.put("retry-seconds", wait.toSeconds()));
  }

  private static String words(RouteVerdict verdict) {
    return switch (verdict.reason()) {
      case SWITCHED_OFF ->
          "by the tunnel: the configuration has no route-optimization for this mobile node";
      case NOT_GLOBAL -> "never: not a unicast address beyond the link";
      case HOME_AGENT -> "no need: that is the home agent, which is reached directly anyhow";
      case OWN_ADDRESS -> "no need: an address of this node";
      case KEPT_OUT -> "by the tunnel: a rule of route-optimization.peers says use = off";
      case AT_HOME -> "no need: at home packets take the direct way";
      case NO_LINK -> "not now: there is no link with a care-of address";
      case OPTIMIZED -> "directly: the peer has acknowledged the care-of address";
      case TESTING ->
          "by the tunnel, for now: return routability is under way, or the peer does not answer it";
      case REGISTERING ->
          "by the tunnel, for now: the peer has not acknowledged the Binding Update yet";
      case ENDING -> "by the tunnel: the peer is being told to forget its binding";
      case NOT_REGISTERED ->
          "by the tunnel, if at all: the home agent has not acknowledged the care-of address yet,"
              + " or the registration has been ended (mipd deregister)";
      case FAILED_BEFORE ->
          "by the tunnel: the peer did not answer, or refused; tried again in "
              + verdict.retryIn().map(Duration::toSeconds).orElse(0L)
              + " s if payload comes by the tunnel then";
      case NOTHING_HEARD ->
          "by the tunnel: no payload of the peer's has come by the tunnel since the last attempt";
    };
  }

  private static void homeAgent(
      Map<String, Object> document, NodeShell shell, Ipv6Address peer, boolean bound) {
    Optional<HomeBinding> served =
        shell.roles().agent().stream()
            .flatMap(core -> core.bindings().stream())
            .filter(one -> one.homeAddress().value().equals(peer))
            .findFirst();
    if (served.isPresent()) {
      document.put("peer-care-of-address", served.get().careOf().toString());
      say(
          document,
          true,
          "bound-here",
          "to its care-of address: it is registered with this home agent; what others send to it is"
              + " tunnelled");
    } else if (bound) {
      say(document, true, "optimized", "directly: the peer has registered its care-of address");
    } else {
      say(document, false, "no-binding", "to the address as it is: it is not registered here");
    }
  }

  private static void correspondent(
      Map<String, Object> document,
      Ipv6Address peer,
      Optional<CorrespondentBinding> binding,
      Instant now) {
    if (binding.isPresent()) {
      say(
          document,
          true,
          "optimized",
          "directly: "
              + peer
              + " has registered its care-of address, for another "
              + Duration.between(now, binding.get().expiry()).toSeconds()
              + " s");
    } else {
      say(
          document,
          false,
          "no-binding",
          "to the address as it is: it has registered no care-of address here; that is for the"
              + " mobile node to begin");
    }
  }

  private static void say(
      Map<String, Object> document, boolean optimized, String reason, String words) {
    document.put("optimized", optimized);
    document.put("reason", reason);
    document.put("words", words);
  }
}

package io.mipd.mobility.planner;

import static io.mipd.merger.source.MobilityPolicy.Kind.PAYLOAD;
import static io.mipd.merger.source.MobilityPolicy.Kind.SIGNALLING;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.packet.Icmpv6Message;
import java.util.Optional;

/**
 * What a home registration wants of policies, on both sides. Templates are in the order of Linux:
 * index 0 innermost, in {@code in} and {@code fwd} too.
 *
 * <p>Signalling policies do not change with the binding. Their Home Address option and routing
 * header are optional: away a message names its care-of address, at home it goes without.
 */
public final class HomePolicies {
  private static final Ipv6Prefix ANY = Ipv6Prefix.ANY;

  private final Ipv6Address home;
  private final Ipv6Address agent;
  private final TunnelProtection protection;

  public HomePolicies(HomeAddress home, Ipv6Address agent, TunnelProtection protection) {
    this.home = home.value();
    this.agent = agent;
    this.protection = protection;
  }

  /** The mobile node at home, registered nowhere: its signalling only. */
  public MobilityWish mobileNodeAtHome() {
    var policies = ImmutableList.<MobilityPolicy>builder();
    mobileNodeSignalling(policies);
    return new MobilityWish(policies.build(), ImmutableList.of());
  }

  /** The mobile node away and not registered: nothing leaves or enters in its name. */
  public MobilityWish mobileNodeUnregistered() {
    var policies = ImmutableList.<MobilityPolicy>builder();
    mobileNodeSignalling(policies);
    String reason = "neither at home nor registered: the home address is not to be used";
    policies.add(blocked(fromHome(), Direction.OUT, reason));
    policies.add(blocked(toHome(), Direction.IN, reason));
    return new MobilityWish(policies.build(), ImmutableList.of());
  }

  /** The mobile node with a care-of address that it has registered, or is registering. */
  public MobilityWish mobileNodeAway(CareOfAddress careOf) {
    var policies = ImmutableList.<MobilityPolicy>builder();
    mobileNodeSignalling(policies);
    protection
        .returnRoutability()
        .ifPresent(
            reqId -> {
              String reason = "Home Test Init and Home Test pass the home agent in ESP (10.4.6)";
              policies.add(
                  tunnelled(
                      fromHome().withProtocol(IpProtocol.MOBILITY),
                      Direction.OUT,
                      SIGNALLING,
                      esp(careOf.value(), agent, reqId),
                      reason));
              policies.add(
                  tunnelled(
                      toHome().withProtocol(IpProtocol.MOBILITY),
                      Direction.IN,
                      SIGNALLING,
                      esp(agent, careOf.value(), reqId),
                      reason));
            });
    if (protection.payload().isEmpty()) {
      String reason = "with the home agent itself no tunnel is needed (RFC 6275 section 10.4.2)";
      policies.add(
          tunnelled(
              Selector.between(home, agent),
              Direction.OUT,
              PAYLOAD,
              Template.homeAddressOption(home, agent),
              reason));
      policies.add(
          tunnelled(
              Selector.between(agent, home),
              Direction.IN,
              PAYLOAD,
              Template.routingHeader(agent, home),
              reason));
    }
    String reason = "reverse tunnel (RFC 6275 section 11.3.1)";
    policies.add(
        tunnelled(fromHome(), Direction.OUT, PAYLOAD, payload(careOf.value(), agent), reason));
    policies.add(
        tunnelled(toHome(), Direction.IN, PAYLOAD, payload(agent, careOf.value()), reason));
    return new MobilityWish(policies.build(), states(careOf));
  }

  /**
   * The mobile node on its home link, the registration not ended yet: without states, so that its
   * Binding Update bears no Home Address option (RFC 6275 section 11.5.5).
   */
  public MobilityWish mobileNodeReturning(CareOfAddress tunnelEnd) {
    return new MobilityWish(mobileNodeAway(tunnelEnd).policies(), ImmutableList.of());
  }

  /** The home agent without a binding for this home address. */
  public MobilityWish homeAgentUnbound() {
    var policies = ImmutableList.<MobilityPolicy>builder();
    homeAgentSignalling(policies);
    return new MobilityWish(policies.build(), ImmutableList.of());
  }

  /** The home agent with a binding. */
  public MobilityWish homeAgentBound(CareOfAddress careOf) {
    var policies = ImmutableList.<MobilityPolicy>builder();
    homeAgentSignalling(policies);
    protection
        .returnRoutability()
        .ifPresent(
            reqId -> {
              String reason = "Home Test Init and Home Test pass us in ESP (10.4.6)";
              policies.add(
                  tunnelled(
                      toHome().withProtocol(IpProtocol.MOBILITY),
                      Direction.OUT,
                      SIGNALLING,
                      esp(agent, careOf.value(), reqId),
                      reason));
              Template in = esp(careOf.value(), agent, reqId);
              Selector tests = fromHome().withProtocol(IpProtocol.MOBILITY);
              policies.add(tunnelled(tests, Direction.FWD, SIGNALLING, in, reason));
              policies.add(tunnelled(tests, Direction.IN, SIGNALLING, in, reason));
            });
    if (protection.payload().isEmpty()) {
      String reason = "our own packets take the routing header (RFC 6275 section 10.4.2)";
      policies.add(
          tunnelled(
              Selector.between(agent, home),
              Direction.OUT,
              PAYLOAD,
              Template.routingHeader(agent, home),
              reason));
      policies.add(
          tunnelled(
              Selector.between(home, agent),
              Direction.IN,
              PAYLOAD,
              Template.homeAddressOption(home, agent),
              reason));
    }
    policies.add(
        tunnelled(
            toHome(),
            Direction.OUT,
            PAYLOAD,
            payload(agent, careOf.value()),
            "tunnel to the care-of address (RFC 6275 section 10.4.2)"));
    String reason = "reverse tunnel from the care-of address (RFC 6275 section 10.4.5)";
    Template in = payload(careOf.value(), agent);
    policies.add(tunnelled(fromHome(), Direction.FWD, PAYLOAD, in, reason));
    policies.add(tunnelled(fromHome(), Direction.IN, PAYLOAD, in, reason));
    return new MobilityWish(policies.build(), states(careOf));
  }

  /**
   * Binding Updates of anybody come as far as us, with a Home Address option or without, so that
   * who is not served gets a status (RFC 6275 section 10.3.1). To come behind the signalling of all
   * home addresses that are served, which asks for ESP.
   */
  public static MobilityWish homeAgentForAnybody(Ipv6Address agent) {
    return new MobilityWish(
        ImmutableList.of(
            message(
                Selector.between(ANY, Ipv6Prefix.host(agent)).withProtocol(IpProtocol.MOBILITY),
                Direction.IN,
                Bundle.of(Template.homeAddressOption(Ipv6Address.UNSPECIFIED, agent).asOptional()),
                "a Binding Update for an address that is not served gets its status")),
        ImmutableList.of());
  }

  /**
   * For a refusal to a home address that is not served, and so has no policies: the type 2 routing
   * header by which it finds its way (RFC 6275 section 9.5.4).
   */
  public static MobilityWish homeAgentForStranger(HomeAddress stranger, Ipv6Address agent) {
    return new MobilityWish(
        ImmutableList.of(
            message(
                Selector.between(agent, stranger.value()).withProtocol(IpProtocol.MOBILITY),
                Direction.OUT,
                Bundle.of(Template.routingHeader(agent, stranger.value()).asOptional()),
                "a Binding Update for an address that is not served gets its status")),
        ImmutableList.of());
  }

  private void mobileNodeSignalling(ImmutableList.Builder<MobilityPolicy> policies) {
    Template hao = Template.homeAddressOption(home, agent).asOptional();
    Template route2 = Template.routingHeader(agent, home).asOptional();
    signalling(policies, home, Direction.OUT, hao, route2);
  }

  private void homeAgentSignalling(ImmutableList.Builder<MobilityPolicy> policies) {
    Template hao = Template.homeAddressOption(home, agent).asOptional();
    Template route2 = Template.routingHeader(agent, home).asOptional();
    signalling(policies, agent, Direction.OUT, route2, hao);
  }

  /**
   * @param self which of the two we are
   * @param out Mobile IPv6's header of what we send
   * @param in of what comes
   */
  private void signalling(
      ImmutableList.Builder<MobilityPolicy> policies,
      Ipv6Address self,
      Direction direction,
      Template out,
      Template in) {
    Ipv6Address other = self.equals(home) ? agent : home;
    Selector sent = Selector.between(self, other);
    Selector received = sent.reversed();
    String reason = "Binding Updates and Acknowledgements (RFC 6275 section 5.1)";
    policies.add(
        message(
            sent.withProtocol(IpProtocol.MOBILITY),
            direction,
            transport(protection.signalling(), out),
            reason));
    policies.add(
        message(
            received.withProtocol(IpProtocol.MOBILITY),
            Direction.IN,
            transport(protection.signalling(), in),
            reason));
    Optional<ReqId> prefixes = protection.prefixDiscovery();
    if (prefixes.isEmpty()) {
      return;
    }
    boolean mobileNode = self.equals(home);
    int sentType =
        mobileNode
            ? Icmpv6Message.MOBILE_PREFIX_SOLICITATION
            : Icmpv6Message.MOBILE_PREFIX_ADVERTISEMENT;
    int receivedType =
        mobileNode
            ? Icmpv6Message.MOBILE_PREFIX_ADVERTISEMENT
            : Icmpv6Message.MOBILE_PREFIX_SOLICITATION;
    String discovery = "mobile prefix discovery (RFC 6275 section 11.4.2)";
    policies.add(
        message(
            sent.withType(IpProtocol.ICMPV6, sentType),
            direction,
            transport(prefixes, out),
            discovery));
    policies.add(
        message(
            received.withType(IpProtocol.ICMPV6, receivedType),
            Direction.IN,
            transport(prefixes, in),
            discovery));
  }

  private static Bundle transport(Optional<ReqId> reqId, Template mobility) {
    return reqId
        .map(id -> Bundle.of(Template.transport(TransformProtocol.ESP, id), mobility))
        .orElseGet(() -> Bundle.of(mobility));
  }

  private static MobilityPolicy message(
      Selector selector, Direction direction, Bundle bundle, String reason) {
    return new MobilityPolicy(selector, direction, SIGNALLING, Policy.Action.ALLOW, bundle, reason);
  }

  private static MobilityPolicy tunnelled(
      Selector selector,
      Direction direction,
      MobilityPolicy.Kind kind,
      Template template,
      String reason) {
    return new MobilityPolicy(
        selector, direction, kind, Policy.Action.ALLOW, Bundle.of(template), reason);
  }

  private static MobilityPolicy blocked(Selector selector, Direction direction, String reason) {
    return new MobilityPolicy(
        selector, direction, PAYLOAD, Policy.Action.BLOCK, Bundle.EMPTY, reason);
  }

  private Template payload(Ipv6Address source, Ipv6Address destination) {
    return protection
        .payload()
        .map(reqId -> esp(source, destination, reqId))
        .orElseGet(() -> Template.ipv6InIpv6(source, destination));
  }

  private static Template esp(Ipv6Address source, Ipv6Address destination, ReqId reqId) {
    return Template.tunnel(TransformProtocol.ESP, source, destination, reqId);
  }

  private Selector fromHome() {
    return Selector.between(Ipv6Prefix.host(home), ANY);
  }

  private Selector toHome() {
    return Selector.between(ANY, Ipv6Prefix.host(home));
  }

  private ImmutableList<RouteOptimizationState> states(CareOfAddress careOf) {
    return ImmutableList.of(
        RouteOptimizationState.homeAddressOption(home, agent, careOf.value()),
        RouteOptimizationState.routingHeader(agent, home, careOf.value()));
  }
}

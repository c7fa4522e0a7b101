package io.mipd.mobility.planner;

import static io.mipd.merger.source.MobilityPolicy.Kind.PAYLOAD;
import static io.mipd.merger.source.MobilityPolicy.Kind.SIGNALLING;
import static io.mipd.merger.source.MobilityPolicy.Kind.SIGNALLING_OF_STRANGERS;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.mobility.ListenerDiscovery;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
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

  /** Who wishes for {@link #links}: nobody's home address. */
  public static final Ipv6Address LINKS = Ipv6Address.UNSPECIFIED;

  private static final Ipv6Prefix LINK_LOCAL = Ipv6Prefix.parse("fe80::/10");
  private static final Ipv6Prefix LINK_SCOPE_MULTICAST = Ipv6Prefix.parse("ff02::/16");

  /** Groups of global scope: well-known, transient, of a prefix, of a rendezvous point. */
  public static final ImmutableList<Ipv6Prefix> GROUPS =
      ImmutableList.of(
          Ipv6Prefix.parse("ff0e::/16"),
          Ipv6Prefix.parse("ff1e::/16"),
          Ipv6Prefix.parse("ff3e::/16"),
          Ipv6Prefix.parse("ff7e::/16"));

  /** Where the two ends of a tunnel say something of groups: of any scope. */
  private static final Ipv6Prefix ALL_GROUPS = Ipv6Prefix.parse("ff00::/8");

  /** Their types have the highest bit clear (RFC 4443 section 2.1). */
  private static final PortMatch ICMPV6_ERRORS = new PortMatch(0, 0xff80);

  /**
   * What Linux 6.1 takes for the ICMPv6 type of what arrives behind one Home Address option or
   * routing header: its decode_session6 begins to read directly behind the IPv6 header, and there
   * is that header's Next Header field, which says ICMPv6. No such type is assigned.
   */
  private static final int MISREAD_TYPE = IpProtocol.ICMPV6;

  /** Solicitations and advertisements of neighbours. */
  private static final ImmutableList<PortMatch> NEIGHBOURS =
      ImmutableList.of(PortMatch.exactly(135), PortMatch.exactly(136));

  /** All of neighbour discovery: types 133 to 137. */
  private static final ImmutableList<PortMatch> NEIGHBOURS_AND_ROUTERS =
      ImmutableList.of(
          PortMatch.exactly(133), new PortMatch(134, 0xfffe), new PortMatch(136, 0xfffe));

  /** Listeners, routers and redirects: types 130 to 134, 137 and 143. */
  private static final ImmutableList<PortMatch> LISTENERS_AND_ROUTERS =
      ImmutableList.of(
          new PortMatch(130, 0xfffe),
          new PortMatch(132, 0xfffe),
          PortMatch.exactly(134),
          PortMatch.exactly(137),
          PortMatch.exactly(143));

  private final Ipv6Address home;
  private final Ipv6Address agent;
  private final TunnelProtection protection;
  private final RouteRoles roles;

  /** Without route optimization. */
  public HomePolicies(HomeAddress home, Ipv6Address agent, TunnelProtection protection) {
    this(home, agent, protection, RouteRoles.NONE);
  }

  /**
   * @param roles of the mobile node
   */
  public HomePolicies(
      HomeAddress home, Ipv6Address agent, TunnelProtection protection, RouteRoles roles) {
    this.home = home.value();
    this.agent = agent;
    this.protection = protection;
    this.roles = roles;
  }

  /** The home agent's address. */
  public Ipv6Address agent() {
    return agent;
  }

  /** The mobile node's end of the tunnel. */
  public Tunnel tunnel(CareOfAddress careOf) {
    Ipv6Address here = careOf.value();
    Template out = payload(here, agent);
    Template in = payload(agent, here);
    return new Tunnel(
        out,
        in,
        protection.returnRoutability().map(reqId -> esp(here, agent, reqId)).orElse(out),
        protection.returnRoutability().map(reqId -> esp(agent, here, reqId)).orElse(in));
  }

  /** The mobile node at home, registered nowhere: its signalling only. */
  public MobilityWish mobileNodeAtHome() {
    var policies = ImmutableList.<MobilityPolicy>builder();
    mobileNodeSignalling(policies, Optional.empty());
    withAnybody(policies, ImmutableList.of(), ImmutableList.of());
    return new MobilityWish(policies.build(), ImmutableList.of());
  }

  /** The mobile node away and not registered: nothing leaves or enters in its name. */
  public MobilityWish mobileNodeUnregistered() {
    var policies = ImmutableList.<MobilityPolicy>builder();
    mobileNodeSignalling(policies, Optional.empty());
    String reason = "neither at home nor registered: the home address is not to be used";
    policies.add(blocked(fromHome(), Direction.OUT, reason));
    policies.add(blocked(toHome(), Direction.IN, reason));
    return new MobilityWish(policies.build(), ImmutableList.of());
  }

  /** The mobile node with a care-of address that it has registered, or is registering. */
  public MobilityWish mobileNodeAway(CareOfAddress careOf) {
    var policies = ImmutableList.<MobilityPolicy>builder();
    var onLink = new MobilityPolicy.OnLink(careOf.value(), agent);
    mobileNodeSignalling(policies, Optional.of(onLink));
    exempt(policies, careOf);
    careOfTests(policies, careOf);
    Tunnel tunnel = tunnel(careOf);
    withAnybody(policies, ImmutableList.of(tunnel.testsOut()), ImmutableList.of(tunnel.testsIn()));
    if (protection.payload().isEmpty()) {
      String reason = "with the home agent itself no tunnel is needed (RFC 6275 section 10.4.2)";
      policies.add(
          direct(
              Selector.between(home, agent),
              Template.homeAddressOption(home, agent),
              reason,
              onLink));
      policies.add(
          tunnelled(
              Selector.between(agent, home),
              Direction.IN,
              Template.routingHeader(agent, home),
              reason));
    }
    String reason = "reverse tunnel (RFC 6275 section 11.3.1)";
    policies.add(tunnelled(fromHome(), Direction.OUT, tunnel.payloadOut(), reason));
    policies.add(tunnelled(toHome(), Direction.IN, tunnel.payloadIn(), reason));
    if (protection.groups() && protection.payload().isPresent()) {
      ofListeners(policies, agent, tunnel.payloadIn());
      for (Ipv6Prefix groups : GROUPS) {
        policies.add(
            tunnelled(
                Selector.between(ANY, groups),
                Direction.IN,
                tunnel.payloadIn(),
                "groups are listened to through the tunnel (RFC 6275 section 11.3.4)"));
      }
    }
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
    homeAgentSignalling(policies, Optional.empty());
    return new MobilityWish(policies.build(), ImmutableList.of());
  }

  /** The home agent with a binding. */
  public MobilityWish homeAgentBound(CareOfAddress careOf) {
    var policies = ImmutableList.<MobilityPolicy>builder();
    var onLink = new MobilityPolicy.OnLink(agent, careOf.value());
    homeAgentSignalling(policies, Optional.of(onLink));
    exempt(policies, careOf);
    protection
        .returnRoutability()
        .ifPresent(
            reqId -> {
              String reason = "Home Test Init and Home Test pass us in ESP (10.4.6)";
              policies.add(
                  ofStrangers(
                      toHome().withProtocol(IpProtocol.MOBILITY),
                      Direction.OUT,
                      Bundle.of(esp(agent, careOf.value(), reqId)),
                      reason));
              Bundle in = Bundle.of(esp(careOf.value(), agent, reqId));
              Selector tests = fromHome().withProtocol(IpProtocol.MOBILITY);
              policies.add(ofStrangers(tests, Direction.FWD, in, reason));
              policies.add(ofStrangers(tests, Direction.IN, in, reason));
            });
    if (protection.payload().isEmpty()) {
      String reason = "our own packets take the routing header (RFC 6275 section 10.4.2)";
      policies.add(
          direct(
              Selector.between(agent, home), Template.routingHeader(agent, home), reason, onLink));
      policies.add(
          tunnelled(
              Selector.between(home, agent),
              Direction.IN,
              Template.homeAddressOption(home, agent),
              reason));
    }
    policies.add(
        tunnelled(
            toHome(),
            Direction.OUT,
            payload(agent, careOf.value()),
            "tunnel to the care-of address (RFC 6275 section 10.4.2)"));
    String reason = "reverse tunnel from the care-of address (RFC 6275 section 10.4.5)";
    Template in = payload(careOf.value(), agent);
    policies.add(tunnelled(fromHome(), Direction.FWD, in, reason));
    policies.add(tunnelled(fromHome(), Direction.IN, in, reason));
    if (protection.groups() && protection.payload().isPresent()) {
      ofListeners(policies, home, in);
    }
    return new MobilityWish(policies.build(), states(careOf));
  }

  /**
   * What the other end of the tunnel says of groups, which has a link-local source (RFC 3810
   * section 5). It takes the way of payload from nobody in particular, and so may be in what a user
   * wants of that, too. Without a type: it stands behind the Router Alert option. A neighbour or
   * router of a link may have the same link-local address there, as {@code fe80::1}: what it says
   * as such comes in any case.
   */
  private static void ofListeners(
      ImmutableList.Builder<MobilityPolicy> policies, Ipv6Address end, Template in) {
    Selector said =
        Selector.between(Ipv6Prefix.host(ListenerDiscovery.source(end)), ALL_GROUPS)
            .withProtocol(IpProtocol.ICMPV6);
    for (PortMatch types : NEIGHBOURS_AND_ROUTERS) {
      policies.add(
          message(
              typed(said, types),
              Direction.IN,
              Bundle.EMPTY,
              "neighbour discovery (RFC 4861)",
              Optional.empty()));
    }
    policies.add(
        tunnelled(
            said, Direction.IN, in, "multicast listeners on the tunnel (RFC 6275 section 10.4.3)"));
  }

  /**
   * Binding Updates of anybody come as far as us, with a Home Address option or without, so that
   * who is not served gets a status (RFC 6275 section 10.3.1). To come behind the signalling of all
   * home addresses that are served, which asks for ESP.
   */
  public static MobilityWish homeAgentForAnybody(Ipv6Address agent) {
    return new MobilityWish(
        ImmutableList.of(
            ofStrangers(
                Selector.between(ANY, Ipv6Prefix.host(agent)).withProtocol(IpProtocol.MOBILITY),
                Direction.IN,
                Bundle.of(Template.homeAddressOption(Ipv6Address.UNSPECIFIED, agent).asOptional()),
                "a Binding Update for an address that is not served gets its status"),
            agentDiscovery(Selector.ANY, Icmpv6Message.HOME_AGENT_DISCOVERY_REQUEST, Direction.IN),
            agentDiscovery(
                Selector.between(Ipv6Prefix.host(agent), ANY),
                Icmpv6Message.HOME_AGENT_DISCOVERY_REPLY,
                Direction.OUT)),
        ImmutableList.of());
  }

  /**
   * A mobile node asks on its home link who its home agent is; a user's policy "for any" is not for
   * that. What comes in is for this node in any case; of what leaves, others' is not meant.
   *
   * @param anycast Mobile IPv6 Home-Agents of its home link
   */
  public static MobilityWish agentSought(Ipv6Address anycast) {
    return new MobilityWish(
        ImmutableList.of(
            agentDiscovery(
                Selector.between(ANY, Ipv6Prefix.host(anycast)),
                Icmpv6Message.HOME_AGENT_DISCOVERY_REQUEST,
                Direction.OUT),
            agentDiscovery(Selector.ANY, Icmpv6Message.HOME_AGENT_DISCOVERY_REPLY, Direction.IN)),
        ImmutableList.of());
  }

  private static MobilityPolicy agentDiscovery(Selector between, int type, Direction direction) {
    return MobilityPolicy.exempt(
        between.withType(IpProtocol.ICMPV6, type),
        direction,
        "dynamic home agent address discovery (RFC 6275 section 5.3)");
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
                "a Binding Update for an address that is not served gets its status",
                Optional.empty())),
        ImmutableList.of());
  }

  /** What a user's policy "for any" is not for, though it names the addresses of this binding. */
  private void exempt(ImmutableList.Builder<MobilityPolicy> policies, CareOfAddress careOf) {
    Selector out = Selector.between(agent, careOf.value());
    for (int port : IpProtocol.KEY_EXCHANGE_PORTS) {
      for (Selector selector : ImmutableList.of(out, out.reversed())) {
        Selector exchange =
            selector
                .withProtocol(IpProtocol.UDP)
                .withPorts(PortMatch.exactly(port), PortMatch.exactly(port));
        String reason = "key exchange between mobile node and home agent (RFC 4877 section 4.4)";
        policies.add(MobilityPolicy.exempt(exchange, Direction.OUT, reason));
        policies.add(MobilityPolicy.exempt(exchange, Direction.IN, reason));
      }
    }
    for (Direction direction : Direction.values()) {
      for (Selector selector : ImmutableList.of(fromHome(), toHome())) {
        policies.add(
            MobilityPolicy.exempt(typed(selector, ICMPV6_ERRORS), direction, "ICMPv6 errors"));
      }
    }
  }

  /** What a mobile node says to correspondents by its care-of address itself, and hears there. */
  private void careOfTests(ImmutableList.Builder<MobilityPolicy> policies, CareOfAddress careOf) {
    if (!roles.optimizes()) {
      return;
    }
    String reason = "return routability of the care-of address (RFC 6275 section 5.2.5)";
    Selector sent = Selector.between(Ipv6Prefix.host(careOf.value()), ANY);
    policies.add(
        MobilityPolicy.exempt(
            sent.withType(IpProtocol.MOBILITY, MobilityMessage.CARE_OF_TEST_INIT),
            Direction.OUT,
            reason));
    // Linux does not see the types of all that arrives.
    policies.add(
        MobilityPolicy.exempt(
            sent.reversed().withProtocol(IpProtocol.MOBILITY), Direction.IN, reason));
  }

  private static Selector typed(Selector selector, PortMatch types) {
    return selector.withProtocol(IpProtocol.ICMPV6).withPorts(types, PortMatch.ANY);
  }

  /**
   * What a node needs on its links before any binding, and a user's policy "for any" is not for:
   * neighbour and router discovery (RFC 4861) and the reports of multicast listeners (RFC 2710, RFC
   * 3810).
   *
   * <p>Neighbours ask and answer at any addresses: what a node asks is from the address whose
   * packet waits for it (RFC 4861 section 7.2.2), and is answered to that. None of it passes a
   * router (hop limit 255). All else is between link-local addresses, or to multicast groups of the
   * link's scope, or with a care-of address that is still being found out.
   */
  public static MobilityWish links() {
    var policies = ImmutableList.<MobilityPolicy>builder();
    for (Direction direction : ImmutableList.of(Direction.OUT, Direction.IN)) {
      for (PortMatch types : NEIGHBOURS) {
        policies.add(ofLinks(typed(Selector.ANY, types), direction));
      }
      for (PortMatch types : LISTENERS_AND_ROUTERS) {
        policies.add(ofLinks(typed(Selector.between(LINK_LOCAL, ANY), types), direction));
        policies.add(ofLinks(typed(Selector.between(ANY, LINK_LOCAL), types), direction));
        policies.add(ofLinks(typed(Selector.between(ANY, LINK_SCOPE_MULTICAST), types), direction));
      }
    }
    return new MobilityWish(policies.build(), ImmutableList.of());
  }

  private static MobilityPolicy ofLinks(Selector selector, Direction direction) {
    return MobilityPolicy.exempt(
        selector, direction, "neighbour discovery and multicast listeners");
  }

  /**
   * The mobile node's messages with correspondents that it does not know by name. A Binding Update
   * bears the Home Address option and goes directly (RFC 6275 section 11.7.2). What it says as a
   * correspondent itself takes the tunnel, if there is one, and a type 2 routing header where its
   * peer is bound (section 9.5.4); what it hears may bear a Home Address option.
   *
   * @param out what is around such messages as they leave
   * @param in likewise as they come
   */
  private void withAnybody(
      ImmutableList.Builder<MobilityPolicy> policies,
      ImmutableList<Template> out,
      ImmutableList<Template> in) {
    if (roles.optimizes()) {
      policies.add(
          ofStrangers(
              fromHome().withType(IpProtocol.MOBILITY, MobilityMessage.BINDING_UPDATE),
              Direction.OUT,
              Bundle.of(Template.homeAddressOption(home, Ipv6Address.UNSPECIFIED).asOptional()),
              "Binding Updates to correspondents go directly (RFC 6275 section 11.7.2)"));
    }
    if (roles.corresponds()) {
      policies.addAll(RoutePolicies.correspondent(Ipv6Prefix.host(home), out, in));
    }
    boolean inEsp = !out.isEmpty() && protection.returnRoutability().isPresent();
    if (!inEsp && roles.equals(RouteRoles.NONE)) {
      return;
    }
    String reason =
        inEsp
            ? "Home Test Init and Home Test pass the home agent in ESP (RFC 6275 section 10.4.6)"
            : "return routability (RFC 6275 section 5.2.5)";
    policies.add(
        ofStrangers(
            fromHome().withProtocol(IpProtocol.MOBILITY), Direction.OUT, new Bundle(out), reason));
    policies.add(
        ofStrangers(
            toHome().withProtocol(IpProtocol.MOBILITY), Direction.IN, new Bundle(in), reason));
  }

  private void mobileNodeSignalling(
      ImmutableList.Builder<MobilityPolicy> policies, Optional<MobilityPolicy.OnLink> onLink) {
    Template hao = Template.homeAddressOption(home, agent).asOptional();
    Template route2 = Template.routingHeader(agent, home).asOptional();
    signalling(policies, home, onLink, hao, route2);
  }

  private void homeAgentSignalling(
      ImmutableList.Builder<MobilityPolicy> policies, Optional<MobilityPolicy.OnLink> onLink) {
    Template hao = Template.homeAddressOption(home, agent).asOptional();
    Template route2 = Template.routingHeader(agent, home).asOptional();
    signalling(policies, agent, onLink, route2, hao);
  }

  /**
   * @param self which of the two we are
   * @param onLink what is sent, if one of us is away
   * @param out Mobile IPv6's header of what we send
   * @param in of what comes
   */
  private void signalling(
      ImmutableList.Builder<MobilityPolicy> policies,
      Ipv6Address self,
      Optional<MobilityPolicy.OnLink> onLink,
      Template out,
      Template in) {
    Ipv6Address other = self.equals(home) ? agent : home;
    Selector sent = Selector.between(self, other);
    Selector received = sent.reversed();
    String reason = "Binding Updates and Acknowledgements (RFC 6275 section 5.1)";
    policies.add(
        message(
            sent.withProtocol(IpProtocol.MOBILITY),
            Direction.OUT,
            transport(protection.signalling(), out),
            reason,
            onLink));
    policies.add(
        message(
            received.withProtocol(IpProtocol.MOBILITY),
            Direction.IN,
            transport(protection.signalling(), in),
            reason,
            Optional.empty()));
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
    Selector discoverySent = sent.withType(IpProtocol.ICMPV6, sentType);
    Selector discoveryReceived = received.withType(IpProtocol.ICMPV6, receivedType);
    Optional<ReqId> prefixes = protection.prefixDiscovery();
    if (prefixes.isEmpty()) {
      if (protection.signalling().isEmpty()) {
        // Nothing is protected, and it takes the way of payload.
        policies.add(MobilityPolicy.exempt(discoverySent, Direction.OUT, discovery));
        policies.add(MobilityPolicy.exempt(discoveryReceived, Direction.IN, discovery));
      }
      return;
    }
    policies.add(
        message(discoverySent, Direction.OUT, transport(prefixes, out), discovery, onLink));
    policies.add(
        message(
            discoveryReceived, Direction.IN, transport(prefixes, in), discovery, Optional.empty()));
    if (protection.payload().isPresent()) {
      policies.add(
          message(
              received.withType(IpProtocol.ICMPV6, MISREAD_TYPE),
              Direction.IN,
              transport(prefixes, in),
              discovery,
              Optional.empty()));
    }
  }

  private static Bundle transport(Optional<ReqId> reqId, Template mobility) {
    return reqId
        .map(id -> Bundle.of(Template.transport(TransformProtocol.ESP, id), mobility))
        .orElseGet(() -> Bundle.of(mobility));
  }

  private static MobilityPolicy message(
      Selector selector,
      Direction direction,
      Bundle bundle,
      String reason,
      Optional<MobilityPolicy.OnLink> onLink) {
    return new MobilityPolicy(
        selector, direction, SIGNALLING, Policy.Action.ALLOW, bundle, reason, onLink);
  }

  private static MobilityPolicy direct(
      Selector selector, Template template, String reason, MobilityPolicy.OnLink onLink) {
    return new MobilityPolicy(
        selector,
        Direction.OUT,
        PAYLOAD,
        Policy.Action.ALLOW,
        Bundle.of(template),
        reason,
        Optional.of(onLink));
  }

  private static MobilityPolicy ofStrangers(
      Selector selector, Direction direction, Bundle bundle, String reason) {
    return new MobilityPolicy(
        selector, direction, SIGNALLING_OF_STRANGERS, Policy.Action.ALLOW, bundle, reason);
  }

  private static MobilityPolicy tunnelled(
      Selector selector, Direction direction, Template template, String reason) {
    return new MobilityPolicy(
        selector, direction, PAYLOAD, Policy.Action.ALLOW, Bundle.of(template), reason);
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

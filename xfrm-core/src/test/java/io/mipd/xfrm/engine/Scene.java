package io.mipd.xfrm.engine;

import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.Arrays;

/**
 * A mobile node at its first care-of address and its home agent, with the policies of RFC 3776: ESP
 * transport for signalling, an ESP tunnel for payload.
 */
final class Scene {
  static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  static final Ipv6Address OTHER_HOME = Ipv6Address.parse("2001:db8:1::200");
  static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  static final Ipv6Address AGENT_2 = Ipv6Address.parse("2001:db8:1::2");
  static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:a::ff:fe00:aa");
  static final Ipv6Address CARE_OF_B = Ipv6Address.parse("2001:db8:b::ff:fe00:aa");
  static final Ipv6Address OTHER_CARE_OF = Ipv6Address.parse("2001:db8:a::ff:fe00:bb");
  static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::c");

  static final ReqId SIGNALLING = new ReqId(1);
  static final ReqId PAYLOAD = new ReqId(2);
  static final ReqId OTHER_SIGNALLING = new ReqId(11);
  static final ReqId OTHER_PAYLOAD = new ReqId(12);
  static final ReqId USER = new ReqId(99);

  final TestNode mobileNode = new TestNode();
  final TestNode homeAgent = new TestNode();

  static Selector fromTo(Ipv6Address source, Ipv6Address destination) {
    return Selector.between(source, destination);
  }

  static Selector from(Ipv6Address source) {
    return Selector.between(Ipv6Prefix.host(source), Ipv6Prefix.ANY);
  }

  static Selector to(Ipv6Address destination) {
    return Selector.between(Ipv6Prefix.ANY, Ipv6Prefix.host(destination));
  }

  static Selector mobility(Ipv6Address source, Ipv6Address destination) {
    return fromTo(source, destination).withProtocol(IpProtocol.MOBILITY);
  }

  static Template espTransport(ReqId reqId) {
    return Template.transport(TransformProtocol.ESP, reqId);
  }

  static Template espTunnel(Ipv6Address source, Ipv6Address destination, ReqId reqId) {
    return Template.tunnel(TransformProtocol.ESP, source, destination, reqId);
  }

  static SecurityAssociation.Builder association(
      TransformProtocol protocol,
      Ipv6Address source,
      Ipv6Address destination,
      Mode mode,
      int spi,
      ReqId reqId) {
    var id = new AssociationId(destination, protocol, Spi.ofAssociation(spi));
    var builder =
        SecurityAssociation.builder(id, source, mode)
            .reqId(reqId)
            .integrity(IntegrityAlgorithm.HMAC_SHA2_256_128, key(32, spi))
            .replayWindow(64);
    return protocol == TransformProtocol.AH
        ? builder
        : builder.encryption(EncryptionAlgorithm.AES_CBC, key(16, ~spi));
  }

  static SecurityAssociation.Builder esp(
      Ipv6Address source, Ipv6Address destination, Mode mode, int spi, ReqId reqId) {
    return association(TransformProtocol.ESP, source, destination, mode, spi, reqId);
  }

  static KeyMaterial key(int octets, int fill) {
    byte[] key = new byte[octets];
    Arrays.fill(key, (byte) (fill ^ (fill >>> 8)));
    return KeyMaterial.copyOf(key);
  }

  void both(SecurityAssociation association) {
    mobileNode.association(association);
    homeAgent.association(association);
  }

  /** Neither has more than its addresses. */
  static Scene bare() {
    var scene = new Scene();
    scene.mobileNode.has(HOME, Role.HOME).has(CARE_OF, Role.LINK);
    scene.homeAgent.has(AGENT, Role.LINK).has(HOME, Role.SERVED);
    return scene;
  }

  static Scene registered() {
    var scene = bare();
    scene.signalling();
    scene.payload(espTunnel(CARE_OF, AGENT, PAYLOAD), espTunnel(AGENT, CARE_OF, PAYLOAD));
    scene.both(esp(CARE_OF, AGENT, Mode.TUNNEL, 0x2001, PAYLOAD).selector(from(HOME)).build());
    scene.both(esp(AGENT, CARE_OF, Mode.TUNNEL, 0x2002, PAYLOAD).selector(to(HOME)).build());
    scene.states();
    return scene;
  }

  static Scene plainTunnel() {
    var scene = bare();
    scene.payload(Template.ipv6InIpv6(CARE_OF, AGENT), Template.ipv6InIpv6(AGENT, CARE_OF));
    return scene;
  }

  void signalling() {
    Template protection = espTransport(SIGNALLING);
    Template option = Template.homeAddressOption(HOME, AGENT).asOptional();
    Template routing = Template.routingHeader(AGENT, HOME).asOptional();
    mobileNode
        .policy(mobility(HOME, AGENT), Direction.OUT, protection, option)
        .policy(mobility(AGENT, HOME), Direction.IN, protection, routing);
    homeAgent
        .policy(mobility(AGENT, HOME), Direction.OUT, protection, routing)
        .policy(mobility(HOME, AGENT), Direction.IN, protection, option);
    both(
        esp(HOME, AGENT, Mode.TRANSPORT, 0x1001, SIGNALLING)
            .selector(mobility(HOME, AGENT))
            .build());
    both(
        esp(AGENT, HOME, Mode.TRANSPORT, 0x1002, SIGNALLING)
            .selector(mobility(AGENT, HOME))
            .build());
  }

  void payload(Template toAgent, Template toMobileNode) {
    mobileNode
        .policy(from(HOME), Direction.OUT, toAgent)
        .policy(to(HOME), Direction.IN, toMobileNode);
    homeAgent
        .policy(to(HOME), Direction.OUT, toMobileNode)
        .policy(from(HOME), Direction.FWD, toAgent)
        .policy(from(HOME), Direction.IN, toAgent);
  }

  /** What the two know of each other's binding. */
  void states() {
    RouteOptimizationState home = RouteOptimizationState.homeAddressOption(HOME, AGENT, CARE_OF);
    RouteOptimizationState routing = RouteOptimizationState.routingHeader(AGENT, HOME, CARE_OF);
    mobileNode.state(home).state(routing);
    homeAgent.state(home).state(routing);
  }

  /** A second mobile node that the home agent serves. */
  TestNode otherMobileNode() {
    var other = new TestNode();
    other.has(OTHER_HOME, Role.HOME).has(OTHER_CARE_OF, Role.LINK);
    homeAgent.has(OTHER_HOME, Role.SERVED);
    Template protection = espTransport(OTHER_SIGNALLING);
    Template option = Template.homeAddressOption(OTHER_HOME, AGENT).asOptional();
    Template tunnel = espTunnel(OTHER_CARE_OF, AGENT, OTHER_PAYLOAD);
    other
        .policy(mobility(OTHER_HOME, AGENT), Direction.OUT, protection, option)
        .policy(from(OTHER_HOME), Direction.OUT, tunnel);
    homeAgent
        .policy(mobility(OTHER_HOME, AGENT), Direction.IN, protection, option)
        .policy(from(OTHER_HOME), Direction.FWD, tunnel)
        .policy(from(OTHER_HOME), Direction.IN, tunnel);
    var signalling =
        esp(OTHER_HOME, AGENT, Mode.TRANSPORT, 0x3001, OTHER_SIGNALLING)
            .selector(mobility(OTHER_HOME, AGENT))
            .build();
    var payload =
        esp(OTHER_CARE_OF, AGENT, Mode.TUNNEL, 0x4001, OTHER_PAYLOAD)
            .selector(from(OTHER_HOME))
            .build();
    other.association(signalling).association(payload);
    homeAgent.association(signalling).association(payload);
    return other;
  }
}

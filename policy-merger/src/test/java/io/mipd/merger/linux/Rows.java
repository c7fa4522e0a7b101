package io.mipd.merger.linux;

import static io.mipd.xfrm.model.TransformProtocol.ESP;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.merger.rule.PolicyMerger;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;

/** The rows of the design's table that Linux decides by its two types, and what is right. */
final class Rows {
  static final Ipv6Address H = Ipv6Address.parse("2001:db8:1::10");
  static final Ipv6Address C = Ipv6Address.parse("2001:db8:a::10");
  static final Ipv6Address A = Ipv6Address.parse("2001:db8:1::1");
  static final Ipv6Address P = Ipv6Address.parse("2001:db8:c::2");
  static final ImmutableMap<Ipv6Address, String> NAMES =
      ImmutableMap.of(H, "H", C, "C", A, "A", P, "P");

  static final Flow FLOW = Flow.withPorts(H, P, IpProtocol.UDP, 4000, 7777);
  static final RouteOptimizationState STATE = RouteOptimizationState.homeAddressOption(H, P, C);

  private static final Template USERS_TUNNEL = Template.tunnel(ESP, H, P, new ReqId(1));
  private static final Template USERS_TRANSPORT = Template.transport(ESP, new ReqId(3));
  private static final Template REVERSE_TUNNEL = Template.tunnel(ESP, C, A, new ReqId(2));
  private static final Template OPTION = Template.homeAddressOption(H, P);
  private static final Selector FROM_HOME = Selector.between(Ipv6Prefix.host(H), Ipv6Prefix.ANY);
  private static final Selector TO_PEER = Selector.between(H, P);

  static final ImmutableList<SecurityAssociation> ASSOCIATIONS =
      ImmutableList.of(
          association(H, P, Mode.TUNNEL, 0x1001, 1),
          association(C, A, Mode.TUNNEL, 0x2001, 2),
          association(H, P, Mode.TRANSPORT, 0x3001, 3));

  private Rows() {}

  private static SecurityAssociation association(
      Ipv6Address from, Ipv6Address to, Mode mode, int spi, int reqId) {
    return SecurityAssociation.builder(
            new AssociationId(to, ESP, Spi.ofAssociation(spi)), from, mode)
        .reqId(new ReqId(reqId))
        .integrity(
            IntegrityAlgorithm.HMAC_SHA1_96,
            KeyMaterial.parseHex("000102030405060708090a0b0c0d0e0f10111213"))
        .build();
  }

  /**
   * @param user the user's template and mobility's, for the same flow
   * @param wire what Linux makes of the two policies
   * @param right what should be on the wire
   */
  record Row(
      String name, TwoTypes linux, Template user, Template mobility, String wire, String right) {
    boolean isRight() {
      return wire.equals(right);
    }

    /** What the merger makes of the same two. */
    Policy merged() {
      var selector = mobility.protocol() == TransformProtocol.HAO ? TO_PEER : FROM_HOME;
      return PolicyMerger.merge(
              ImmutableList.of(out(TO_PEER, 10, user)),
              ImmutableList.of(
                  new MobilityPolicy(
                      selector,
                      Direction.OUT,
                      MobilityPolicy.Kind.PAYLOAD,
                      Policy.Action.ALLOW,
                      Bundle.of(mobility),
                      "mobility")),
              new XfrmBackend.Limits(5))
          .decides(Direction.OUT, FLOW)
          .orElseThrow()
          .policy();
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private static Policy out(Selector selector, int priority, Template template) {
    return Policy.allow(selector, Direction.OUT, priority, Bundle.of(template));
  }

  private static TwoTypes main(Policy... policies) {
    return new TwoTypes(ImmutableList.copyOf(policies), ImmutableList.of());
  }

  private static TwoTypes mainAndSub(Policy main, Policy sub) {
    return new TwoTypes(ImmutableList.of(main), ImmutableList.of(sub));
  }

  private static final String NESTED = "C>A ESP(0x2001) H>P ESP(0x1001) H>P UDP";
  private static final String OPTIMIZED = "C>P DSTOPT(H) ESP(0x1001) H>P UDP";
  private static final String OPTIMIZED_TRANSPORT = "C>P DSTOPT(H) ESP(0x3001) UDP";

  static final ImmutableList<Row> ALL =
      ImmutableList.of(
          new Row(
              "two main policies, the user's first",
              main(out(TO_PEER, 10, USERS_TUNNEL), out(FROM_HOME, 20, REVERSE_TUNNEL)),
              USERS_TUNNEL,
              REVERSE_TUNNEL,
              "H>P ESP(0x1001) H>P UDP",
              NESTED),
          new Row(
              "two main policies, mobility's first",
              main(out(TO_PEER, 20, USERS_TUNNEL), out(FROM_HOME, 10, REVERSE_TUNNEL)),
              USERS_TUNNEL,
              REVERSE_TUNNEL,
              "C>A ESP(0x2001) H>P UDP",
              NESTED),
          new Row(
              "the user's main, mobility's sub",
              mainAndSub(out(TO_PEER, 10, USERS_TUNNEL), out(FROM_HOME, 10, REVERSE_TUNNEL)),
              USERS_TUNNEL,
              REVERSE_TUNNEL,
              "H>P ESP(0x1001) C>A ESP(0x2001) H>P UDP",
              NESTED),
          new Row(
              "the user's sub, mobility's main: right by luck of the sort",
              mainAndSub(out(FROM_HOME, 10, REVERSE_TUNNEL), out(TO_PEER, 10, USERS_TUNNEL)),
              USERS_TUNNEL,
              REVERSE_TUNNEL,
              NESTED,
              NESTED),
          new Row(
              "route optimized: the user's tunnel main, the option sub",
              mainAndSub(out(TO_PEER, 10, USERS_TUNNEL), out(TO_PEER, 10, OPTION)),
              USERS_TUNNEL,
              OPTION,
              "H>P ESP(0x1001) C>P DSTOPT(H) UDP",
              OPTIMIZED),
          new Row(
              "route optimized: the user's tunnel sub, the option main",
              mainAndSub(out(TO_PEER, 10, OPTION), out(TO_PEER, 10, USERS_TUNNEL)),
              USERS_TUNNEL,
              OPTION,
              "H>P ESP(0x1001) C>P DSTOPT(H) UDP",
              OPTIMIZED),
          new Row(
              "route optimized: the user's transport main, the option sub",
              mainAndSub(out(TO_PEER, 10, USERS_TRANSPORT), out(TO_PEER, 10, OPTION)),
              USERS_TRANSPORT,
              OPTION,
              OPTIMIZED_TRANSPORT,
              OPTIMIZED_TRANSPORT),
          new Row(
              "route optimized: the user's transport sub, the option main",
              mainAndSub(out(TO_PEER, 10, OPTION), out(TO_PEER, 10, USERS_TRANSPORT)),
              USERS_TRANSPORT,
              OPTION,
              OPTIMIZED_TRANSPORT,
              OPTIMIZED_TRANSPORT));
}

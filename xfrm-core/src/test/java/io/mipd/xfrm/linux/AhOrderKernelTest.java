package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.host.Datagram;
import io.mipd.xfrm.host.Dissection;
import io.mipd.xfrm.host.EngineHost;
import io.mipd.xfrm.host.Host;
import io.mipd.xfrm.host.KernelHost;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.netlink.KernelPolicy;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Which order of a template list makes Linux compute AH as RFC 6275 sections 9.3.1 and 9.3.2 want
 * it, and which it accepts inbound. The lists are given to the kernel as they stand here, by {@code
 * ip xfrm}; what KernelBackend makes of our bundles comes last. H, at C, sends to P; both may be
 * mobile, then P is at Q. {@code !} is an integrity check value that is not what the RFCs say.
 */
@Tag("kernel")
class AhOrderKernelTest {
  private static final Ipv6Address H = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address C = Ipv6Address.parse("2001:db8:a::10");
  private static final Ipv6Address P = Ipv6Address.parse("2001:db8:2::20");
  private static final Ipv6Address Q = Ipv6Address.parse("2001:db8:c::20");
  private static final ImmutableMap<Ipv6Address, String> NAMES =
      ImmutableMap.of(H, "H", C, "C", P, "P", Q, "Q");
  private static final Datagram DATAGRAM = Datagram.udp(H, P, "numbered 1");
  private static final Selector FLOW = Selector.between(H, P);

  private static final ReqId PEERS = new ReqId(1);
  private static final ReqId SITES = new ReqId(2);
  private static final ImmutableList<SecurityAssociation> ASSOCIATIONS =
      ImmutableList.of(
          association(TransformProtocol.AH, H, P, Mode.TRANSPORT, 0xa1, PEERS),
          association(TransformProtocol.ESP, H, P, Mode.TRANSPORT, 0xe1, PEERS),
          association(TransformProtocol.AH, H, P, Mode.TUNNEL, 0xa2, PEERS),
          association(TransformProtocol.ESP, H, P, Mode.TUNNEL, 0xe2, PEERS),
          association(TransformProtocol.AH, C, Q, Mode.TUNNEL, 0xa3, SITES),
          association(TransformProtocol.ESP, C, Q, Mode.TUNNEL, 0xe3, SITES));

  /** The words of this test for templates. */
  private static final ImmutableMap<String, Template> TEMPLATES =
      ImmutableMap.<String, Template>builder()
          .put("ah", Template.transport(TransformProtocol.AH, PEERS))
          .put("esp", Template.transport(TransformProtocol.ESP, PEERS))
          .put("ah H-P", Template.tunnel(TransformProtocol.AH, H, P, PEERS))
          .put("esp H-P", Template.tunnel(TransformProtocol.ESP, H, P, PEERS))
          .put("ah C-Q", Template.tunnel(TransformProtocol.AH, C, Q, SITES))
          .put("esp C-Q", Template.tunnel(TransformProtocol.ESP, C, Q, SITES))
          .put("hao", Template.homeAddressOption(H, P))
          .put("rh2", Template.routingHeader(H, P))
          .put("rh2 any", Template.routingHeader(Ipv6Address.UNSPECIFIED, Ipv6Address.UNSPECIFIED))
          .buildOrThrow();

  private static KernelHost sender;
  private static KernelHost receiver;

  private static SecurityAssociation association(
      TransformProtocol protocol,
      Ipv6Address from,
      Ipv6Address to,
      Mode mode,
      int spi,
      ReqId reqId) {
    return SecurityAssociation.builder(
            new AssociationId(to, protocol, Spi.ofAssociation(spi << 12)), from, mode)
        .reqId(reqId)
        .integrity(
            IntegrityAlgorithm.HMAC_SHA1_96,
            KeyMaterial.parseHex("000102030405060708090a0b0c0d0e0f10111213"))
        .build();
  }

  private static ImmutableMap<Ipv6Address, Role> roles(Ipv6Address home, Ipv6Address careOf) {
    return ImmutableMap.of(home, Role.HOME, careOf, Role.LINK);
  }

  @BeforeAll
  static void open() throws Exception {
    sender = KernelHost.create(roles(H, C));
    receiver = KernelHost.create(roles(P, Q));
  }

  @AfterAll
  static void close() {
    sender.close();
    receiver.close();
  }

  @BeforeEach
  void reset() throws Exception {
    for (KernelHost host : ImmutableList.of(sender, receiver)) {
      host.namespace().sh("ip xfrm policy flush");
      host.reset();
      given(host);
    }
  }

  private static void given(Host host) {
    for (SecurityAssociation association : ASSOCIATIONS) {
      done(host, new XfrmCommand.AddAssociation(association));
    }
    done(
        host,
        new XfrmCommand.PutRouteOptimization(RouteOptimizationState.homeAddressOption(H, P, C)));
    done(host, new XfrmCommand.PutRouteOptimization(RouteOptimizationState.routingHeader(H, P, Q)));
  }

  private static EngineHost engine(Ipv6Address home, Ipv6Address careOf) {
    var host = new EngineHost(roles(home, careOf));
    given(host);
    return host;
  }

  private static void done(Host host, XfrmCommand command) {
    assertThat(host.apply(command)).as("%s", command).isEqualTo(XfrmReply.DONE);
  }

  private static Bundle bundle(String list) {
    return new Bundle(
        Arrays.stream(list.substring(1, list.length() - 1).split("\\]\\["))
            .map(TEMPLATES::get)
            .collect(ImmutableList.toImmutableList()));
  }

  /** As it stands, without what KernelBackend does. */
  private static void list(KernelHost host, Direction direction, String list) throws Exception {
    var command =
        new StringBuilder("ip xfrm policy update src ")
            .append(H)
            .append(" dst ")
            .append(P)
            .append(" dir ")
            .append(direction.kernelName());
    bundle(list).templates().forEach(template -> command.append(" tmpl ").append(template));
    host.namespace().sh(command.toString());
  }

  private static Dissection dissected(byte[] packet) {
    return Dissection.of(packet, NAMES, ASSOCIATIONS);
  }

  private static Policy policy(Direction direction, String list) {
    return Policy.allow(FLOW, direction, 1000, bundle(list));
  }

  /** What an engine sends by a bundle in the order of headers: as the RFCs want it. */
  private static byte[] right(String bundle) {
    var engine = engine(H, C);
    done(engine, new XfrmCommand.AddPolicy(policy(Direction.OUT, bundle)));
    return engine.sends(DATAGRAM).get(0);
  }

  @ParameterizedTest(name = "out {0}: {1}")
  @CsvSource({
    // AH beside one of Mobile IPv6's headers: that one first in the list.
    "[ah][hao],                C>P DSTOPT(H) AH(0xa1000)! UDP",
    "[hao][ah],                C>P DSTOPT(H) AH(0xa1000) UDP",
    "[ah][rh2],                H>Q RH2(P) AH(0xa1000)! UDP",
    "[rh2][ah],                H>Q RH2(P) AH(0xa1000) UDP",
    // Both; the routing header stands first on the wire, whatever the list.
    "[hao][rh2][ah],           C>Q RH2(P) DSTOPT(H) AH(0xa1000) UDP",
    "[rh2][hao][ah],           C>Q RH2(P) DSTOPT(H) AH(0xa1000) UDP",
    "[hao][ah][rh2],           C>Q RH2(P) DSTOPT(H) AH(0xa1000)! UDP",
    "[esp][hao][rh2],          C>Q RH2(P) DSTOPT(H) ESP(0xe1000) UDP",
    "[esp][rh2][hao],          C>Q RH2(P) DSTOPT(H) ESP(0xe1000) UDP",
    // With ESP: it covers none of the headers, and may be anywhere before AH.
    "[esp][hao][ah],           C>P DSTOPT(H) AH(0xa1000) ESP(0xe1000) UDP",
    "[hao][esp][ah],           C>P DSTOPT(H) AH(0xa1000) ESP(0xe1000) UDP",
    "[esp][ah][hao],           C>P DSTOPT(H) AH(0xa1000)! ESP(0xe1000) UDP",
    "[esp H-P][hao][ah],       C>P DSTOPT(H) AH(0xa1000) ESP(0xe2000) H>P UDP",
    // AH that makes the header itself: the option comes too late, or not into it.
    "[ah H-P][hao],            C>P DSTOPT(H) AH(0xa2000)! H>P UDP",
    "[hao][ah H-P],            H>P AH(0xa2000) C>P DSTOPT(H) UDP",
    "[ah H-P][rh2],            H>Q RH2(P) AH(0xa2000)! H>P UDP",
    "[rh2][ah H-P],            H>P AH(0xa2000) H>Q RH2(P) UDP",
    // Inside and outside of tunnels the order is that of nesting.
    "[ah][esp C-Q],            C>Q ESP(0xe3000) H>P AH(0xa1000) UDP",
    "[ah][ah C-Q],             C>Q AH(0xa3000) H>P AH(0xa1000) UDP",
    "[ah H-P][esp C-Q],        C>Q ESP(0xe3000) H>P AH(0xa2000) H>P UDP",
    "[esp H-P][ah C-Q],        C>Q AH(0xa3000) H>P ESP(0xe2000) H>P UDP",
    "[hao][ah][esp C-Q],       C>Q ESP(0xe3000) C>P DSTOPT(H) AH(0xa1000) UDP",
  })
  void whatLeavesByAList(String list, String chain) throws Exception {
    list(sender, Direction.OUT, list);

    assertThat(sender.sends(DATAGRAM))
        .singleElement()
        .satisfies(packet -> assertThat(dissected(packet).chain()).isEqualTo(chain));
  }

  @ParameterizedTest(name = "what {0} sends, in {1}: {2}")
  @CsvSource({
    "[ah][hao],           [ah][hao],               accepted",
    "[ah][hao],           [hao][ah],               refused",
    "[ah][hao],           [ah],                    refused",
    "[ah][rh2],           [ah][rh2 any],           accepted",
    "[ah][rh2],           [ah][rh2],               accepted",
    "[ah][rh2],           [rh2][ah],               refused",
    "[ah][rh2],           [ah],                    refused",
    // The state of the routing header is looked for by C, and is the wildcard.
    "[ah][hao][rh2],      [ah][hao][rh2 any],      accepted",
    "[ah][hao][rh2],      [ah][hao][rh2],          refused",
    "[ah][hao][rh2],      [ah][rh2 any][hao],      refused",
    "[esp][hao][rh2],     [esp][hao][rh2 any],     accepted",
    "[esp][hao][rh2],     [esp][hao][rh2],         refused",
    "[esp][hao][rh2],     [esp][rh2 any][hao],     refused",
    "[esp][ah][hao],      [esp][ah][hao],          accepted",
    "[esp][ah][hao],      [ah][esp][hao],          refused",
    "[esp H-P][ah][hao],  [esp H-P][ah][hao],      accepted",
    // Linux undoes what it cannot make.
    "[ah H-P][hao],       [ah H-P][hao],           accepted",
    "[ah H-P][hao],       [hao][ah H-P],           refused",
    "[ah H-P][rh2],       [ah H-P][rh2 any],       accepted",
    "[ah][esp C-Q],       [ah][esp C-Q],           accepted",
    "[ah][esp C-Q],       [esp C-Q][ah],           refused",
    "[ah][ah C-Q],        [ah][ah C-Q],            accepted",
    "[ah H-P][esp C-Q],   [ah H-P][esp C-Q],       accepted",
    "[esp H-P][ah C-Q],   [esp H-P][ah C-Q],       accepted",
    "[ah][hao][esp C-Q],  [ah][hao][esp C-Q],      accepted",
    // AH behind ESP in one header: Linux does not get through (nor with its own packets).
    "[ah][esp],           [ah][esp],               refused",
  })
  void whatIsAcceptedByAList(String sent, String list, String verdict) throws Exception {
    list(receiver, Direction.IN, list);

    byte[] packet = right(sent);
    Host.Outcome outcome =
        verdict.equals("refused") ? receiver.refuses(packet) : receiver.receives(packet);

    assertThat(outcome.isRefused() ? "refused" : "accepted")
        .as(receiver.refusals())
        .isEqualTo(verdict);
  }

  /** Both worlds, both ways, by the same bundles; the octets are the same, AH's value included. */
  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "[ah][hao]",
    "[ah][rh2]",
    "[ah][hao][rh2]",
    "[esp][ah][hao]",
    "[esp][hao][rh2]",
    "[hao][esp]",
  })
  void ourBundlesBecomeListsThatAgreeWithTheEngine(String bundle) throws Exception {
    var out = policy(Direction.OUT, bundle);
    var in = policy(Direction.IN, bundle);
    done(sender, new XfrmCommand.AddPolicy(out));
    done(receiver, new XfrmCommand.AddPolicy(in));
    var engine = engine(P, Q);
    done(engine, new XfrmCommand.AddPolicy(in));

    byte[] packet = sender.sends(DATAGRAM).get(0);

    assertThat(packet).isEqualTo(right(bundle));
    assertThat(dissected(packet).isGenuine()).isTrue();
    assertThat(receiver.receives(packet).delivered().orElseThrow().text())
        .isEqualTo(DATAGRAM.text());
    assertThat(engine.receives(packet).delivered().orElseThrow().text()).isEqualTo(DATAGRAM.text());
    assertThat(sender.backend().policies()).containsExactly(KernelPolicy.asInstalled(out));
    assertThat(receiver.backend().policies()).containsExactly(KernelPolicy.asInstalled(in));
  }

  @Test
  void anAhTunnelUnderAnOptionIsRefusedBeforeItLeavesWrong() {
    assertThat(sender.backend().limits().ahTunnelsUnderOptions()).isFalse();
    assertThat(sender.apply(new XfrmCommand.AddPolicy(policy(Direction.OUT, "[ah H-P][hao]"))))
        .isInstanceOfSatisfying(
            XfrmReply.Failed.class,
            failed -> assertThat(failed.error()).isEqualTo(XfrmError.INVALID));
    done(receiver, new XfrmCommand.AddPolicy(policy(Direction.IN, "[ah H-P][hao]")));
  }
}

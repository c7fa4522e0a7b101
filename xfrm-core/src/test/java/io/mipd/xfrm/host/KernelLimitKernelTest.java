package io.mipd.xfrm.host;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableMap;
import com.google.common.primitives.Bytes;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
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
import io.mipd.xfrm.transform.Discard;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Single packets behind those of {@link KernelLimit} that come of how Linux reads headers, sent to
 * it and to the engine: P, to whom a mobile node talks by its home address.
 */
@Tag("kernel")
class KernelLimitKernelTest {
  private static final ImmutableMap<Ipv6Address, Role> PEER = ImmutableMap.of(Setting.P, Role.LINK);
  private static final Datagram DATAGRAM =
      Datagram.udp(Setting.H, Setting.P, "by its home address");
  private static final Template OPTION = Template.homeAddressOption(Setting.H, Setting.P);
  private static final ReqId REQ_ID = new ReqId(1);
  private static final int HEADER = 40;
  private static final int SOURCE = 8;
  private static final int NEXT_HEADER = 6;
  private static final int PAYLOAD_LENGTH = 5;

  /** Destination options with the Home Address option, and UDP's header: both belong together. */
  private static final int HEADERS = 24 + 8;

  private KernelHost kernel;
  private EngineHost engine;

  @BeforeEach
  void open() throws Exception {
    kernel = KernelHost.create(PEER);
    engine = new EngineHost(PEER);
  }

  @AfterEach
  void close() {
    kernel.close();
    engine.close();
  }

  private static void done(Host host, XfrmCommand command) {
    assertThat(host.apply(command)).as("%s", command).isEqualTo(XfrmReply.DONE);
  }

  /** What P asks for, and a binding for C. */
  private void demands(Template... templates) {
    demands(Selector.between(Setting.H, Setting.P), templates);
  }

  private void demands(Selector selector, Template... templates) {
    for (Host host : new Host[] {kernel, engine}) {
      done(host, arriving(selector, templates));
      done(
          host,
          new XfrmCommand.PutRouteOptimization(
              RouteOptimizationState.homeAddressOption(Setting.H, Setting.P, Setting.C)));
    }
  }

  private static XfrmCommand arriving(Selector selector, Template... templates) {
    return new XfrmCommand.AddPolicy(Policy.allow(selector, Direction.IN, 1, Bundle.of(templates)));
  }

  /** From a care-of address, with the home address in the option. */
  private static byte[] sentFrom(Ipv6Address careOf) throws Exception {
    return sentFrom(careOf, DATAGRAM);
  }

  private static byte[] sentFrom(Ipv6Address careOf, Datagram datagram) throws Exception {
    try (var mobile = mobile(careOf, OPTION)) {
      return mobile.sends(datagram).get(0);
    }
  }

  /**
   * Who has the home address.
   *
   * @param templates of what it sends to P, innermost first
   */
  private static EngineHost mobile(Ipv6Address careOf, Template... templates) {
    var mobile = new EngineHost(ImmutableMap.of(Setting.H, Role.HOME, careOf, Role.LINK));
    done(
        mobile,
        new XfrmCommand.AddPolicy(
            Policy.allow(
                Selector.between(Setting.H, Setting.P), Direction.OUT, 1, Bundle.of(templates))));
    done(
        mobile,
        new XfrmCommand.PutRouteOptimization(
            RouteOptimizationState.homeAddressOption(Setting.H, Setting.P, careOf)));
    return mobile;
  }

  private static void takes(Host host, byte[] packet) throws Exception {
    assertThat(host.receives(packet.clone()).delivered())
        .hasValueSatisfying(
            it -> {
              assertThat(it.source()).isEqualTo(Setting.H);
              assertThat(it.text()).isEqualTo(DATAGRAM.text());
            });
  }

  private void bothTake(byte[] packet) throws Exception {
    takes(engine, packet);
    takes(kernel, packet);
  }

  private String xfrmStatistics() throws Exception {
    return kernel.namespace().sh("grep -v '[[:space:]]0$' /proc/net/xfrm_stat || true");
  }

  @Test
  void anOptionalOptionIsTakenFromAnywhere() throws Exception {
    demands(OPTION.asOptional());
    bothTake(sentFrom(Setting.C));
    byte[] stray = sentFrom(Setting.X);
    assertThat(engine.receives(stray.clone()).isRefused()).isTrue();
    assertThat(engine.discards()).containsEntry(Discard.HAO_WITHOUT_BINDING, 1L);
    takes(kernel, stray);
  }

  @Test
  void aDemandedOptionIsNot() throws Exception {
    demands(OPTION);
    bothTake(sentFrom(Setting.C));
    byte[] stray = sentFrom(Setting.X);
    assertThat(engine.receives(stray.clone()).isRefused()).isTrue();
    assertThat(kernel.refuses(stray).isRefused()).isTrue();
    assertThat(xfrmStatistics()).containsPattern("XfrmInTmplMismatch\\s+1\\n");
  }

  /** PadN in front of the Home Address option, to which the receiver gives no meaning. */
  @Test
  void paddingIsRead() throws Exception {
    demands(OPTION);
    byte[] packet = sentFrom(Setting.C);
    assertThat(Arrays.copyOfRange(packet, HEADER + 2, HEADER + 6))
        .as("PadN of two octets")
        .containsExactly(1, 2, 0, 0);
    bothTake(packet);
    packet[HEADER + 5] = 1;
    takes(engine, packet);
    assertThat(kernel.refuses(packet).isRefused()).isTrue();
    assertThat(kernel.namespace().sh("grep Ip6InHdrErrors /proc/net/snmp6"))
        .containsPattern("Ip6InHdrErrors\\s+1\\n");
    assertThat(xfrmStatistics()).isEmpty();
  }

  /**
   * Linux looks for the type directly behind the IPv6 header, where the option's header begins: by
   * its Next Header, ICMPv6.
   */
  @Test
  void aTypeBehindAnOptionIsMisread() throws Exception {
    int type = DifferentialKernelTest.FIRST_ICMPV6_TYPE;
    Selector messages = Selector.between(Setting.H, Setting.P);
    demands(messages.withType(IpProtocol.ICMPV6, type), OPTION);
    byte[] packet = sentFrom(Setting.C, Datagram.icmpv6(Setting.H, Setting.P, type));
    assertThat(engine.receives(packet.clone()).delivered()).isPresent();
    assertThat(kernel.refuses(packet).isRefused()).isTrue();
    assertThat(xfrmStatistics()).containsPattern("XfrmInNoPols\\s+[1-9]");
    done(kernel, arriving(messages.withType(IpProtocol.ICMPV6, IpProtocol.ICMPV6), OPTION));
    assertThat(kernel.receives(packet).delivered())
        .hasValueSatisfying(it -> assertThat(it.number()).isEqualTo(type));
  }

  /** RFC 6275 section 6.3 has the option in front of a Fragment header. */
  @Test
  void anOptionIsTakenOutOfFragments() throws Exception {
    demands(OPTION);
    byte[] packet = sentFrom(Setting.C);
    byte[] first = fragment(packet, HEADER, HEADER + HEADERS, true);
    byte[] second = fragment(packet, HEADER + HEADERS, packet.length, false);
    for (byte[] one : new byte[][] {first, second}) {
      assertThat(engine.receives(one.clone()).delivered()).as("%s", engine.discards()).isEmpty();
    }
    kernel.write(first);
    takes(kernel, second);
  }

  /** Templates are gone through from the outside in, and headers as they come. */
  @Test
  void anOptionInsideOfATunnelIsRefused() throws Exception {
    var tunnel = Template.tunnel(TransformProtocol.ESP, Setting.H, Setting.P, REQ_ID);
    demands(tunnel, OPTION.asOptional());
    associate(Mode.TUNNEL, kernel);
    associate(Mode.TUNNEL, engine);
    try (var outside = mobile(Setting.C, tunnel, OPTION)) {
      associate(Mode.TUNNEL, outside);
      bothTake(outside.sends(DATAGRAM).get(0));
    }
    try (var inside = mobile(Setting.C, OPTION, tunnel)) {
      associate(Mode.TUNNEL, inside);
      inside.sends(DATAGRAM);
      byte[] second = inside.sends(DATAGRAM).get(0);
      takes(engine, second);
      assertThat(kernel.refuses(second).isRefused()).isTrue();
    }
    assertThat(xfrmStatistics()).containsPattern("XfrmInTmplMismatch\\s+1\\n");
  }

  /** ESP covers no addresses: whoever sees a packet can be there first, with another source. */
  @Test
  void aStrangerTakesANumber() throws Exception {
    var transport = Template.transport(TransformProtocol.ESP, REQ_ID);
    demands(transport);
    associate(Mode.TRANSPORT, kernel);
    associate(Mode.TRANSPORT, engine);
    try (var mobile = mobile(Setting.C, transport)) {
      associate(Mode.TRANSPORT, mobile);
      byte[] packet = mobile.sends(DATAGRAM).get(0);
      byte[] stranger = packet.clone();
      Setting.X.write(stranger, SOURCE);
      assertThat(engine.receives(stranger.clone()).isRefused()).isTrue();
      assertThat(engine.discards()).containsExactly(Map.entry(Discard.IN_STATE_MISMATCH, 1L));
      // It is opened; then UDP's checksum, which covers the source, is wrong.
      assertThat(kernel.refuses(stranger).isRefused()).isTrue();
      assertThat(xfrmStatistics()).isEmpty();
      takes(engine, packet);
      assertThat(kernel.refuses(packet).isRefused()).isTrue();
      assertThat(xfrmStatistics()).containsPattern("XfrmInStateSeqError\\s+1\\n");
      bothTake(mobile.sends(DATAGRAM).get(0));
    }
  }

  private static void associate(Mode mode, Host host) {
    var id = new AssociationId(Setting.P, TransformProtocol.ESP, Spi.ofAssociation(0x1001));
    done(
        host,
        new XfrmCommand.AddAssociation(
            SecurityAssociation.builder(id, Setting.H, mode)
                .reqId(REQ_ID)
                .replayWindow(32)
                .encryption(EncryptionAlgorithm.NULL, KeyMaterial.EMPTY)
                .integrity(
                    IntegrityAlgorithm.HMAC_SHA2_256_128,
                    KeyMaterial.copyOf(new byte[IntegrityAlgorithm.HMAC_SHA2_256_128.keyLength()]))
                .build()));
  }

  /** What is from one octet to another, behind a Fragment header (RFC 8200 section 4.5). */
  private static byte[] fragment(byte[] packet, int from, int to, boolean more) {
    byte[] header = {
      packet[NEXT_HEADER], 0, 0, (byte) ((from - HEADER) | (more ? 1 : 0)), 0, 0, 0, 1
    };
    byte[] fragment =
        Bytes.concat(Arrays.copyOf(packet, HEADER), header, Arrays.copyOfRange(packet, from, to));
    fragment[NEXT_HEADER] = (byte) IpProtocol.FRAGMENT;
    fragment[PAYLOAD_LENGTH] = (byte) (fragment.length - HEADER);
    return fragment;
  }
}

package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.host.Datagram;
import io.mipd.xfrm.host.Dissection;
import io.mipd.xfrm.host.EngineHost;
import io.mipd.xfrm.host.KernelHost;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.AssociationLifetime;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
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
import io.mipd.xfrm.pfkey.PfKeyExtension;
import io.mipd.xfrm.pfkey.PfKeyMessage;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What is put by PF_KEY netlink and {@code ip xfrm} show, and the other way round; packets go by it
 * as by any other. A kernel without {@code af_key} fails the tests.
 */
@Tag("kernel")
class PfKeyBackendKernelTest {
  private static final Ipv6Address HERE = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address THERE = Ipv6Address.parse("2001:db8:2::20");
  private static final Ipv6Address ELSEWHERE = Ipv6Address.parse("2001:db8:a::10");
  private static final ImmutableMap<Ipv6Address, String> NAMES =
      ImmutableMap.of(HERE, "H", THERE, "P", ELSEWHERE, "C");
  private static final ReqId PEERS = new ReqId(7);
  private static final ReqId SITES = new ReqId(9);
  private static final KeyMaterial KEY16 = KeyMaterial.parseHex("00112233445566778899aabbccddeeff");
  private static final KeyMaterial KEY20 =
      KeyMaterial.parseHex("000102030405060708090a0b0c0d0e0f10111213");

  /** {@code SADB_AALG_SHA1HMAC}. */
  private static final int SHA1 = 3;

  /** {@code SADB_X_EALG_AESCBC}. */
  private static final int AES_CBC = 12;

  private static final Selector FLOW = Selector.between(HERE, THERE);

  private static final SecurityAssociation TRANSPORT =
      association(HERE, THERE, Mode.TRANSPORT, 0x1001, PEERS).build();
  private static final SecurityAssociation TUNNEL =
      association(HERE, THERE, Mode.TUNNEL, 0x2001, SITES)
          .encryption(EncryptionAlgorithm.AES_CBC, KEY16)
          .build();
  private static final Policy POLICY =
      Policy.allow(
          FLOW,
          Direction.OUT,
          1000,
          Bundle.of(
              Template.transport(TransformProtocol.ESP, PEERS),
              Template.tunnel(TransformProtocol.ESP, HERE, THERE, SITES)));

  private KernelHost host;
  private PfKeyBackend backend;

  private static SecurityAssociation.Builder association(
      Ipv6Address from, Ipv6Address to, Mode mode, int spi, ReqId reqId) {
    return SecurityAssociation.builder(
            new AssociationId(to, TransformProtocol.ESP, Spi.ofAssociation(spi)), from, mode)
        .reqId(reqId)
        .replayWindow(32)
        .integrity(IntegrityAlgorithm.HMAC_SHA1_96, KEY20);
  }

  @BeforeEach
  void open() throws Exception {
    host = KernelHost.create(ImmutableMap.of(HERE, Role.HOME, ELSEWHERE, Role.LINK));
    backend = host.namespace().within(PfKeyBackend::open);
  }

  @AfterEach
  void close() {
    if (backend != null) {
      backend.close();
    }
    host.close();
  }

  private void done(XfrmCommand command) {
    assertThat(backend.apply(command)).as("%s", command).isEqualTo(XfrmReply.DONE);
  }

  private XfrmError refused(XfrmCommand command) {
    var reply = backend.apply(command);
    assertThat(reply).as("%s", command).isInstanceOf(XfrmReply.Failed.class);
    return ((XfrmReply.Failed) reply).error();
  }

  private List<Policy> policiesByNetlink() throws Exception {
    return host.backend().foreignPolicies().stream()
        .map(KernelPolicy::policy)
        .flatMap(Optional::stream)
        .toList();
  }

  private List<SecurityAssociation> associationsByNetlink() throws Exception {
    return host.backend().associations().stream()
        .map(one -> one.association(Mark.ANY))
        .flatMap(Optional::stream)
        .toList();
  }

  @Test
  void netlinkShowsWhatPfKeyHasPut() throws Exception {
    done(new XfrmCommand.AddAssociation(TRANSPORT));
    done(new XfrmCommand.AddAssociation(TUNNEL));
    done(new XfrmCommand.AddPolicy(POLICY));
    assertThat(associationsByNetlink()).containsExactlyInAnyOrder(TRANSPORT, TUNNEL);
    assertThat(policiesByNetlink()).containsExactly(POLICY);
    assertThat(host.namespace().sh("ip xfrm policy"))
        .contains("src 2001:db8:1::10/128 dst 2001:db8:2::20/128")
        .contains("dir out priority 1000")
        .contains("proto esp reqid 7 mode transport")
        .contains("proto esp reqid 9 mode tunnel");
    assertThat(backend.policies()).containsExactly(POLICY);
    assertThat(backend.associations()).containsExactlyInAnyOrder(TRANSPORT, TUNNEL);
  }

  @Test
  void pfKeyShowsWhatIpHasPut() throws Exception {
    host.namespace()
        .sh(
            "ip xfrm policy add src 2001:db8:1::10 dst 2001:db8:2::20 dir out priority 1000"
                + " tmpl proto esp reqid 7 mode transport"
                + " tmpl src 2001:db8:1::10 dst 2001:db8:2::20 proto esp reqid 9 mode tunnel");
    host.namespace()
        .sh(
            "ip xfrm state add src 2001:db8:1::10 dst 2001:db8:2::20 proto esp spi 0x2001 reqid 9"
                + " mode tunnel replay-window 32 auth 'hmac(sha1)'"
                + " 0x000102030405060708090a0b0c0d0e0f10111213"
                + " enc 'cbc(aes)' 0x00112233445566778899aabbccddeeff");
    assertThat(backend.policies()).containsExactly(POLICY);
    assertThat(backend.associations()).containsExactly(TUNNEL);
  }

  @Test
  void bothChangeWhatTheOtherHasPut() throws Exception {
    done(new XfrmCommand.AddPolicy(POLICY));
    host.namespace()
        .sh("ip xfrm policy update src 2001:db8:1::10 dst 2001:db8:2::20 dir out action block");
    assertThat(backend.policies()).containsExactly(Policy.block(FLOW, Direction.OUT, 0));
    done(new XfrmCommand.UpdatePolicy(POLICY));
    assertThat(policiesByNetlink()).containsExactly(POLICY);
    host.namespace().sh("ip xfrm policy delete src 2001:db8:1::10 dst 2001:db8:2::20 dir out");
    assertThat(backend.policies()).isEmpty();
    assertThat(refused(new XfrmCommand.DeletePolicy(POLICY.id()))).isEqualTo(XfrmError.NOT_FOUND);

    host.namespace()
        .sh(
            "ip xfrm state add src 2001:db8:1::10 dst 2001:db8:2::20 proto esp spi 0x1001"
                + " auth 'hmac(sha1)' 0x000102030405060708090a0b0c0d0e0f10111213"
                + " enc 'ecb(cipher_null)' ''");
    assertThat(refused(new XfrmCommand.AddAssociation(TRANSPORT))).isEqualTo(XfrmError.EXISTS);
    done(new XfrmCommand.DeleteAssociation(TRANSPORT.id()));
    assertThat(associationsByNetlink()).isEmpty();
  }

  @Test
  void everySayableAssociationAndPolicyComesBackTheSame() throws Exception {
    SecurityAssociation limited =
        association(THERE, HERE, Mode.TRANSPORT, 0x1002, PEERS)
            .encryption(EncryptionAlgorithm.AES_CBC, KeyMaterial.copyOf(new byte[32]))
            .lifetime(
                new AssociationLifetime(
                    1000, 2000, 10, 20, Duration.ofSeconds(3000), Duration.ofSeconds(4000)))
            .build();
    SecurityAssociation ah =
        SecurityAssociation.builder(
                new AssociationId(HERE, TransformProtocol.AH, Spi.ofAssociation(0x3001)),
                THERE,
                Mode.TRANSPORT)
            .integrity(IntegrityAlgorithm.HMAC_SHA1_96, KEY20)
            .build();
    done(new XfrmCommand.AddAssociation(limited));
    done(new XfrmCommand.AddAssociation(ah));
    assertThat(associationsByNetlink()).containsExactlyInAnyOrder(limited, ah);
    assertThat(backend.associations()).containsExactlyInAnyOrder(limited, ah);

    Policy typed =
        Policy.allow(
            FLOW.withType(IpProtocol.MOBILITY, 5),
            Direction.OUT,
            7,
            Bundle.of(Template.transport(TransformProtocol.ESP, PEERS)));
    Policy optional =
        Policy.allow(
            FLOW.reversed(),
            Direction.IN,
            8,
            Bundle.of(Template.transport(TransformProtocol.AH, ReqId.ANY).asOptional()));
    Policy block = Policy.block(FLOW.withProtocol(IpProtocol.ICMPV6), Direction.FWD, 9);
    for (Policy policy : ImmutableList.of(typed, optional, block)) {
      done(new XfrmCommand.AddPolicy(policy));
    }
    assertThat(policiesByNetlink()).containsExactlyInAnyOrder(typed, optional, block);
    assertThat(backend.policies()).containsExactlyInAnyOrder(typed, optional, block);
  }

  @Test
  void packetsGoByIt() throws Exception {
    done(new XfrmCommand.AddAssociation(TRANSPORT));
    done(new XfrmCommand.AddAssociation(TUNNEL));
    done(new XfrmCommand.AddPolicy(POLICY));
    Datagram datagram = Datagram.udp(HERE, THERE, "by PF_KEY");
    byte[] packet = host.sends(datagram).get(0);
    Dissection seen = Dissection.of(packet, NAMES, ImmutableList.of(TRANSPORT, TUNNEL));
    assertThat(seen.chain()).isEqualTo("H>P ESP(0x2001) H>P ESP(0x1001) UDP");
    assertThat(seen.isGenuine()).isTrue();

    try (var peer = new EngineHost(ImmutableMap.of(THERE, Role.LINK))) {
      peer.apply(new XfrmCommand.AddAssociation(TRANSPORT));
      peer.apply(new XfrmCommand.AddAssociation(TUNNEL));
      peer.apply(new XfrmCommand.AddPolicy(Policy.allow(FLOW, Direction.IN, 1, POLICY.bundle())));
      assertThat(peer.receives(packet).delivered().orElseThrow().text()).isEqualTo("by PF_KEY");
    }
  }

  /**
   * An association that came by PF_KEY has no selector: what comes in it and is for something else
   * passes where it would pass in the clear, and not where a policy demands another association.
   */
  @Test
  void withoutASelectorThePoliciesJudge() throws Exception {
    SecurityAssociation in = association(THERE, HERE, Mode.TRANSPORT, 0x1101, PEERS).build();
    Datagram datagram = Datagram.udp(THERE, HERE, "of another kind");
    try (var peer = new EngineHost(ImmutableMap.of(THERE, Role.LINK))) {
      peer.apply(new XfrmCommand.AddAssociation(in));
      peer.apply(
          new XfrmCommand.AddPolicy(
              Policy.allow(
                  FLOW.reversed(),
                  Direction.OUT,
                  1,
                  Bundle.of(Template.transport(TransformProtocol.ESP, PEERS)))));
      done(new XfrmCommand.AddAssociation(in));
      assertThat(host.receives(peer.sends(datagram).get(0)).delivered()).isPresent();
      done(
          new XfrmCommand.AddPolicy(
              Policy.allow(
                  FLOW.reversed(),
                  Direction.IN,
                  1,
                  Bundle.of(Template.transport(TransformProtocol.ESP, SITES)))));
      assertThat(host.refuses(peer.sends(datagram).get(0)).delivered()).isEmpty();
      done(new XfrmCommand.Flush());

      SecurityAssociation narrow =
          in.toBuilder().selector(FLOW.reversed().withProtocol(IpProtocol.MOBILITY)).build();
      host.apply(new XfrmCommand.AddAssociation(narrow));
      assertThat(host.refuses(peer.sends(datagram).get(0)).delivered())
          .as("by netlink, with a selector")
          .isEmpty();
    }
  }

  @Test
  void movesATunnelAndItsAssociation() throws Exception {
    done(new XfrmCommand.AddAssociation(TUNNEL));
    done(new XfrmCommand.AddPolicy(POLICY));
    var move =
        new XfrmCommand.Move(
            TransformProtocol.ESP, Mode.TUNNEL, SITES, HERE, THERE, ELSEWHERE, THERE);
    done(new XfrmCommand.Migrate(POLICY.id(), ImmutableList.of(move)));
    assertThat(policiesByNetlink().get(0).bundle().templates().get(1))
        .isEqualTo(Template.tunnel(TransformProtocol.ESP, ELSEWHERE, THERE, SITES));
    assertThat(associationsByNetlink()).containsExactly(TUNNEL.movedTo(ELSEWHERE, THERE));
    assertThat(refused(new XfrmCommand.Migrate(POLICY.id(), ImmutableList.of(move))))
        .isEqualTo(XfrmError.NOT_FOUND);
  }

  @Test
  void tellsKeyManagersWhereTheyTalk() throws Exception {
    try (var listener = host.namespace().within(() -> PfKeySocket.open(1))) {
      done(new XfrmCommand.TellKeyManager(Mode.TUNNEL, SITES, ELSEWHERE, THERE));
      assertThat(listener.hear())
          .flatExtracting(PfKeyMessage::extensions)
          .contains(
              new PfKeyExtension.KeyManagerAddress(
                  new PfKeyExtension.AddressPair(ELSEWHERE, THERE)));
    }
    assertThat(policiesByNetlink()).isEmpty();
  }

  /** A key manager's way to an association: it registers, is asked, and reserves an SPI. */
  @Test
  void tellsKeyManagersWhatIsToBeNegotiated() throws Exception {
    // For a policy that came by PF_KEY the kernel would propose nothing: its masks are empty.
    host.namespace()
        .sh(
            "ip xfrm policy add src 2001:db8:1::10 dst 2001:db8:2::20 dir out priority 1000"
                + " tmpl proto esp reqid 7 mode transport");
    var registration =
        PfKeyMessage.request(PfKeyMessage.REGISTER, PfKeyMessage.ESP, ImmutableList.of());
    try (var manager = host.namespace().within(() -> PfKeySocket.open(1));
        var another = host.namespace().within(() -> PfKeySocket.open(2))) {
      manager.request("SADB_REGISTER", registration, "");
      // Who has registered hears what is told to others who do.
      another.request("SADB_REGISTER", registration, "");
      PfKeyMessage algorithms = heard(manager, PfKeyMessage.REGISTER);
      assertThat(supported(algorithms, PfKeyExtension.SUPPORTED_AUTH))
          .contains(new PfKeyExtension.Algorithm(SHA1, 0, new PfKeyExtension.KeyBits(160, 160)));
      assertThat(supported(algorithms, PfKeyExtension.SUPPORTED_ENCRYPT))
          .contains(new PfKeyExtension.Algorithm(AES_CBC, 8, new PfKeyExtension.KeyBits(128, 256)));

      assertThat(host.sends(Datagram.udp(HERE, THERE, "without an association"))).isEmpty();
      PfKeyMessage wanted = heard(manager, PfKeyMessage.ACQUIRE);
      assertThat(wanted.associationType()).isEqualTo(PfKeyMessage.ESP);
      assertThat(wanted.first(PfKeyExtension.Address.class, PfKeyExtension.ADDRESS_DST))
          .hasValueSatisfying(it -> assertThat(it.prefix().address()).isEqualTo(THERE));
      assertThat(wanted.first(PfKeyExtension.Proposal.class).orElseThrow().combinations())
          .filteredOn(it -> it.integrity() == SHA1 && it.encryption() == AES_CBC)
          .singleElement()
          .satisfies(
              it -> {
                assertThat(it.integrityKey()).isEqualTo(new PfKeyExtension.KeyBits(160, 160));
                assertThat(it.encryptionKey()).isEqualTo(new PfKeyExtension.KeyBits(128, 256));
                assertThat(it.hard().addTime()).isGreaterThan(it.soft().addTime());
              });

      Spi only = Spi.ofAssociation(0x3001);
      manager.request(
          "SADB_GETSPI",
          PfKeyMessage.request(
              PfKeyMessage.GETSPI,
              PfKeyMessage.ESP,
              ImmutableList.of(
                  address(PfKeyExtension.ADDRESS_SRC, THERE),
                  address(PfKeyExtension.ADDRESS_DST, HERE),
                  new PfKeyExtension.SpiRange(only, only))),
          "");
    }
    assertThat(host.namespace().sh("ip xfrm state"))
        .contains("src 2001:db8:2::20 dst 2001:db8:1::10\n\tproto esp spi 0x00003001");
  }

  private static PfKeyExtension address(int type, Ipv6Address address) {
    return new PfKeyExtension.Address(type, 0, Ipv6Prefix.host(address), 0);
  }

  private static ImmutableList<PfKeyExtension.Algorithm> supported(PfKeyMessage message, int type) {
    return message.first(PfKeyExtension.Supported.class, type).orElseThrow().algorithms();
  }

  private static PfKeyMessage heard(PfKeySocket socket, int type) throws SystemCallException {
    return socket.hear().stream()
        .filter(message -> message.type() == type)
        .findFirst()
        .orElseThrow(() -> new AssertionError("no message of type " + type));
  }

  @Test
  void takesWhatItHasPutAndNothingElse() throws Exception {
    host.namespace().sh("ip xfrm policy add src ::/0 dst 2001:db8:9::/48 dir out action block");
    done(new XfrmCommand.AddAssociation(TUNNEL));
    done(new XfrmCommand.AddPolicy(POLICY));
    done(new XfrmCommand.Flush());
    assertThat(associationsByNetlink()).isEmpty();
    assertThat(policiesByNetlink()).hasSize(1);
  }

  @Test
  void refusesWhatItCannotSayAndPutsNothing() throws Exception {
    assertThat(
            refused(
                new XfrmCommand.PutRouteOptimization(
                    RouteOptimizationState.homeAddressOption(HERE, THERE, ELSEWHERE))))
        .isEqualTo(XfrmError.INVALID);
    assertThat(
            backend.apply(
                new XfrmCommand.AddPolicy(
                    Policy.allow(
                        FLOW,
                        Direction.OUT,
                        1,
                        Bundle.of(Template.homeAddressOption(HERE, THERE))))))
        .isInstanceOfSatisfying(
            XfrmReply.Failed.class,
            failed ->
                assertThat(failed.text())
                    .contains("PF_KEY cannot say a template of protocol hao")
                    .contains("netlink"));
    assertThat(refused(new XfrmCommand.AddAssociation(TUNNEL.toBuilder().selector(FLOW).build())))
        .isEqualTo(XfrmError.INVALID);
    assertThat(policiesByNetlink()).isEmpty();
    assertThat(host.backend().associations().stream().filter(one -> one.id().isPresent()).toList())
        .isEmpty();
  }

  /** Why the backend's own refusals are needed: the kernel takes it, and does another thing. */
  @Test
  void theKernelShortensACheckValue() throws Exception {
    SecurityAssociation sha256 =
        TUNNEL.toBuilder()
            .integrity(IntegrityAlgorithm.HMAC_SHA2_256_128, KeyMaterial.copyOf(new byte[32]))
            .build();
    assertThat(host.backend().apply(new XfrmCommand.AddAssociation(sha256)))
        .isEqualTo(XfrmReply.DONE);
    assertThat(refused(new XfrmCommand.AddAssociation(sha256))).isEqualTo(XfrmError.INVALID);
    // One with the right length is not told as if its length were known.
    assertThat(backend.associations()).isEmpty();
  }

  @Test
  void aPolicyWithAHeaderOfMobilityEndsTheList() throws Exception {
    done(new XfrmCommand.AddPolicy(POLICY));
    host.namespace()
        .sh(
            "ip xfrm policy add src 2001:db8:1::10 dst 2001:db8:9::1 dir out"
                + " tmpl src 2001:db8:1::10 dst 2001:db8:9::1 proto hao mode ro level use");
    assertThat(catchThrowable(backend::policies))
        .isInstanceOfSatisfying(
            SystemCallException.class, failure -> assertThat(failure.is("EINVAL")).isTrue());
  }
}

package io.mipd.daemon;

import static io.mipd.daemon.IntruderScene.AGENT;
import static io.mipd.daemon.IntruderScene.AGENT_ELSEWHERE;
import static io.mipd.daemon.IntruderScene.ATTACKER;
import static io.mipd.daemon.IntruderScene.HOME;
import static io.mipd.daemon.IntruderScene.OTHER_HOME;
import static io.mipd.daemon.IntruderScene.UNBOUND_HOME;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.typesafe.config.Config;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Random;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.condition.DisabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;

/**
 * An attacker who is anywhere, writes any source, holds back packets on their way and has one
 * mobile node's keys. Each packet is counted under its reason, has no effect, and is not answered
 * unless the protocol wants that.
 */
@Tag("root")
@Tag("kernel")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class IntruderTest {
  private static final Ipv6Address TAMPERED = Ipv6Address.parse("2001:db8:e::bad");
  private static final Ipv6Address STRANGER = Ipv6Address.parse("2001:db8:1::999");
  private static final Ipv6Address FOREIGNER = Ipv6Address.parse("2001:db8:77::1");
  private static final Ipv6Address CORRESPONDENT = Ipv6Address.parse(TestNet.CORRESPONDENT);
  private static final boolean KERNEL = TestNet.world().equals("kernel");

  /** Refused by the kernel, and not counted. */
  private static final String NOWHERE = "";

  @SuppressWarnings("NullAway.Init")
  private IntruderScene scene;

  private int marks;

  @BeforeAll
  void build(@TempDir Path folder) throws Exception {
    scene = IntruderScene.build(folder);
  }

  @AfterAll
  void takeDown() throws IOException {
    if (scene != null) {
      scene.close();
    }
  }

  /** A text that no other packet has. */
  private String mark() {
    return "mark-%d-%d-%08x".formatted(ProcessHandle.current().pid(), ++marks, System.nanoTime());
  }

  /**
   * Where a refusal is counted.
   *
   * @param kernel a counter of {@code mipd status} ({@code discards} or {@code refusals}), one of
   *     the kernel's own ({@code kernel.} and its name in {@code /proc/net/snmp6}), or {@link
   *     #NOWHERE}
   */
  private static String counter(String engine, String kernel) {
    return KERNEL ? kernel : engine;
  }

  /** The attacker sends; each packet is counted, nothing is delivered, and no binding changes. */
  private void isCounted(Mipd by, String counter, byte[]... packets) throws Exception {
    ImmutableList<String> bindings = scene.bindings();
    long delivered = scene.delivered();
    if (counter.equals(NOWHERE)) {
      scene.send(packets);
      scene.reachable(HOME);
    } else {
      counts(by, counter, packets);
    }
    assertThat(scene.bindings()).isEqualTo(bindings);
    assertThat(scene.delivered()).as("datagrams delivered").isEqualTo(delivered);
  }

  private void counts(Mipd by, String counter, byte[]... packets) throws Exception {
    long before = scene.counter(by, counter);
    Config old = scene.net.status(by).getConfig("counters.discards");
    scene.send(packets);
    try {
      scene.net.until(
          counter + " counts",
          TestNet.LONG,
          () -> scene.counter(by, counter) >= before + packets.length);
    } catch (AssertionError e) {
      throw new AssertionError(
          old + " before, now " + scene.net.status(by).getConfig("counters"), e);
    }
    // The kernel asks its policies once more for each raw socket that is to have a message.
    long most = KERNEL ? 2L * packets.length : packets.length;
    assertThat(scene.counter(by, counter))
        .as(counter)
        .isBetween(before + packets.length, before + most);
  }

  /** So under a reason that both worlds know, and nobody says anything. */
  private void isRefused(Mipd by, String reason, byte[]... packets) throws Exception {
    isIgnored(by, "discards." + reason, packets);
  }

  /** It is counted, and nobody says anything. */
  private void isIgnored(Mipd by, String counter, byte[]... packets) throws Exception {
    int answers = scene.answers();
    isCounted(by, counter, packets);
    // Whatever had been said would have come before these replies.
    scene.reachable(HOME);
    assertThat(scene.net.succeeds("x", "ping -n -c 1 -W 2 " + AGENT)).isTrue();
    assertThat(scene.answers()).isEqualTo(answers);
  }

  private static byte[] update(Ipv6Address home, Ipv6Address destination) {
    return Forger.update(60000, home, destination, ATTACKER, 100);
  }

  private Ipv6Address careOf() throws Exception {
    return Ipv6Address.parse(scene.careOf(HOME));
  }

  // Signalling.

  @Test
  void bindingUpdatesOutsideEsp() throws Exception {
    isRefused(
        scene.agent,
        "in-template-mismatch",
        Forger.fromCareOf(update(HOME, AGENT), ATTACKER),
        Forger.fromCareOf(update(HOME, AGENT), careOf()),
        Forger.fromCareOf(update(UNBOUND_HOME, AGENT), ATTACKER),
        // As if from the home link, without the option.
        update(HOME, AGENT),
        update(UNBOUND_HOME, AGENT),
        Forger.update(60000, HOME, AGENT, HOME, 0));
  }

  @Test
  void anAcknowledgementOutsideEsp() throws Exception {
    byte[] acknowledgement =
        Forger.mobility(
            new MobilityMessage.BindingAcknowledgement(
                BindingStatus.ACCEPTED,
                false,
                new SequenceNumber(1),
                BindingLifetime.DEREGISTER,
                ImmutableList.of()),
            AGENT,
            HOME);
    isRefused(scene.mobile, "in-template-mismatch", Forger.toCareOf(acknowledgement, careOf()));
    assertThat(scene.net.status(scene.mobile).getString("registration.care-of-address"))
        .isEqualTo(careOf().toString());
  }

  @Test
  void theAssociationOfOneMobileNodeWithTheHomeAddressOfAnother() throws Exception {
    Forger stolen = scene.asMobile(0x1001);
    isRefused(
        scene.agent,
        "in-state-mismatch",
        Forger.fromCareOf(stolen.sealed(0x1001, update(OTHER_HOME, AGENT)), careOf()),
        Forger.fromCareOf(stolen.sealed(0x1001, update(UNBOUND_HOME, AGENT)), careOf()));
  }

  @Test
  void anotherAddressOfTheHomeAgent() throws Exception {
    isRefused(
        scene.agent,
        "in-no-states",
        Forger.fromCareOf(
            scene.asMobile(0x1001).sealed(0x1001, update(HOME, AGENT_ELSEWHERE)), careOf()));
    isRefused(
        scene.agent,
        "in-template-mismatch",
        Forger.fromCareOf(update(HOME, AGENT_ELSEWHERE), careOf()));
    // Without a binding no policy stands before the home agent itself; with the option the kernel
    // wants one.
    isCounted(
        scene.agent,
        counter("refusals.wrong-address", "discards.in-no-policies"),
        Forger.fromCareOf(update(UNBOUND_HOME, AGENT_ELSEWHERE), ATTACKER));
    isCounted(scene.agent, "refusals.wrong-address", update(UNBOUND_HOME, AGENT_ELSEWHERE));
  }

  /** Mobile prefix discovery has an association of its own, which is for nothing else. */
  @Test
  void mobilePrefixDiscoveryOutsideItsAssociation() throws Exception {
    String mark = mark();
    byte[] solicitation = Forger.icmpv6(146, HOME, AGENT, mark);
    isRefused(scene.agent, "in-template-mismatch", Forger.fromCareOf(solicitation, careOf()));
    isRefused(
        scene.agent,
        "in-state-mismatch",
        Forger.fromCareOf(scene.stolen().sealed(0x1007, update(HOME, AGENT)), careOf()));
    isRefused(
        scene.mobile,
        "in-template-mismatch",
        Forger.toCareOf(Forger.icmpv6(147, AGENT, HOME, mark), careOf()));
    scene.isNowhere(mark);
    byte[] asItShouldBe =
        Forger.fromCareOf(
            scene.stolen().sealed(0x1007, Forger.icmpv6(146, HOME, AGENT, "")), careOf());
    // It gets through, so that the others' absence means something.
    int before = solicitations();
    assertThat(before).as("none of the others did").isZero();
    scene.send(asItShouldBe);
    scene.net.until("it arrives", TestNet.LONG, () -> solicitations() == before + 1);
  }

  /** That have reached the home agent's core. */
  private int solicitations() throws Exception {
    return scene.net.said("ha").split("event PrefixDiscoveryArrived", -1).length - 1;
  }

  @Test
  void anUpdateForAnAddressThatIsNotServedGetsItsStatus() throws Exception {
    int before = statuses().size();
    isCounted(
        scene.agent,
        "refusals.not-served",
        Forger.fromCareOf(update(STRANGER, AGENT), ATTACKER),
        Forger.fromCareOf(Forger.update(60000, STRANGER, AGENT, ATTACKER, 0), ATTACKER),
        Forger.fromCareOf(update(FOREIGNER, AGENT), ATTACKER));
    scene.net.until("answers", TestNet.LONG, () -> statuses().size() >= before + 3);
    // RFC 6275 section 10.3.1: not home subnet, or what fits; 10.3.2: there is nothing to end.
    assertThat(statuses().subList(before, before + 3))
        .containsExactly(
            AGENT + " 2001:db8:1::999 129 60000",
            AGENT + " 2001:db8:1::999 133 60000",
            AGENT + " 2001:db8:77::1 132 60000");
  }

  /** As tshark reads them: source, home address, status, sequence number. */
  private List<String> statuses() throws Exception {
    return tshark(
        "mip6.mhtype == 6",
        "ipv6.src",
        "ipv6.routing.mipv6.home_address",
        "mip6.ba.status",
        "mip6.ba.seqnr");
  }

  private List<String> tshark(String filter, String... fields) throws Exception {
    // A copy: tcpdump is still writing the original.
    Path copy = scene.net.folder().resolve("read.pcap");
    Files.copy(scene.attacker.file(), copy, StandardCopyOption.REPLACE_EXISTING);
    String said =
        scene.net.sh(
            "tshark -n -r "
                + copy
                + " -Y '"
                + filter
                + " && !icmpv6' -T fields -E separator=/s -e "
                + String.join(" -e ", fields)
                + " 2>/dev/null || true");
    return said.lines().toList();
  }

  // Replay.

  @Test
  void replayedEsp() throws Exception {
    scene.reachable(HOME);
    byte[] update = fromMobile(0x1001);
    byte[] payload = fromMobile(0x1005);
    isRefused(scene.agent, "in-state-seq-error", update, payload, payload);
    byte[] acknowledgement = scene.mobileLink.last(PacketLog.esp(0x1002));
    isRefused(scene.mobile, "in-state-seq-error", acknowledgement);
  }

  /** The newest packet of the mobile node's through an association, as it left. */
  private byte[] fromMobile(int spi) throws IOException {
    return scene.mobileLink.last(PacketLog.esp(spi));
  }

  // Sources.

  @Test
  void aTamperedOuterSourceOfPayload() throws Exception {
    scene.reachable(HOME);
    scene.net.holdBack(true);
    byte[] held;
    try {
      int before = sentByMobile(0x1005);
      scene.net.succeeds("cn", "ping -n -c 1 -W 1 " + HOME);
      assertThat(sentByMobile(0x1005)).isGreaterThan(before);
      held = fromMobile(0x1005);
    } finally {
      scene.net.holdBack(false);
    }
    if (KERNEL) {
      // Its association vouches for it: RFC 6275 section 10.4.5 asks for no more (docs/linux.md).
      isDelivered(Forger.withSource(held, TAMPERED));
    } else {
      isRefused(scene.agent, "tunnel-source-mismatch", Forger.withSource(held, TAMPERED));
    }
  }

  /** An echo reply comes to the correspondent, and moves nobody. */
  private void isDelivered(byte[] packet) throws Exception {
    ImmutableList<String> bindings = scene.bindings();
    int before = scene.correspondent.packets(PacketLog.from(HOME)).size();
    scene.send(packet);
    scene.net.until(
        "it arrives",
        TestNet.LONG,
        () -> scene.correspondent.packets(PacketLog.from(HOME)).size() > before);
    assertThat(scene.bindings()).isEqualTo(bindings);
  }

  private int sentByMobile(int spi) throws IOException {
    return scene.mobileLink.packets(PacketLog.esp(spi)).size();
  }

  /** ESP does not protect the IPv6 header; the option within it says where the mobile node is. */
  @Test
  void aTamperedOuterSourceOfABindingUpdate() throws Exception {
    Ipv6Address careOf = careOf();
    int sequence = scene.binding(HOME).getInt("sequence");
    scene.net.holdBack(true);
    try {
      int before = sentByMobile(0x1001);
      // What anybody can do: it makes the mobile node ask its home agent.
      scene.send(
          Forger.mobility(
              new MobilityMessage.BindingError(
                  MobilityMessage.BindingError.UNKNOWN_BINDING, HOME, ImmutableList.of()),
              AGENT,
              careOf));
      scene.net.until("an update", TestNet.LONG, () -> sentByMobile(0x1001) > before);
      assertThat(scene.binding(HOME).getInt("sequence")).isEqualTo(sequence);
      scene.net.until(
          "the update is taken",
          TestNet.LONG,
          () -> {
            // The newest: somebody else may have used up the number of the first in this scene.
            scene.send(Forger.withSource(fromMobile(0x1001), TAMPERED));
            return scene.binding(HOME).getInt("sequence") != sequence;
          });
    } finally {
      scene.net.holdBack(false);
    }
    assertThat(careOf()).isEqualTo(careOf);
    scene.reachable(HOME);
  }

  @Test
  void tunnelledPacketsWhoseSourcesDoNotBelongTogether() throws Exception {
    String mark = mark();
    byte[] ofMobile = Forger.datagram(HOME, CORRESPONDENT, mark);
    byte[] ofOther = Forger.datagram(OTHER_HOME, CORRESPONDENT, mark);
    byte[] ofUnbound = Forger.datagram(UNBOUND_HOME, CORRESPONDENT, mark);
    byte[] ofStranger = Forger.datagram(FOREIGNER, CORRESPONDENT, mark);
    Ipv6Address otherCareOf = Ipv6Address.parse(scene.careOf(OTHER_HOME));
    isIgnored(
        scene.agent,
        counter("discards.tunnel-source-mismatch", "discards.in-hdr-error"),
        Forger.tunnelled(ofOther, ATTACKER, AGENT),
        Forger.tunnelled(ofOther, careOf(), AGENT));
    isIgnored(
        scene.agent,
        counter("discards.in-template-mismatch", "discards.in-hdr-error"),
        // In clear, where ESP is asked for: from elsewhere, and from the right place.
        Forger.tunnelled(ofMobile, ATTACKER, AGENT),
        Forger.tunnelled(ofMobile, careOf(), AGENT));
    isIgnored(
        scene.agent,
        counter("discards.in-template-mismatch", NOWHERE),
        // In clear, where ESP is asked for, from another's tunnel.
        Forger.tunnelled(ofMobile, otherCareOf, AGENT));
    isIgnored(
        scene.agent,
        counter("discards.in-no-policies", NOWHERE),
        Forger.tunnelled(ofUnbound, otherCareOf, AGENT),
        Forger.tunnelled(ofStranger, otherCareOf, AGENT));
    // Nobody's tunnel: the kernel's business, and it knows none.
    scene.send(
        Forger.tunnelled(ofUnbound, ATTACKER, AGENT),
        Forger.tunnelled(ofStranger, ATTACKER, AGENT));
    // What is as it should be gets through, so that its absence means something.
    String good = mark();
    scene.send(
        Forger.tunnelled(Forger.datagram(OTHER_HOME, CORRESPONDENT, good), otherCareOf, AGENT));
    scene.net.until("it arrives", TestNet.LONG, () -> scene.correspondent.shows(good));
    scene.net.until(
        "it is seen on its way", TestNet.LONG, () -> KERNEL || scene.agentTun.shows(good));
    assertThat(scene.correspondent.shows(mark)).isFalse();
    assertThat(scene.mobileTun.shows(mark)).isFalse();
  }

  /** Which needs no route, so that in the kernel no rule is asked either. */
  @Test
  void tunnelledPacketsToTheHomeAgentItself() throws Exception {
    Ipv6Address otherCareOf = Ipv6Address.parse(scene.careOf(OTHER_HOME));
    String mark = mark();
    isIgnored(
        scene.agent,
        "discards.in-template-mismatch",
        Forger.tunnelled(Forger.datagram(HOME, AGENT, mark), otherCareOf, AGENT));
    byte[] ofStranger =
        Forger.tunnelled(Forger.datagram(FOREIGNER, AGENT, mark), otherCareOf, AGENT);
    if (KERNEL) {
      // A policy stands before whoever is bound, and nothing before others (docs/linux.md).
      long delivered = scene.delivered();
      scene.send(ofStranger);
      scene.net.until("it is taken", TestNet.LONG, () -> scene.delivered() > delivered);
    } else {
      isRefused(scene.agent, "in-no-policies", ofStranger);
    }
  }

  @Test
  void theInnerSourceOfAnotherMobileNodeInEsp() throws Exception {
    scene.reachable(HOME);
    String mark = mark();
    Ipv6Address careOf = careOf();
    Forger stolen = scene.asMobile(0x1005);
    isRefused(
        scene.agent,
        "in-state-mismatch",
        stolen.sealed(0x1005, Forger.datagram(OTHER_HOME, CORRESPONDENT, mark), careOf, AGENT),
        stolen.sealed(0x1005, Forger.datagram(UNBOUND_HOME, CORRESPONDENT, mark), careOf, AGENT),
        stolen.sealed(0x1005, Forger.datagram(FOREIGNER, CORRESPONDENT, mark), careOf, AGENT));
    scene.isNowhere(mark);
    String good = mark();
    scene.send(
        scene
            .asMobile(0x1005)
            .sealed(0x1005, Forger.datagram(HOME, CORRESPONDENT, good), careOf, AGENT));
    scene.net.until("it arrives", TestNet.LONG, () -> scene.correspondent.shows(good));
  }

  // Mobile IPv6's headers.

  @Test
  void aHomeAddressOptionWithoutABinding() throws Exception {
    String mark = mark();
    int before = bindingErrors().size();
    String none = counter("discards.hao-without-binding", "discards.in-no-policies");
    // Served, and bound elsewhere; served and not bound; not served.
    isCounted(
        scene.agent,
        counter("discards.hao-without-binding", "discards.in-template-mismatch"),
        Forger.fromCareOf(Forger.datagram(HOME, AGENT, mark), ATTACKER));
    isCounted(
        scene.agent, none, Forger.fromCareOf(Forger.datagram(UNBOUND_HOME, AGENT, mark), ATTACKER));
    isCounted(
        scene.agent,
        none,
        Forger.fromCareOf(Forger.datagram(FOREIGNER, AGENT_ELSEWHERE, mark), ATTACKER));
    isCounted(
        scene.mobile,
        none,
        Forger.fromCareOf(Forger.datagram(FOREIGNER, careOf(), mark), ATTACKER));
    scene.net.until("answers", TestNet.LONG, () -> bindingErrors().size() >= before + 4);
    assertThat(bindingErrors().subList(before, before + 4))
        .containsExactly(
            AGENT + " 1 " + HOME,
            AGENT + " 1 " + UNBOUND_HOME,
            AGENT_ELSEWHERE + " 1 2001:db8:77::1",
            careOf() + " 1 2001:db8:77::1");
    scene.isNowhere(mark);
  }

  /** As tshark reads them: source, status, home address. */
  private List<String> bindingErrors() throws Exception {
    return tshark("mip6.mhtype == 7", "ipv6.src", "mip6.be.status", "mip6.be.haddr");
  }

  @Test
  void aTypeTwoRoutingHeaderWithAnotherAddress() throws Exception {
    String mark = mark();
    Ipv6Address careOf = careOf();
    byte[] twice = Forger.toCareOf(Forger.datagram(ATTACKER, HOME, mark), careOf);
    twice[43] = 2;
    String notOurs = counter("discards.routing-header-not-ours", "kernel.Ip6InAddrErrors");
    isIgnored(
        scene.mobile,
        notOurs,
        Forger.toCareOf(Forger.datagram(ATTACKER, CORRESPONDENT, mark), careOf),
        Forger.toCareOf(Forger.datagram(ATTACKER, OTHER_HOME, mark), careOf),
        Forger.toCareOf(Forger.datagram(ATTACKER, AGENT, mark), careOf),
        Forger.toCareOf(Forger.datagram(ATTACKER, careOf, mark), careOf));
    isIgnored(
        scene.mobile, counter("discards.routing-header-not-ours", "kernel.Ip6InHdrErrors"), twice);
    // With the right address it is one of ours, and payload is to come in ESP.
    isRefused(
        scene.mobile,
        "in-template-mismatch",
        Forger.toCareOf(Forger.datagram(ATTACKER, HOME, mark), careOf));
    // Nor does the home agent take them for anybody.
    isIgnored(scene.agent, notOurs, Forger.toCareOf(Forger.datagram(ATTACKER, HOME, mark), AGENT));
    scene.isNowhere(mark);
    assertThat(
            scene.mobileLink.packets(PacketLog.from(ATTACKER).and(PacketLog.to(careOf).negate())))
        .as("passed on")
        .isEmpty();
  }

  // What is not to be refused.

  /** Also with an SPI of ours: without our address it is none of our business. */
  @Test
  void espBetweenOthersPassesTheHomeAgentUntouched() throws Exception {
    Ipv6Address third = Ipv6Address.parse("2001:db8:1::77");
    scene.net.sh(
        """
        ip netns exec "$P"sw sysctl -q net.ipv6.conf.brh.disable_ipv6=0
        ip -n "$P"sw addr add %s/64 dev brh nodad
        ip -n "$P"sw -6 route add 2001:db8:e::/64 via %s
        """
            .formatted(third, AGENT));
    try (PacketLog homeLink = PacketLog.start(scene.net, "sw", "brh", "home-link");
        Forger thirdParty = Forger.at(scene.net, "sw", scene.mobileKeys())) {
      long discarded = scene.counter(scene.agent, "discards.in-no-states");
      for (int spi : new int[] {0x1001, 0x1005, 0x7777}) {
        byte[] there = sealed(ATTACKER, third, spi);
        scene.send(there);
        Predicate<byte[]> toThird = PacketLog.to(third).and(PacketLog.esp(spi));
        scene.net.until("it passes", TestNet.LONG, () -> !homeLink.packets(toThird).isEmpty());
        assertThat(homeLink.packets(toThird))
            .singleElement()
            .satisfies(packet -> assertThat(packet).isEqualTo(afterHops(there, 2)));
        byte[] back = sealed(third, ATTACKER, spi);
        thirdParty.send(back);
        Predicate<byte[]> toAttacker = PacketLog.from(third).and(PacketLog.esp(spi));
        scene.net.until(
            "it passes back", TestNet.LONG, () -> !scene.attacker.packets(toAttacker).isEmpty());
        assertThat(scene.attacker.packets(toAttacker))
            .singleElement()
            .satisfies(packet -> assertThat(packet).isEqualTo(afterHops(back, 2)));
      }
      assertThat(scene.counter(scene.agent, "discards.in-no-states")).isEqualTo(discarded);
    }
  }

  private static byte[] sealed(Ipv6Address source, Ipv6Address destination, int spi) {
    var payload = new byte[120];
    new Random(spi).nextBytes(payload);
    ByteBuffer.wrap(payload).putInt(spi).putInt(1);
    return Forger.ipv6(source, destination, IpProtocol.ESP, payload);
  }

  private static byte[] afterHops(byte[] packet, int hops) {
    byte[] expected = packet.clone();
    expected[7] -= (byte) hops;
    return expected;
  }

  /** What has the shape of ours and is not: the kernels get it, and answer as without us. */
  @Test
  @DisabledIfEnvironmentVariable(
      named = "MIPD_GUEST",
      matches = ".+",
      disabledReason = "only the engine stands between packets and the kernel")
  void othersOptionsFragmentsAndEspReachTheKernel() throws Exception {
    scene.net.sh(
        """
        ip netns exec "$P"ha nft -f - <<'END'
        table ip6 behind {
          counter alien {}
          chain prerouting {
            type filter hook prerouting priority -150;
            ip6 saddr %s esp spi 0x7777 counter name alien
          }
        }
        END
        """
            .formatted(ATTACKER));
    Config discards = scene.net.status(scene.agent).getConfig("counters.discards");
    for (Ipv6Address to : List.of(AGENT, careOf())) {
      String padded = mark();
      String unknown = mark();
      String cut = mark();
      // PadN, and an option that whoever does not know it skips (RFC 8200 section 4.2).
      scene.send(
          Forger.behindOption(Forger.icmpv6(128, ATTACKER, to, padded), 1),
          Forger.behindOption(Forger.icmpv6(128, ATTACKER, to, unknown), 0x1e));
      scene.send(Forger.inTwoFragments(Forger.icmpv6(128, ATTACKER, to, cut)));
      for (String mark : List.of(padded, unknown, cut)) {
        scene.net.until(
            to + " answers " + mark,
            TestNet.LONG,
            () ->
                scene.attacker.packets(PacketLog.from(to).and(PacketLog.contains(mark))).stream()
                    .anyMatch(
                        packet -> packet[6] == IpProtocol.ICMPV6 && packet[40] == (byte) 129));
      }
    }
    scene.send(sealed(ATTACKER, AGENT, 0x7777));
    scene.net.until(
        "the kernel has the ESP packet",
        TestNet.LONG,
        () -> scene.net.in("ha", "nft list counter ip6 behind alien").contains("packets 1 "));
    scene.net.in("ha", "nft delete table ip6 behind");
    assertThat(scene.net.status(scene.agent).getConfig("counters.discards")).isEqualTo(discards);
  }

  /**
   * Both ways, on a path of 1280 octets, which the smallest inner packets fill with ESP. Linux
   * carries through it what fits with ESP around it, and nothing larger (docs/linux.md).
   */
  @Test
  void aNarrowPathCarriesTheTunnel() throws Exception {
    String narrow =
        """
        ip -n "$P"r -6 route %%s %s/128 via 2001:db8:f::1 mtu 1280
        ip -n "$P"r -6 route %%s %s/128 dev ea mtu 1280
        """
            .formatted(AGENT, careOf());
    long atAgent = scene.counter(scene.agent, "reassembled");
    long atMobile = scene.counter(scene.mobile, "reassembled");
    scene.net.sh(narrow.formatted("add", "add"));
    try {
      scene.net.until(
          "an echo gets through and back",
          TestNet.LONG,
          () ->
              scene.net.succeeds(
                  "cn", "ping -n -c 1 -W 1 -s " + (KERNEL ? 1100 : 1200) + " " + HOME));
    } finally {
      scene.net.sh(narrow.formatted("del", "del"));
    }
    if (KERNEL) {
      return;
    }
    assertThat(scene.counter(scene.agent, "reassembled")).isGreaterThan(atAgent);
    assertThat(scene.counter(scene.mobile, "reassembled")).isGreaterThan(atMobile);
    Predicate<byte[]> fragment = packet -> packet[6] == 44 && packet[40] == 50;
    for (PacketLog log : List.of(scene.agentLink, scene.mobileLink)) {
      for (Ipv6Address sender : List.of(AGENT, careOf())) {
        assertThat(log.packets(fragment.and(PacketLog.from(sender))))
            .as("fragments of %s in %s", sender, log.file())
            .hasSizeGreaterThanOrEqualTo(2)
            .allSatisfy(packet -> assertThat(packet).hasSizeLessThanOrEqualTo(1280));
      }
    }
  }

  /** Whoever has cut it, and in both directions. */
  @Test
  void fragmentedEspArrives() throws Exception {
    scene.reachable(HOME);
    Ipv6Address careOf = careOf();
    String up = mark();
    byte[] toAgent =
        scene
            .asMobile(0x1005)
            .sealed(0x1005, Forger.datagram(HOME, CORRESPONDENT, up), careOf, AGENT);
    scene.send(Forger.inTwoFragments(toAgent));
    scene.net.until("it arrives", TestNet.LONG, () -> scene.correspondent.shows(up));

    long delivered = scene.net.kernelCounter("mn", "Udp6NoPorts");
    byte[] toMobile =
        scene
            .asAgent(0x1006)
            .sealed(0x1006, Forger.datagram(CORRESPONDENT, HOME, mark()), AGENT, careOf);
    scene.send(Forger.inTwoFragments(toMobile));
    scene.net.until(
        "it arrives too",
        TestNet.LONG,
        () -> scene.net.kernelCounter("mn", "Udp6NoPorts") > delivered);
    scene.reachable(HOME);
  }
}

package io.mipd.daemon;

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
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What must not come in is really sent, to daemons that serve real traffic: it is counted, and
 * nothing comes of it. The home agent serves two mobile nodes. The first is a daemon at link a. The
 * second has keys and no manners: it is the test itself, at the router.
 */
@Tag("root")
class RefusalTest {
  private static final int SIGNALLING = 0x1001;
  private static final int OWN_SIGNALLING = 0x2001;
  private static final int OWN_PAYLOAD = 0x2005;
  private static final int PORT = 4242;

  private static final Ipv6Address AGENT = Ipv6Address.parse(TestNet.HOME_AGENT);
  private static final Ipv6Address AGENT_OUTSIDE = Ipv6Address.parse("2001:db8:f::1");
  private static final Ipv6Address HOME = Ipv6Address.parse(TestNet.HOME_ADDRESS);
  private static final Ipv6Address OWN_HOME = Ipv6Address.parse("2001:db8:1::200");
  private static final Ipv6Address STRANGER = Ipv6Address.parse("2001:db8:1::999");
  private static final Ipv6Address OWN_CARE_OF = Ipv6Address.parse("2001:db8:a::66");
  private static final Ipv6Address OTHER_CARE_OF = Ipv6Address.parse("2001:db8:a::67");
  private static final Ipv6Address CORRESPONDENT = Ipv6Address.parse(TestNet.CORRESPONDENT);

  @TempDir private static Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private static TestNet net;

  @SuppressWarnings("NullAway.Init")
  private static Mipd agent;

  @SuppressWarnings("NullAway.Init")
  private static Mipd mobile;

  @SuppressWarnings("NullAway.Init")
  private static Forger forger;

  @SuppressWarnings("NullAway.Init")
  private static Tap fromMobile;

  @SuppressWarnings("NullAway.Init")
  private static Tap fromAgent;

  @SuppressWarnings("NullAway.Init")
  private static Tap atCorrespondent;

  private static int sequence = 100;

  @BeforeAll
  static void serveTwo() throws Exception {
    net = TestNet.create(folder);
    Path configuration =
        net.configuration(
            "ha",
            "home-agent.conf",
            "  mobile-nodes = [\n",
            """
              mobile-nodes = [
                {
                  home-address = "2001:db8:1::200"
                  protection {
                    keys = mobile-node-2.keys
                    signalling { to-home-agent = 0x2001, to-mobile-node = 0x2002 }
                    payload { to-home-agent = 0x2005, to-mobile-node = 0x2006 }
                  }
                }
            """);
    Path keys = configuration.resolveSibling("mobile-node-2.keys");
    Files.writeString(
        keys,
        Files.readString(configuration.resolveSibling("mobile-node-1.keys"))
            .replace("0x10", "0x20")
            .replace("0f0e", "2f2e"));
    Files.setPosixFilePermissions(keys, PosixFilePermissions.fromString("rw-------"));
    forger = Forger.at(net, "r", KeyFile.read(keys));
    fromMobile = Tap.on(net, "r", "ea");
    fromAgent = Tap.on(net, "r", "eh");
    atCorrespondent = Tap.on(net, "cn", "eth0");
    agent = net.startMipd("ha", configuration);
    mobile = net.startMipd("mn", net.configuration("mn", "mobile-node.conf"));
    net.plug("a");
    net.until("the first is registered", TestNet.LONG, () -> isBound(HOME));
    forger.send(ownUpdate(OWN_CARE_OF, 100));
    net.until("the second is registered", TestNet.LONG, () -> isBound(OWN_HOME));
    net.until("pings go over the home address", TestNet.LONG, RefusalTest::isServed);
  }

  @AfterAll
  static void takeDown() throws Exception {
    for (AutoCloseable one : new AutoCloseable[] {fromMobile, fromAgent, atCorrespondent, forger}) {
      if (one != null) {
        one.close();
      }
    }
    if (net != null) {
      net.close();
    }
  }

  @BeforeEach
  void forget() throws Exception {
    fromAgent.clear();
    atCorrespondent.clear();
  }

  /** Whatever happened, those who are served are served as before. */
  @AfterEach
  void nothingHasChanged() throws Exception {
    assertThat(careOf(HOME)).startsWith("2001:db8:a:").isNotEqualTo(OWN_CARE_OF.toString());
    assertThat(careOf(OWN_HOME)).isEqualTo(OWN_CARE_OF.toString());
    net.until("pings go on", TestNet.LONG, RefusalTest::isServed);
  }

  private static boolean isServed() throws Exception {
    return net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS);
  }

  private static boolean isBound(Ipv6Address home) throws Exception {
    return !careOf(home).isEmpty();
  }

  private static String careOf(Ipv6Address home) throws Exception {
    return net.status(agent).getConfigList("bindings").stream()
        .filter(one -> one.getString("home-address").equals(home.toString()))
        .map(one -> one.getString("care-of-address"))
        .findFirst()
        .orElse("");
  }

  /** The second mobile node's registration, as it should be. */
  private static byte[] ownUpdate(Ipv6Address careOf, int units) {
    byte[] update = Forger.update(++sequence, OWN_HOME, AGENT, careOf, units);
    return Forger.fromCareOf(forger.sealed(OWN_SIGNALLING, update), careOf);
  }

  private static long counter(Mipd mipd, String name) throws Exception {
    Config counters = net.status(mipd).getConfig("counters");
    return counters.hasPath(name) ? counters.getLong(name) : 0;
  }

  /** Sends it, and waits until it is counted where it should be. */
  private static void refuses(Mipd mipd, String name, byte[] packet) throws Exception {
    long before = counter(mipd, name);
    forger.send(packet);
    net.until(
        name + " counts; " + net.status(mipd).getConfig("counters").root().render(),
        TestNet.LONG,
        () -> counter(mipd, name) > before);
  }

  private static int protocol(byte[] packet) {
    return packet[6] & 0xff;
  }

  /** ESP with this SPI, whether a Destination Options header comes before it or not. */
  private static Predicate<byte[]> esp(int spi) {
    return packet -> {
      boolean optioned = protocol(packet) == IpProtocol.DESTINATION_OPTIONS;
      int at = optioned ? 40 + 8 * (1 + (packet[41] & 0xff)) : 40;
      int header = optioned ? packet[40] & 0xff : protocol(packet);
      return header == IpProtocol.ESP && ByteBuffer.wrap(packet).getInt(at) == spi;
    };
  }

  /** Datagrams to {@link #PORT}. */
  private static boolean isOurs(byte[] packet) {
    return protocol(packet) == IpProtocol.UDP
        && ByteBuffer.wrap(packet).getShort(42) == (short) PORT;
  }

  private static byte[] payload(Ipv6Address source) {
    return Forger.udp(source, CORRESPONDENT, PORT, 64);
  }

  private static void nothingArrived() throws Exception {
    assertThat(atCorrespondent.all(RefusalTest::isOurs)).isEmpty();
  }

  // What the second mobile node may do.

  @Test
  void whatIsAllowedArrives() throws Exception {
    forger.send(forger.sealed(OWN_PAYLOAD, payload(OWN_HOME), OWN_CARE_OF, AGENT));
    byte[] arrived = atCorrespondent.await("a datagram", RefusalTest::isOurs);
    byte[] sent = payload(OWN_HOME);
    assertThat(Forger.from(arrived, 8)).isEqualTo(Forger.from(sent, 8));
  }

  @Test
  void fragmentedEspArrives() throws Exception {
    byte[] large = Forger.udp(OWN_HOME, CORRESPONDENT, PORT, 1300);
    byte[] sealed = forger.sealed(OWN_PAYLOAD, large, OWN_CARE_OF, AGENT);
    for (byte[] fragment : Forger.fragments(sealed, 720)) {
      forger.send(fragment);
    }
    byte[] arrived = atCorrespondent.await("a datagram", RefusalTest::isOurs);
    assertThat(Forger.from(arrived, 8)).isEqualTo(Forger.from(large, 8));
    // The later fragment first.
    atCorrespondent.clear();
    sealed = forger.sealed(OWN_PAYLOAD, large, OWN_CARE_OF, AGENT);
    for (byte[] fragment : Forger.fragments(sealed, 720).reverse()) {
      forger.send(fragment);
    }
    atCorrespondent.await("a datagram", RefusalTest::isOurs);
  }

  // Signalling.

  @Test
  void signallingOutsideEsp() throws Exception {
    byte[] update = Forger.update(60_000, HOME, AGENT, OWN_CARE_OF, 100);
    refuses(agent, "discards.in-template-mismatch", Forger.fromCareOf(update, OWN_CARE_OF));
    // From the home address itself, and in a tunnel.
    refuses(agent, "discards.in-template-mismatch", update);
    long before = total(agent);
    forger.send(Forger.tunnelled(update, OWN_CARE_OF, AGENT));
    net.until("counted", TestNet.LONG, () -> total(agent) > before);
  }

  private static long total(Mipd mipd) throws Exception {
    long sum = 0;
    for (String group : List.of("discards", "refusals")) {
      for (var one : net.status(mipd).getConfig("counters." + group).entrySet()) {
        sum += ((Number) one.getValue().unwrapped()).longValue();
      }
    }
    return sum;
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
    refuses(
        mobile,
        "discards.in-template-mismatch",
        Forger.toCareOf(acknowledgement, Ipv6Address.parse(careOf(HOME))));
    assertThat(net.status(mobile).getString("registration.care-of-address"))
        .isEqualTo(careOf(HOME));
  }

  @Test
  void anotherMobileNodesAssociation() throws Exception {
    byte[] update = Forger.update(60_001, HOME, AGENT, OWN_CARE_OF, 100);
    long before = total(agent);
    forger.send(Forger.fromCareOf(forger.sealed(OWN_SIGNALLING, update), OWN_CARE_OF));
    net.until("counted", TestNet.LONG, () -> total(agent) > before);
  }

  @Test
  void anUpdateToAnotherAddressOfTheHomeAgent() throws Exception {
    byte[] update = Forger.update(60_002, HOME, AGENT_OUTSIDE, OWN_CARE_OF, 100);
    long before = total(agent);
    forger.send(Forger.fromCareOf(update, OWN_CARE_OF));
    net.until("counted", TestNet.LONG, () -> total(agent) > before);
    // Sealed with keys that are right: there is no association at that address.
    byte[] own = Forger.update(60_003, OWN_HOME, AGENT_OUTSIDE, OTHER_CARE_OF, 100);
    forger.send(Forger.fromCareOf(forger.sealed(OWN_SIGNALLING, own), OTHER_CARE_OF));
    // What follows it is answered, so it has been seen.
    forger.send(ownUpdate(OWN_CARE_OF, 100));
    fromAgent.await("an acknowledgement", RefusalTest::isAcknowledgementToUs);
  }

  private static boolean isAcknowledgementToUs(byte[] packet) {
    return protocol(packet) == IpProtocol.ROUTING
        && Ipv6Address.read(packet, 24).equals(OWN_CARE_OF);
  }

  @Test
  void anUpdateForAnAddressThatIsNotServedIsAnswered() throws Exception {
    byte[] update = Forger.update(1, STRANGER, AGENT, OWN_CARE_OF, 100);
    refuses(agent, "refusals.not-served", Forger.fromCareOf(update, OWN_CARE_OF));
    byte[] answer = fromAgent.await("an answer", RefusalTest::isAcknowledgementToUs);
    // IPv6, type 2 routing header, then the message: its type and its status.
    assertThat(answer[40] & 0xff).isEqualTo(IpProtocol.MOBILITY);
    assertThat(answer[64 + 2] & 0xff).isEqualTo(MobilityMessage.BINDING_ACKNOWLEDGEMENT);
    assertThat(answer[64 + 6] & 0xff).isEqualTo(BindingStatus.ADMINISTRATIVELY_PROHIBITED.code());

    fromAgent.clear();
    Ipv6Address elsewhere = Ipv6Address.parse("2001:db8:5::5");
    byte[] foreign = Forger.update(1, elsewhere, AGENT, OWN_CARE_OF, 100);
    refuses(agent, "refusals.not-served", Forger.fromCareOf(foreign, OWN_CARE_OF));
    answer = fromAgent.await("an answer", RefusalTest::isAcknowledgementToUs);
    assertThat(answer[64 + 6] & 0xff).isEqualTo(BindingStatus.NOT_HOME_SUBNET.code());
  }

  // Replay.

  @Test
  void replayedSignallingAndPayload() throws Exception {
    replay();
  }

  @Test
  void replayAcrossARestart() throws Exception {
    assertThat(net.stop(agent)).isZero();
    agent = net.startMipd("ha", agent.configuration());
    replay();
    net.kill(agent);
    agent = net.startMipd("ha", agent.configuration());
    replay();
  }

  private static void replay() throws Exception {
    byte[] update = fromMobile.await("the first's Binding Update", esp(SIGNALLING));
    refuses(agent, "discards.in-state-seq-error", update);
    List<byte[]> sealed = fromMobile.all(esp(0x1005));
    assertThat(sealed).isNotEmpty();
    refuses(agent, "discards.in-state-seq-error", sealed.get(0));
    refuses(agent, "discards.in-state-seq-error", sealed.get(sealed.size() - 1));
  }

  // Payload.

  @Test
  void aTamperedOuterSource() throws Exception {
    byte[] sealed = forger.sealed(OWN_PAYLOAD, payload(OWN_HOME), OWN_CARE_OF, AGENT);
    long before = total(agent);
    forger.send(Forger.withSource(sealed, OTHER_CARE_OF));
    net.until("counted", TestNet.LONG, () -> total(agent) > before);
    nothingArrived();
  }

  @Test
  void anInnerSourceOfAnotherMobileNode() throws Exception {
    long before = total(agent);
    forger.send(forger.sealed(OWN_PAYLOAD, payload(HOME), OWN_CARE_OF, AGENT));
    net.until("counted", TestNet.LONG, () -> total(agent) > before);
    forger.send(forger.sealed(OWN_PAYLOAD, payload(STRANGER), OWN_CARE_OF, AGENT));
    net.until("counted", TestNet.LONG, () -> total(agent) > before + 1);
    nothingArrived();
  }

  @Test
  void aTunnelWithoutProtectionOrWithAnotherOuterSource() throws Exception {
    Ipv6Address careOf = Ipv6Address.parse(careOf(HOME));
    for (Ipv6Address outer : List.of(careOf, OWN_CARE_OF, OTHER_CARE_OF)) {
      for (Ipv6Address inner : List.of(HOME, OWN_HOME, STRANGER)) {
        long before = total(agent);
        forger.send(Forger.tunnelled(payload(inner), outer, AGENT));
        if (outer.equals(OTHER_CARE_OF) && inner.equals(STRANGER)) {
          // Nothing of ours: the kernel's, which knows no such tunnel.
          continue;
        }
        net.until(inner + " from " + outer, TestNet.LONG, () -> total(agent) > before);
      }
    }
    nothingArrived();
  }

  @Test
  void aHomeAddressOptionWithoutBindingGetsABindingError() throws Exception {
    byte[] datagram = Forger.udp(STRANGER, AGENT, PORT, 8);
    Predicate<byte[]> isBindingError =
        packet ->
            protocol(packet) == IpProtocol.MOBILITY
                && packet[42] == MobilityMessage.BINDING_ERROR
                && Ipv6Address.read(packet, 24).equals(OWN_CARE_OF);
    // Errors have a limit, which others may have used up.
    net.until(
        "a Binding Error",
        TestNet.LONG,
        () -> {
          refuses(agent, "discards.hao-without-binding", Forger.fromCareOf(datagram, OWN_CARE_OF));
          return !fromAgent.all(isBindingError).isEmpty();
        });
    byte[] error = fromAgent.all(isBindingError).get(0);
    assertThat(error[46]).as("status: unknown binding").isEqualTo((byte) 1);
    assertThat(Ipv6Address.read(error, 48)).isEqualTo(STRANGER);
    // Bound, but to another care-of address.
    refuses(
        agent,
        "discards.hao-without-binding",
        Forger.fromCareOf(Forger.udp(HOME, AGENT, PORT, 8), OWN_CARE_OF));
  }

  @Test
  void bindingErrorsHaveALimit() throws Exception {
    int many = 2000;
    long before = counter(agent, "discards.hao-without-binding");
    byte[] packet = Forger.fromCareOf(Forger.udp(STRANGER, AGENT, PORT, 8), OWN_CARE_OF);
    for (int i = 0; i < many; i++) {
      forger.send(packet);
    }
    net.until(
        "most are counted",
        TestNet.LONG,
        () -> counter(agent, "discards.hao-without-binding") > before + many / 2);
    assertThat(fromAgent.all(it -> protocol(it) == IpProtocol.MOBILITY)).hasSizeLessThan(many / 4);
  }

  @Test
  void aRoutingHeaderWithAnotherHomeAddress() throws Exception {
    Ipv6Address careOf = Ipv6Address.parse(careOf(HOME));
    byte[] datagram = Forger.udp(CORRESPONDENT, STRANGER, PORT, 8);
    refuses(mobile, "discards.routing-header-not-ours", Forger.toCareOf(datagram, careOf));
  }

  // What is not ours.

  @Test
  void espBetweenOthersPassesUntouched() throws Exception {
    String bridge = net.in("sw", "cat /sys/class/net/brh/address").strip();
    Ipv6Address other = Ipv6Address.parse("2001:db8:1::77");
    net.ip("ha", "neigh", "replace", other.toString(), "lladdr", bridge, "dev", "eth1");
    try (Tap behind = Tap.on(net, "sw", "brh")) {
      byte[] inner = Forger.udp(CORRESPONDENT, other, PORT, 200);
      for (int spi : new int[] {SIGNALLING, OWN_PAYLOAD}) {
        byte[] sealed =
            Forger.ipv6(
                CORRESPONDENT,
                other,
                IpProtocol.ESP,
                ByteBuffer.allocate(8 + inner.length).putInt(spi).putInt(1).put(inner).array());
        forger.send(sealed);
        byte[] arrived = behind.await("ESP behind the home agent", esp(spi));
        assertThat(arrived[7]).as("hop limit").isEqualTo((byte) (sealed[7] - 1));
        arrived[7] = sealed[7];
        assertThat(arrived).isEqualTo(sealed);
      }
      // An option that is neither ours nor unknown to be skipped, and a fragment.
      byte[] datagram = Forger.udp(CORRESPONDENT, other, PORT, 600);
      for (byte[] fragment : Forger.fragments(datagram, 304)) {
        forger.send(fragment);
      }
      net.until(
          "both fragments",
          TestNet.LONG,
          () -> behind.all(it -> protocol(it) == IpProtocol.FRAGMENT).size() == 2);
    } finally {
      net.ip("ha", "neigh", "del", other.toString(), "dev", "eth1");
    }
  }
}

package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.ObjectArrays;
import com.typesafe.config.Config;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.host.MobilityPacket;
import io.mipd.mobility.ListenerDiscovery;
import io.mipd.xfrm.linux.NetworkNamespace;
import io.mipd.xfrm.linux.RawSender;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message.GroupRecord;
import io.mipd.xfrm.packet.Icmpv6Message.ListenerReport2;
import io.mipd.xfrm.transform.PacketBuffer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Multicast groups of the home link, wherever the mobile node is (RFC 6275 section 11.3.4). */
@Tag("root")
class TunnelledGroupsTest {
  private static final String GROUP = "ff0e::101";
  static final String OTHER_GROUP = "ff0e::102";
  static final String HOST = "2001:db8:1::bad";
  private static final String PORT = "7777";
  static final int ENOUGH = 5;

  /** Octets of a datagram's payload that make a packet of 1500. */
  private static final int AS_THE_LINK = 1500 - 40 - 8;

  /** A mobile node answers within 10 s, and may be asked again after 14 s. */
  private static final Duration ANSWERED = TestNet.LONG.multipliedBy(2);

  /** Arguments: group, port, index of the interface. */
  static final String LISTENER =
      "$| = 1; socket(S, AF_INET6, SOCK_DGRAM, 0) or die $!;"
          + " bind(S, pack_sockaddr_in6($ARGV[1], inet_pton(AF_INET6, \"::\"))) or die $!;"
          // IPPROTO_IPV6, IPV6_JOIN_GROUP.
          + " setsockopt(S, 41, 20, inet_pton(AF_INET6, $ARGV[0]) . pack(\"I\", $ARGV[2])) or die $!;"
          + " print \"listens\\n\"; while (my $from = recv(S, $b, 100, 0)) {"
          + " my ($port, $address) = unpack_sockaddr_in6($from);"
          + " print inet_ntop(AF_INET6, $address), \" $b\\n\" }";

  /** Arguments: group, port, what to say. No address and no interface is asked for. */
  static final String TALKER =
      "socket(S, AF_INET6, SOCK_DGRAM, 0) or die $!;"
          // IPPROTO_IPV6, IPV6_MULTICAST_HOPS.
          + " setsockopt(S, 41, 18, pack(\"I\", 8)) or die $!;"
          + " my $to = pack_sockaddr_in6($ARGV[1], inet_pton(AF_INET6, $ARGV[0]));"
          + " $| = 1; while (1) { send(S, $ARGV[2], 0, $to); print \"says\\n\";"
          + " select(undef, undef, undef, 0.1) }";

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  TestNet net;

  /** With a host on the home link. */
  @BeforeEach
  void build() throws Exception {
    TestNet.needsCommand("perl");
    net = TestNet.create(folder);
    net.addNode("x");
    net.sh(
        """
        ip -n "$P"sw link add px type veth peer name eth0 netns "$P"x
        ip -n "$P"sw link set px master brh up
        ip netns exec "$P"x sysctl -q net.ipv6.conf.eth0.accept_ra=0
        ip -n "$P"x link set eth0 up
        ip -n "$P"x addr add %s/64 dev eth0 nodad
        """
            .formatted(HOST));
  }

  @AfterEach
  void takeDown() throws IOException {
    net.close();
  }

  Mipd start(String node, String role, String words, boolean esp) throws Exception {
    return start(
        node,
        role,
        words,
        esp ? new String[0] : TestNet.withoutIpsec(TestNet.sample(role + ".conf")));
  }

  private Mipd start(String node, String role, String words, String... changes) throws Exception {
    String title = role + " {";
    return net.startMipd(
        node,
        net.configuration(
            node,
            role + ".conf",
            ObjectArrays.concat(
                changes, new String[] {title, title + "\n  " + words + "\n"}, String.class)));
  }

  Process perl(String node, String log, String program, String... words) throws IOException {
    return net.start(
        node,
        log,
        ObjectArrays.concat(
            new String[] {"perl", "-MSocket=:all", "-e", program, GROUP, PORT},
            words,
            String.class));
  }

  String index(String node) throws Exception {
    return net.in(node, "cat /sys/class/net/eth0/ifindex").strip();
  }

  private int heard(String log, String line) throws IOException {
    return (int) net.said(log).lines().filter(line::equals).count();
  }

  void awaitMore(String what, String log, String line) throws Exception {
    int enough = heard(log, line) + ENOUGH;
    net.until(what, ANSWERED, () -> heard(log, line) >= enough);
  }

  boolean isBound(Mipd agent, String link) throws Exception {
    return net.status(agent).getConfigList("bindings").stream()
        .anyMatch(it -> it.getString("care-of-address").startsWith("2001:db8:" + link + ":"));
  }

  /** Those of a tunnel. */
  record Ends(Mipd agent, Mipd mobile) {}

  /** The mobile node is at a, and is bound. */
  Ends away(boolean esp) throws Exception {
    net.plug("a");
    Mipd agent = start("ha", "home-agent", "multicast = tunnel", esp);
    Mipd mobile = start("mn", "mobile-node", "multicast = home-tunnel", esp);
    net.until("bound at a", TestNet.LONG, () -> isBound(agent, "a"));
    return new Ends(agent, mobile);
  }

  /** Likewise, and hears there what a host on the home link goes on to say to the group. */
  Ends heardAway(boolean esp) throws Exception {
    Ends ends = away(esp);
    perl("mn", "listener", LISTENER, index("mn"));
    perl("x", "talker", TALKER, "from-home");
    awaitMore("heard at a", "listener", HOST + " from-home");
    return ends;
  }

  @ParameterizedTest(name = "in ESP: {0}")
  @ValueSource(booleans = {true, false})
  void aGroupIsListenedToAtHomeAndAwayAndSpokenTo(boolean esp) throws Exception {
    ImmutableSet<String> before = net.system("ha");
    net.plug("h");
    Mipd agent = start("ha", "home-agent", "multicast = tunnel", esp);
    Mipd mobile = start("mn", "mobile-node", "multicast = home-tunnel", esp);
    net.until("at home", TestNet.LONG, () -> net.status(mobile).getBoolean("registration.at-home"));
    Process listener = perl("mn", "listener", LISTENER, index("mn"));
    perl("x", "other listener", LISTENER, index("x"));
    perl("x", "talker", TALKER, "from-home");
    awaitMore("heard at home", "listener", HOST + " from-home");
    Process talker;
    try (PacketLog way = PacketLog.start(net, "r", "eh", "way")) {
      for (String link : List.of("a", "b")) {
        net.plug(link);
        net.until("bound at " + link, TestNet.LONG, () -> isBound(agent, link));
        awaitMore("heard at " + link, "listener", HOST + " from-home");
      }
      talker = perl("mn", "mobile talker", TALKER, "from-afar");
      awaitMore("spoken from afar", "other listener", TestNet.HOME_ADDRESS + " from-afar");
      assertThat(way.shows("from-home")).isEqualTo(!esp);
      assertThat(way.shows("from-afar")).isEqualTo(!esp);
      assertThat(way.packets(PacketLog.to(Ipv6Address.parse(GROUP)))).isEmpty();
    }
    net.plug("h");
    net.until(
        "bound no more", TestNet.LONG, () -> net.status(agent).getConfigList("bindings").isEmpty());
    awaitMore("heard at home again", "listener", HOST + " from-home");
    awaitMore("spoken at home", "other listener", TestNet.HOME_ADDRESS + " from-afar");
    assertThat(net.in("ha", "ip maddr show dev eth1")).doesNotContain(GROUP);
    assertThat(net.stop(mobile)).isZero();
    assertThat(net.stop(agent)).isZero();
    listener.destroyForcibly().waitFor();
    talker.destroyForcibly().waitFor();
    net.awaitSystem("ha", before);
    assertThat(net.ip("mn", "-6", "route", "show", "table", "all")).doesNotContain("ff0e::");
    assertThat(net.in("mn", "ip maddr")).doesNotContain(GROUP);
  }

  @ParameterizedTest(name = "in ESP: {0}")
  @ValueSource(booleans = {true, false})
  void whatDoesNotFitIntoTheTunnelIsCounted(boolean esp) throws Exception {
    Mipd agent = heardAway(esp).agent();
    assertThat(discarded(agent, "out-too-big")).isZero();
    perl("x", "big talker", TALKER, "x".repeat(AS_THE_LINK));
    net.until("counted", TestNet.LONG, () -> discarded(agent, "out-too-big") > 0);
    awaitMore("heard at a beside it", "listener", HOST + " from-home");
  }

  long discarded(Mipd mipd, String reason) throws Exception {
    String path = "counters.discards." + reason;
    Config status = net.status(mipd);
    return status.hasPath(path) ? status.getLong(path) : 0;
  }

  /** What somebody beside the home agent sends in the name of a mobile node is not its tunnel's. */
  @ParameterizedTest(name = "in ESP: {0}")
  @ValueSource(booleans = {true, false})
  void whatDidNotComeByTheTunnelIsNotBelieved(boolean esp) throws Exception {
    away(esp);
    try (PacketLog homeLink = PacketLog.start(net, "x", "eth0", "home link");
        RawSender forger = forger("r", "eh")) {
      forge(forger);
      perl("x", "other listener", LISTENER, index("x"));
      perl("mn", "mobile talker", TALKER, "from-afar");
      awaitMore("spoken from afar", "other listener", TestNet.HOME_ADDRESS + " from-afar");
      assertThat(homeLink.shows("forged")).isFalse();
      assertThat(net.in("ha", "ip maddr show dev eth1")).doesNotContain(OTHER_GROUP);
    }
  }

  RawSender forger(String node, String link) throws Exception {
    return NetworkNamespace.within(
        NetworkNamespace.named(net.ns(node)), () -> RawSender.open(link, 0));
  }

  /** A report and payload in the name of the mobile node, in clear. */
  static void forge(RawSender forger) throws Exception {
    var home = Ipv6Address.parse(TestNet.HOME_ADDRESS);
    var report = new PacketBuffer();
    MobilityPacket.ofListeners(
        new ListenerReport2(
            ImmutableList.of(
                new GroupRecord(
                    GroupRecord.CHANGE_TO_EXCLUDE,
                    Ipv6Address.parse(OTHER_GROUP),
                    ImmutableList.of()))),
        ListenerDiscovery.source(home),
        ListenerDiscovery.ALL_ROUTERS_2,
        report);
    byte[] said = Forger.datagram(home, Ipv6Address.parse(GROUP), "forged");
    for (int i = 0; i < ENOUGH; i++) {
      forger.add(report);
      var packet = new PacketBuffer();
      packet.set(said, 0, said.length);
      forger.add(packet);
      forger.flush();
    }
  }

  @ParameterizedTest(name = "in ESP: {0}")
  @ValueSource(booleans = {true, false})
  void aHomeAgentThatWasKilledPassesOnAgain(boolean esp) throws Exception {
    ImmutableSet<String> before = net.system("ha");
    Ends ends = away(esp);
    perl("mn", "listener", LISTENER, index("mn"));
    perl("x", "other listener", LISTENER, index("x"));
    perl("x", "talker", TALKER, "from-home");
    Process talker = perl("mn", "mobile talker", TALKER, "from-afar");
    awaitMore("heard at a", "listener", HOST + " from-home");
    awaitMore("spoken from afar", "other listener", TestNet.HOME_ADDRESS + " from-afar");
    net.kill(ends.agent());
    Mipd successor = net.startMipd("ha", ends.agent().configuration());
    awaitMore("heard again", "listener", HOST + " from-home");
    awaitMore("spoken again", "other listener", TestNet.HOME_ADDRESS + " from-afar");
    talker.destroyForcibly().waitFor();
    assertThat(net.stop(ends.mobile())).isZero();
    assertThat(net.stop(successor)).isZero();
    net.awaitSystem("ha", before);
  }

  /** As with all that is sent from the home address: there is no moment. */
  @Test
  void withoutABindingNothingIsSaidToAGroup() throws Exception {
    net.plug("a");
    try (PacketLog link = PacketLog.start(net, "r", "ea", "visited")) {
      Mipd mobile = start("mn", "mobile-node", "multicast = home-tunnel");
      perl("mn", "talker", TALKER, "to-nobody");
      awaitMore("said", "talker", "says");
      net.until(
          "it tries to register",
          TestNet.LONG,
          () -> !link.packets(PacketLog.to(Ipv6Address.parse(TestNet.HOME_AGENT))).isEmpty());
      awaitMore("said", "talker", "says");
      assertThat(link.packets(PacketLog.to(Ipv6Address.parse(GROUP)))).isEmpty();
      assertThat(net.stop(mobile)).isZero();
    }
  }

  @Test
  void tsharkReadsWhatTheEndsOfATunnelSay() throws Exception {
    TestNet.needsCommand("tshark");
    net.plug("a");
    net.start("r", "tcpdump", "tcpdump", "-U", "-i", "eh", "-w", folder.resolve("pcap").toString());
    net.until("tcpdump runs", TestNet.LONG, () -> net.said("tcpdump").contains("listening"));
    Mipd agent =
        start(
            "ha",
            "home-agent",
            "multicast = tunnel",
            TestNet.withoutIpsec(TestNet.sample("home-agent.conf")));
    perl("mn", "listener", LISTENER, index("mn"));
    start(
        "mn",
        "mobile-node",
        "multicast = home-tunnel",
        TestNet.withoutIpsec(TestNet.sample("mobile-node.conf")));
    perl("x", "talker", TALKER, "from-home");
    awaitMore("heard at a", "listener", HOST + " from-home");
    assertThat(net.status(agent).getConfigList("bindings")).hasSize(1);
    // Outer source, inner source and destination, type, group.
    String seen =
        net.sh(
            "tshark -r "
                + folder.resolve("pcap")
                + " -Y 'icmpv6.type == 130 || icmpv6.type == 143' -T fields -e ipv6.src -e ipv6.dst"
                + " -e icmpv6.type -e icmpv6.mldr.mar.multicast_address -e icmpv6.checksum.status"
                + " 2>/dev/null");
    String passed =
        net.sh(
            "tshark -r "
                + folder.resolve("pcap")
                + " -Y 'udp.port == 7777' -T fields -e ipv6.src -e ipv6.dst -e udp.checksum.status"
                + " -o udp.check_checksum:TRUE 2>/dev/null");
    assertThat(passed)
        .containsPattern("2001:db8:1::1," + HOST + "\\t2001:db8:a:\\S+," + GROUP + "\\t1\n");
    assertThat(seen)
        .containsPattern("2001:db8:1::1,fe80::1\\t2001:db8:a:\\S+,ff02::1\\t130\\t\\t1\\n")
        .containsPattern(
            "2001:db8:a:\\S+,fe80::100\\t2001:db8:1::1,ff02::16\\t143\\t" + GROUP + "\\t1\\n");
  }
}

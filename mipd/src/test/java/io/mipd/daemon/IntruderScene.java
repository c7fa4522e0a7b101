package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.typesafe.config.Config;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A home agent, two mobile nodes that are registered with it, and an attacker elsewhere whom no
 * router stops from writing whatever source it likes.
 *
 * <pre>
 *   mn: home address ::100, payload in ESP; link a
 *   m2: home address ::200, payload in plain tunnels; link b
 *       home address ::300, served and nowhere
 *   x:  the attacker
 * </pre>
 */
final class IntruderScene implements AutoCloseable {
  static final Ipv6Address HOME = Ipv6Address.parse(TestNet.HOME_ADDRESS);
  static final Ipv6Address OTHER_HOME = Ipv6Address.parse("2001:db8:1::200");
  static final Ipv6Address UNBOUND_HOME = Ipv6Address.parse("2001:db8:1::300");
  static final Ipv6Address AGENT = Ipv6Address.parse(TestNet.HOME_AGENT);

  /** Another address of the home agent, on its other link. */
  static final Ipv6Address AGENT_ELSEWHERE = Ipv6Address.parse("2001:db8:f::1");

  static final Ipv6Address ATTACKER = Ipv6Address.parse("2001:db8:e::e");

  final TestNet net;
  final Mipd agent;
  final Mipd mobile;
  final Mipd other;

  /** On the home agent's link to the world. */
  final PacketLog agentLink;

  final PacketLog mobileLink;
  final PacketLog correspondent;
  final PacketLog attacker;
  final PacketLog agentTun;
  final PacketLog mobileTun;
  private final Forger forger;

  private IntruderScene(TestNet net) throws Exception {
    this.net = net;
    net.addNode("m2");
    net.addNode("x");
    net.sh(
        """
        ip -n "$P"sw link add p2 type veth peer name eth0 netns "$P"m2
        ip -n "$P"x link add eth0 type veth peer name ex netns "$P"r
        ip -n "$P"r addr add 2001:db8:e::1/64 dev ex nodad
        ip -n "$P"x addr add 2001:db8:e::e/64 dev eth0 nodad
        ip -n "$P"sw link set p2 master brb up
        for i in r:ex x:eth0 m2:eth0; do
          ip -n "$P"${i%:*} link set ${i#*:} up
        done
        ip -n "$P"x route add default via 2001:db8:e::1
        """);
    net.plug("a");
    String secondKeys = TestNet.sampleKeys().replace("0x100", "0x200").replace("0f0e", "2f2e");
    String thirdKeys = TestNet.sampleKeys().replace("0x100", "0x300").replace("0f0e", "3f3e");
    net.keys("ha", "mobile-node-2.keys", secondKeys);
    net.keys("ha", "mobile-node-3.keys", thirdKeys);
    net.keys("m2", "mobile-node-2.keys", secondKeys);
    agentLink = PacketLog.start(net, "ha", "eth0", "ha-eth0");
    mobileLink = PacketLog.start(net, "mn", "eth0", "mn-eth0");
    correspondent = PacketLog.start(net, "cn", "eth0", "cn-eth0");
    attacker = PacketLog.start(net, "x", "eth0", "x-eth0");
    agent =
        net.startMipd(
            "ha",
            net.configuration(
                "ha",
                "home-agent.conf",
                "maximum-lifetime = 420s",
                "maximum-lifetime = 1h",
                "mobile-nodes = [",
                "mobile-nodes = [\n" + served(OTHER_HOME, 2) + served(UNBOUND_HOME, 3)));
    // No binding is renewed while the tests look at what is bound.
    mobile =
        net.startMipd(
            "mn",
            net.configuration("mn", "mobile-node.conf", "  lifetime = 420s", "  lifetime = 1h"));
    other =
        net.startMipd(
            "m2",
            net.configuration(
                "m2",
                "mobile-node.conf",
                "  lifetime = 420s",
                "  lifetime = 1h",
                HOME.toString(),
                OTHER_HOME.toString(),
                "mobile-node-1.keys",
                "mobile-node-2.keys",
                "signalling { to-home-agent = 0x1001, to-mobile-node = 0x1002 }",
                "signalling { to-home-agent = 0x2001, to-mobile-node = 0x2002 }",
                "prefix-discovery { to-home-agent = 0x1007, to-mobile-node = 0x1008 }",
                "",
                "return-routability { to-home-agent = 0x1003, to-mobile-node = 0x1004 }",
                "",
                "payload { to-home-agent = 0x1005, to-mobile-node = 0x1006 }",
                ""));
    agentTun = PacketLog.start(net, "ha", "mipd0", "ha-mipd0");
    mobileTun = PacketLog.start(net, "mn", "mipd0", "mn-mipd0");
    forger = Forger.at(net, "x", mobileKeys());
    net.until(
        "both are registered",
        TestNet.LONG,
        () ->
            careOf(HOME).startsWith("2001:db8:a:") && careOf(OTHER_HOME).startsWith("2001:db8:b:"));
    reachable(HOME);
    reachable(OTHER_HOME);
  }

  private static String served(Ipv6Address home, int number) {
    return """
        { home-address = "%s", protection {
          keys = mobile-node-%d.keys, signalling { to-home-agent = 0x%d001, to-mobile-node = 0x%d002 }
        } }
        """
        .formatted(home, number, number, number);
  }

  static IntruderScene build(Path folder) throws Exception {
    TestNet.needsCommand("tshark");
    TestNet net = TestNet.create(folder);
    try {
      return new IntruderScene(net);
    } catch (Exception | Error e) {
      net.close();
      throw e;
    }
  }

  KeyFile mobileKeys() throws ConfigurationException {
    return KeyFile.read(mobile.configuration().resolveSibling("mobile-node-1.keys"));
  }

  /** The attacker sends. */
  void send(byte[]... packets) throws Exception {
    for (byte[] packet : packets) {
      forger.send(packet);
    }
  }

  /** Waits until the correspondent's echo requests are answered. */
  void reachable(Ipv6Address home) throws Exception {
    net.until(
        home + " is reachable",
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + home));
  }

  /** A counter of {@code mipd status}, 0 if it is not told, or {@code kernel.} and a name. */
  long counter(Mipd of, String path) throws Exception {
    if (path.startsWith("kernel.")) {
      return net.kernelCounter(of.node(), path.substring("kernel.".length()));
    }
    Config counters = net.status(of).getConfig("counters");
    return counters.hasPath(path) ? counters.getLong(path) : 0;
  }

  /** As {@code mipd status} of the home agent tells; without what is left of their time. */
  ImmutableList<String> bindings() throws Exception {
    var all = ImmutableList.<String>builder();
    for (Config one : net.status(agent).getConfigList("bindings")) {
      all.add(
          one.getString("home-address")
              + " at "
              + one.getString("care-of-address")
              + " by "
              + one.getInt("sequence"));
    }
    return all.build();
  }

  Config binding(Ipv6Address home) throws Exception {
    for (Config one : net.status(agent).getConfigList("bindings")) {
      if (one.getString("home-address").equals(home.toString())) {
        return one;
      }
    }
    throw new AssertionError("no binding of " + home);
  }

  /** Where the home agent believes a mobile node; empty if it has no binding. */
  String careOf(Ipv6Address home) throws Exception {
    for (Config one : net.status(agent).getConfigList("bindings")) {
      if (one.getString("home-address").equals(home.toString())) {
        return one.getString("care-of-address");
      }
    }
    return "";
  }

  /** The attacker with the keys of the mobile node, as the next packet that this would send. */
  Forger asMobile(int spi) throws IOException {
    int last = PacketLog.sequence(mobileLink.last(PacketLog.esp(spi)));
    forger.continueAt(spi, Integer.toUnsignedLong(last) + 1);
    return forger;
  }

  /** As its home agent. */
  Forger asAgent(int spi) throws IOException {
    int last = PacketLog.sequence(agentLink.last(PacketLog.esp(spi)));
    forger.continueAt(spi, Integer.toUnsignedLong(last) + 1);
    return forger;
  }

  /** The attacker with the keys of the mobile node, for associations that this has not used. */
  Forger stolen() {
    return forger;
  }

  /** What has come out of no tunnel, at neither end. */
  void isNowhere(String text) throws Exception {
    for (PacketLog log : ImmutableList.of(correspondent, agentTun, mobileTun)) {
      assertThat(log.shows(text)).as("%s in %s", text, log.file()).isFalse();
    }
  }

  /** Datagrams that have come to an end in the nodes with a tunnel, whether somebody listens. */
  long delivered() throws Exception {
    long all = 0;
    for (String node : ImmutableList.of("ha", "mn", "m2")) {
      all += net.kernelCounter(node, "Udp6InDatagrams") + net.kernelCounter(node, "Udp6NoPorts");
    }
    return all;
  }

  /** What mipd has said to the attacker, apart from what its kernel says. */
  int answers() throws IOException {
    return attacker
        .packets(
            packet ->
                PacketLog.to(ATTACKER).test(packet)
                    && (packet[6] == (byte) 135 || packet[6] == 43 || packet[6] == 50))
        .size();
  }

  @Override
  public void close() throws IOException {
    forger.close();
    net.close();
  }
}

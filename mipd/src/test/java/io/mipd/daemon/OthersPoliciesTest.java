package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.linux.KernelBackend;
import io.mipd.xfrm.linux.NetworkNamespace;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Template;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The user has IPsec of his own in the kernel: on a mobile node between home address and
 * correspondent, or between mobile node and home agent for what that passes on. {@code ip xfrm}
 * puts it there before mipd starts or while it runs, changes it, and takes it away.
 */
@Tag("kernel")
class OthersPoliciesTest {
  private static final Ipv6Address HOME = Ipv6Address.parse(TestNet.HOME_ADDRESS);
  private static final Ipv6Address AGENT = Ipv6Address.parse(TestNet.HOME_AGENT);
  private static final Ipv6Address CORRESPONDENT = Ipv6Address.parse("2001:db8:c::c");

  private static final String TUNNEL = "reqid 77 mode tunnel";
  private static final String TRANSPORT = "reqid 78 mode transport";

  private static final String KEY =
      " enc 'ecb(cipher_null)' '' auth 'hmac(sha1)' 0x" + "07".repeat(20);

  @TempDir
  @SuppressWarnings("NullAway.Init")
  Path folder;

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @SuppressWarnings("NullAway.Init")
  private Mipd agent;

  @SuppressWarnings("NullAway.Init")
  private Mipd mobile;

  private ImmutableSet<String> before = ImmutableSet.of();

  @BeforeEach
  void build() throws Exception {
    net = TestNet.create(folder);
  }

  @AfterEach
  void takeDown() throws Exception {
    net.close();
  }

  private void start() throws Exception {
    agent = net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    net.plug("h");
    net.until(
        "the kernel has an address at home",
        TestNet.LONG,
        () -> {
          String addresses = net.ip("mn", "-6", "addr", "show", "dev", "eth0");
          return addresses.contains("2001:db8:1:") && !addresses.contains("tentative");
        });
    before = net.system("mn");
    startMobile();
  }

  private void startMobile() throws Exception {
    mobile = net.startMipd("mn", net.configuration("mn", "mobile-node.conf"));
    net.plug("a");
    net.until("registered", TestNet.LONG, () -> careOf().startsWith("2001:db8:a:"));
    net.until("pings go on", TestNet.LONG, this::isReachable);
  }

  private boolean isReachable() throws Exception {
    return net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS);
  }

  private String careOf() throws Exception {
    var bindings = net.status(agent).getConfigList("bindings");
    return bindings.isEmpty() ? "" : bindings.get(0).getString("care-of-address");
  }

  /** Two, between the home address and a peer, by SPIs from {@code spi} on. */
  private void states(String node, Ipv6Address peer, int spi, String kind) throws Exception {
    for (String pair :
        List.of(
            "src " + HOME + " dst " + peer + " proto esp spi " + spi,
            "src " + peer + " dst " + HOME + " proto esp spi " + (spi + 1))) {
      net.in(node, "ip xfrm state add " + pair + " " + kind + KEY);
    }
  }

  private static String flow(Ipv6Address source, Ipv6Address destination, String direction) {
    return "src " + source + " dst " + destination + " dir " + direction;
  }

  private static String tunnel(Ipv6Address source, Ipv6Address destination) {
    return " tmpl src " + source + " dst " + destination + " proto esp " + TUNNEL;
  }

  private static String tunnelled(Ipv6Address source, Ipv6Address destination, String direction) {
    return flow(source, destination, direction) + tunnel(source, destination);
  }

  private static String transported(Ipv6Address source, Ipv6Address destination, String direction) {
    return flow(source, destination, direction) + " tmpl proto esp " + TRANSPORT;
  }

  /** As many do: without a priority, so that it is 0. */
  private void usersTunnel() throws Exception {
    states("mn", CORRESPONDENT, 0x501, TUNNEL);
    states("cn", CORRESPONDENT, 0x501, TUNNEL);
    policy("cn", "add", tunnelled(CORRESPONDENT, HOME, "out"));
    policy("cn", "add", tunnelled(HOME, CORRESPONDENT, "in"));
    policy("mn", "add", tunnelled(HOME, CORRESPONDENT, "out"));
    policy("mn", "add", tunnelled(CORRESPONDENT, HOME, "in"));
  }

  /** In place of the tunnel, and of priority 0 again. */
  private void usersTransport() throws Exception {
    states("mn", CORRESPONDENT, 0x503, TRANSPORT);
    states("cn", CORRESPONDENT, 0x503, TRANSPORT);
    policy("cn", "update", transported(CORRESPONDENT, HOME, "out"));
    policy("cn", "update", transported(HOME, CORRESPONDENT, "in"));
    policy("mn", "update", transported(HOME, CORRESPONDENT, "out"));
    policy("mn", "update", transported(CORRESPONDENT, HOME, "in"));
  }

  private void policy(String node, String verb, String words) throws Exception {
    net.in(node, "ip xfrm policy " + verb + " " + words);
  }

  private KernelBackend kernel(String node) throws Exception {
    return NetworkNamespace.within(
        NetworkNamespace.named(net.ns(node)), () -> KernelBackend.open());
  }

  /** What decides in the kernel: of ours and the user's, the first. */
  private ImmutableList<Template> decides(
      String node, Direction direction, Ipv6Address source, Ipv6Address destination)
      throws Exception {
    var flow = Flow.icmpv6(source, destination, 128, 0);
    try (KernelBackend kernel = kernel(node)) {
      var all =
          Stream.concat(
              kernel.policies().stream(),
              kernel.foreignPolicies().stream().flatMap(one -> one.policy().stream()));
      return all.filter(one -> one.direction() == direction && one.selector().matches(flow))
          .min(Comparator.comparingInt(Policy::priority))
          .orElseThrow()
          .bundle()
          .templates();
    }
  }

  /** Whether the user's is in mobility's tunnel, both ways. */
  private boolean isNested(Mode users) throws Exception {
    List<Template> out = decides("mn", Direction.OUT, HOME, CORRESPONDENT);
    List<Template> in = decides("mn", Direction.IN, CORRESPONDENT, HOME);
    return out.size() == 2
        && out.get(0).mode() == users
        && out.get(1).mode() == Mode.TUNNEL
        && out.get(1).source().toString().equals(careOf())
        && in.size() == 2
        && in.get(0).mode() == users;
  }

  private Optional<String> usersPriority(String node, String direction) throws Exception {
    String all = net.in(node, "ip xfrm policy");
    String[] lines = all.split("\n", -1);
    for (int i = 0; i + 2 < lines.length; i++) {
      if (lines[i].contains("src " + HOME + "/128 dst " + CORRESPONDENT + "/128")
          && !lines[i + 2].contains("mark")
          && lines[i + 1].contains("dir " + direction)) {
        return Optional.of(lines[i + 1].replaceAll(".*priority (\\d+).*", "$1"));
      }
    }
    return Optional.empty();
  }

  private boolean hasSteppedBack(String node, String direction) throws Exception {
    return usersPriority(node, direction).filter(it -> !it.equals("0")).isPresent();
  }

  @Test
  void isMergedAsItComesAndGoesAndIsAsItWasWhenMipdHasGone() throws Exception {
    start();
    Tap foreign = Tap.on(net, "r", "ea");
    Process pings = net.start("cn", "flow", "ping", "-n", "-i", "0.02", TestNet.HOME_ADDRESS);

    usersTunnel();
    net.until("nested", TestNet.LONG, () -> isNested(Mode.TUNNEL));
    net.until("pings go on within", TestNet.LONG, this::isReachable);
    assertThat(hasSteppedBack("mn", "out")).isTrue();

    usersTransport();
    net.until("the other is nested", TestNet.LONG, () -> isNested(Mode.TRANSPORT));
    net.until("it steps back", TestNet.LONG, () -> hasSteppedBack("mn", "out"));
    net.until("pings go on within the other", TestNet.LONG, this::isReachable);

    // A handover moves the outer tunnel and leaves the user's alone.
    net.plug("b");
    net.until("registered at b", TestNet.LONG, () -> careOf().startsWith("2001:db8:b:"));
    net.until("nested at b", TestNet.LONG, () -> isNested(Mode.TRANSPORT));
    net.until("pings go on at b", TestNet.LONG, this::isReachable);

    policy("mn", "delete", flow(HOME, CORRESPONDENT, "out"));
    policy("mn", "delete", flow(CORRESPONDENT, HOME, "in"));
    net.until(
        "released",
        TestNet.LONG,
        () -> decides("mn", Direction.OUT, HOME, CORRESPONDENT).size() == 1);
    net.in("cn", "ip xfrm policy flush");
    net.until("pings go on without", TestNet.LONG, this::isReachable);
    pings.destroy();
    // But for the moment before mipd has heard of the policy, nothing has the wrong nesting; and
    // never does anything leave in clear.
    assertThat(foreign.all(OthersPoliciesTest::isInClear)).isEmpty();
    foreign.close();

    policy("mn", "add", tunnelled(HOME, CORRESPONDENT, "out"));
    net.until("steps back", TestNet.LONG, () -> hasSteppedBack("mn", "out"));
    net.plug("h");
    net.until("de-registered", TestNet.LONG, () -> careOf().isEmpty());
    assertThat(net.stop(mobile)).isZero();
    assertThat(usersPriority("mn", "out")).hasValue("0");
    net.in("mn", "ip xfrm policy flush");
    net.in("mn", "ip xfrm state flush");
    net.awaitSystem("mn", before);
  }

  private static boolean isInClear(byte[] packet) {
    return (packet[6] & 0xff) == IpProtocol.ICMPV6
        && (Ipv6Address.read(packet, 8).equals(HOME) || Ipv6Address.read(packet, 24).equals(HOME));
  }

  /** The home agent is the gateway of a tunnel of the user's for what goes to a correspondent. */
  @Test
  @Tag("slow-in-guest")
  void isMergedWithWhatAHomeAgentPassesOn() throws Exception {
    start();
    states("mn", AGENT, 0x601, TUNNEL);
    states("ha", AGENT, 0x601, TUNNEL);
    policy("ha", "add", flow(CORRESPONDENT, HOME, "out") + tunnel(AGENT, HOME));
    policy("mn", "add", flow(HOME, CORRESPONDENT, "out") + tunnel(HOME, AGENT));
    policy("mn", "add", flow(CORRESPONDENT, HOME, "in") + tunnel(AGENT, HOME));
    policy("ha", "add", flow(HOME, CORRESPONDENT, "fwd") + tunnel(HOME, AGENT));
    net.until("what passes comes by both", TestNet.LONG, this::isPassedByBoth);
    net.until("it steps back", TestNet.LONG, () -> hasSteppedBack("ha", "fwd"));
    net.until("pings go on within", TestNet.LONG, this::isReachable);

    net.plug("b");
    net.until("registered at b", TestNet.LONG, () -> careOf().startsWith("2001:db8:b:"));
    net.until("what passes comes by both from b", TestNet.LONG, this::isPassedByBoth);
    net.until("pings go on at b", TestNet.LONG, this::isReachable);

    // By mobility's tunnel alone nothing passes while the user's policy is there.
    policy("mn", "delete", flow(HOME, CORRESPONDENT, "out"));
    net.until(
        "the mobile node leaves the user's out",
        TestNet.LONG,
        () -> decides("mn", Direction.OUT, HOME, CORRESPONDENT).size() == 1);
    assertThat(isReachable()).isFalse();
    policy("ha", "delete", flow(HOME, CORRESPONDENT, "fwd"));
    net.until(
        "released",
        TestNet.LONG,
        () -> decides("ha", Direction.FWD, HOME, CORRESPONDENT).size() == 1);
    net.until("pings go on without", TestNet.LONG, this::isReachable);

    policy("ha", "add", flow(HOME, CORRESPONDENT, "fwd") + tunnel(HOME, AGENT));
    net.until("steps back again", TestNet.LONG, () -> hasSteppedBack("ha", "fwd"));
    assertThat(net.stop(agent)).isZero();
    assertThat(usersPriority("ha", "fwd")).hasValue("0");
  }

  private boolean isPassedByBoth() throws Exception {
    List<Template> templates = decides("ha", Direction.FWD, HOME, CORRESPONDENT);
    return templates.size() == 2
        && templates.get(0).source().equals(HOME)
        && templates.get(1).source().toString().equals(careOf());
  }

  @Test
  @Tag("long")
  void isGivenItsPriorityBackAfterACrash() throws Exception {
    usersTunnel();
    start();
    net.until("nested", TestNet.LONG, () -> isNested(Mode.TUNNEL));
    net.sh("kill -KILL " + mobile.process().pid());
    mobile.process().waitFor();
    assertThat(hasSteppedBack("mn", "out")).isTrue();

    startMobile();
    net.until("nested again", TestNet.LONG, () -> isNested(Mode.TUNNEL));
    net.sh("kill -KILL " + mobile.process().pid());
    mobile.process().waitFor();

    assertThat(net.mipd("mn", "cleanup", "--config", mobile.configuration().toString())).isZero();
    assertThat(usersPriority("mn", "out")).hasValue("0");
    assertThat(decides("mn", Direction.OUT, HOME, CORRESPONDENT)).hasSize(1);
  }
}

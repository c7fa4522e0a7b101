package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

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
 * The user has IPsec of his own in the kernel of a mobile node, a tunnel between home address and
 * correspondent, put there by {@code ip xfrm} before mipd starts, while it runs, and taken away.
 */
@Tag("kernel")
class OthersPoliciesTest {
  private static final Ipv6Address HOME = Ipv6Address.parse(TestNet.HOME_ADDRESS);
  private static final Ipv6Address CORRESPONDENT = Ipv6Address.parse("2001:db8:c::c");

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

  private void states(String node) throws Exception {
    for (String pair :
        List.of(
            "src " + HOME + " dst " + CORRESPONDENT + " proto esp spi 0x501",
            "src " + CORRESPONDENT + " dst " + HOME + " proto esp spi 0x502")) {
      net.in(node, "ip xfrm state add " + pair + " reqid 77 mode tunnel" + KEY);
    }
  }

  private static String policy(Ipv6Address source, Ipv6Address destination, String direction) {
    return "src "
        + source
        + " dst "
        + destination
        + " dir "
        + direction
        + " tmpl src "
        + source
        + " dst "
        + destination
        + " proto esp reqid 77 mode tunnel";
  }

  /** As many do: without a priority, so that it is 0. */
  private void usersTunnel() throws Exception {
    states("mn");
    states("cn");
    net.in("cn", "ip xfrm policy add " + policy(CORRESPONDENT, HOME, "out"));
    net.in("cn", "ip xfrm policy add " + policy(HOME, CORRESPONDENT, "in"));
    net.in("mn", "ip xfrm policy add " + policy(HOME, CORRESPONDENT, "out"));
    net.in("mn", "ip xfrm policy add " + policy(CORRESPONDENT, HOME, "in"));
  }

  private KernelBackend kernel() throws Exception {
    return NetworkNamespace.within(
        NetworkNamespace.named(net.ns("mn")), () -> KernelBackend.open());
  }

  /** What decides in the kernel: of ours and the user's, the first. */
  private Policy decides(Direction direction, Ipv6Address source, Ipv6Address destination)
      throws Exception {
    var flow = Flow.icmpv6(source, destination, 128, 0);
    try (KernelBackend kernel = kernel()) {
      var all =
          Stream.concat(
              kernel.policies().stream(),
              kernel.foreignPolicies().stream().flatMap(one -> one.policy().stream()));
      return all.filter(one -> one.direction() == direction && one.selector().matches(flow))
          .min(Comparator.comparingInt(Policy::priority))
          .orElseThrow();
    }
  }

  private boolean isNested() throws Exception {
    List<Template> out = decides(Direction.OUT, HOME, CORRESPONDENT).bundle().templates();
    List<Template> in = decides(Direction.IN, CORRESPONDENT, HOME).bundle().templates();
    return out.size() == 2
        && out.get(0).source().equals(HOME)
        && out.get(1).mode() == Mode.TUNNEL
        && out.get(1).source().toString().equals(careOf())
        && in.size() == 2;
  }

  private Optional<String> usersPriority() throws Exception {
    String all = net.in("mn", "ip xfrm policy");
    String[] lines = all.split("\n", -1);
    for (int i = 0; i + 2 < lines.length; i++) {
      if (lines[i].contains("src " + HOME + "/128 dst " + CORRESPONDENT + "/128")
          && !lines[i + 2].contains("mark")
          && lines[i + 1].contains("dir out")) {
        return Optional.of(lines[i + 1].replaceAll(".*priority (\\d+).*", "$1"));
      }
    }
    return Optional.empty();
  }

  @Test
  void isMergedAsItComesAndGoesAndIsAsItWasWhenMipdHasGone() throws Exception {
    start();
    Tap foreign = Tap.on(net, "r", "ea");
    Process pings = net.start("cn", "flow", "ping", "-n", "-i", "0.02", TestNet.HOME_ADDRESS);

    usersTunnel();
    net.until("nested", TestNet.LONG, this::isNested);
    net.until("pings go on within", TestNet.LONG, this::isReachable);
    assertThat(usersPriority()).isNotEqualTo(Optional.of("0")).isPresent();

    // A handover moves the outer tunnel and leaves the user's alone.
    net.plug("b");
    net.until("registered at b", TestNet.LONG, () -> careOf().startsWith("2001:db8:b:"));
    net.until("nested at b", TestNet.LONG, this::isNested);
    net.until("pings go on at b", TestNet.LONG, this::isReachable);

    net.in("mn", "ip xfrm policy delete src " + HOME + " dst " + CORRESPONDENT + " dir out");
    net.in("mn", "ip xfrm policy delete src " + CORRESPONDENT + " dst " + HOME + " dir in");
    net.until(
        "released",
        TestNet.LONG,
        () -> decides(Direction.OUT, HOME, CORRESPONDENT).bundle().templates().size() == 1);
    net.in("cn", "ip xfrm policy flush");
    net.until("pings go on without", TestNet.LONG, this::isReachable);
    pings.destroy();
    // But for the moment before mipd has heard of the policy, nothing has the wrong nesting; and
    // never does anything leave in clear.
    assertThat(foreign.all(OthersPoliciesTest::isInClear)).isEmpty();
    foreign.close();

    net.in("mn", "ip xfrm policy add " + policy(HOME, CORRESPONDENT, "out"));
    net.until(
        "steps back",
        TestNet.LONG,
        () -> usersPriority().filter(priority -> !priority.equals("0")).isPresent());
    net.plug("h");
    net.until("de-registered", TestNet.LONG, () -> careOf().isEmpty());
    assertThat(net.stop(mobile)).isZero();
    assertThat(usersPriority()).isEqualTo(Optional.of("0"));
    net.in("mn", "ip xfrm policy flush");
    net.in("mn", "ip xfrm state flush");
    net.awaitSystem("mn", before);
  }

  private static boolean isInClear(byte[] packet) {
    return (packet[6] & 0xff) == IpProtocol.ICMPV6
        && (Ipv6Address.read(packet, 8).equals(HOME) || Ipv6Address.read(packet, 24).equals(HOME));
  }

  @Test
  @Tag("long")
  void isGivenItsPriorityBackAfterACrash() throws Exception {
    usersTunnel();
    start();
    net.until("nested", TestNet.LONG, this::isNested);
    net.sh("kill -KILL " + mobile.process().pid());
    mobile.process().waitFor();
    assertThat(usersPriority()).isNotEqualTo(Optional.of("0")).isPresent();

    startMobile();
    net.until("nested again", TestNet.LONG, this::isNested);
    net.sh("kill -KILL " + mobile.process().pid());
    mobile.process().waitFor();

    assertThat(net.mipd("mn", "cleanup", "--config", mobile.configuration().toString())).isZero();
    assertThat(usersPriority()).isEqualTo(Optional.of("0"));
    assertThat(decides(Direction.OUT, HOME, CORRESPONDENT).bundle().templates()).hasSize(1);
  }
}

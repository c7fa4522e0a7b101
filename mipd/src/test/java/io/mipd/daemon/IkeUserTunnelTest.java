package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSet;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.model.Ipv6Address;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The charon that has the keys of the home registration has a tunnel of the user's as well, between
 * home address and correspondent, with policies of its own.
 */
@Tag("kernel")
class IkeUserTunnelTest {
  private static final String HOME = TestNet.HOME_ADDRESS;
  private static final String PEER = TestNet.CORRESPONDENT;
  private static final String OURS = CharonConfiguration.name(Ipv6Address.parse(HOME));

  /** For swanctl. */
  private static final String USERS =
      """
      connections {
        users {
          version = 2
          local_addrs = %1$s
          remote_addrs = %2$s
          mobike = no
          proposals = aes128-sha256-x25519
          local {
            auth = psk
            id = %1$s
          }
          remote {
            auth = psk
            id = %2$s
          }
          children {
            users {
              mode = tunnel
              local_ts = %1$s/128
              remote_ts = %2$s/128
              esp_proposals = aes128-sha256
            }
          }
        }
      }
      secrets {
        ike-users {
          id-1 = %1$s
          id-2 = %2$s
          secret = "the user's own"
        }
      }
      """;

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @SuppressWarnings("NullAway.Init")
  private CharonNet charon;

  @SuppressWarnings("NullAway.Init")
  private IkeDecryption decryption;

  @SuppressWarnings("NullAway.Init")
  private Mipd agent;

  @SuppressWarnings("NullAway.Init")
  private Mipd mobile;

  @BeforeEach
  void build() throws Exception {
    CharonNet.needed();
    TestNet.needsCommand("tshark");
    net = TestNet.create(folder);
    charon = new CharonNet(net);
    decryption = new IkeDecryption(folder);
  }

  @AfterEach
  void takeDown() throws Exception {
    net.close();
  }

  /** The headers of a packet from the outside in, and the addresses of each IPv6 header. */
  private record Nesting(String protocols, String sources, String destinations) {
    static Nesting of(String line) {
      String[] fields = line.split("\t", -1);
      return new Nesting(
          fields[0].replace("eth:ethertype:", "").replace(":data", ""), fields[1], fields[2]);
    }

    /** Of a question of the correspondent's. */
    static Nesting question(String protocols, String sources, String destinations) {
      return new Nesting(protocols, sources, destinations);
    }

    /** Of the answer to it that goes the same way. */
    Nesting answer() {
      return new Nesting(
          protocols.replace("ipv6.routing", "ipv6.dstopts"),
          /* sources= */ destinations,
          /* destinations= */ sources);
    }
  }

  /** In the user's ESP tunnel alone. */
  private static Nesting atHome() {
    return Nesting.question("ipv6:esp:ipv6:icmpv6", PEER + "," + PEER, HOME + "," + HOME);
  }

  /** In it, which is in the routing header's and Home Address option's way. */
  private Nesting optimized() throws Exception {
    return Nesting.question(
        "ipv6:ipv6.routing:esp:ipv6:icmpv6", PEER + "," + PEER, careOf() + "," + HOME);
  }

  /** In it, which is in the home agent's ESP tunnel. */
  private Nesting tunnelled() throws Exception {
    return Nesting.question(
        "ipv6:esp:ipv6:esp:ipv6:icmpv6",
        TestNet.HOME_AGENT + "," + PEER + "," + PEER,
        careOf() + "," + HOME + "," + HOME);
  }

  /** In the home agent's tunnel, without the user's. */
  private Nesting withoutTheUsers() throws Exception {
    return Nesting.question(
        "ipv6:esp:ipv6:icmpv6", TestNet.HOME_AGENT + "," + PEER, careOf() + "," + HOME);
  }

  /** That each question to the mobile node, and each answer, is so on its link just now. */
  private void isNested(String name, Nesting question) throws Exception {
    PacketLog cable = PacketLog.start(net, "sw", "pm", name);
    net.in("cn", "ping -n -c 5 -i 0.2 " + HOME);
    decryption.associations(net.in("mn", "ip xfrm state"));
    net.until("all of them are captured", TestNet.LONG, () -> cable.packets().size() >= 10);
    cable.close();
    assertThat(nesting(cable)).as(name).containsExactlyInAnyOrder(question, question.answer());
  }

  private ImmutableSet<Nesting> nesting(PacketLog cable) throws Exception {
    return decryption
        .tshark(
            cable.file(),
            "-Y",
            "icmpv6.type == 128 || icmpv6.type == 129",
            "-T",
            "fields",
            "-e",
            "frame.protocols",
            "-e",
            "ipv6.src",
            "-e",
            "ipv6.dst")
        .lines()
        .map(Nesting::of)
        .collect(ImmutableSet.toImmutableSet());
  }

  private String careOf() throws Exception {
    var bindings = net.status(agent).getConfigList("bindings");
    return bindings.isEmpty() ? "" : bindings.get(0).getString("care-of-address");
  }

  private void reachable(String where) throws Exception {
    net.until(
        "pings go on " + where,
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + HOME));
  }

  private void load(String node, String here, String there) throws Exception {
    Path file = net.folder().resolve(node + "-users.conf");
    Files.writeString(file, USERS.formatted(here, there));
    charon.swanctl(node, "--load-all --file " + file);
  }

  private void start() throws Exception {
    for (String node : List.of("ha", "mn", "cn")) {
      charon.start(node);
    }
    load("mn", HOME, PEER);
    load("cn", PEER, HOME);
    agent =
        net.startMipd(
            "ha",
            charon.configuration(
                "ha",
                "home-agent.conf",
                "the agent's",
                "local-identity = ha.example.org, remote-identity = mn.example.org, secret = ike.secret"));
    net.plug("h");
    net.until(
        "the kernel has an address at home",
        TestNet.LONG,
        () -> {
          String addresses = net.ip("mn", "-6", "addr", "show", "dev", "eth0");
          return addresses.contains("2001:db8:1:") && !addresses.contains("tentative");
        });
  }

  private Mipd startMobile() throws Exception {
    return net.startMipd(
        "mn",
        charon.configuration(
            "mn",
            "mobile-node.conf",
            "the agent's",
            "local-identity = mn.example.org, remote-identity = ha.example.org, secret = ike.secret",
            "mobile-node {",
            "mobile-node {\n  route-optimization { enabled = on }\n"));
  }

  private void registered(String link) throws Exception {
    net.until(
        "registered at " + link, TestNet.LONG, () -> careOf().startsWith("2001:db8:" + link + ":"));
    reachable("at " + link);
  }

  private boolean isOptimized() throws Exception {
    var routes = net.status(mobile).getConfigList("routes");
    return routes.size() == 1
        && routes.get(0).getString("state").equals("optimized")
        && routes.get(0).getString("care-of-address").equals(careOf());
  }

  /** Both SAs of the user's tunnel: IKE itself goes by the home agent, too. */
  private void rekeys() throws Exception {
    int begun = charon.logged("cn", "CHILD_SA users");
    charon.swanctl("mn", "--rekey --child users");
    net.until(
        "another CHILD_SA", TestNet.LONG, () -> charon.logged("cn", "CHILD_SA users") > begun);
    int before = charon.logged("cn", "IKE_SA users");
    charon.swanctl("mn", "--rekey --ike users");
    net.until("another IKE_SA", TestNet.LONG, () -> charon.logged("cn", "IKE_SA users") > before);
    reachable("rekeyed");
  }

  @Test
  void isNestedRightWhereverTheMobileNodeIs() throws Exception {
    start();
    ImmutableSet<String> before = net.system("mn");
    Mipd peer = net.startMipd("cn", net.configuration("cn", "correspondent.conf"));
    mobile = startMobile();
    reachable("at home");
    charon.swanctl("mn", "--initiate --child users");
    reachable("at home within the tunnel");
    isNested("home", atHome());

    Process flow = net.start("cn", "flow", "ping", "-n", "-i", "0.1", HOME);
    Tap foreignA = Tap.on(net, "r", "ea");
    Tap foreignB = Tap.on(net, "r", "eb");
    net.plug("a");
    registered("a");
    net.until("optimized", TestNet.LONG, this::isOptimized);
    reachable("directly");
    isNested("optimized", optimized());

    // As after a change of the user's own files: it takes away what is not in them.
    load("mn", HOME, PEER);
    net.until(
        "charon has our connection again",
        TestNet.LONG.multipliedBy(2),
        () -> charon.swanctl("mn", "--list-conns").contains(OURS));

    assertThat(net.stop(peer)).isZero();
    net.until("not optimized", TestNet.LONG, () -> !isOptimized());
    reachable("by the home agent");
    isNested("tunnelled", tunnelled());
    rekeys();
    isNested("rekeyed", tunnelled());

    // It goes and comes while the mobile node is away.
    charon.swanctl("mn", "--terminate --ike users");
    reachable("without the user's tunnel");
    isNested("gone", withoutTheUsers());
    charon.swanctl("mn", "--initiate --child users");
    reachable("with the user's tunnel again");
    isNested("come", tunnelled());

    net.plug("b");
    registered("b");
    isNested("moved", tunnelled());

    net.plug("h");
    net.until("de-registered", TestNet.LONG, () -> careOf().isEmpty());
    reachable("at home again");
    isNested("back", atHome());
    flow.destroy();
    for (Tap foreign : List.of(foreignA, foreignB)) {
      assertThat(foreign.all(PacketLog.from(Ipv6Address.parse(HOME))))
          .as("from the home address on a foreign link")
          .isEmpty();
      foreign.close();
    }

    charon.swanctl("mn", "--terminate --ike users");
    assertThat(net.stop(mobile)).isZero();
    charon.swanctl("mn", "--terminate --ike " + OURS);
    net.awaitSystem("mn", before);
  }
}

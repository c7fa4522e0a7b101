package io.mipd.daemon;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.ImmutableSetMultimap;
import com.typesafe.config.Config;
import io.mipd.control.ControlRequest;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The charon that has the keys of the home registration has a tunnel of the user's as well, between
 * home address and correspondent, with policies of its own. tshark tells how its packets and those
 * of its key exchange are nested.
 */
@Tag("kernel")
class IkeUserTunnelTest {
  /** Three charons, three daemons and tshark share a guest's one CPU with whatever else runs. */
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private static final String HOME = TestNet.HOME_ADDRESS;
  private static final String PEER = TestNet.CORRESPONDENT;
  private static final String AGENT = TestNet.HOME_AGENT;
  private static final int NEXT_HEADER = 6;
  private static final String REGISTERED = "registration.care-of-address";
  private static final String OURS = CharonConfiguration.name(Ipv6Address.parse(HOME));

  /** Of the mobile node's configuration. */
  private static final String BY_THE_AGENT =
      "route-optimization { enabled = on, peers = [{ prefix = \""
          + PEER
          + "/128\", use = off }] }\n";

  private static final String DIRECTLY = "route-optimization { enabled = on }\n";

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

  @SuppressWarnings("NullAway.Init")
  private Mipd peer;

  private @Nullable PacketLog home;
  private final List<PacketLog> links = new ArrayList<>();
  private final List<Stage> stages = new ArrayList<>();
  private ImmutableSet<String> mobileBefore = ImmutableSet.of();
  private ImmutableSet<String> agentBefore = ImmutableSet.of();
  private ImmutableSet<String> peerBefore = ImmutableSet.of();

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

  /**
   * The headers of a packet from the outside in, and the addresses of each IPv6 header; the home
   * address is the last one where a header of Mobile IPv6 has it.
   */
  private record Nesting(String protocols, String sources, String destinations) {
    /** Of the packet that goes the same way back. */
    Nesting back() {
      return new Nesting(
          protocols.replace("ipv6.routing", "ipv6.dstopts"),
          /* sources= */ destinations,
          /* destinations= */ sources);
    }
  }

  /** Pings of a size of their own, and how they and their answers are to be. */
  private record Stage(String name, int size, ImmutableSet<Nesting> nestings) {}

  /** In the user's ESP tunnel alone. */
  private static Nesting alone() {
    return new Nesting("ipv6:esp:ipv6:icmpv6", PEER + "," + PEER, HOME + "," + HOME);
  }

  /** In it, with the routing header or the Home Address option around. */
  private Nesting optimized() throws Exception {
    return new Nesting(
        "ipv6:ipv6.routing:esp:ipv6:icmpv6", PEER + "," + PEER, careOf() + "," + HOME);
  }

  /** In it, which is in the home agent's ESP tunnel. */
  private Nesting tunnelled() throws Exception {
    return new Nesting(
        "ipv6:esp:ipv6:esp:ipv6:icmpv6",
        AGENT + "," + PEER + "," + PEER,
        careOf() + "," + HOME + "," + HOME);
  }

  private Nesting optimizedWithoutTheUsers() throws Exception {
    return new Nesting("ipv6:ipv6.routing:icmpv6", PEER, careOf());
  }

  /** In the home agent's tunnel, without the user's. */
  private Nesting withoutTheUsers() throws Exception {
    return new Nesting("ipv6:esp:ipv6:icmpv6", AGENT + "," + PEER, careOf() + "," + HOME);
  }

  /** Pings there and back; how they were nested is looked at in the end. */
  private void stage(String name, Nesting nesting) throws Exception {
    int size = nextSize();
    net.in("cn", "ping -n -c 3 -i 0.2 -W 5 -s " + size + " " + HOME);
    decryption.associations(net.in("mn", "ip xfrm state"));
    stages.add(new Stage(name, size, ImmutableSet.of(nesting, nesting.back())));
  }

  /** The mobile node's pings, which nobody answers. */
  private void unanswered(String name, ImmutableSet<Nesting> nestings) throws Exception {
    int size = nextSize();
    assertThat(
            net.succeeds("mn", "ping -n -c 3 -i 0.2 -W 1 -s " + size + " -I " + HOME + " " + PEER))
        .as(name)
        .isFalse();
    decryption.associations(net.in("mn", "ip xfrm state"));
    stages.add(new Stage(name, size, nestings));
  }

  private int nextSize() {
    return 200 + 8 * stages.size();
  }

  /**
   * To a link, and there before the home agent's acknowledgement, which is lost until the mobile
   * node has been looked at. The correspondent, if it has a binding, is told to forget it.
   *
   * @param tunnelled whether it uses its tunnel already; not before it has been registered once
   */
  private void registering(String name, String link, boolean tunnelled) throws Exception {
    net.loseEspOfTheHomeAgent(true);
    net.plug(link);
    net.until("bound at " + link, PATIENCE, () -> careOf().startsWith("2001:db8:" + link + ":"));
    net.until(
        "the correspondent has forgotten",
        PATIENCE,
        () -> net.status(peer).getConfigList("correspondent-bindings").isEmpty());
    assertThat(registeredCareOf()).isNotEqualTo(careOf());
    unanswered(name, tunnelled ? ImmutableSet.of(tunnelled().back()) : ImmutableSet.of());
    assertThat(registeredCareOf()).isNotEqualTo(careOf());
    net.loseEspOfTheHomeAgent(false);
    registered(link);
  }

  private String registeredCareOf() throws Exception {
    Config status = net.status(mobile);
    return status.hasPath(REGISTERED) ? status.getString(REGISTERED) : "";
  }

  private String careOf() throws Exception {
    var bindings = net.status(agent).getConfigList("bindings");
    return bindings.isEmpty() ? "" : bindings.get(0).getString("care-of-address");
  }

  private void reachable(String where) throws Exception {
    net.until(
        "pings go on " + where, PATIENCE, () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + HOME));
  }

  private void load(String node, String here, String there) throws Exception {
    Path file = net.folder().resolve(node + "-users.conf");
    Files.writeString(file, USERS.formatted(here, there));
    charon.swanctl(node, "--load-all --file " + file);
  }

  /** All but the mobile node's mipd, at home. */
  private void start() throws Exception {
    for (String node : List.of("ha", "mn", "cn")) {
      charon.start(node);
    }
    load("mn", HOME, PEER);
    load("cn", PEER, HOME);
    agentBefore = net.system("ha");
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
        PATIENCE,
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
            "mobile-node {\n" + BY_THE_AGENT));
  }

  /** The peer is reached directly from now on. */
  private void optimize() throws Exception {
    Path file = mobile.configuration();
    Files.writeString(file, Files.readString(file).replace(BY_THE_AGENT, DIRECTLY));
    assertThat(net.ask(mobile, ControlRequest.of("reload")).getConfigList("changes"))
        .extracting(change -> change.getString("effect"))
        .containsOnly("applied");
  }

  private void registered(String link) throws Exception {
    net.until(
        "registered at " + link, PATIENCE, () -> careOf().startsWith("2001:db8:" + link + ":"));
    reachable("at " + link);
  }

  private void optimizedAt(String link) throws Exception {
    registered(link);
    net.until(
        "optimized at " + link,
        PATIENCE,
        // What comes by the home agent has it begin.
        () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + HOME) && isOptimized());
    reachable("directly");
  }

  private boolean isOptimized() throws Exception {
    var routes = net.status(mobile).getConfigList("routes");
    return routes.size() == 1
        && routes.get(0).getString("state").equals("optimized")
        && routes.get(0).getString("care-of-address").equals(careOf());
  }

  /** The CHILD_SA from a node, and then the IKE_SA from there. */
  private void rekeys(String node) throws Exception {
    int begun = charon.logged("cn", "CHILD_SA users");
    charon.swanctl(node, "--rekey --child users");
    net.until(
        "another CHILD_SA from " + node,
        PATIENCE,
        () -> charon.logged("cn", "CHILD_SA users") > begun);
    int before = charon.logged("cn", "IKE_SA users");
    charon.swanctl(node, "--rekey --ike users");
    net.until(
        "another IKE_SA from " + node,
        PATIENCE,
        () -> charon.logged("cn", "IKE_SA users") > before);
    reachable("rekeyed from " + node);
  }

  /** At home, with the user's tunnel, and with all links looked at. */
  private void beginAtHome() throws Exception {
    start();
    home = PacketLog.start(net, "ha", "eth1", "home");
    links.add(home);
    links.add(PacketLog.start(net, "r", "ea", "a"));
    links.add(PacketLog.start(net, "r", "eb", "b"));
    mobileBefore = net.system("mn");
    peerBefore = net.system("cn");
    peer = net.startMipd("cn", net.configuration("cn", "correspondent.conf"));
    mobile = startMobile();
    reachable("at home");
    charon.swanctl("mn", "--initiate --child users");
    reachable("at home within the tunnel");
    stage("home", alone());
  }

  /** At home again; then nothing is left, of whomever. */
  private void endAtHome() throws Exception {
    links.forEach(PacketLog::close);
    areNestedRight();
    charon.swanctl("mn", "--terminate --ike users");
    assertThat(net.stop(mobile)).isZero();
    assertThat(net.stop(peer)).isZero();
    charon.swanctl("mn", "--terminate --ike " + OURS);
    net.awaitSystem("mn", mobileBefore);
    net.awaitSystem("cn", peerBefore);
    // Until then it has been the router of the home link.
    assertThat(net.stop(agent)).isZero();
    net.awaitSystem("ha", agentBefore);
  }

  private void comesHome() throws Exception {
    net.plug("h");
    net.until("de-registered", PATIENCE, () -> careOf().isEmpty());
    reachable("at home again");
    stage("back", alone());
  }

  /** The states of a mobile node, each once. */
  @Test
  @Tag("slow-in-guest")
  void isNestedRightInEveryState() throws Exception {
    beginAtHome();
    registering("registering", "a", false);
    rekeys("mn");
    stage("tunnelled", tunnelled());
    registering("registering elsewhere", "b", true);
    dismissed();
    optimize();
    optimizedAt("b");
    rekeys("cn");
    stage("optimized", optimized());
    registering("optimized, registering elsewhere", "a", true);
    optimizedAt("a");
    returning();
    comesHome();
    endAtHome();
  }

  /**
   * On the home link before the home agent's acknowledgement, which is lost meanwhile: of the home
   * address nothing but Binding Updates leaves, of the care-of address nothing.
   */
  private void returning() throws Exception {
    PacketLog atHome = requireNonNull(home);
    Predicate<byte[]> fromHome = PacketLog.from(Ipv6Address.parse(HOME));
    Predicate<byte[]> updates = fromHome.and(PacketLog.to(Ipv6Address.parse(AGENT)));
    int before = atHome.packets(fromHome).size();
    net.loseWhatComesHome(true);
    net.plug("h");
    net.until("bound nowhere", PATIENCE, () -> careOf().isEmpty());
    unanswered("returning", ImmutableSet.of());
    int updated = atHome.packets(updates).size();
    net.until("it asks again", PATIENCE, () -> atHome.packets(updates).size() > updated);
    assertThat(atHome.packets(fromHome).stream().skip(before))
        .isNotEmpty()
        .allMatch(updates.and(packet -> packet[NEXT_HEADER] == IpProtocol.ESP));
    assertThat(atHome.packets(PacketLog.from(Ipv6Address.parse(registeredCareOf())))).isEmpty();
    net.loseWhatComesHome(false);
    net.until("de-registered", PATIENCE, () -> !isRegistered());
  }

  /** Away, and registered nowhere: nothing leaves, until it may register again. */
  private void dismissed() throws Exception {
    net.ask(mobile, ControlRequest.of("deregister"));
    net.until("bound nowhere", PATIENCE, () -> careOf().isEmpty() && !isRegistered());
    unanswered("dismissed", ImmutableSet.of());
    net.ask(mobile, ControlRequest.of("handover").with("to", "auto"));
    registered("b");
  }

  @Test
  @Tag("long")
  void isNestedRightWhereverTheMobileNodeIs() throws Exception {
    beginAtHome();
    net.plug("a");
    registered("a");
    stage("tunnelled", tunnelled());
    rekeys("mn");
    stage("tunnelled, rekeyed", tunnelled());
    charon.swanctl("mn", "--terminate --ike users");
    reachable("without the user's tunnel");
    stage("tunnelled, gone", withoutTheUsers());
    charon.swanctl("cn", "--initiate --child users");
    reachable("with the user's tunnel again");
    stage("tunnelled, come again", tunnelled());

    net.plug("b");
    registered("b");
    stage("tunnelled, moved", tunnelled());

    optimize();
    optimizedAt("b");
    stage("optimized", optimized());
    rekeys("mn");
    rekeys("cn");
    stage("optimized, rekeyed", optimized());
    charon.swanctl("cn", "--terminate --ike users");
    reachable("without the user's tunnel");
    stage("optimized, gone", optimizedWithoutTheUsers());
    charon.swanctl("mn", "--initiate --child users");
    reachable("with the user's tunnel again");
    stage("optimized, come again", optimized());

    net.plug("a");
    optimizedAt("a");
    stage("optimized, moved", optimized());

    comesHome();
    rekeys("cn");
    stage("back, rekeyed", alone());
    endAtHome();
  }

  /** What charon has made outlives mipd, and mipd takes its own over. */
  @Test
  @Tag("long")
  void outlivesMipd() throws Exception {
    start();
    links.add(PacketLog.start(net, "r", "ea", "a"));
    links.add(PacketLog.start(net, "r", "eb", "b"));
    peer = net.startMipd("cn", net.configuration("cn", "correspondent.conf"));
    mobile = startMobile();
    net.plug("a");
    registered("a");
    charon.swanctl("mn", "--initiate --child users");
    reachable("within the tunnel");
    stage("before", tunnelled());
    String ikeSa = ikeSa();

    net.kill(mobile);
    reachable("without mipd");
    mobile = net.startMipd("mn", mobile.configuration());
    net.until("registered again", PATIENCE, this::isRegistered);
    reachable("with another mipd");
    stage("after", tunnelled());
    assertThat(ikeSa()).as("after").isEqualTo(ikeSa);
    net.plug("b");
    registered("b");
    stage("moved", tunnelled());
    assertThat(ikeSa()).as("moved").isEqualTo(ikeSa);

    optimize();
    optimizedAt("b");
    stage("optimized", optimized());
    net.kill(mobile);
    mobile = net.startMipd("mn", mobile.configuration());
    net.until("registered again", PATIENCE, this::isRegistered);
    optimizedAt("b");
    stage("optimized after", optimized());
    rekeys("mn");
    stage("optimized after, rekeyed", optimized());
    assertThat(ikeSa()).as("optimized after").isEqualTo(ikeSa);
    net.plug("a");
    optimizedAt("a");
    stage("optimized, moved", optimized());
    assertThat(ikeSa()).as("optimized, moved").isEqualTo(ikeSa);

    net.kill(agent);
    agent = net.startMipd("ha", agent.configuration());
    registered("a");
    net.plug("b");
    optimizedAt("b");
    stage("another home agent", optimized());
    assertThat(ikeSa()).as("another home agent").isEqualTo(ikeSa);
    links.forEach(PacketLog::close);
    areNestedRight();
  }

  private boolean isRegistered() throws Exception {
    return !registeredCareOf().isEmpty();
  }

  private String ikeSa() throws Exception {
    return CharonNet.connection(net.status(mobile)).getString("ike-sa");
  }

  /** How the links have seen all stages, and all key exchange with the peer. */
  private void areNestedRight() throws Exception {
    var seen = ImmutableSetMultimap.<Integer, Nesting>builder();
    for (PacketLog link : links) {
      ImmutableList<List<String>> all = packets(link);
      for (List<String> packet : all) {
        if (packet.get(0).endsWith(":icmpv6")) {
          seen.put(
              Integer.parseInt(packet.get(3)),
              new Nesting(packet.get(0), packet.get(1), packet.get(2)));
        }
      }
      assertThat(all)
          .as("key exchange with the peer, %s", link.file())
          .extracting(packet -> packet.get(0))
          .filteredOn(protocols -> protocols.endsWith(":isakmp"))
          .containsOnly(link.equals(home) ? "ipv6:udp:isakmp" : "ipv6:esp:ipv6:udp:isakmp");
      if (!link.equals(home)) {
        assertThat(link.packets(PacketLog.from(Ipv6Address.parse(HOME))))
            .as("from the home address on a foreign link, %s", link.file())
            .isEmpty();
      }
    }
    var nestings = seen.build();
    for (Stage stage : stages) {
      assertThat(nestings.get(stage.size()))
          .as(stage.name())
          .containsExactlyInAnyOrderElementsOf(stage.nestings());
    }
  }

  /** Protocols, sources, destinations and length of pings and of key exchange with the peer. */
  private ImmutableList<List<String>> packets(PacketLog link) throws Exception {
    return decryption
        .tshark(
            link.file(),
            "-Y",
            "icmpv6.type == 128 || icmpv6.type == 129 || isakmp && ipv6.addr == " + PEER,
            "-T",
            "fields",
            "-e",
            "frame.protocols",
            "-e",
            "ipv6.src",
            "-e",
            "ipv6.dst",
            "-e",
            "data.len")
        .lines()
        .map(line -> line.replace("eth:ethertype:", "").replace(":data", ""))
        .map(line -> List.of(line.split("\t", -1)))
        .collect(ImmutableList.toImmutableList());
  }
}

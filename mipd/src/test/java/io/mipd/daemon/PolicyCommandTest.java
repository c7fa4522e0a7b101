package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.typesafe.config.Config;
import io.mipd.control.ControlRequest;
import io.mipd.control.ControlSocket;
import io.mipd.control.EventLog;
import io.mipd.control.Json;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.WishOwner;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.mobility.planner.Route;
import io.mipd.mobility.planner.RoutePolicies;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.engine.AssociationStatus;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** With the configurations of docs/merging: what is printed, and with which status. */
class PolicyCommandTest {
  private static final Path EXAMPLES = Path.of("../docs/merging");
  private static final String PACKET =
      "explain --out src 2001:db8:1::10 dst 2001:db8:c::2 proto tcp dport 443";

  @TempDir private Path folder = Path.of("");

  private record Said(int status, String out) {
    Config json() {
      assertThat(status).as(out).isLessThan(2);
      return Json.parse(out);
    }
  }

  @BeforeEach
  void files() throws IOException {
    for (String name :
        List.of("mobile-node.conf", "route-optimization.conf", "home-agent.conf", "keys")) {
      Files.copy(EXAMPLES.resolve(name), folder.resolve(name));
    }
    Files.setPosixFilePermissions(
        folder.resolve("keys"), PosixFilePermissions.fromString("rw-------"));
  }

  /**
   * @param command with names of files in the folder; several words in one are given apart
   */
  private Said policy(String command, String... more) {
    List<String> words = new ArrayList<>(List.of("policy"));
    for (String word : Splitter.on(' ').split(command)) {
      words.add(word.matches(".*[.](conf|pcap|sock)") ? folder.resolve(word).toString() : word);
    }
    words.addAll(List.of(more));
    var out = new StringWriter();
    var line = Main.commandLine();
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(out));
    int status = Main.run(line, words.toArray(new String[0]));
    return new Said(status, out.toString());
  }

  @Test
  void atHomeOnlyTheUsersOwnIsThere() {
    Config json = policy(PACKET + " --config mobile-node.conf --at home --json").json();
    assertThat(json.getStringList("policy.templates"))
        .containsExactly("src 2001:db8:1::10 dst 2001:db8:c::2 proto esp reqid 1 mode tunnel");
    assertThat(json.getString("packet.direction")).isEqualTo("out");
  }

  @Test
  void jsonHasAllThatTheTextHas() {
    Config json = policy(PACKET + " --config mobile-node.conf --at 2001:db8:a::10 --json").json();
    assertThat(json.getString("verdict")).isEqualTo("transformed");
    assertThat(json.getConfigList("wire")).hasSize(8);
    assertThat(json.getConfigList("wire").get(0).getString("source")).isEqualTo("2001:db8:a::10");
    assertThat(json.getConfigList("wire").get(3).getString("spi")).isEqualTo("0x00001001");
    assertThat(json.getInt("size.mtu")).isEqualTo(1310);
    assertThat(json.getConfigList("policy.trace").get(1).getString("words"))
        .contains("reverse tunnel");
  }

  @Test
  void theDirectionIsThatOfTheAddresses() {
    assertThat(
            policy(
                    "explain --config home-agent.conf --binding 2001:db8:1::10=2001:db8:a::10 src"
                        + " 2001:db8:1::10 dst 2001:db8:c::2 --json")
                .json()
                .getString("packet.direction"))
        .isEqualTo("fwd");
    assertThat(
            policy("explain --config home-agent.conf src 2001:db8:c::2 dst 2001:db8:1::1 --json")
                .json()
                .getString("packet.direction"))
        .isEqualTo("in");
    assertThat(
            policy(
                    "explain --config mobile-node.conf --care-of 2001:db8:a::10 src 2001:db8:c::2 dst"
                        + " 2001:db8:1::10 --json")
                .json()
                .getString("packet.direction"))
        .isEqualTo("in");
  }

  @Test
  void packetsOfACaptureAreExplained() throws IOException {
    Files.write(folder.resolve("x.pcap"), CaptureFileTest.pcap());
    String command = "explain --config mobile-node.conf --care-of 2001:db8:a::10 --pcap x.pcap";
    var all = policy(command + " --json").json().getConfigList("packets");
    assertThat(all).extracting(one -> one.getInt("number")).containsExactly(1, 3);
    assertThat(all.get(0).getInt("size.inner")).isEqualTo(60);
    Said third = policy(command + " --packet 3");
    assertThat(third.status()).isZero();
    assertThat(third.out())
        .startsWith(
            "number    3\npacket    out 2001:db8:1::10 > 2001:db8:1::1 mobility-header type 5")
        .contains("DSTOPT  Home Address option 2001:db8:1::10");
    assertThat(policy(command + " --packet 2").out()).contains("no IPv6 packet is number 2");
  }

  @Test
  void checkTellsWhatIsDoubtfulByItsStatus() throws IOException {
    Said fine = policy("check --config home-agent.conf --binding 2001:db8:1::10=2001:db8:a::10");
    assertThat(fine.status()).as(fine.out()).isZero();
    assertThat(fine.out()).contains("nothing is doubtful", "2001:db8:1::10 at 2001:db8:a::10");

    Said held = policy("check --config mobile-node.conf --care-of 2001:db8:a::10 --json");
    assertThat(held.status()).isEqualTo(1);
    assertThat(held.json().getConfigList("no-association"))
        .as("the tunnel that an IKE daemon has the associations for, in three directions")
        .hasSize(3);
    assertThat(held.json().getConfigList("findings")).isEmpty();

    String text = Files.readString(folder.resolve("home-agent.conf"));
    Files.writeString(
        folder.resolve("home-agent.conf"),
        text + "user-ipsec { policies = [ { proto = mh, action = block } ] }");
    Said blocked = policy("check --config home-agent.conf");
    assertThat(blocked.status()).isEqualTo(1);
    assertThat(blocked.out())
        .contains("SIGNALLING_OVERRIDDEN", "for instance 2001:db8:1::10 > 2001:db8:1::1 mobility");
  }

  @Test
  void diffTellsWhatAnotherConfigurationWouldChange() throws IOException {
    String text = Files.readString(folder.resolve("mobile-node.conf"));
    String without = text.replaceAll("(?s)    # A tunnel to P.*?    }\n", "");
    assertThat(without).isNotEqualTo(text);
    Files.writeString(folder.resolve("new.conf"), without);
    Config json =
        policy("diff --config mobile-node.conf --at 2001:db8:a::10 --with new.conf --json").json();
    // Each with its exemption of ICMPv6 errors, and in and out of what neighbours ask and answer.
    assertThat(json.getStringList("removed")).hasSize(10).allMatch(it -> it.contains("c::2/128"));
    assertThat(json.getStringList("added")).isEmpty();
    assertThat(json.getStringList("changed")).isEmpty();
    assertThat(policy("diff --config mobile-node.conf --with mobile-node.conf").out())
        .isEqualTo("nothing would change\n");
  }

  @Test
  void whatIsSentByARouteIsExplained() throws IOException {
    String config = " --config route-optimization.conf";
    String away = config + " --care-of 2001:db8:a::10";
    assertThat(between(PACKET + away + " --route 2001:db8:c::2"))
        .isEqualTo("2001:db8:a::10 > 2001:db8:c::2");
    assertThat(policy(PACKET + away + " --route 2001:db8:c::2").out())
        .contains("DSTOPT  Home Address option 2001:db8:1::10");
    assertThat(between(PACKET + away + " --route 2001:db8:c::5"))
        .isEqualTo("2001:db8:a::10 > 2001:db8:1::1");

    append("route-optimization.conf", "correspondent { }");
    String toMobile = "explain --out src 2001:db8:1::10 dst 2001:db8:2::20";
    String route = " --route 2001:db8:2::20=2001:db8:e::20";
    assertThat(between(toMobile + away + route)).isEqualTo("2001:db8:a::10 > 2001:db8:e::20");
    assertThat(between(toMobile + config + route)).isEqualTo("2001:db8:1::10 > 2001:db8:e::20");
    assertThat(between(toMobile + away + " --route 2001:db8:1::10,2001:db8:2::20=2001:db8:e::20"))
        .isEqualTo("2001:db8:a::10 > 2001:db8:e::20");

    append("home-agent.conf", "correspondent { }");
    assertThat(
            between(
                "explain --out src 2001:db8:1::1 dst 2001:db8:2::20 --config home-agent.conf"
                    + route))
        .isEqualTo("2001:db8:1::1 > 2001:db8:e::20");
  }

  @Test
  void aRouteThatAPeerIsNotToHaveIsRefused() throws IOException {
    append(
        "route-optimization.conf",
        "mobile-node.route-optimization.peers = [ { prefix = \"2001:db8:c::/64\", use = off } ]");
    String away = "check --config route-optimization.conf --care-of 2001:db8:a::10 --route ";
    Said refused = policy(away + "2001:db8:c::2");
    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.out())
        .contains(
            "this node optimizes no route to 2001:db8:c::2: see mobile-node.route-optimization");
    assertThat(policy(away + "2001:db8:d::2").status()).isLessThan(2);
  }

  @Test
  void diffTakesRoutesAlong() throws IOException {
    String away = "diff --config route-optimization.conf --at 2001:db8:a::10 --route 2001:db8:c::2";
    assertThat(policy(away + " --with route-optimization.conf").out())
        .isEqualTo("nothing would change\n");
    assertThat(policy(away + " --with mobile-node.conf").out())
        .contains("- src 2001:db8:1::10/128 dst 2001:db8:c::2/128 dir out")
        .contains("proto hao mode ro]");
    Files.copy(folder.resolve("route-optimization.conf"), folder.resolve("off.conf"));
    append(
        "off.conf",
        "mobile-node.route-optimization.peers = [ { prefix = \"2001:db8:c::/64\", use = off } ]");
    assertThat(policy(away + " --with off.conf").out())
        .contains("- src 2001:db8:1::10/128 dst 2001:db8:c::2/128 dir out")
        .contains("proto hao mode ro]");
  }

  private void append(String file, String line) throws IOException {
    Path path = folder.resolve(file);
    Files.writeString(path, Files.readString(path) + line + "\n");
  }

  /** The addresses of the outermost header. */
  private String between(String command) {
    Config outer = policy(command + " --json").json().getConfigList("wire").get(0);
    return outer.getString("source") + " > " + outer.getString("destination");
  }

  @Test
  void diffTellsWhatAPolicyMoreOrLessWouldChange() {
    String base = "diff --config mobile-node.conf --at 2001:db8:a::10 --json";
    String policy = "src 2001:db8:1::10 dst 2001:db8:99::/48 dir out priority 9";
    assertThat(policy(base, "--add", policy + " tmpl proto ah reqid 7 mode transport").json())
        .satisfies(
            it ->
                assertThat(it.getStringList("added"))
                    .hasSize(4)
                    .anyMatch(
                        one -> one.contains("[proto ah reqid 7 mode transport][src 2001:db8:a::10"))
                    .anyMatch(one -> one.contains("ipv6-icmp type 0/0xff80")));
    assertThat(policy(base, "--remove", "src 2001:db8:1::10 dst 2001:db8:c::2 dir out").json())
        .satisfies(it -> assertThat(it.getStringList("removed")).hasSize(4));
    Said unknown = policy(base, "--remove", policy);
    assertThat(unknown.status()).isEqualTo(2);
    assertThat(unknown.out()).contains("there is no policy of the user's with src 2001:db8:1::10");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "explain --config mobile-node.conf|a packet is needed",
        "explain --config mobile-node.conf src 2001:db8::1|src ADDRESS dst ADDRESS is needed",
        "explain --config mobile-node.conf src 2001:db8::1 dst 2001:db8::2 hue 7|unknown: \"hue\"",
        "explain --config mobile-node.conf --in --out src ::1 dst ::2|mutually exclusive",
        "explain --config mobile-node.conf --length 39 src ::1 dst ::2|40 to 65575 octets, not 39",
        "explain --config mobile-node.conf --path-mtu 99 src ::1 dst ::2|a path MTU is 1280",
        "explain --config mobile-node.conf --at away src ::1 dst ::2|away with which care-of",
        "explain --config mobile-node.conf --at moon src ::1 dst ::2|allowed: home, or an address",
        "explain --at home src ::1 dst ::2|--at, --binding and --route go with --config",
        "check --route 2001:db8:c::2|--at, --binding and --route go with --config",
        "check --config mobile-node.conf --route x|--route x: not an IPv6 address: x",
        "check --config mobile-node.conf --route ::1=::2=::3|is no route: [LOCAL,]PEER[=COA]",
        "check --config mobile-node.conf --route ::8|optimizes no route to ::8: see mobile-node.route-optim",
        "check --config route-optimization.conf --route 2001:db8:c::2|2001:db8:1::10 is at home",
        "check --config mobile-node.conf --route ::9,::8|::9 is not an address here that has routes",
        "check --config mobile-node.conf --route ::8=::7|the configuration has no \"correspondent\"",
        "check --config mobile-node.conf --route 2001:db8:1::10|a route leads to somebody else",
        "check --config home-agent.conf --route ::8|bound here with which care-of address? PEER=COA",
        "check --config home-agent.conf --at home|a home agent has --binding HOA=COA",
        "check --config home-agent.conf --binding 2001:db8:1::11=2001:db8:a::1|not a home address here",
        "check --config mobile-node.conf --binding ::1=::2|a mobile node has --at PLACE",
        "check --config none.conf|there is no such file",
        "diff --config mobile-node.conf|which change?",
        "diff --config mobile-node.conf --add x|unknown: \"x\"; allowed: src",
        "whatever|Unmatched argument"
      })
  void whatIsWrongHasStatusTwo(String command, String message) {
    Said said = policy(command);
    assertThat(said.status()).as(said.out()).isEqualTo(2);
    assertThat(said.out()).contains(message);
  }

  @Test
  void withoutADaemonThatIsSaid() {
    Said said = policy("check --socket none.sock");
    assertThat(said.status()).isEqualTo(1);
    assertThat(said.out()).contains("no mipd answers at", "--config FILE works offline");
  }

  private static Map<String, Object> document(PolicyState state) {
    var associations = ImmutableList.<AssociationStatus>builder();
    for (var one : state.associations()) {
      associations.add(
          new AssociationStatus(
              one.id(),
              one.source(),
              one.mode(),
              one.reqId(),
              "cbc(aes)",
              "hmac(sha256)",
              0,
              0,
              false));
    }
    return PolicyStateDocument.of(state, associations.build());
  }

  /** The routes of a home address move with it, ours and those of a peer, and end at home. */
  @Test
  void aHandoverTakesTheRoutesAlong() throws Exception {
    Ipv6Address home = Ipv6Address.parse("2001:db8:1::10");
    Ipv6Address peer = Ipv6Address.parse("2001:db8:c::2");
    Ipv6Address mobilePeer = Ipv6Address.parse("2001:db8:2::10");
    Ipv6Address a = Ipv6Address.parse("2001:db8:a::10");
    Ipv6Address b = Ipv6Address.parse("2001:db8:b::10");
    Ipv6Address d = Ipv6Address.parse("2001:db8:d::10");
    PolicyState atA =
        ConfiguredState.of(DaemonConfiguration.read(folder.resolve("mobile-node.conf")))
            .moved(home, a);

    PolicyState before = routed(routed(atA, peer, a, Route.NONE), mobilePeer, a, by(d));
    assertThat(before.moved(home, b))
        .isEqualTo(routed(routed(atA.moved(home, b), peer, b, Route.NONE), mobilePeer, b, by(d)));

    PolicyState atHome = before.moved(home, home);
    assertThat(atHome.inputs().wishes())
        .doesNotContainKey(WishOwner.route(home, peer))
        .containsEntry(
            WishOwner.route(home, mobilePeer),
            RoutePolicies.route(home, mobilePeer, Route.NONE, by(d), Optional.empty()));

    PolicyState agents =
        ConfiguredState.of(DaemonConfiguration.read(folder.resolve("home-agent.conf")));
    Ipv6Address agent = agents.homes().get(0).agent();
    assertThat(direct(agents.moved(home, a), agent, home, by(a)).moved(home, b))
        .isEqualTo(direct(agents.moved(home, b), agent, home, by(b)));
  }

  private static Route by(Ipv6Address careOf) {
    var one = Optional.of(new CareOfAddress(careOf));
    return new Route(one, one);
  }

  private static PolicyState routed(
      PolicyState state, Ipv6Address peer, Ipv6Address careOf, Route peers) {
    PolicyState.Home home = state.homes().get(0);
    var planner =
        new HomePolicies(
            new HomeAddress(home.address()), home.agent(), home.protection(), home.roles());
    return with(
        state,
        WishOwner.route(home.address(), peer),
        RoutePolicies.route(
            home.address(),
            peer,
            by(careOf),
            peers,
            Optional.of(planner.tunnel(new CareOfAddress(careOf)))));
  }

  private static PolicyState direct(
      PolicyState state, Ipv6Address local, Ipv6Address peer, Route peers) {
    return with(
        state,
        WishOwner.route(local, peer),
        RoutePolicies.route(local, peer, Route.NONE, peers, Optional.empty()));
  }

  private static PolicyState with(PolicyState state, WishOwner owner, MobilityWish wish) {
    var wishes = new LinkedHashMap<>(state.inputs().wishes());
    wishes.put(owner, wish);
    return state.with(state.inputs().withWishes(ImmutableMap.copyOf(wishes)));
  }

  /** What a daemon tells of itself over its socket means the same as what was configured. */
  @Test
  void theRunningDaemonIsAsked() throws Exception {
    Ipv6Address careOf = Ipv6Address.parse("2001:db8:a::10");
    PolicyState state =
        ConfiguredState.of(DaemonConfiguration.read(folder.resolve("mobile-node.conf")))
            .moved(Ipv6Address.parse("2001:db8:1::10"), careOf);
    Map<String, Object> document = document(state);
    assertThat(PolicyStateDocument.read(Json.parse(Json.render(document)))).isEqualTo(state);
    PolicyState direct = routed(state, Ipv6Address.parse("2001:db8:d::77"), careOf, Route.NONE);
    assertThat(PolicyStateDocument.read(Json.parse(Json.render(document(direct)))))
        .isEqualTo(direct);
    PolicyState agents =
        ConfiguredState.of(DaemonConfiguration.read(folder.resolve("home-agent.conf")));
    assertThat(PolicyStateDocument.read(Json.parse(Json.render(document(agents)))))
        .isEqualTo(agents);

    List<String> requests = new ArrayList<>();
    var answers =
        new ControlSocket.Answers() {
          @Override
          public boolean changes(ControlRequest request) {
            return false;
          }

          @Override
          public CompletableFuture<Map<String, Object>> answer(
              ControlRequest request, Executor socketThread) {
            requests.add(request.render());
            return CompletableFuture.completedFuture(document);
          }
        };
    try (var socket =
        ControlSocket.open(
            new ControlSocket.Settings(folder.resolve("mipd.sock"), Optional.empty()),
            answers,
            new EventLog(1))) {
      String offline = policy(PACKET + " --config mobile-node.conf --at 2001:db8:a::10").out();
      assertThat(policy(PACKET + " --socket mipd.sock").out()).isEqualTo(offline);
      assertThat(policy("diff --socket mipd.sock --care-of 2001:db8:b::10").out())
          .isEqualTo(
              policy("diff --config mobile-node.conf --at 2001:db8:a::10 --care-of 2001:db8:b::10")
                  .out())
          .contains("2001:db8:b::10");
      assertThat(policy("diff --socket mipd.sock --with mobile-node.conf").out())
          .isEqualTo("nothing would change\n");
      assertThat(requests).containsOnly("{\"request\":\"policy-state\",\"version\":1}");
      assertThat(socket).isNotNull();
    }
  }
}

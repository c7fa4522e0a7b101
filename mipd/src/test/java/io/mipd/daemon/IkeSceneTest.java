package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSet;
import com.typesafe.config.Config;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.model.Ipv6Address;
import java.nio.file.Path;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** strongSwan's charon has the associations, mipd the policies (RFC 4877). */
@Tag("kernel")
class IkeSceneTest {
  private static final String SECRET = "correct horse battery staple";
  private static final String CONNECTION =
      CharonConfiguration.name(Ipv6Address.parse(TestNet.HOME_ADDRESS));

  /** Kinds of associations, each with one for either direction. */
  private static final int ASSOCIATIONS = 4;

  private static final Pattern ESP_STATE =
      Pattern.compile("src \\S+ dst \\S+\\s+proto esp spi \\S+ reqid \\d+");

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @SuppressWarnings("NullAway.Init")
  private CharonNet charon;

  @SuppressWarnings("NullAway.Init")
  private Mipd agent;

  @SuppressWarnings("NullAway.Init")
  private Mipd mobile;

  @BeforeEach
  void build() throws Exception {
    CharonNet.needed();
    net = TestNet.create(folder);
    charon = new CharonNet(net);
  }

  @AfterEach
  void takeDown() throws Exception {
    net.close();
  }

  private static final String OF_AGENT =
      identities("ha.example.org", "mn.example.org") + "secret = ike.secret";
  private static final String OF_MOBILE =
      identities("mn.example.org", "ha.example.org") + "secret = ike.secret";

  private static String identities(String local, String remote) {
    return "local-identity = " + local + ", remote-identity = " + remote + "\n";
  }

  private Path configuration(String node, String sample, String identities, String more)
      throws Exception {
    return charon.configuration(node, sample, SECRET, identities + "\n" + more);
  }

  private void start(String moreOfAgent, String moreOfMobile) throws Exception {
    startAgent(CharonNet.NO_KEYS, moreOfAgent);
    startMobile(moreOfMobile);
  }

  /**
   * All but the mobile node's mipd, at link a.
   *
   * @param level of what the mobile node's charon logs
   */
  private void startAgent(int level, String more) throws Exception {
    charon.start("ha");
    charon.start("mn", level);
    agent = net.startMipd("ha", configuration("ha", "home-agent.conf", OF_AGENT, more));
    net.plug("a");
  }

  private void startMobile(String more) throws Exception {
    mobile = net.startMipd("mn", configuration("mn", "mobile-node.conf", OF_MOBILE, more));
  }

  private String careOf() throws Exception {
    var bindings = net.status(agent).getConfigList("bindings");
    return bindings.isEmpty() ? "" : bindings.get(0).getString("care-of-address");
  }

  private void registered(String link) throws Exception {
    net.until(
        "registered at " + link, TestNet.LONG, () -> careOf().startsWith("2001:db8:" + link + ":"));
  }

  private void reachable(String where) throws Exception {
    net.until(
        "pings go on " + where,
        TestNet.LONG,
        () -> net.succeeds("cn", "ping -n -c 1 -W 1 " + TestNet.HOME_ADDRESS));
  }

  private Config keys(Mipd mipd) throws Exception {
    return CharonNet.connection(net.status(mipd));
  }

  /** Until it talks from, or to, an address of a link. */
  private void endIs(Mipd mipd, String key, String link) throws Exception {
    net.until(
        "the end of the IKE_SA is in " + link,
        TestNet.LONG,
        () ->
            keys(mipd).hasPath(key)
                && keys(mipd).getString(key).startsWith("2001:db8:" + link + ":"));
  }

  @Test
  void movesWithoutANewIkeSa() throws Exception {
    startAgent(CharonNet.KEYS, "");
    PacketLog link = PacketLog.start(net, "r", "ea", "link");
    startMobile("");
    registered("a");
    reachable("at a");
    String associations = net.in("mn", "ip xfrm state");
    assertThat(keys(mobile).getStringList("associations"))
        .containsExactlyInAnyOrder(
            "signalling", "prefix-discovery", "return-routability", "payload");
    String ikeSa = keys(mobile).getString("ike-sa");

    net.plug("b");
    registered("b");
    reachable("at b");
    endIs(mobile, "from", "b");
    endIs(agent, "to", "b");
    assertThat(keys(mobile).getString("ike-sa")).isEqualTo(ikeSa);
    assertThat(charon.logged("mn", "initiating IKE_SA")).isEqualTo(1);
    for (String node : new String[] {"mn", "ha"}) {
      assertThat(charon.swanctl(node, "--list-sas"))
          .as(node)
          .containsPattern(Pattern.compile("ESTABLISHED(?s:.)*2001:db8:b:"));
    }
    link.close();
    var decryption = new IkeDecryption(folder);
    decryption.ikeSa(link.file(), net.said("mn-charon"));
    decryption.associations(associations);
    isReadable(decryption, link.file());
  }

  /** What is said under protection can be read by who has the keys. */
  private static void isReadable(IkeDecryption decryption, Path capture) throws Exception {
    // IKE_AUTH, and for each further association CREATE_CHILD_SA.
    assertThat(decryption.tshark(capture, "-Y", "isakmp.exchangetype == 35", "-V"))
        .contains(
            "Payload: Identification - Initiator (35)",
            "mn.example.org",
            "Payload: Identification - Responder (36)",
            "ha.example.org",
            "Payload: Authentication (39)",
            "Payload: Traffic Selector - Initiator (44) # 1",
            "Protocol ID: Mobile IPv6 (135)",
            "Starting Addr: " + TestNet.HOME_ADDRESS)
        .doesNotContain("[incorrect");
    assertThat(
            decryption
                .tshark(capture, "-Y", "isakmp.exchangetype == 36 && isakmp.ts.start_ipv6")
                .lines())
        .as("requests and responses for three further associations")
        .hasSize(6);
    assertThat(decryption.tshark(capture, "-Y", "esp && mip6.mhtype == 5"))
        .contains("Binding Update");
    assertThat(decryption.tshark(capture, "-Y", "esp && icmpv6.type == 129"))
        .as("an answer within the tunnel")
        .contains(TestNet.CORRESPONDENT);
    assertThat(decryption.tshark(capture, "-Y", "esp.icv_bad == 1")).isEmpty();
  }

  @Test
  @Tag("slow-in-guest")
  void rekeysUnderTrafficAndComesHome() throws Exception {
    start("", "");
    registered("a");
    reachable("at a");
    CountedPings still = CountedPings.start(net);
    for (String node : new String[] {"mn", "ha"}) {
      int before = payloadChildren();
      rekey(node);
      rekeyed(node, before);
    }
    reachable("rekeyed");
    still.stop();
    System.err.println("standing still while all is rekeyed: " + still);
    // A few may be lost where charon replaces one association by another.
    assertThat(still.lost()).as("while all is rekeyed: %s", still).isLessThan(still.sent() / 10);

    CountedPings moving = CountedPings.start(net);
    movesDuring(Rekeying.CHILD_SA, "mn", "b");
    movesDuring(Rekeying.IKE_SA, "mn", "a");
    movesDuring(Rekeying.CHILD_SA, "ha", "b");
    movesDuring(Rekeying.IKE_SA, "ha", "a");
    moving.stop();
    System.err.println("four handovers while something is rekeyed: " + moving);
    assertThat(moving.lost()).as("%s", moving).isLessThan(moving.sent() / 2);
    for (String node : new String[] {"mn", "ha"}) {
      assertThat(charon.logged(node, "parsed IKE_SA_INIT")).as(node).isEqualTo(1);
    }
    assertThat(charon.logged("ha", "received packet: from 2001:db8:1::100")).isZero();

    net.plug("h");
    net.until("de-registered", TestNet.LONG, () -> careOf().isEmpty());
    reachable("at home");
    net.plug("b");
    registered("b");
    reachable("at b from home");
    assertThat(charon.logged("mn", "parsed IKE_SA_INIT")).isEqualTo(1);
  }

  /** What a CREATE_CHILD_SA request asks for, and charon's name of it. */
  private enum Rekeying {
    CHILD_SA("CHILD_REKEY", "--child payload"),
    IKE_SA("IKE_REKEY", "--ike " + CONNECTION);

    private final String task;
    private final String option;

    Rekeying(String task, String option) {
      this.task = task;
      this.option = option;
    }
  }

  /**
   * The mobile node goes to a link and is registered there after a node's request has left and
   * before its response has come. For a CHILD_SA the request is lost until then: the other's charon
   * would use the new association as soon as it has answered. For the IKE_SA it is the response.
   */
  private void movesDuring(Rekeying rekeying, String node, String link) throws Exception {
    // What was rekeyed before is there for a while longer.
    sameAssociations("before " + rekeying + " is rekeyed from " + node);
    String other = node.equals("mn") ? "ha" : "mn";
    String ikeSa = keys(mobile).getString("ike-sa");
    ImmutableSet<String> associations = payloadSpis();
    String last = rekeying == Rekeying.CHILD_SA ? node : other;
    String sent =
        rekeying == Rekeying.CHILD_SA
            ? "generating CREATE_CHILD_SA request"
            : "generating CREATE_CHILD_SA response";
    int before = charon.logged(last, sent);
    net.loseKeyExchangeOf(last, true);
    charon.swanctl(node, "--rekey " + rekeying.option);
    net.until(
        "the last that is sent for a while: " + sent,
        TestNet.LONG,
        () -> charon.logged(last, sent) > before);
    assertThat(charon.awaits(node, CONNECTION, rekeying.task)).isTrue();

    net.plug(link);
    registered(link);
    reachable("at " + link + ", " + rekeying + " not rekeyed yet");
    assertThat(charon.awaits(node, CONNECTION, rekeying.task)).isTrue();
    assertThat(keys(node.equals("mn") ? mobile : agent).getString("ike-sa")).isEqualTo(ikeSa);

    net.loseKeyExchangeOf(last, false);
    net.until(
        rekeying + " is rekeyed from " + node,
        TestNet.LONG,
        () -> !charon.awaits(node, CONNECTION, rekeying.task));
    sameAssociations(rekeying + " rekeyed from " + node);
    endIs(mobile, "from", link);
    endIs(agent, "to", link);
    reachable("at " + link + ", " + rekeying + " rekeyed");
    assertThat(keys(mobile).getString("state")).isEqualTo("up");
    if (rekeying == Rekeying.IKE_SA) {
      assertThat(keys(mobile).getString("ike-sa")).isNotEqualTo(ikeSa);
      assertThat(payloadSpis()).isEqualTo(associations);
    } else {
      assertThat(keys(mobile).getString("ike-sa")).isEqualTo(ikeSa);
      assertThat(payloadSpis()).hasSize(2).doesNotContainAnyElementsOf(associations);
    }
    assertThat(keys(agent).getString("ike-sa")).isEqualTo(keys(mobile).getString("ike-sa"));
  }

  /** Until both have the same, and none twice. */
  private void sameAssociations(String when) throws Exception {
    net.until(
        "the same associations at both, " + when,
        TestNet.LONG,
        () ->
            espStates("mn").size() == 2 * ASSOCIATIONS && espStates("mn").equals(espStates("ha")));
  }

  /** Addresses, SPI and request id of each association in ESP that is in a node's kernel. */
  private ImmutableSet<String> espStates(String node) throws Exception {
    return ESP_STATE
        .matcher(net.in(node, "ip xfrm state"))
        .results()
        .map(MatchResult::group)
        .collect(ImmutableSet.toImmutableSet());
  }

  private ImmutableSet<String> payloadSpis() throws Exception {
    return espStates("mn").stream()
        .filter(state -> state.endsWith(" reqid 5004"))
        .map(state -> state.replaceAll("(?s).* spi (\\S+) .*", "$1"))
        .collect(ImmutableSet.toImmutableSet());
  }

  private int payloadChildren() throws Exception {
    return charon.logged("mn", "CHILD_SA payload");
  }

  /** Has a node's charon begin to renew two associations and the IKE_SA. */
  private void rekey(String node) throws Exception {
    charon.swanctl(node, "--rekey --child payload");
    charon.swanctl(node, "--rekey --child signalling");
    charon.swanctl(node, "--rekey --ike " + CONNECTION);
  }

  private void rekeyed(String node, int before) throws Exception {
    net.until(
        "rekeyed from " + node,
        TestNet.LONG,
        () -> payloadChildren() > before && keys(mobile).getString("state").equals("up"));
  }

  /** Both must be able to. */
  @ParameterizedTest
  @ValueSource(strings = {"ha", "mn"})
  @Tag("slow-in-guest")
  void negotiatesAnewWhereKeyManagementStays(String node) throws Exception {
    String stays = "key-management-mobility = off";
    start(node.equals("ha") ? stays : "", node.equals("mn") ? stays : "");
    registered("a");
    reachable("at a");
    String ikeSa = keys(mobile).getString("ike-sa");
    net.plug("b");
    registered("b");
    reachable("at b");
    endIs(mobile, "from", "b");
    assertThat(keys(mobile).getString("ike-sa")).isNotEqualTo(ikeSa);
    assertThat(charon.logged("mn", "initiating IKE_SA mipd")).isEqualTo(2);
  }

  @Test
  void bothSidesSayWhatIsWrongWithAKeyOrAnIdentity() throws Exception {
    startAgent(CharonNet.NO_KEYS, "");
    Path configuration = configuration("mn", "mobile-node.conf", OF_MOBILE, "");
    net.keys("mn", "ike.secret", "another secret\n");
    mobile = net.startMipd("mn", configuration);
    problem(mobile, "AUTHENTICATION_FAILED");
    problem(agent, "MAC mismatched");
    assertThat(careOf()).isEmpty();
    assertThat(net.stop(mobile)).isZero();

    configuration =
        configuration(
            "mn", "mobile-node.conf", OF_MOBILE.replace("mn.example.org", "other.example.org"), "");
    mobile = net.startMipd("mn", configuration);
    problem(mobile, "AUTHENTICATION_FAILED");
    stranger("no matching peer config found");
    assertThat(careOf()).isEmpty();
    assertThat(net.stop(mobile)).isZero();

    startMobile("");
    registered("a");
    reachable("at a");
    assertThat(keys(agent).hasPath("problem")).isFalse();
    assertThat(net.said("mn") + net.said("ha")).doesNotContain(SECRET).doesNotContain("another");
  }

  @Test
  @Tag("slow-in-guest")
  void certificatesProveWhoIsWho() throws Exception {
    var example = DocumentedCertificates.make(folder.resolve("ca"));
    var strange = DocumentedCertificates.make(folder.resolve("strange"));
    charon.start("ha");
    charon.start("mn");
    agent =
        net.startMipd(
            "ha",
            configuration(
                "ha",
                "home-agent.conf",
                identities("ha.example.org", "mn.example.org") + example.of("ha", example),
                ""));
    net.plug("a");

    // Who names himself as his certificate does not.
    mobile = mobileNode("other.example.org", example.of("mn", example));
    problem(mobile, "AUTHENTICATION_FAILED");
    stranger("no matching peer config found");
    assertThat(net.stop(mobile)).isZero();

    // Who is certified by somebody else.
    mobile = mobileNode("mn.example.org", strange.of("mn", example));
    problem(mobile, "AUTHENTICATION_FAILED");
    problem(agent, "no trusted");
    assertThat(net.stop(mobile)).isZero();

    // Who believes somebody else, though his charon knows this authority from before.
    mobile = mobileNode("mn.example.org", example.of("mn", strange));
    problem(mobile, "not authenticated by CA");
    assertThat(careOf()).isEmpty();
    assertThat(net.stop(mobile)).isZero();

    mobile = mobileNode("mn.example.org", example.of("mn", example));
    registered("a");
    reachable("at a");
    net.plug("b");
    registered("b");
    reachable("at b");
    endIs(agent, "to", "b");
    assertThat(keys(agent).hasPath("problem")).isFalse();
    assertThat(net.said("mn") + net.said("ha")).doesNotContain("PRIVATE KEY");
  }

  private Mipd mobileNode(String identity, String credentials) throws Exception {
    return net.startMipd(
        "mn",
        configuration(
            "mn", "mobile-node.conf", identities(identity, "ha.example.org") + credentials, ""));
  }

  private void stranger(String text) throws Exception {
    net.until(
        "the home agent knows of the stranger",
        TestNet.LONG,
        () ->
            net.status(agent).hasPath("key-exchange.problem")
                && net.status(agent).getString("key-exchange.problem").contains(text));
  }

  private void problem(Mipd mipd, String text) throws Exception {
    net.until(
        "the status says " + text,
        TestNet.LONG,
        () -> keys(mipd).hasPath("problem") && keys(mipd).getString("problem").contains(text));
  }

  @Test
  @Tag("slow-in-guest")
  void outlivesCharonOnEitherSide() throws Exception {
    start("probe-interval = 2s", "probe-interval = 2s");
    registered("a");
    for (String node : new String[] {"mn", "ha"}) {
      reachable("before charon of " + node + " is killed");
      int before = charon.logged("mn", "CHILD_SA payload");
      charon.kill(node);
      net.until(
          node + " knows",
          TestNet.LONG,
          () ->
              net.status(node.equals("mn") ? mobile : agent)
                  .getString("key-exchange.charon")
                  .startsWith("no charon"));
      // The kernel has what charon has made.
      reachable("without charon of " + node);
      charon.start(node);
      net.until(
          "negotiated anew",
          TestNet.LONG.multipliedBy(3),
          () ->
              charon.logged("mn", "CHILD_SA payload") > before
                  && keys(mobile).getString("state").equals("up")
                  && keys(agent).getString("state").equals("up"));
      reachable("with another charon of " + node);
    }
    net.plug("b");
    registered("b");
    reachable("at b");
  }
}

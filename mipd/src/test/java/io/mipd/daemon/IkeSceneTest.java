package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.Config;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.model.Ipv6Address;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** strongSwan's charon has the associations, mipd the policies (RFC 4877). */
@Tag("kernel")
class IkeSceneTest {
  private static final String SECRET = "correct horse battery staple";

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

    // The exchanges are on their way when the cable is pulled.
    CountedPings moving = CountedPings.start(net);
    for (String node : new String[] {"mn", "ha"}) {
      String link = node.equals("mn") ? "b" : "a";
      int before = payloadChildren();
      rekey(node);
      net.plug(link);
      registered(link);
      reachable("at " + link);
      rekeyed(node, before);
      endIs(mobile, "from", link);
      endIs(agent, "to", link);
    }
    reachable("rekeyed and moved");
    moving.stop();
    System.err.println("two handovers while all is rekeyed: " + moving);
    assertThat(moving.lost()).as("%s", moving).isLessThan(moving.sent() / 2);
    assertThat(charon.logged("mn", "initiating IKE_SA mipd"))
        .as("the first, and those that the mobile node has rekeyed")
        .isEqualTo(3);
    assertThat(charon.logged("ha", "received packet: from 2001:db8:1::100")).isZero();

    net.plug("h");
    net.until("de-registered", TestNet.LONG, () -> careOf().isEmpty());
    reachable("at home");
    net.plug("b");
    registered("b");
    reachable("at b from home");
    assertThat(charon.logged("mn", "initiating IKE_SA mipd")).isEqualTo(3);
  }

  private int payloadChildren() throws Exception {
    return charon.logged("mn", "CHILD_SA payload");
  }

  /** Has a node's charon begin to renew two associations and the IKE_SA. */
  private void rekey(String node) throws Exception {
    charon.swanctl(node, "--rekey --child payload");
    charon.swanctl(node, "--rekey --child signalling");
    charon.swanctl(
        node, "--rekey --ike " + CharonConfiguration.name(Ipv6Address.parse(TestNet.HOME_ADDRESS)));
  }

  private void rekeyed(String node, int before) throws Exception {
    net.until(
        "rekeyed from " + node,
        TestNet.LONG,
        () -> payloadChildren() > before && keys(mobile).getString("state").equals("up"));
  }

  @Test
  void negotiatesAnewWhereKeyManagementStays() throws Exception {
    start("key-management-mobility = off", "");
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

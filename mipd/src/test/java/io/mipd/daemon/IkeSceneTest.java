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

  /** What stands in a sample from the word protection to its brace. */
  private static String protection(String sample) {
    int start = sample.indexOf("protection {");
    int depth = 0;
    for (int i = start; i < sample.length(); i++) {
      depth += sample.charAt(i) == '{' ? 1 : sample.charAt(i) == '}' ? -1 : 0;
      if (depth == 0 && sample.charAt(i) == '}') {
        return sample.substring(start, i + 1);
      }
    }
    throw new AssertionError("no end of protection");
  }

  private Path configuration(String node, String sample, String identities, String more)
      throws Exception {
    net.keys(node, "ike.secret", SECRET + "\n");
    return net.configuration(
        node,
        sample,
        protection(TestNet.sample(sample)),
        """
        protection {
          keying = ike
          %s
          ike-proposals = [aes128-sha256-x25519]
          esp-proposals = [aes128-sha256]
          signalling { reqid = 5001 }
          prefix-discovery { reqid = 5002 }
          return-routability { reqid = 5003 }
          payload { reqid = 5004 }
          %s
        }
        """
            .formatted(identities, more),
        "world = kernel",
        "world = kernel\ncharon-socket = \"" + charon.socket(node) + "\"");
  }

  private static final String OF_AGENT =
      "local-identity = ha.example.org, remote-identity = mn.example.org, secret = ike.secret";
  private static final String OF_MOBILE =
      "local-identity = mn.example.org, remote-identity = ha.example.org, secret = ike.secret";

  private void start(String moreOfAgent, String moreOfMobile) throws Exception {
    charon.start("ha");
    charon.start("mn");
    agent = net.startMipd("ha", configuration("ha", "home-agent.conf", OF_AGENT, moreOfAgent));
    net.plug("a");
    mobile = net.startMipd("mn", configuration("mn", "mobile-node.conf", OF_MOBILE, moreOfMobile));
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
    start("", "");
    registered("a");
    reachable("at a");
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
  }

  @Test
  void rekeysUnderTrafficAndComesHome() throws Exception {
    start("", "");
    registered("a");
    reachable("at a");
    Process ping =
        net.start("cn", "ping", "ping", "-n", "-i", "0.05", "-W", "1", TestNet.HOME_ADDRESS);
    net.plug("b");
    registered("b");
    endIs(agent, "to", "b");
    String connection = CharonConfiguration.name(Ipv6Address.parse(TestNet.HOME_ADDRESS));
    for (String node : new String[] {"mn", "ha"}) {
      int children = charon.logged("mn", "CHILD_SA payload");
      charon.swanctl(node, "--rekey --child payload");
      charon.swanctl(node, "--rekey --child signalling");
      charon.swanctl(node, "--rekey --ike " + connection);
      net.until(
          "rekeyed from " + node,
          TestNet.LONG,
          () ->
              charon.logged("mn", "CHILD_SA payload") > children
                  && keys(mobile).getString("state").equals("up"));
    }
    net.plug("a");
    registered("a");
    endIs(agent, "to", "a");
    reachable("at a again");
    assertThat(charon.logged("mn", "initiating IKE_SA mipd"))
        .as("the first, and the one that the mobile node has rekeyed")
        .isEqualTo(2);
    assertThat(charon.logged("ha", "received packet: from 2001:db8:1::100")).isZero();

    net.plug("h");
    net.until("de-registered", TestNet.LONG, () -> careOf().isEmpty());
    reachable("at home");
    net.plug("b");
    registered("b");
    reachable("at b from home");
    assertThat(charon.logged("mn", "initiating IKE_SA mipd")).isEqualTo(2);
    ping.destroy();
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
    charon.start("ha");
    charon.start("mn");
    agent = net.startMipd("ha", configuration("ha", "home-agent.conf", OF_AGENT, ""));
    net.plug("a");
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
    net.until(
        "the home agent knows of the stranger",
        TestNet.LONG,
        () ->
            net.status(agent).hasPath("key-exchange.problem")
                && net.status(agent)
                    .getString("key-exchange.problem")
                    .contains("no matching peer config found"));
    assertThat(careOf()).isEmpty();
    assertThat(net.stop(mobile)).isZero();

    mobile = net.startMipd("mn", configuration("mn", "mobile-node.conf", OF_MOBILE, ""));
    registered("a");
    reachable("at a");
    assertThat(keys(agent).hasPath("problem")).isFalse();
    assertThat(net.said("mn") + net.said("ha")).doesNotContain(SECRET).doesNotContain("another");
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

package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.typesafe.config.Config;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One mobile node has two home addresses, each registered and tunnelled by itself (RFC 6275 section
 * 11.7.1); what one of them does, the other does as well.
 */
@Tag("root")
@Tag("kernel")
class SeveralHomeAddressesTest {
  private static final ImmutableList<String> HOMES =
      ImmutableList.of(TestNet.HOME_ADDRESS, "2001:db8:1::200");
  private static final int ENOUGH = 10;

  private static final String FURTHER_PROTECTION =
      """
      protection {
        keys = further.keys
        signalling { to-home-agent = 0x2001, to-mobile-node = 0x2002 }
        prefix-discovery { to-home-agent = 0x2007, to-mobile-node = 0x2008 }
        return-routability { to-home-agent = 0x2003, to-mobile-node = 0x2004 }
        payload { to-home-agent = 0x2005, to-mobile-node = 0x2006 }
      }
      """;

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @BeforeEach
  void build() throws Exception {
    net = TestNet.create(folder);
    String keys = TestNet.sampleKeys().replace("0x100", "0x200").replace("0f0e", "2f2e");
    net.keys("ha", "further.keys", keys);
    net.keys("mn", "further.keys", keys);
  }

  @AfterEach
  void takeDown() throws IOException {
    net.close();
  }

  private static String further(String protection) {
    return "{ home-address = \"%s\"\n%s }\n".formatted(HOMES.get(1), protection);
  }

  private Mipd startAgent(String protection, String... changes) throws Exception {
    return net.startMipd(
        "ha",
        net.configuration(
            "ha",
            "home-agent.conf",
            with(changes, "mobile-nodes = [", "mobile-nodes = [\n" + further(protection))));
  }

  private Mipd startMobile(String protection, String... changes) throws Exception {
    return net.startMipd(
        "mn",
        net.configuration(
            "mn",
            "mobile-node.conf",
            with(
                changes,
                "mobile-node {",
                "mobile-node {\n"
                    + "  route-optimization { enabled = on }\n"
                    + "  further-home-addresses = [\n"
                    + further(protection)
                    + "]\n")));
  }

  private static String[] with(String[] changes, String... more) {
    return ImmutableList.<String>builder().add(changes).add(more).build().toArray(new String[0]);
  }

  private void startPings() throws Exception {
    for (String home : HOMES) {
      net.start("cn", "ping " + home, "ping", "-n", "-i", "0.1", home);
    }
  }

  private int replies(String home) throws Exception {
    return net.said("ping " + home).split("bytes from", -1).length - 1;
  }

  private void awaitPings(String where) throws Exception {
    for (String home : HOMES) {
      int enough = replies(home) + ENOUGH;
      net.until("pings of " + home + " " + where, TestNet.LONG, () -> replies(home) >= enough);
    }
  }

  private boolean isBound(Mipd agent, String link) throws Exception {
    List<? extends Config> bindings = net.status(agent).getConfigList("bindings");
    return bindings.size() == HOMES.size()
        && bindings.stream()
            .allMatch(it -> it.getString("care-of-address").startsWith("2001:db8:" + link + ":"));
  }

  private boolean isOptimized(Mipd mobile, String link) throws Exception {
    List<? extends Config> routes = net.status(mobile).getConfigList("routes");
    return routes.stream()
            .filter(it -> it.getString("state").equals("optimized"))
            .filter(it -> it.getString("care-of-address").startsWith("2001:db8:" + link + ":"))
            .map(it -> it.getString("home-address"))
            .distinct()
            .count()
        == HOMES.size();
  }

  private boolean isFromHome(byte[] packet) {
    return HOMES.contains(Ipv6Address.read(packet, 8).toString());
  }

  @Test
  void eachIsRegisteredAndOptimizedFromLinkToLinkAndHomeAgain() throws Exception {
    Map<String, ImmutableSet<String>> before = new LinkedHashMap<>();
    for (String node : List.of("ha", "cn")) {
      before.put(node, net.system(node));
    }
    net.plug("h");
    Mipd agent = startAgent(FURTHER_PROTECTION);
    Mipd mobile = startMobile(FURTHER_PROTECTION);
    Mipd peer = net.startMipd("cn", net.configuration("cn", "correspondent.conf"));
    startPings();
    awaitPings("at home");
    assertThat(net.status(mobile).getBoolean("registration.at-home")).isTrue();
    for (String link : List.of("a", "b")) {
      try (PacketLog foreign = PacketLog.start(net, "r", "e" + link, "link-" + link)) {
        net.plug(link);
        net.until("both are bound at " + link, TestNet.LONG, () -> isBound(agent, link));
        net.until("both are optimized at " + link, TestNet.LONG, () -> isOptimized(mobile, link));
        assertThat(net.status(peer).getConfigList("correspondent-bindings")).hasSize(2);
        awaitPings("at " + link);
        assertThat(foreign.packets(this::isFromHome)).isEmpty();
      }
      assertThat(net.status(mobile).getConfigList("further-registrations"))
          .singleElement()
          .satisfies(
              it -> {
                assertThat(it.getString("home-address")).isEqualTo(HOMES.get(1));
                assertThat(it.getString("care-of-address"))
                    .isEqualTo(net.status(mobile).getString("registration.care-of-address"));
              });
      assertThat(net.status(mobile).getObject("places").values())
          .allMatch(it -> it.unwrapped().equals("away"));
    }
    net.plug("h");
    net.until(
        "no binding is left",
        TestNet.LONG,
        () ->
            net.status(agent).getConfigList("bindings").isEmpty()
                && net.status(peer).getConfigList("correspondent-bindings").isEmpty());
    awaitPings("at home again");
    for (Mipd mipd : List.of(mobile, agent, peer)) {
      assertThat(net.stop(mipd)).isZero();
    }
    for (var one : before.entrySet()) {
      net.awaitSystem(one.getKey(), one.getValue());
    }
  }

  /** Their plain tunnels are one device where the kernel has them. */
  @Test
  @Tag("slow-in-guest")
  void eachHasItsTunnelWithoutEsp() throws Exception {
    String plain = FURTHER_PROTECTION.replaceAll("payload .*\n", "");
    String line = "payload { to-home-agent = 0x1005, to-mobile-node = 0x1006 }";
    net.plug("a");
    Mipd agent = startAgent(plain, line, "");
    Mipd mobile = startMobile(plain, line, "");
    net.until("both are bound at a", TestNet.LONG, () -> isBound(agent, "a"));
    startPings();
    awaitPings("at a");
    net.plug("b");
    net.until("both are bound at b", TestNet.LONG, () -> isBound(agent, "b"));
    awaitPings("at b");
    net.plug("h");
    net.until(
        "no binding is left",
        TestNet.LONG,
        () -> net.status(agent).getConfigList("bindings").isEmpty());
    awaitPings("at home");
    assertThat(net.stop(mobile)).isZero();
    assertThat(net.stop(agent)).isZero();
  }

  /** A daemon that is killed leaves a guard for each, and its successor goes on with both. */
  @Test
  @Tag("slow-in-guest")
  void bothAreGuardedAndTakenOverAfterACrash() throws Exception {
    net.plug("a");
    Mipd agent = startAgent(FURTHER_PROTECTION);
    Mipd mobile = startMobile(FURTHER_PROTECTION);
    net.until("both are bound at a", TestNet.LONG, () -> isBound(agent, "a"));
    mobile.process().destroyForcibly().waitFor();
    String rules = net.ip("mn", "-6", "rule");
    for (String home : HOMES) {
      assertThat(rules).containsPattern("from " + home + " blackhole");
    }
    startMobile(FURTHER_PROTECTION);
    startPings();
    awaitPings("after the crash");
  }
}

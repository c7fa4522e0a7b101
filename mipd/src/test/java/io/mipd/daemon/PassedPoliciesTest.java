package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.control.ControlRequest;
import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.model.Ipv6Address;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** IPsec policies of the kernel's own beside the engine: its kernel need not have ESP for that. */
@Tag("root")
class PassedPoliciesTest {
  /** The home agent's other address. */
  private static final String PEER = "2001:db8:f::1";

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private TestNet net;

  @BeforeEach
  void build() throws Exception {
    net = TestNet.create(folder);
  }

  @AfterEach
  void takeDown() throws java.io.IOException {
    net.close();
  }

  private Mipd registered() throws Exception {
    net.plug("a");
    net.startMipd("ha", net.configuration("ha", "home-agent.conf"));
    Mipd mobile = net.startMipd("mn", net.configuration("mn", "mobile-node.conf"));
    net.until("the peer answers", TestNet.LONG, () -> net.succeeds("mn", ping()));
    return mobile;
  }

  private static String ping() {
    return "ping -n -c 1 -W 1 -I " + TestNet.HOME_ADDRESS + " " + PEER;
  }

  private long findings(Mipd mipd) throws Exception {
    return net.ask(mipd, ControlRequest.of("events")).getConfigList("events").stream()
        .filter(it -> it.getString("kind").equals("finding"))
        .filter(it -> it.getString("words").startsWith("the kernel's own policy "))
        .count();
  }

  /** As the kernel has no association for it, nothing comes as far as the engine. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "tmpl src " + TestNet.HOME_ADDRESS + " dst " + PEER + " proto esp reqid 9 mode tunnel",
        "action block"
      })
  void whatTheKernelProtectsItselfDoesNotPassBeforeItHas(String how) throws Exception {
    Mipd mobile = registered();
    String selector = " src " + TestNet.HOME_ADDRESS + " dst " + PEER + " dir out ";
    net.in("mn", "ip xfrm policy add" + selector + how);
    long before = net.status(mobile).getLong("counters.sent");
    assertThat(net.succeeds("mn", ping())).isFalse();
    assertThat(net.status(mobile).getLong("counters.sent")).isEqualTo(before);
    assertThat(net.succeeds("mn", ping().replace(PEER, TestNet.CORRESPONDENT)))
        .as("others pass")
        .isTrue();
    net.in("mn", "ip xfrm policy delete" + selector);
    assertThat(net.succeeds("mn", ping())).isTrue();
    assertThat(findings(mobile)).as("it is for the home address only").isZero();
  }

  /** Told of once, also when it comes or begins to matter while the daemon runs. */
  @Test
  void aPolicyForTheTunnelsPacketsIsToldOf() throws Exception {
    Mipd mobile = registered();
    String careOf = net.status(mobile).getString("registration.care-of-address");
    assertThat(Ipv6Address.parse(careOf).toString()).startsWith("2001:db8:a:");
    for (String link : List.of("a", "b")) {
      net.in(
          "mn",
          "ip xfrm policy add src 2001:db8:%s::/64 dst ::/0 proto esp dir out tmpl proto ah"
              .formatted(link));
    }
    net.until("the first is told of", TestNet.LONG, () -> findings(mobile) == 1);
    // A change beside it does not tell of it again.
    net.in("mn", "ip xfrm policy add src 2001:db8:9::1 dst ::/0 dir out action block");
    net.plug("b");
    net.until("the second is told of", TestNet.LONG, () -> findings(mobile) == 2);
    net.until("mipd passes both by", TestNet.LONG, () -> net.succeeds("mn", ping()));
  }
}

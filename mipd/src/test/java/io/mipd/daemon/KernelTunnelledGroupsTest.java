package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.daemon.TestNet.Mipd;
import io.mipd.xfrm.linux.RawSender;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same in the kernel world: a guest takes minutes for it. */
@Tag("kernel")
@Tag("long")
class KernelTunnelledGroupsTest extends TunnelledGroupsTest {
  /**
   * Somebody takes all IPsec policies of the home agent's kernel away, and at once sends in the
   * name of a mobile node: what no policy has looked at is not believed.
   */
  @Test
  void whatComesWhileTheKernelHasNoPoliciesIsNotBelieved() throws Exception {
    away(true);
    perl("x", "other listener", LISTENER, index("x"));
    perl("mn", "mobile talker", TALKER, "from-afar");
    awaitMore("spoken from afar", "other listener", TestNet.HOME_ADDRESS + " from-afar");
    try (PacketLog homeLink = PacketLog.start(net, "x", "eth0", "home link");
        RawSender forger = forger("r", "eh")) {
      for (int i = 0; i < ENOUGH; i++) {
        net.ip("ha", "xfrm", "policy", "flush");
        forge(forger);
        awaitMore("spoken again", "other listener", TestNet.HOME_ADDRESS + " from-afar");
      }
      assertThat(homeLink.shows("forged")).isFalse();
      assertThat(net.in("ha", "ip maddr show dev eth1")).doesNotContain(OTHER_GROUP);
    }
  }

  /** What the home agent passes on is of the sender's flow with the home address. */
  @ParameterizedTest(name = "in ESP: {0}")
  @ValueSource(booleans = {true, false})
  void aUsersPolicyThatNamesTheProtocolIsAsked(boolean esp) throws Exception {
    Mipd agent = heardAway(esp).agent();
    assertThat(discarded(agent, "out-policy-block")).isZero();
    net.in(
        "ha",
        "ip xfrm policy add src %s dst %s proto udp dir out priority 1 action block"
            .formatted(HOST, TestNet.HOME_ADDRESS));
    net.until("blocked", TestNet.LONG, () -> discarded(agent, "out-policy-block") > 0);
  }
}

package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.source.PolicyWords;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ClearTextGuardTest {
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");

  private static String rules(String... policies) {
    var user = ImmutableList.<Policy>builder();
    for (String policy : policies) {
      user.add(PolicyWords.parse(policy));
    }
    return new ClearTextGuard("mipd0", user.build(), Optional.of(AGENT)).chain();
  }

  @Test
  void dropsWhatIsToBeProtectedInTheOrderOfThePolicies() {
    String chain =
        rules(
            "src 2001:db8:1::/64 dir out priority 5 tmpl proto esp reqid 1",
            "src 2001:db8:1::1 proto tcp dport 22 mark 0x1/0xff dir out priority 3",
            "dst 2001:db8:bad::/48 proto ipv6-icmp type 128 code 0 dir out priority 4 action block",
            "proto udp sport 1024/0xff00 dir out priority 6 tmpl proto ah reqid 1 level use");
    assertThat(chain.lines().skip(9).map(String::strip))
        .containsExactly(
            "ip6 saddr 2001:db8:1::1/128 ip6 daddr ::/0 meta l4proto 6 tcp dport 22 meta mark & 255"
                + " == 1 accept",
            "ip6 saddr ::/0 ip6 daddr 2001:db8:bad::/48 meta l4proto 58 icmpv6 type 128 icmpv6 code"
                + " 0 drop",
            "ip6 saddr 2001:db8:1::/64 ip6 daddr ::/0 drop",
            "ip6 saddr ::/0 ip6 daddr ::/0 meta l4proto 17 udp sport & 65280 == 1024 accept",
            "}");
  }

  @Test
  void dropsWhatComesWithoutTheProtectionThatItIsToHave() {
    String chain =
        rules(
            "src 2001:db8:c::2 dir in priority 5 tmpl proto esp reqid 1",
            "src 2001:db8:c::2 proto tcp sport 22 dir in priority 4");
    assertThat(chain.lines().map(String::strip))
        .containsExactly(
            "chain input {",
            "type filter hook input priority raw; policy accept;",
            "iifname { \"mipd0\", \"lo\" } accept",
            "meta l4proto { 50, 51, 135 } accept",
            "icmpv6 type { 1-127, 130-137, 143-145 } accept",
            "ip6 saddr 2001:db8:1::1 udp sport 500 udp dport 500 accept",
            "ip6 saddr 2001:db8:1::1 udp sport 4500 udp dport 4500 accept",
            "ip6 daddr 2001:db8:1::1 udp sport 500 udp dport 500 accept",
            "ip6 daddr 2001:db8:1::1 udp sport 4500 udp dport 4500 accept",
            "ip6 saddr 2001:db8:c::2/128 ip6 daddr ::/0 meta l4proto 6 tcp sport 22 accept",
            "ip6 saddr 2001:db8:c::2/128 ip6 daddr ::/0 drop",
            "}");
  }

  /** The device takes no mark along, and by another policy it might get there. */
  @Test
  void whatIsToBeProtectedForItsMarkDoesNotEnterTheDevice() {
    String chain = rules("src 2001:db8:1::1 mark 0x1/0xff dir out tmpl proto esp reqid 1");
    assertThat(chain.lines().skip(2).map(String::strip))
        .startsWith(
            "oifname \"mipd0\" ip6 saddr 2001:db8:1::1/128 ip6 daddr ::/0 meta mark & 255 == 1 drop",
            "oifname { \"mipd0\", \"lo\" } accept");
  }

  @Test
  void dropsWhatIsToBePassedOnWithoutTheProtectionThatItIsToHave() {
    String chain = rules("src 2001:db8:c::2 dir fwd priority 5 tmpl proto esp reqid 1");
    assertThat(chain.lines().map(String::strip))
        .contains("chain forward {", "ip6 saddr 2001:db8:c::2/128 ip6 daddr ::/0 drop")
        .doesNotContain("chain input {", "meta l4proto { 50, 51, 135 } accept");
  }

  @Test
  void whereNothingIsProtectedThereIsNoChain() {
    assertThat(rules("dir out", "dir in", "dir fwd tmpl proto esp reqid 1 level use")).isEmpty();
    assertThat(rules("proto mh type 5 dir out action block")).isEmpty();
  }
}

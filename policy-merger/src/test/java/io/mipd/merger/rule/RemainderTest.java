package io.mipd.merger.rule;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.merger.source.PolicyWords;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Selector;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is left of a selector without another: each piece shows a flow that there can be. */
class RemainderTest {
  private static final String ENDS = "src 2001:db8:1::10 dst ::/0 ";

  private static Selector selector(String words) {
    return PolicyWords.parse(ENDS + words + " dir out priority 1").selector();
  }

  private static List<Flow> witnesses(Selector whole, Selector without) {
    var found = new ArrayList<Flow>();
    boolean taken =
        Remainder.of(whole)
            .anyWithout(
                without,
                piece -> {
                  found.add(piece.witness());
                  return false;
                });
    assertThat(taken).isFalse();
    return found;
  }

  @ParameterizedTest
  @CsvSource({
    "proto 135, proto 135 type 5",
    "proto ipv6-icmp, proto ipv6-icmp type 128",
    "proto ipv6-icmp, proto ipv6-icmp type 128 code 3",
    "proto ipv6-icmp type 128, proto ipv6-icmp type 128 code 3",
    "proto udp, proto udp sport 1024",
    "proto udp, proto udp dport 443",
    "proto udp, proto udp sport 1024 dport 443",
    "proto udp dport 443, proto udp sport 1024",
    "proto udp sport 1024, proto udp dport 443",
    "proto udp, proto udp dport 443 mark 1 mask 1",
    "'', proto udp dport 443",
    "'', proto 135 type 5"
  })
  void eachWitnessIsAFlowOfTheRest(String whole, String without) {
    Selector all = selector(whole);
    Selector other = selector(without);
    assertThat(witnesses(all, other))
        .isNotEmpty()
        .allMatch(all::matches)
        .noneMatch(other::matches)
        .allMatch(
            flow -> (flow.sourcePort() == Flow.NO_PORT) == (flow.destinationPort() == Flow.NO_PORT))
        .allMatch(flow -> IpProtocol.hasPorts(flow.protocol()) || flow.sourcePort() <= 0xff)
        .noneMatch(flow -> flow.toString().contains("-1") || flow.toString().contains("opaque"));
  }

  @Test
  void messagesOfAnotherTypeAreShownBeforeThoseWhoseTypeIsNotSeen() {
    List<Flow> found = witnesses(selector("proto 135"), selector("proto 135 type 5"));
    assertThat(found).hasSize(9);
    assertThat(found.get(0)).hasToString("2001:db8:1::10 > :: mobility-header type 128");
    assertThat(found.get(8)).hasToString("2001:db8:1::10 > :: mobility-header");
  }

  @Test
  void portsThatAreNotSeenAreBothNotSeen() {
    List<Flow> found = witnesses(selector("proto udp"), selector("proto udp dport 443"));
    assertThat(found).hasSize(17);
    assertThat(found.get(0)).hasToString("2001:db8:1::10 > :: udp");
    assertThat(found.get(1)).hasToString("2001:db8:1::10 > :: udp 0 > 32768");
  }
}

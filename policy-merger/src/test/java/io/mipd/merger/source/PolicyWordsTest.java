package io.mipd.merger.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.base.Splitter;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PolicyWordsTest {
  private static final Ipv6Address H = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address P = Ipv6Address.parse("2001:db8:c::2");
  private static final Selector SSH =
      Selector.between(Ipv6Prefix.host(H), Ipv6Prefix.parse("2001:db8:c::/64"))
          .withProtocol(IpProtocol.TCP)
          .withPorts(PortMatch.ANY, PortMatch.exactly(22))
          .withMark(new Mark(1, 0xff));

  /** As {@code ip xfrm policy} of iproute2 6.1 prints it, its line breaks and tabs included. */
  @Test
  void readsWhatIpXfrmPrints() {
    assertThat(
            PolicyWords.parse(
                """
                src 2001:db8:1::10/128 dst 2001:db8:c::/64 proto tcp dport 22
                \tdir out priority 100 ptype main
                \tmark 0x1/0xff
                \ttmpl src 2001:db8:1::10 dst 2001:db8:c::2
                \t\tproto esp spi 0x00001001 reqid 7 mode tunnel
                \ttmpl src :: dst ::
                \t\tproto ah reqid 8 mode transport
                \t\tlevel use
                """))
        .isEqualTo(
            Policy.allow(
                SSH,
                Direction.OUT,
                100,
                Bundle.of(
                    new Template(
                        TransformProtocol.ESP,
                        io.mipd.xfrm.model.Mode.TUNNEL,
                        H,
                        P,
                        new ReqId(7),
                        new io.mipd.xfrm.model.Spi(0x1001),
                        false),
                    Template.transport(TransformProtocol.AH, new ReqId(8)).asOptional())));
  }

  @Test
  void readsWhatItWritesAndWhatPoliciesPrint() {
    Policy tunnels =
        Policy.allow(
            SSH,
            Direction.FWD,
            1000,
            Bundle.of(
                Template.tunnel(TransformProtocol.ESP, H, P, new ReqId(7)),
                Template.ipv6InIpv6(P, H),
                Template.homeAddressOption(H, P).asOptional()));
    Policy message =
        Policy.block(Selector.between(P, H).withType(IpProtocol.MOBILITY, 5), Direction.IN, 2);
    for (Policy policy : new Policy[] {tunnels, message}) {
      assertThat(PolicyWords.parse(PolicyWords.of(policy))).isEqualTo(policy);
      assertThat(PolicyWords.parse(policy.toString())).isEqualTo(policy);
    }
  }

  @Test
  void readsAPacket() {
    assertThat(flow("src 2001:db8:1::10 dst 2001:db8:c::2 proto tcp sport 1234 dport 443 mark 7"))
        .isEqualTo(new Flow(H, P, IpProtocol.TCP, 1234, 443, 7, 0));
    assertThat(flow("src 2001:db8:1::10 dst 2001:db8:c::2 proto mh type 5"))
        .isEqualTo(Flow.mobility(H, P, 5));
    assertThat(flow("src 2001:db8:1::10 dst 2001:db8:c::2 proto icmpv6 type 128"))
        .isEqualTo(Flow.icmpv6(H, P, 128, 0));
    assertThat(flow("src 2001:db8:1::10 dst 2001:db8:c::2"))
        .isEqualTo(Flow.of(H, P, IpProtocol.NO_NEXT_HEADER));
  }

  private static Flow flow(String words) {
    return PolicyWords.parseFlow(Splitter.on(' ').split(words));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "src 2001:db8::1 dst 2001:db8::2|dir is missing; allowed: dir in, dir out, dir fwd",
        "dir out proto tcp type 5|type needs proto ipv6-icmp or mobility-header",
        "dir out dport 5|sport and dport need a proto that has them",
        "dir out tmpl mode tunnel|a tmpl has no proto; allowed: esp",
        "dir sideways|dir sideways; allowed: in, out, fwd",
        "dir out colour red|unknown: \"colour\"; allowed: src, dst",
        "dir out priority|a value is missing behind \"priority\"",
        "dir out priority x|not a number: \"x\"",
        "dir out mark 3/1|mark 3/1 has bits outside its mask",
        "dir out action block tmpl proto esp|a policy that blocks has no tmpl",
        "dir out src 2001:db8::1/64|has bits beyond its prefix length"
      })
  void saysWhatIsWrong(String words, String why) {
    assertThatThrownBy(() -> PolicyWords.parse(words))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(why);
  }
}

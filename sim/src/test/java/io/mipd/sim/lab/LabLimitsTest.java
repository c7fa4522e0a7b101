package io.mipd.sim.lab;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mipd.daemon.ConfigurationException;
import io.mipd.sim.scenario.Library;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LabLimitsTest {
  private static void check(Library.Source source) throws ConfigurationException {
    LabLimits.check(source, source.read());
  }

  @Test
  void theReadyOneIsForBoth() {
    assertThatCode(() -> check(Library.find("lab-handover"))).doesNotThrowAnyException();
  }

  /** The message tells where, what, and what to write in its place. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "links.wan.mtu | 1400 | links.wan.mtu: an MTU of its own; allowed: 1500",
        "links.wan.reordering.probability | 0.1 | links.wan.reordering: the lab's lines keep the"
            + " order",
        "links.b.delay | 1ms | links.b: delay, rate, loss or bursts on a link of [arb, cn, mn]",
        "mobile-nodes.mn.count | 2 | mobile-nodes.mn.count: a group of nodes; allowed: 1",
        "mobile-nodes.mn.optimistic-dad | off | mobile-nodes.mn.optimistic-dad: the lab's",
        "routers.ara.advertise.a.answer-within | 500ms | routers.ara.advertise.a.answer-within: the"
            + " lab's radvd",
        "routers.ara.advertise.a.unicast-answers | off | routers.ara.advertise.a.unicast-answers:"
            + " the lab's radvd",
        "routers.ara.advertise.a.interval-option | off | routers.ara.advertise.a.interval-option:"
            + " radvd",
        "traffic | [{kind=tcp,from=mn,to=cn}] | traffic.kind: the simulator's model of TCP",
        "faults | [{kind=partition,at=1s,link=wan,for=1s}] | faults.kind: no fault of the lab's:"
            + " partition",
      })
  void whatALabCannotDoIsNamed(String key, String value, String message) throws Exception {
    Library.Source source = Library.find("lab-handover").with(key, value);
    Library.Source other =
        key.equals("links.b.delay")
            ? source.with("hosts.cn", "{ link = b, address = \"2001:db8:b::c\" }")
            : source;
    assertThatThrownBy(() -> check(other))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(message);
  }
}

package io.mipd.merger.linux;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.host.Datagram;
import io.mipd.xfrm.host.Dissection;
import io.mipd.xfrm.host.EngineHost;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** By the model, what Linux makes of two policies; the merger makes what is right. */
class TwoTypesTest {
  static ImmutableList<Rows.Row> rows() {
    return Rows.ALL;
  }

  /** As the engine does it: none of these has AH, so that order of work is order of headers. */
  private static String wire(Bundle bundle) {
    var host = new EngineHost(ImmutableMap.of(Rows.H, Role.HOME, Rows.C, Role.LINK));
    Rows.ASSOCIATIONS.forEach(one -> done(host, new XfrmCommand.AddAssociation(one)));
    done(host, new XfrmCommand.PutRouteOptimization(Rows.STATE));
    done(
        host,
        new XfrmCommand.AddPolicy(
            Policy.allow(Selector.between(Rows.H, Rows.P), Direction.OUT, 1, bundle)));
    byte[] packet = host.sends(Datagram.udp(Rows.H, Rows.P, "x")).get(0);
    return Dissection.of(packet, Rows.NAMES, Rows.ASSOCIATIONS).chain();
  }

  private static void done(EngineHost host, XfrmCommand command) {
    assertThat(host.apply(command)).isEqualTo(XfrmReply.DONE);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void theModelMakesOfTwoPolicies(Rows.Row row) {
    assertThat(wire(row.linux().outbound(Rows.FLOW).orElseThrow())).isEqualTo(row.wire());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void theMergerMakesOfTheSame(Rows.Row row) {
    assertThat(wire(row.merged().bundle())).isEqualTo(row.right());
  }

  @Test
  void onlyBySortOrWithoutATunnelIsItRight() {
    assertThat(Rows.ALL)
        .filteredOn(Rows.Row::isRight)
        .extracting(Rows.Row::name)
        .containsExactly(
            "the user's sub, mobility's main: right by luck of the sort",
            "route optimized: the user's transport main, the option sub",
            "route optimized: the user's transport sub, the option main");
  }
}

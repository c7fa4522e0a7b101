package io.mipd.merger.linux;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.host.Datagram;
import io.mipd.xfrm.host.Dissection;
import io.mipd.xfrm.host.KernelHost;
import io.mipd.xfrm.model.Policy;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The kernel does with two policies what the model says, and with the merged one what is right. A
 * kernel without CONFIG_XFRM_SUB_POLICY fails the test.
 */
@Tag("kernel")
class TwoTypesKernelTest {
  private static KernelHost host;

  static ImmutableList<Rows.Row> rows() {
    return Rows.ALL;
  }

  @BeforeAll
  static void open() throws Exception {
    host = KernelHost.create(ImmutableMap.of(Rows.H, Role.HOME, Rows.C, Role.LINK));
  }

  @AfterAll
  static void close() {
    host.close();
  }

  @BeforeEach
  void reset() throws Exception {
    host.namespace().sh("ip xfrm policy flush ptype sub; ip xfrm policy flush ptype main");
    host.reset();
    Rows.ASSOCIATIONS.forEach(one -> done(new XfrmCommand.AddAssociation(one)));
    done(new XfrmCommand.PutRouteOptimization(Rows.STATE));
  }

  private static void done(XfrmCommand command) {
    assertThat(host.apply(command)).isEqualTo(XfrmReply.DONE);
  }

  private static void install(Policy policy, String type) throws Exception {
    host.namespace()
        .sh(
            ("ip xfrm policy add src " + policy.selector().source())
                + (" dst " + policy.selector().destination() + " dir out ptype " + type)
                + (" priority " + policy.priority())
                + (" tmpl " + policy.bundle().templates().get(0)));
  }

  private static String wire() throws Exception {
    byte[] packet = host.sends(Datagram.udp(Rows.H, Rows.P, "x")).get(0);
    return Dissection.of(packet, Rows.NAMES, Rows.ASSOCIATIONS).chain();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void linuxMakesOfTwoPolicies(Rows.Row row) throws Exception {
    for (Policy policy : row.linux().main()) {
      install(policy, "main");
    }
    for (Policy policy : row.linux().sub()) {
      install(policy, "sub");
    }
    assertThat(wire()).isEqualTo(row.wire());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void linuxMakesOfTheMergedOne(Rows.Row row) throws Exception {
    done(new XfrmCommand.AddPolicy(row.merged()));
    assertThat(wire()).isEqualTo(row.right());
  }
}

package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.netlink.Ipv6Tunnel;
import io.mipd.xfrm.netlink.Link;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Devices that not every kernel has: {@code ip6tnl} and {@code dummy}. */
@Tag("kernel")
class TunnelKernelTest {
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:a::10");

  private TestNamespace namespace;
  private Rtnetlink rtnetlink;

  @BeforeEach
  void open() throws Exception {
    namespace = TestNamespace.create();
    rtnetlink = namespace.within(Rtnetlink::open);
  }

  @AfterEach
  void close() {
    rtnetlink.close();
    namespace.close();
  }

  @Test
  void aTunnelIsMadeOnceAndRemoved() throws Exception {
    var wanted = Ipv6Tunnel.between("mipd1", AGENT, CARE_OF);
    rtnetlink.addTunnel(wanted);

    assertThat(namespace.sh("ip -d link show mipd1").replaceAll("\\s+", " "))
        .contains(
            "ip6tnl ip6ip6 remote 2001:db8:a::10 local 2001:db8:1::1 hoplimit 64 encaplimit none"
                + " tclass inherit");

    assertThatThrownBy(() -> rtnetlink.addTunnel(wanted)).hasMessageContaining("EEXIST");
    assertThatThrownBy(() -> rtnetlink.addTunnel(Ipv6Tunnel.between("mipd2", AGENT, CARE_OF)))
        .hasMessageContaining("EEXIST");

    rtnetlink.removeLink(rtnetlink.link("mipd1").orElseThrow().index());
    assertThat(rtnetlink.link("mipd1")).isEmpty();
  }

  @Test
  void aTunnelMayUseOneInterfaceOnly() throws Exception {
    rtnetlink.addDummy("mipd0");
    Link lower = rtnetlink.link("mipd0").orElseThrow();
    assertThat(namespace.sh("ip -d link show mipd0")).contains("dummy");

    rtnetlink.addTunnel(Ipv6Tunnel.between("mipd1", AGENT, CARE_OF).over(lower.index()));

    assertThat(namespace.sh("ip link show mipd1")).contains("mipd1@mipd0");
  }
}

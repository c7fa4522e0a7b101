package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.netlink.Ipv6Tunnel;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.Route;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Devices that not every kernel has: {@code ip6tnl} and {@code dummy}. */
@Tag("kernel")
class TunnelKernelTest {
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:a::10");
  private static final Ipv6Address NEW_CARE_OF = Ipv6Address.parse("2001:db8:b::10");

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

  private Ipv6Tunnel tunnel(String name) throws Exception {
    return rtnetlink.tunnels().stream()
        .filter(one -> one.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aTunnelIsMadeChangedInPlaceAndRemoved() throws Exception {
    var wanted = Ipv6Tunnel.between("mipd1", AGENT, CARE_OF);
    rtnetlink.addTunnel(wanted);

    assertThat(namespace.sh("ip -d link show mipd1").replaceAll("\\s+", " "))
        .contains(
            "ip6tnl ip6ip6 remote 2001:db8:a::10 local 2001:db8:1::1 hoplimit 64 encaplimit none"
                + " tclass inherit");
    var made = tunnel("mipd1");
    assertThat(made.at(0)).isEqualTo(wanted);
    rtnetlink.setUp(made.interfaceIndex(), true);
    rtnetlink.addRoute(Route.via(made.interfaceIndex(), Ipv6Prefix.parse("2001:db8:9::/64")));

    rtnetlink.changeTunnel(made.withEnds(AGENT, NEW_CARE_OF));

    assertThat(tunnel("mipd1")).isEqualTo(made.withEnds(AGENT, NEW_CARE_OF));
    assertThat(namespace.sh("ip -d link show mipd1"))
        .contains("remote 2001:db8:b::10", "encaplimit none", "hoplimit 64", "tclass inherit");
    assertThat(namespace.sh("ip -6 route show 2001:db8:9::/64")).contains("dev mipd1");

    assertThatThrownBy(() -> rtnetlink.addTunnel(wanted)).hasMessageContaining("EEXIST");
    assertThatThrownBy(() -> rtnetlink.addTunnel(Ipv6Tunnel.between("mipd2", AGENT, NEW_CARE_OF)))
        .hasMessageContaining("EEXIST");

    rtnetlink.removeLink(made.interfaceIndex());
    assertThat(rtnetlink.link("mipd1")).isEmpty();
  }

  @Test
  void aTunnelMayUseOneInterfaceOnly() throws Exception {
    rtnetlink.addDummy("mipd0");
    Link lower = rtnetlink.link("mipd0").orElseThrow();
    assertThat(namespace.sh("ip -d link show mipd0")).contains("dummy");

    rtnetlink.addTunnel(Ipv6Tunnel.between("mipd1", AGENT, CARE_OF).over(lower.index()));

    assertThat(tunnel("mipd1").lowerIndex()).isEqualTo(lower.index());
    assertThat(namespace.sh("ip link show mipd1")).contains("mipd1@mipd0");
  }
}

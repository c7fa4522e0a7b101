package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.netlink.AddressFlag;
import io.mipd.xfrm.netlink.InterfaceAddress;
import io.mipd.xfrm.netlink.Link;
import io.mipd.xfrm.netlink.MacAddress;
import io.mipd.xfrm.netlink.Neighbour;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.netlink.RoutingRule;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What rtnetlink is told is read back with {@code ip}, which is not ours. */
@Tag("root")
class RtnetlinkRootTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Prefix ANY = Ipv6Prefix.ANY;

  private TestNamespace here;
  private TestNamespace there;
  private Rtnetlink rtnetlink;
  private int v0;

  @BeforeEach
  void connect() throws Exception {
    TestNamespace.require("ip", "sysctl");
    here = TestNamespace.create();
    there = TestNamespace.create();
    TestNamespace.connect(here, "v0", there, "v1");
    v0 = here.index("v0");
    rtnetlink = here.within(Rtnetlink::open);
  }

  @AfterEach
  void disconnect() {
    if (rtnetlink != null) {
      rtnetlink.close();
      there.close();
      here.close();
    }
  }

  @Test
  void interfacesGoUpAndDownAndAreFoundByNameAndNumber() throws Exception {
    assertThat(rtnetlink.link("v0").orElseThrow().isRunning()).isTrue();
    assertThat(rtnetlink.link("nosuch")).isEmpty();
    assertThat(rtnetlink.link(4711)).isEmpty();

    rtnetlink.setUp(v0, false);
    assertThat(here.sh("ip -br link show v0")).contains("DOWN");
    assertThat(rtnetlink.link(v0).orElseThrow().isUp()).isFalse();

    rtnetlink.setUp(v0, true);
    rtnetlink.setMtu(v0, 1400);
    assertThat(here.sh("ip link show v0")).contains("UP").contains("mtu 1400");

    var link = rtnetlink.link("v0").orElseThrow();
    assertThat(here.sh("cat /sys/class/net/v0/address").strip())
        .isEqualTo(link.address().orElseThrow().toString());
    assertThat(rtnetlink.links()).extracting(Link::name).contains("lo", "v0");

    rtnetlink.removeLink(v0);
    assertThat(rtnetlink.link("v0")).isEmpty();
  }

  @Test
  void addressesCarryTheirFlagsAndLifetimes() throws Exception {
    rtnetlink.addAddress(
        InterfaceAddress.permanent(v0, HOME, 64, AddressFlag.NODAD, AddressFlag.HOMEADDRESS));
    assertThat(here.sh("ip -6 addr show dev v0"))
        .contains("inet6 2001:db8:1::100/64 scope global nodad home");

    rtnetlink.replaceAddress(
        new InterfaceAddress(v0, HOME, 64, ImmutableSet.of(AddressFlag.NODAD), 300, 600));
    assertThat(here.sh("ip -6 addr show dev v0"))
        .containsPattern("valid_lft (600|599)sec preferred_lft (300|299)sec");

    var address =
        rtnetlink.addresses().stream()
            .filter(candidate -> candidate.address().equals(HOME))
            .findFirst()
            .orElseThrow();
    assertThat(address.isUsable()).isTrue();
    assertThat(address.validSeconds()).isBetween(595L, 600L);

    assertThat(rtnetlink.removeAddress(v0, HOME, 64)).isTrue();
    assertThat(rtnetlink.removeAddress(v0, HOME, 64)).isFalse();
    assertThat(here.sh("ip -6 addr show dev v0")).doesNotContain("2001:db8:1::100");
  }

  @Test
  void refusalsCarryTheKernelsOwnWords() throws Exception {
    var address = InterfaceAddress.permanent(v0, HOME, 64, AddressFlag.NODAD);
    rtnetlink.addAddress(address);

    assertThatThrownBy(() -> rtnetlink.addAddress(address))
        .isInstanceOfSatisfying(
            NetlinkException.class,
            e -> {
              assertThat(e.errno()).isEqualTo("EEXIST");
              assertThat(e.call()).isEqualTo("RTM_NEWADDR");
              assertThat(e.extendedText()).isEqualTo("ipv6: address already assigned");
              assertThat(e).hasMessageContaining("2001:db8:1::100");
            });
  }

  @Test
  void routesAreReplacedInOneStep() throws Exception {
    var home = Route.via(v0, ANY).withTable(1000).withMetric(5).withProtocol(200);

    rtnetlink.replaceRoute(home.withGateway(Ipv6Address.parse("fe80::1")));
    assertThat(here.sh("ip -6 route show table 1000"))
        .contains("default via fe80::1 dev v0 proto 200 metric 5");

    rtnetlink.replaceRoute(home.withMtu(1280));
    assertThat(here.sh("ip -6 route show table 1000").strip())
        .isEqualTo("default dev v0 proto 200 metric 5 mtu 1280 pref medium");

    rtnetlink.replaceRoute(Route.blackhole(ANY).withTable(1000).withMetric(5));
    assertThat(here.sh("ip -6 route show table 1000").strip())
        .startsWith("blackhole default dev lo proto static metric 5");

    assertThat(rtnetlink.routes(1000))
        .containsExactly(Route.blackhole(ANY).withTable(1000).withMetric(5));
    assertThat(rtnetlink.removeRoute(Route.blackhole(ANY).withTable(1000).withMetric(5))).isTrue();
    assertThat(rtnetlink.removeRoute(home)).isFalse();
    assertThat(rtnetlink.routes(1000)).isEmpty();
  }

  @Test
  void routesTakeAPreferredSource() throws Exception {
    rtnetlink.addAddress(InterfaceAddress.permanent(v0, HOME, 128, AddressFlag.NODAD));
    var route =
        Route.via(v0, Ipv6Prefix.parse("2001:db8:c::/64")).withPreferredSource(HOME).withMetric(7);

    rtnetlink.addRoute(route);

    assertThat(here.sh("ip -6 route get 2001:db8:c::c")).contains("src 2001:db8:1::100");
    assertThat(rtnetlink.routes(Route.MAIN)).contains(route);
    assertThatThrownBy(() -> rtnetlink.addRoute(route)).hasMessageContaining("EEXIST");
  }

  @Test
  void rulesSendAHomeAddressToItsTableAndBehindThatNowhere() throws Exception {
    var lookup = RoutingRule.lookup(1001, Ipv6Prefix.host(HOME), 1000);
    var blackhole = RoutingRule.blackhole(1003, Ipv6Prefix.host(HOME));
    var marked =
        RoutingRule.lookup(1002, ANY, 70000)
            .withTo(Ipv6Prefix.parse("2001:db8:c::/64"))
            .withMark(new Mark(0x10, 0xf0));

    rtnetlink.addRule(lookup);
    rtnetlink.addRule(blackhole);
    rtnetlink.addRule(marked);

    String rules = here.sh("ip -6 rule show").replace('\t', ' ');
    assertThat(rules)
        .contains("1001: from 2001:db8:1::100 lookup 1000 proto static")
        .contains("1002: from all to 2001:db8:c::/64 fwmark 0x10/0xf0 lookup 70000 proto static")
        .contains("1003: from 2001:db8:1::100 blackhole proto static");
    assertThat(rtnetlink.rules()).contains(lookup, marked, blackhole);
    assertThatThrownBy(() -> rtnetlink.addRule(lookup)).hasMessageContaining("EEXIST");

    for (RoutingRule rule : new RoutingRule[] {lookup, blackhole, marked}) {
      assertThat(rtnetlink.removeRule(rule)).isTrue();
      assertThat(rtnetlink.removeRule(rule)).isFalse();
    }
    assertThat(here.sh("ip -6 rule show")).doesNotContain("100");
  }

  /** RFC 6724: what is not bound meets the home address's table, unless it is told to go past. */
  @Test
  void aRuleFindsTheSourceOfWhatHasNone() throws Exception {
    var address = InterfaceAddress.permanent(v0, HOME, Ipv6Address.BITS, AddressFlag.NODAD);
    rtnetlink.addAddress(address);
    rtnetlink.addRoute(Route.via(v0, ANY).withTable(1000));
    var past = RoutingRule.goTo(1001, 1003).withTo(Ipv6Prefix.parse("2001:db8:d::/64"));
    var finding = RoutingRule.lookup(1002, Ipv6Prefix.host(HOME), 1000).findingSource();
    var end = RoutingRule.nop(1003);

    for (RoutingRule rule : new RoutingRule[] {past, finding, end}) {
      rtnetlink.addRule(rule);
    }

    assertThat(here.sh("ip -6 rule show").replace('\t', ' '))
        .contains("1001: from all to 2001:db8:d::/64 goto 1003")
        .contains("1003: from all nop");
    assertThat(rtnetlink.rules()).contains(past, finding, end);
    assertThat(here.sh("ip -6 route get 2001:db8:c::c")).contains("table 1000", "src " + HOME);
    assertThat(here.sh("ip -6 route get 2001:db8:d::c 2>&1 || true")).contains("unreachable");
    for (RoutingRule rule : new RoutingRule[] {past, finding, end}) {
      assertThat(rtnetlink.removeRule(rule)).isTrue();
    }
  }

  @Test
  void aRuleNamesTheInterfaceAPacketCameInBy() throws Exception {
    var rule = RoutingRule.lookup(1005, ANY, 1000).withInput("v0");

    rtnetlink.addRule(rule);

    assertThat(here.sh("ip -6 rule show").replace('\t', ' '))
        .contains("1005: from all iif v0 lookup 1000");
    assertThat(rtnetlink.rules()).contains(rule);
    assertThat(rtnetlink.removeRule(rule.withInput("v9"))).isFalse();
    assertThat(rtnetlink.removeRule(rule)).isTrue();
  }

  @Test
  void proxiesAnAddress() throws Exception {
    rtnetlink.addProxy(v0, HOME);
    rtnetlink.addProxy(v0, HOME);
    assertThat(here.sh("ip -6 neigh show proxy")).contains("2001:db8:1::100 dev v0 proxy");
    assertThat(rtnetlink.proxies())
        .singleElement()
        .satisfies(
            proxy -> {
              assertThat(proxy.address()).isEqualTo(HOME);
              assertThat(proxy.interfaceIndex()).isEqualTo(v0);
              assertThat(proxy.proxy()).isTrue();
            });

    assertThat(rtnetlink.removeProxy(v0, HOME)).isTrue();
    assertThat(rtnetlink.removeProxy(v0, HOME)).isFalse();
    assertThat(here.sh("ip -6 neigh show proxy")).isBlank();
  }

  @Test
  void neighboursAreWrittenAndRead() throws Exception {
    var router =
        new Neighbour(
            v0,
            Ipv6Address.parse("fe80::1"),
            Optional.of(MacAddress.parse("02:00:5e:10:00:01")),
            Neighbour.NUD_PERMANENT,
            false,
            true);

    rtnetlink.replaceNeighbour(router);

    assertThat(here.sh("ip -6 neigh show dev v0"))
        .contains("fe80::1 lladdr 02:00:5e:10:00:01 router PERMANENT");
    assertThat(rtnetlink.neighbours()).contains(router);
    assertThat(rtnetlink.removeNeighbour(v0, router.address())).isTrue();
    assertThat(rtnetlink.neighbours()).doesNotContain(router);
  }

  @Test
  void listsThousandsOfRoutes() throws Exception {
    for (int i = 0; i < 3000; i++) {
      var destination = Ipv6Prefix.host(new Ipv6Address(0x2001_0db8_0005_0000L, i));
      rtnetlink.addRoute(Route.via(v0, destination).withTable(1000).withMetric(1));
    }

    assertThat(rtnetlink.routes(1000)).hasSize(3000);
  }
}

package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.netlink.AddressFlag;
import io.mipd.xfrm.netlink.InterfaceAddress;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.netlink.RtnetlinkNotice;
import io.mipd.xfrm.netlink.RtnetlinkNotice.AddressNotice;
import io.mipd.xfrm.netlink.RtnetlinkNotice.LinkNotice;
import io.mipd.xfrm.netlink.RtnetlinkNotice.NeighbourNotice;
import io.mipd.xfrm.netlink.RtnetlinkNotice.RouteNotice;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Changes are made with {@code ip}, and the monitor must tell them. */
@Tag("root")
class RtnetlinkMonitorRootTest {
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:a::10");

  private TestNamespace here;
  private TestNamespace there;
  private RtnetlinkMonitor monitor;
  private final List<RtnetlinkNotice> told = new ArrayList<>();

  @BeforeEach
  void connect() throws Exception {
    TestNamespace.require("ip", "sysctl");
    here = TestNamespace.create();
    there = TestNamespace.create();
    here.sh(
        "ip link add v0 type veth peer name v1 netns " + there.name() + " && ip link set v0 up");
    there.sh("ip link set v1 up");
    // An address that is added before the kernel has noticed the carrier is not told as optimistic.
    TestNamespace.await(
        "v0 is ready", () -> here.sh("ip -6 addr show dev v0 scope link").contains("fe80:"));
    monitor = here.within(() -> RtnetlinkMonitor.open(EnumSet.allOf(RtnetlinkMonitor.Also.class)));
  }

  @AfterEach
  void disconnect() {
    if (monitor != null) {
      monitor.close();
      there.close();
      here.close();
    }
  }

  private void waitFor(String what, Predicate<RtnetlinkNotice> wanted) throws Exception {
    TestNamespace.await(
        what,
        () -> {
          monitor.receive(told::add);
          return told.stream().anyMatch(wanted);
        });
  }

  private static Predicate<RtnetlinkNotice> address(
      Ipv6Address address, boolean gone, Predicate<InterfaceAddress> like) {
    return notice ->
        notice instanceof AddressNotice n
            && n.address().address().equals(address)
            && n.gone() == gone
            && like.test(n.address());
  }

  @Test
  void tellsFirstWhatThereIs() throws Exception {
    here.sh("ip -6 addr add 2001:db8:a::10/64 dev v0 nodad");

    monitor.receive(told::add);

    assertThat(told)
        .anyMatch(n -> n instanceof LinkNotice link && link.link().name().equals("v0"))
        .anyMatch(address(CARE_OF, false, InterfaceAddress::isUsable))
        .anyMatch(
            n ->
                n instanceof RouteNotice route
                    && route.route().destination().equals(Ipv6Prefix.parse("2001:db8:a::/64")));
    told.clear();
    monitor.receive(told::add);
    assertThat(told).noneMatch(address(CARE_OF, false, a -> true));
  }

  @Test
  void anAddressIsTentativeThenUsableThenGone() throws Exception {
    monitor.receive(notice -> {});
    here.sh("ip -6 addr add 2001:db8:a::10/64 dev v0");

    waitFor(
        "tentative", address(CARE_OF, false, a -> a.has(AddressFlag.TENTATIVE) && !a.isUsable()));
    waitFor("usable", address(CARE_OF, false, InterfaceAddress::isUsable));

    here.sh("ip -6 addr del 2001:db8:a::10/64 dev v0");
    waitFor("gone", address(CARE_OF, true, a -> true));
  }

  @Test
  void anOptimisticAddressIsUsableAtOnce() throws Exception {
    monitor.receive(notice -> {});
    here.sh(
        "sysctl -qw net.ipv6.conf.v0.optimistic_dad=1 net.ipv6.conf.v0.use_optimistic=1"
            + " net.ipv6.conf.v0.forwarding=0"
            + " && ip -6 addr add 2001:db8:a::10/64 dev v0 optimistic");

    waitFor(
        "optimistic", address(CARE_OF, false, a -> a.has(AddressFlag.OPTIMISTIC) && a.isUsable()));
  }

  @Test
  void aDuplicateIsToldAsFailed() throws Exception {
    there.sh("ip -6 addr add 2001:db8:a::10/64 dev v1 nodad");
    monitor.receive(notice -> {});
    here.sh("ip -6 addr add 2001:db8:a::10/64 dev v0");

    waitFor(
        "dadfailed", address(CARE_OF, false, a -> a.has(AddressFlag.DADFAILED) && !a.isUsable()));
  }

  @Test
  void theCarrierGoesAndComes() throws Exception {
    monitor.receive(notice -> {});
    there.sh("ip link set v1 down");
    waitFor(
        "no carrier",
        n ->
            n instanceof LinkNotice link
                && link.link().name().equals("v0")
                && !link.link().isRunning());
    told.clear();
    there.sh("ip link set v1 up");
    waitFor(
        "carrier",
        n ->
            n instanceof LinkNotice link
                && link.link().name().equals("v0")
                && link.link().isRunning());
    told.clear();
    here.sh("ip link del v0");
    waitFor(
        "interface gone",
        n -> n instanceof LinkNotice link && link.link().name().equals("v0") && link.gone());
  }

  @Test
  void aRouteThatIsReplacedHasGone() throws Exception {
    here.sh("ip -6 route add default via fe80::1 dev v0 table 1000 metric 5");
    monitor.receive(notice -> {});

    here.sh("ip -6 route replace default via fe80::2 dev v0 table 1000 metric 5");

    waitFor("new", n -> isRoute(n, "fe80::2", false));
    assertThat(told).anyMatch(n -> isRoute(n, "fe80::1", true));
    here.sh("ip -6 route del default table 1000");
    waitFor("gone", n -> isRoute(n, "fe80::2", true));
  }

  private static boolean isRoute(RtnetlinkNotice notice, String gateway, boolean gone) {
    return notice instanceof RouteNotice n
        && n.gone() == gone
        && n.route().table() == 1000
        && n.route().gateway().equals(java.util.Optional.of(Ipv6Address.parse(gateway)));
  }

  @Test
  void tellsOfNeighboursWhenAsked() throws Exception {
    monitor.receive(notice -> {});
    here.sh("ip -6 neigh add fe80::9 lladdr 02:00:5e:10:00:09 dev v0 nud permanent");

    waitFor(
        "neighbour",
        n ->
            n instanceof NeighbourNotice neighbour
                && neighbour.neighbour().address().equals(Ipv6Address.parse("fe80::9")));
  }

  /** More changes than its queue holds: what there is in the end is known nevertheless. */
  @Test
  void afterAnOverrunTheDifferencesAreTold() throws Exception {
    monitor.receive(notice -> {});
    int v0 = here.index("v0");
    try (var rtnetlink = here.within(Rtnetlink::open)) {
      var last = Ipv6Prefix.parse("2001:db8:ffff::/64");
      int rounds = 0;
      while (monitor.overruns() == 0) {
        assertThat(rounds++).as("rounds until the queue overflows").isLessThan(60);
        for (int i = 0; i < 2000; i++) {
          var host = Ipv6Prefix.host(new Ipv6Address(0x2001_0db8_0005_0000L, i));
          rtnetlink.addRoute(Route.via(v0, host).withMetric(1));
        }
        for (int i = 0; i < 2000; i++) {
          var host = Ipv6Prefix.host(new Ipv6Address(0x2001_0db8_0005_0000L, i));
          rtnetlink.removeRoute(Route.via(v0, host).withMetric(1));
        }
        if (rounds == 1) {
          rtnetlink.addRoute(Route.via(v0, last).withMetric(1));
        }
        if (rounds % 4 == 0) {
          monitor.receive(told::add);
        }
      }
      monitor.receive(told::add);

      assertThat(told)
          .anyMatch(n -> n instanceof RouteNotice r && r.route().destination().equals(last));
      var known = new java.util.HashSet<Ipv6Prefix>();
      for (RtnetlinkNotice notice : told) {
        if (notice instanceof RouteNotice r && r.route().metric() == 1) {
          if (r.gone()) {
            known.remove(r.route().destination());
          } else {
            known.add(r.route().destination());
          }
        }
      }
      assertThat(known).containsExactly(last);
    }
  }
}

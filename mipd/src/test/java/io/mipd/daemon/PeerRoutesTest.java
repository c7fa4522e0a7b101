package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.netlink.Route;
import io.mipd.xfrm.netlink.RoutingRule;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What becomes of routes that the kernel refuses. */
class PeerRoutesTest {
  private static final int DEVICE = 7;
  private static final Ipv6Address LOCAL = Ipv6Address.parse("2001:db8:c::1");
  private static final Ipv6Address SECOND = Ipv6Address.parse("2001:db8:c::2");
  private static final Ipv6Address THIRD = Ipv6Address.parse("2001:db8:c::3");
  private static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:1::100");

  private record Place(int table, Ipv6Prefix destination) {
    static Place of(Route route) {
      return new Place(route.table(), route.destination());
    }
  }

  /** The kernel's tables, which take nothing while they are full. */
  private static final class Full implements PeerRoutes.Tables {
    final Map<Place, Route> routes = new LinkedHashMap<>();
    final Set<RoutingRule> rules = new LinkedHashSet<>();
    boolean refusesRoutes;
    boolean refusesRules;

    private static void refuse(boolean refuses) throws IOException {
      if (refuses) {
        throw new IOException("ENOBUFS");
      }
    }

    @Override
    public void putRoute(Route route) throws IOException {
      refuse(refusesRoutes);
      routes.put(Place.of(route), route);
    }

    @Override
    public void removeRoute(Route route) throws IOException {
      refuse(refusesRoutes);
      routes.remove(Place.of(route));
    }

    @Override
    public void putRule(RoutingRule rule) throws IOException {
      refuse(refusesRules);
      rules.add(rule);
    }

    @Override
    public void removeRule(RoutingRule rule) throws IOException {
      refuse(refusesRules);
      rules.remove(rule);
    }
  }

  private final Full kernel = new Full();

  private Optional<Ipv6Address> sourceOfRoute() {
    return Optional.ofNullable(kernel.routes.get(new Place(Route.MAIN, Ipv6Prefix.host(PEER))))
        .flatMap(Route::preferredSource);
  }

  @Test
  void aRouteThatIsRefusedComesLater() throws Exception {
    var routes = new PeerRoutes(kernel, DEVICE, PeerRoutes.Kind.HOST, ImmutableSet.of());
    kernel.refusesRoutes = true;
    assertThatThrownBy(() -> routes.put(LOCAL, PEER, true)).isInstanceOf(IOException.class);
    assertThat(routes.isBehind()).isTrue();
    assertThat(routes.retry()).isFalse();
    kernel.refusesRoutes = false;
    assertThat(routes.retry()).isTrue();
    assertThat(sourceOfRoute()).hasValue(LOCAL);
    assertThat(routes.isBehind()).isFalse();
  }

  @Test
  void aRouteThatCannotBeRemovedGoesLater() throws Exception {
    var routes = new PeerRoutes(kernel, DEVICE, PeerRoutes.Kind.HOST, ImmutableSet.of());
    routes.put(LOCAL, PEER, true);
    kernel.refusesRoutes = true;
    assertThatThrownBy(() -> routes.put(LOCAL, PEER, false)).isInstanceOf(IOException.class);
    assertThat(routes.isBehind()).isTrue();
    kernel.refusesRoutes = false;
    assertThat(routes.retry()).isTrue();
    assertThat(kernel.routes).isEmpty();
  }

  /** Nothing that nobody would take away again. */
  @Test
  void noHalfOfItStays() throws Exception {
    var routes = new PeerRoutes(kernel, DEVICE, PeerRoutes.Kind.ROUTER, ImmutableSet.of());
    kernel.refusesRules = true;
    assertThatThrownBy(() -> routes.put(LOCAL, PEER, true)).isInstanceOf(IOException.class);
    assertThat(kernel.routes).isEmpty();
    routes.put(LOCAL, PEER, false);
    assertThat(routes.isBehind()).isFalse();
    kernel.refusesRules = false;
    routes.put(LOCAL, PEER, true);
    assertThat(kernel.rules).hasSize(1);
    routes.put(LOCAL, PEER, false);
    assertThat(kernel.rules).isEmpty();
    assertThat(kernel.routes).isEmpty();
  }

  /** Each home address of a mobile node has a table, and so a route of its own. */
  @Test
  void aRouteOfAnotherHomeAddressStays() throws Exception {
    var peer = Ipv6Prefix.host(PEER);
    var routes =
        new PeerRoutes(kernel, DEVICE, PeerRoutes.Kind.MOBILE_NODE, ImmutableSet.of(LOCAL, SECOND));
    routes.put(LOCAL, PEER, true);
    routes.put(SECOND, PEER, true);
    assertThat(kernel.routes.keySet())
        .containsExactly(new Place(HomePlace.TABLE, peer), new Place(HomePlace.TABLE + 1, peer));
    routes.put(LOCAL, PEER, false);
    assertThat(kernel.routes.keySet()).containsExactly(new Place(HomePlace.TABLE + 1, peer));
    routes.put(SECOND, PEER, false);
    assertThat(kernel.routes).isEmpty();
  }

  /** One route serves all of our addresses; the one that has been there longest is its source. */
  @Test
  void whoeverGoesLeavesTheRouteToTheOthers() throws Exception {
    var routes = new PeerRoutes(kernel, DEVICE, PeerRoutes.Kind.HOST, ImmutableSet.of());
    routes.put(LOCAL, PEER, true);
    routes.put(SECOND, PEER, true);
    routes.put(THIRD, PEER, true);
    assertThat(sourceOfRoute()).hasValue(THIRD);
    routes.put(THIRD, PEER, false);
    assertThat(sourceOfRoute()).hasValue(LOCAL);
    routes.put(LOCAL, PEER, false);
    assertThat(sourceOfRoute()).hasValue(SECOND);
    routes.put(SECOND, PEER, false);
    assertThat(kernel.routes).isEmpty();
  }
}

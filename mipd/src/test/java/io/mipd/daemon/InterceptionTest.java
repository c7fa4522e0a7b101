package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mipd.mobility.NodeAction;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.netlink.Link;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What becomes of home addresses that the kernel does not take at first. */
class InterceptionTest {
  private static final int ETH1 = 2;
  private static final Link LINK =
      new Link(ETH1, "eth1", 0, 1500, 1, Optional.empty(), OptionalInt.empty());
  private static final HomeAddress ONE = new HomeAddress(Ipv6Address.parse("2001:db8:1::100"));
  private static final HomeAddress OTHER = new HomeAddress(Ipv6Address.parse("2001:db8:1::200"));

  /** The kernel, which takes nothing of these. */
  private static final class Refusing implements Interception.Proxies {
    final Set<HomeAddress> refused = new HashSet<>();
    final Set<HomeAddress> there = new HashSet<>();

    private void refuse(HomeAddress address) throws IOException {
      if (refused.contains(address)) {
        throw new IOException("ENOBUFS");
      }
    }

    @Override
    public void put(Link homeLink, List<HomeAddress> addresses) throws IOException {
      for (HomeAddress address : addresses) {
        refuse(address);
        there.add(address);
      }
    }

    @Override
    public void remove(HomeAddress address) throws IOException {
      refuse(address);
      there.remove(address);
    }
  }

  private final Refusing kernel = new Refusing();
  private Optional<Link> link = Optional.of(LINK);
  private final Interception interception = new Interception(kernel, index -> link);

  private static NodeAction.Proxy proxy(HomeAddress address, boolean on) {
    return new NodeAction.Proxy(ETH1, address, on);
  }

  @Test
  void whatIsRefusedIsPutLater() throws Exception {
    kernel.refused.add(ONE);
    assertThatThrownBy(() -> interception.carryOut(List.of(proxy(ONE, true))))
        .isInstanceOf(IOException.class);
    interception.carryOut(List.of(proxy(OTHER, true)));
    assertThat(interception.isBehind(ONE)).isTrue();
    assertThat(interception.isBehind(OTHER)).isFalse();
    assertThat(interception.retry()).isFalse();

    kernel.refused.clear();
    assertThat(interception.retry()).isTrue();
    assertThat(interception.isBehind()).isFalse();
    assertThat(kernel.there).containsExactlyInAnyOrder(ONE, OTHER);
  }

  @Test
  void whatIsNotTakenAwayIsTakenAwayLater() throws Exception {
    interception.carryOut(List.of(proxy(ONE, true), proxy(OTHER, true)));
    kernel.refused.add(ONE);
    assertThatThrownBy(() -> interception.carryOut(List.of(proxy(ONE, false), proxy(OTHER, false))))
        .isInstanceOf(IOException.class);
    assertThat(kernel.there).containsExactly(ONE);

    kernel.refused.clear();
    assertThat(interception.retry()).isTrue();
    assertThat(kernel.there).isEmpty();
  }

  @Test
  void theLastWishCounts() throws Exception {
    link = Optional.empty();
    assertThatThrownBy(() -> interception.carryOut(List.of(proxy(ONE, true))))
        .hasMessage("there is no interface 2");
    interception.carryOut(List.of(proxy(ONE, false)));
    link = Optional.of(LINK);
    assertThat(interception.isBehind()).isFalse();
    assertThat(interception.retry()).isTrue();
    assertThat(kernel.there).isEmpty();
  }

  @Test
  void oneThatIsNeverTakenHoldsUpFew() throws Exception {
    List<NodeAction.Proxy> many = new ArrayList<>();
    for (int i = 1; i <= 250; i++) {
      many.add(proxy(new HomeAddress(new Ipv6Address(ONE.value().high(), i)), true));
    }
    HomeAddress never = many.get(0).address();
    kernel.refused.add(never);
    assertThatThrownBy(() -> interception.carryOut(many)).isInstanceOf(IOException.class);
    assertThat(interception.retry()).isFalse();
    assertThat(many.stream().filter(it -> !interception.isBehind(it.address()))).hasSize(150);
  }
}

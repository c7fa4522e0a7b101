package io.mipd.mobility.ha;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message.RouterAdvertisement;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.NdOption.HomeAgentInformation;
import io.mipd.xfrm.packet.NdOption.PrefixInformation;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a home agent hears of the others on its link (RFC 6275 section 10.5.1). */
class HomeAgentsListTest {
  private static final Ipv6Address OWN = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address ROUTER = Ipv6Address.parse("fe80::2");
  private static final Instant NOW = Instant.EPOCH;

  private final HomeAgentsList agents = new HomeAgentsList(OWN, 0);

  private static Ipv6Address address(int number) {
    return Ipv6Address.parse("2001:db8:1::1:" + Integer.toHexString(number));
  }

  private static NdOption prefix(Ipv6Address address, long valid) {
    return new PrefixInformation(64, address, true, true, true, valid, valid);
  }

  /** A home agent's advertisement; returns whether something has changed by it. */
  private boolean hears(Ipv6Address router, int preference, NdOption... options) {
    var all =
        ImmutableList.<NdOption>builder()
            .add(options)
            .add(new HomeAgentInformation(preference, 100))
            .build();
    return agents.heard(
        NOW, router, new RouterAdvertisement(64, false, false, true, 0, 1800, 0, 0, all));
  }

  @Test
  void othersAreToldWithTheirPreference() {
    assertThat(agents.others(NOW)).isEmpty();
    assertThat(hears(ROUTER, 5, prefix(address(2), 50))).isTrue();
    assertThat(agents.others(NOW)).containsExactly(Map.entry(address(2), 5));
    assertThat(hears(ROUTER, 5, prefix(address(2), 50))).as("the same once more").isFalse();
    assertThat(hears(ROUTER, 6)).isTrue();
    assertThat(agents.others(NOW)).containsExactly(Map.entry(address(2), 6));
    assertThat(agents.others(NOW.plusSeconds(100))).isEmpty();
  }

  @Test
  void anAddressEndsWithItsPrefix() {
    hears(ROUTER, 0, prefix(address(2), 50), prefix(address(3), 100));
    assertThat(hears(ROUTER, 0, prefix(address(2), 0))).isTrue();
    assertThat(hears(ROUTER, 0, prefix(address(2), 0))).isFalse();
    assertThat(agents.others(NOW)).containsExactly(Map.entry(address(3), 0));
  }

  @Test
  void ourOwnAddressIsNobodyElses() {
    hears(ROUTER, 0, prefix(OWN, 50), prefix(Ipv6Address.parse("fe80::9"), 50));
    assertThat(agents.others(NOW)).isEmpty();
  }

  /** Whoever floods the link with advertisements takes no more memory than this. */
  @Test
  void soManyAreKept() {
    for (int n = 0; n < HomeAgentsList.MAX_AGENTS; n++) {
      assertThat(hears(Ipv6Address.parse("fe80::1:" + n), 0, prefix(address(n), 50))).isTrue();
    }
    assertThat(hears(Ipv6Address.parse("fe80::2:1"), 0, prefix(address(0x999), 50))).isFalse();
    assertThat(agents.others(NOW)).hasSize(HomeAgentsList.MAX_AGENTS);
    assertThat(hears(Ipv6Address.parse("fe80::1:0"), 7)).as("it is known").isTrue();
  }

  @Test
  void soManyAddressesOfOneAreKept() {
    int most = HomeAgentsList.MAX_ADDRESSES_OF_AGENT;
    for (int n = 0; n < most; n++) {
      assertThat(hears(ROUTER, 0, prefix(address(n), 50))).isTrue();
    }
    assertThat(hears(ROUTER, 0, prefix(address(most), 50))).isFalse();
    assertThat(agents.others(NOW)).hasSize(most);
    hears(ROUTER, 0, prefix(address(0), 90));
    assertThat(agents.others(NOW.plusSeconds(60))).containsExactly(Map.entry(address(0), 0));
  }
}

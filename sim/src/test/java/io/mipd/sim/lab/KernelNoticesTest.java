package io.mipd.sim.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Lines as {@code ip -o -tshort monitor link address} of iproute2 6.1 prints them. */
class KernelNoticesTest {
  private static KernelNotices notices(String... lines) {
    var notices = new KernelNotices();
    for (String line : lines) {
      notices.note(line);
    }
    return notices;
  }

  @Test
  void tellsCarrierFromItsLoss() throws Exception {
    var notices =
        notices(
            "[2026-11-23T16:50:01.100000] 100: eth0@if5: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu"
                + " 1500 state LOWERLAYERDOWN",
            "[2026-11-23T16:50:01.200000] 100: eth0@if5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500"
                + " state UP");
    OptionalLong off = notices.awaitCarrier("eth0", false, 0, 0);
    OptionalLong on = notices.awaitCarrier("eth0", true, 0, 0);
    assertThat(on.orElseThrow() - off.orElseThrow()).isEqualTo(100_000_000);
    assertThat(notices.awaitCarrier("eth1", true, 0, 0)).isEmpty();
    assertThat(notices.awaitCarrier("eth0", true, on.orElseThrow() + 1, 0)).isEmpty();
  }

  @Test
  void aTentativeAddressIsNotUsableAnOptimisticOneIs() {
    String tentative =
        "[2026-11-23T16:50:01.300000] 100: eth0    inet6 2001:db8:a::ff:fe00:aa/64 scope global"
            + " tentative dynamic mngtmpaddr ";
    String optimistic =
        "[2026-11-23T16:50:01.400000] 100: eth0    inet6 2001:db8:a::ff:fe00:aa/64 scope global"
            + " tentative optimistic dynamic mngtmpaddr ";
    String plain =
        "[2026-11-23T16:50:02.400000] 100: eth0    inet6 2001:db8:a::ff:fe00:aa/64 scope global"
            + " dynamic mngtmpaddr ";
    assertThat(notices(tentative).firstUsable("eth0", Link.A.prefix(), 0)).isEmpty();
    assertThat(notices(tentative, optimistic, plain).firstUsable("eth0", Link.A.prefix(), 0))
        .isEqualTo(notices(optimistic).firstUsable("eth0", Link.A.prefix(), 0))
        .isPresent();
    assertThat(notices(plain).firstUsable("eth0", Link.B.prefix(), 0)).isEmpty();
    assertThat(
            notices(plain.replace("100: ", "Deleted 100: "))
                .firstUsable("eth0", Link.A.prefix(), 0))
        .isEmpty();
  }

  @Test
  void otherLinesAreLeftOut() {
    assertThat(
            notices("", "nonsense", "[2026-11-23T16:50:01] x")
                .firstUsable("eth0", Link.A.prefix(), 0))
        .isEmpty();
  }
}

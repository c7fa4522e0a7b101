package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.binding.HomeBinding;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a home agent makes of the store that it finds. */
class RestoredBindingsTest {
  private static final Instant WALL = Instant.parse("2026-12-01T00:00:00Z");

  /** The core's clock. */
  private static final Instant NOW = Instant.EPOCH.plusSeconds(100);

  private static final Duration LONGEST = Duration.ofMinutes(7);
  private static final HomeAddress HOME = new HomeAddress(Ipv6Address.parse("2001:db8:1::100"));
  private static final CareOfAddress CARE_OF =
      new CareOfAddress(Ipv6Address.parse("2001:db8:a::100"));
  private static final SequenceNumber LAST = new SequenceNumber(7);

  @TempDir private Path folder = Path.of("");

  private final ImmutableList.Builder<HomeBinding> restored = ImmutableList.builder();
  private final ImmutableMap.Builder<HomeAddress, SequenceNumber> ended = ImmutableMap.builder();

  private void restore(Optional<Instant> expiry) throws IOException {
    try (BindingStore store = DurableBindingStore.ofMobileNode(folder, () -> {})) {
      store.put(
          new BindingStore.Entry(
              HOME, LAST, expiry.map(it -> new BindingStore.StoredBinding(CARE_OF, 0, it))));
      Cores.restore(store, NOW, Duration.between(WALL, NOW), LONGEST, restored, ended);
    }
  }

  @Test
  void aBindingWhoseTimeIsNotOverIsServedAgain() throws Exception {
    restore(Optional.of(WALL.plusSeconds(60)));
    assertThat(restored.build())
        .containsExactly(new HomeBinding(HOME, CARE_OF, LAST, 0, NOW.plusSeconds(60)));
    assertThat(ended.buildOrThrow()).isEmpty();
  }

  @Test
  void theLastNumberOfOneThatHasEndedStaysKnown() throws Exception {
    restore(Optional.empty());
    assertThat(restored.build()).isEmpty();
    assertThat(ended.buildOrThrow()).containsExactly(Map.entry(HOME, LAST));
  }

  @Test
  void alsoOfOneThatHasExpiredMeanwhile() throws Exception {
    restore(Optional.of(WALL));
    assertThat(restored.build()).isEmpty();
    assertThat(ended.buildOrThrow()).containsExactly(Map.entry(HOME, LAST));
  }

  @Test
  void aClockThatWasSteppedBackMakesNoneLast() throws Exception {
    restore(Optional.of(WALL.plus(Duration.ofDays(365))));
    assertThat(restored.build())
        .containsExactly(new HomeBinding(HOME, CARE_OF, LAST, 0, NOW.plus(LONGEST)));
  }
}

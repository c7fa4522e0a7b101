package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Without a service manager nothing is said; the real one is met in the package's own check. */
class ServiceManagerTest {
  private static final Instant NOW = Instant.ofEpochSecond(1_800_000_000);

  private final List<Instant> turns = new ArrayList<>();

  private final EventLoop.Work work =
      new EventLoop.Work() {
        @Override
        public void turn(Instant now) {
          turns.add(now);
        }

        @Override
        public Optional<Instant> nextDeadline() {
          return Optional.of(NOW.plusSeconds(60));
        }
      };

  @Test
  void withoutAManagerTheWorkIsAsItWas() {
    try (var manager = ServiceManager.of(Map.of(), 7)) {
      manager.ready("home-agent");
      assertThat(manager.alive(work)).isSameAs(work);
      manager.stopping();
    }
  }

  @Test
  void aManagerThatIsNotThereStopsNobody() {
    try (var manager =
        ServiceManager.of(
            Map.of("NOTIFY_SOCKET", "/nosuch/notify", "WATCHDOG_USEC", "1000000"), 7)) {
      manager.ready("home-agent");
      assertThat(manager.alive(work)).isSameAs(work);
    }
  }

  @Test
  void aSignOfLifeIsSentTwiceInTheTimeThatIsAllowed() throws Exception {
    try (var listener = new NotifyListener()) {
      var environment =
          Map.of("NOTIFY_SOCKET", listener.path(), "WATCHDOG_USEC", "2000000", "WATCHDOG_PID", "7");
      try (var manager = ServiceManager.of(environment, 7)) {
        manager.ready("home-agent, world kernel");
        EventLoop.Work alive = manager.alive(work);
        alive.turn(NOW);
        assertThat(alive.nextDeadline()).hasValue(NOW.plusSeconds(1));
        alive.turn(NOW.plusMillis(999));
        alive.turn(NOW.plusSeconds(1));
        manager.stopping();
      }
      assertThat(listener.heard(4, Duration.ofSeconds(20)))
          .containsExactly(
              "READY=1\nSTATUS=home-agent, world kernel", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1");
      assertThat(turns).hasSize(3);
    }
    try (var listener = new NotifyListener();
        var manager =
            ServiceManager.of(
                Map.of(
                    "NOTIFY_SOCKET",
                    listener.path(),
                    "WATCHDOG_USEC",
                    "2000000",
                    "WATCHDOG_PID",
                    "8"),
                7)) {
      assertThat(manager.alive(work)).as("meant for another process").isSameAs(work);
    }
  }
}

package io.mipd.sim.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class EventQueueTest {
  private final EventQueue queue = new EventQueue();
  private final List<String> happened = new ArrayList<>();

  private Runnable note(String what) {
    return () -> happened.add(what + "@" + Duration.between(EventQueue.BEGINNING, queue.now()));
  }

  @Test
  void whatIsDueFirstHappensFirstWheneverItWasPlanned() {
    queue.after(Duration.ofSeconds(2), note("late"));
    queue.after(Duration.ofSeconds(1), note("soon"));

    while (queue.step()) {}

    assertThat(happened).containsExactly("soon@PT1S", "late@PT2S");
  }

  @Test
  void ofOneTimeTheOnePlannedFirstHappensFirst() {
    for (int i = 0; i < 100; i++) {
      queue.after(Duration.ofSeconds(1), note("" + i));
    }
    // Planned within an event of that time: behind all that was planned before.
    queue.at(EventQueue.BEGINNING, () -> queue.after(Duration.ofSeconds(1), note("last")));

    while (queue.step()) {}

    assertThat(happened)
        .hasSize(101)
        .startsWith("0@PT1S", "1@PT1S")
        .endsWith("99@PT1S", "last@PT1S");
  }

  @Test
  void whatIsTakenBackDoesNotHappen() {
    EventQueue.Planned first = queue.after(Duration.ofSeconds(1), note("first"));
    queue.after(Duration.ofSeconds(2), note("second"));

    first.cancel();

    assertThat(queue.next()).hasValue(EventQueue.BEGINNING.plusSeconds(2));
    while (queue.step()) {}
    assertThat(happened).containsExactly("second@PT2S");
    assertThat(queue.happened()).isEqualTo(1);
  }

  @Test
  void runsUpToAndIncludingATime() {
    queue.after(Duration.ofSeconds(1), note("in"));
    queue.after(Duration.ofSeconds(1).plusNanos(1), note("out"));
    Instant end = EventQueue.BEGINNING.plusSeconds(1);

    queue.runUntil(end);

    assertThat(happened).containsExactly("in@PT1S");
    assertThat(queue.now()).isEqualTo(end);
  }

  @Test
  void nothingIsPlannedForThePast() {
    queue.runUntil(EventQueue.BEGINNING.plusSeconds(1));

    assertThatThrownBy(() -> queue.at(EventQueue.BEGINNING, () -> {}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("past");
  }

  @Test
  void anAlarmRingsOnceAtTheTimeThatItWasSetToLast() {
    var alarm = new Alarm(queue, note("ring"));

    alarm.set(Optional.of(EventQueue.BEGINNING.plusSeconds(1)));
    alarm.set(Optional.of(EventQueue.BEGINNING.plusSeconds(3)));
    alarm.set(Optional.of(EventQueue.BEGINNING.plusSeconds(2)));
    while (queue.step()) {}
    assertThat(happened).containsExactly("ring@PT2S");

    alarm.set(Optional.of(Instant.MIN));
    while (queue.step()) {}
    assertThat(happened).containsExactly("ring@PT2S", "ring@PT2S");

    alarm.set(Optional.of(EventQueue.BEGINNING.plusSeconds(9)));
    alarm.set(Optional.empty());
    assertThat(queue.step()).isFalse();
  }
}

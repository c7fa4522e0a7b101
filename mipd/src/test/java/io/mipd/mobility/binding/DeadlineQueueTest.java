package io.mipd.mobility.binding;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DeadlineQueueTest {
  private static final long SEED = 6275;

  private final DeadlineQueue<String> queue = new DeadlineQueue<>();

  private static Instant at(int second) {
    return Instant.EPOCH.plusSeconds(second);
  }

  private List<String> polled(int second) {
    List<String> keys = new ArrayList<>();
    for (var key = queue.poll(at(second)); key.isPresent(); key = queue.poll(at(second))) {
      keys.add(key.get());
    }
    return keys;
  }

  @Test
  void tellsWhatIsDueInItsOrder() {
    queue.put("late", at(9));
    queue.put("first of two", at(5));
    queue.put("second of two", at(5));
    queue.put("early", at(1));
    assertThat(queue.next()).hasValue(at(1));
    assertThat(polled(0)).isEmpty();
    assertThat(polled(5)).containsExactly("early", "first of two", "second of two");
    assertThat(queue.next()).hasValue(at(9));
  }

  @Test
  void aKeyHasOneDeadline() {
    queue.put("moved", at(1));
    queue.put("removed", at(2));
    queue.put("moved", at(7));
    queue.remove("removed");
    queue.remove("never there");
    assertThat(queue.next()).hasValue(at(7));
    assertThat(polled(9)).containsExactly("moved");
    assertThat(queue.next()).isEmpty();
  }

  /** Whatever is done, it knows the same as a plain map that is searched. */
  @Test
  void findsWhatASearchFinds() {
    var random = new Random(SEED);
    Map<String, Instant> plain = new HashMap<>();
    for (int step = 0; step < 20_000; step++) {
      String key = "key " + random.nextInt(50);
      if (random.nextInt(3) > 0) {
        Instant when = at(random.nextInt(1000));
        queue.put(key, when);
        plain.put(key, when);
      } else if (random.nextBoolean()) {
        queue.remove(key);
        plain.remove(key);
      } else {
        Optional<Instant> least = plain.values().stream().min(Instant::compareTo);
        Instant now = at(random.nextInt(1000));
        Optional<Instant> taken = queue.poll(now).map(plain::remove);
        assertThat(taken)
            .as("seed %s step %s", SEED, step)
            .isEqualTo(least.filter(it -> !now.isBefore(it)));
      }
      assertThat(queue.next()).isEqualTo(plain.values().stream().min(Instant::compareTo));
    }
  }
}

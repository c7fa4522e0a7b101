package io.mipd.xfrm.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PrioritiesTest {
  private final Priorities priorities = new Priorities();

  @Test
  void theyAreUnsigned() {
    priorities.add(-1);
    assertThat(priorities.mostUrgent()).isEqualTo(-1);
    priorities.add(Integer.MIN_VALUE);
    assertThat(priorities.mostUrgent()).isEqualTo(Integer.MIN_VALUE);
    priorities.add(-1);
    priorities.add(Integer.MAX_VALUE);
    assertThat(priorities.mostUrgent()).isEqualTo(Integer.MAX_VALUE);

    priorities.remove(Integer.MAX_VALUE);
    priorities.remove(Integer.MIN_VALUE);
    priorities.remove(-1);
    assertThat(priorities.mostUrgent()).isEqualTo(-1);
    assertThat(priorities.isSingle()).isTrue();
    priorities.remove(-1);
    assertThat(priorities.isEmpty()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 300, Integer.MAX_VALUE})
  void agreeWithASortedMapThroughThousandsOfChanges(int distinct) {
    var random = RandomGeneratorFactory.of("L64X128MixRandom").create(distinct);
    TreeMap<Integer, Integer> naive = new TreeMap<>(Integer::compareUnsigned);
    List<Integer> present = new ArrayList<>();
    for (int i = 0; i < 60_000; i++) {
      // Waxes to thousands and wanes to none, again and again.
      boolean wanes = i / 10_000 % 2 == 1;
      if (!present.isEmpty() && random.nextInt(4) < (wanes ? 3 : 1)) {
        // The most urgent ones go as often as any.
        int removed =
            random.nextBoolean() ? naive.firstKey() : present.get(random.nextInt(present.size()));
        present.remove((Integer) removed);
        naive.computeIfPresent(removed, (same, count) -> count == 1 ? null : count - 1);
        priorities.remove(removed);
      } else {
        int added = random.nextInt(distinct) - distinct / 2;
        present.add(added);
        naive.merge(added, 1, Integer::sum);
        priorities.add(added);
      }
      assertThat(priorities.isEmpty()).isEqualTo(naive.isEmpty());
      assertThat(priorities.isSingle()).isEqualTo(present.size() == 1);
      if (!naive.isEmpty()) {
        assertThat(priorities.mostUrgent()).isEqualTo(naive.firstKey());
      }
      assertThat(priorities.room()).isLessThanOrEqualTo(mostRoom(naive.size()));
    }
  }

  @Test
  void scatteredOnesThatAreLeftOfManyKeepLittleRoom() {
    List<Integer> going = new ArrayList<>();
    for (int priority = 0; priority < 20_000; priority++) {
      priorities.add(priority);
      if (priority % 200 != 0) {
        going.add(priority);
      }
    }
    Collections.shuffle(going, new Random(4301));
    int distinct = 20_000;
    for (int priority : going) {
      priorities.remove(priority);
      distinct--;
      assertThat(priorities.room()).isLessThanOrEqualTo(mostRoom(distinct));
    }

    for (int priority = 0; priority < 20_000; priority += 200) {
      assertThat(priorities.mostUrgent()).isEqualTo(priority);
      priorities.remove(priority);
    }
    assertThat(priorities.isEmpty()).isTrue();
    assertThat(priorities.room()).isZero();
  }

  /** Any two pieces of 128 that are neighbours have more than 64 entries. */
  private static int mostRoom(int distinct) {
    return 128 + 4 * distinct;
  }
}

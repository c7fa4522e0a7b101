package io.mipd.sim.event;

import com.google.common.hash.Hashing;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * Where all chance of a simulation comes from. Each component draws from a generator of its own,
 * made from the seed and the component's name: what one draws changes nothing for another, and a
 * component that is added leaves the others' luck as it was.
 *
 * @param seed of the run
 */
public record Randomness(long seed) {
  /** The generator of a component: the same numbers again each time it is asked for. */
  public RandomGenerator of(String component) {
    long own =
        Hashing.sha256()
            .newHasher()
            .putLong(seed)
            .putString(component, StandardCharsets.UTF_8)
            .hash()
            .asLong();
    return new SplittableRandom(own);
  }
}

package io.mipd.sim.link;

import static com.google.common.base.Preconditions.checkArgument;

import java.util.random.RandomGenerator;

/** Which frames a link loses. */
public sealed interface LossModel {
  /** Loses nothing. */
  LossModel NONE = new Uniform(0);

  /** A run of it, which draws from a generator of its own. */
  LossProcess process(RandomGenerator random);

  /** The share of frames that are lost in the long run, 0 to 1. */
  double expected();

  /** Decides for each frame in turn. */
  interface LossProcess {
    boolean loses();
  }

  /**
   * Each frame alike, whatever became of the others.
   *
   * @param probability 0 to 1
   */
  record Uniform(double probability) implements LossModel {
    public Uniform {
      checkProbability(probability);
    }

    @Override
    public LossProcess process(RandomGenerator random) {
      // A number is drawn for every frame, so that the fate of the n-th depends on n alone.
      return () -> random.nextDouble() < probability;
    }

    @Override
    public double expected() {
      return probability;
    }
  }

  /**
   * Losses in bursts: a Markov chain of a good and a bad state, which moves once for each frame and
   * then loses it with the state's probability (Gilbert 1960, Elliott 1963). It begins in the good
   * state.
   *
   * @param toBad probability to leave the good state; greater than 0
   * @param toGood probability to leave the bad state; its inverse is the mean length of a bad time
   *     in frames; greater than 0
   * @param lossGood probability to lose a frame in the good state
   * @param lossBad in the bad state
   */
  record GilbertElliott(double toBad, double toGood, double lossGood, double lossBad)
      implements LossModel {
    public GilbertElliott {
      checkProbability(toBad);
      checkProbability(toGood);
      checkProbability(lossGood);
      checkProbability(lossBad);
      checkArgument(toBad > 0 && toGood > 0, "a state that is never left");
    }

    @Override
    public LossProcess process(RandomGenerator random) {
      return new LossProcess() {
        private boolean bad;

        @Override
        public boolean loses() {
          double move = random.nextDouble();
          double fate = random.nextDouble();
          bad = bad ? move >= toGood : move < toBad;
          return fate < (bad ? lossBad : lossGood);
        }
      };
    }

    @Override
    public double expected() {
      return (toGood * lossGood + toBad * lossBad) / (toBad + toGood);
    }
  }

  private static void checkProbability(double probability) {
    checkArgument(probability >= 0 && probability <= 1, "not 0 to 1: %s", probability);
  }
}

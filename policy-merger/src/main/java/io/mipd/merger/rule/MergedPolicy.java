package io.mipd.merger.rule;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Policy;
import java.util.stream.Collectors;

/**
 * One policy of the result, and how it came about.
 *
 * @param trace the rules that made it, in order
 */
public record MergedPolicy(Policy policy, ImmutableList<Step> trace) {

  /**
   * What one rule did.
   *
   * @param rule its name
   * @param says what it found, and where a section obliges us, which: words, and the policies that
   *     they speak of; to be read one behind the other
   */
  public record Step(String rule, ImmutableList<Object> says) {

    /** There are many more traces than readers: policies become text when somebody reads. */
    static Step of(String rule, Object... says) {
      return new Step(rule, ImmutableList.copyOf(says));
    }

    public String words() {
      return says.stream().map(Object::toString).collect(Collectors.joining());
    }

    @Override
    public String toString() {
      return rule + ": " + words();
    }
  }
}

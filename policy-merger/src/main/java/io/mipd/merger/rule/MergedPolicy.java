package io.mipd.merger.rule;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Policy;

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
   * @param words what it found, and where a section obliges us, which
   */
  public record Step(String rule, String words) {
    @Override
    public String toString() {
      return rule + ": " + words;
    }
  }
}

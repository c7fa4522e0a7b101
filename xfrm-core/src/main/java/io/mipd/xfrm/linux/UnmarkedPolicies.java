package io.mipd.xfrm.linux;

import io.mipd.xfrm.model.Policy;
import java.io.IOException;
import java.util.List;

/**
 * Which policies in the kernel are ours although they bear no mark, since they are told to it by
 * PF_KEY. It is to be known after a crash, too.
 */
public interface UnmarkedPolicies {
  /** All of ours bear the mark. */
  UnmarkedPolicies NONE = new NoUnmarkedPolicies();

  boolean contains(Policy.Id id);

  /**
   * Those that a predecessor has left stay ours only if they are as it has put them.
   *
   * @param there all that the kernel has without a mark
   */
  void adopt(List<Policy> there);

  /**
   * A policy is about to be put.
   *
   * @throws IOException if that cannot be remembered: it must not be put then
   */
  void coming(Policy policy) throws IOException;

  /** What was {@link #coming} is there, and nothing else of its identity. */
  void put(Policy policy);

  /** It is there no more, or has not come. */
  void gone(Policy.Id id);
}

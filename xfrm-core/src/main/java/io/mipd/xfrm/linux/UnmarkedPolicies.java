package io.mipd.xfrm.linux;

import com.google.common.collect.ImmutableMultiset;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Template;
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

  /** Whether what the kernel has without a mark is {@link #alike} what was put, not another's. */
  boolean isAsPut(Policy there);

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

  /** It is there no more, or has not come, or somebody else's has taken its place. */
  void gone(Policy.Id id);

  /** The same but for the addresses and the order of its templates, which a move may change. */
  static boolean alike(Policy one, Policy other) {
    return one.id().equals(other.id())
        && one.priority() == other.priority()
        && one.action() == other.action()
        && anywhere(one).equals(anywhere(other));
  }

  private static ImmutableMultiset<Template> anywhere(Policy policy) {
    return policy.bundle().templates().stream()
        .map(one -> one.withAddresses(Ipv6Address.UNSPECIFIED, Ipv6Address.UNSPECIFIED))
        .collect(ImmutableMultiset.toImmutableMultiset());
  }
}

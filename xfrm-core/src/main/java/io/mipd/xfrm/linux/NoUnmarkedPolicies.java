package io.mipd.xfrm.linux;

import io.mipd.xfrm.model.Policy;
import java.util.List;

/** Where nothing is to be told by PF_KEY. */
final class NoUnmarkedPolicies implements UnmarkedPolicies {
  @Override
  public boolean contains(Policy.Id id) {
    return false;
  }

  @Override
  public boolean isAsPut(Policy there) {
    return false;
  }

  @Override
  public void adopt(List<Policy> there) {
    // Whatever bears no mark is somebody else's.
  }

  @Override
  public void coming(Policy policy) {
    throw new IllegalStateException("nobody remembers a policy without a mark: " + policy);
  }

  @Override
  public void put(Policy policy) {
    throw new IllegalStateException("nobody remembers a policy without a mark: " + policy);
  }

  @Override
  public void gone(Policy.Id id) {
    // It was none of these.
  }
}

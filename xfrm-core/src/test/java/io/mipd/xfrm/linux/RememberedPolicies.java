package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.model.Policy;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** In memory, by identity. */
final class RememberedPolicies implements UnmarkedPolicies {
  final Map<Policy.Id, Policy> policies = new HashMap<>();

  @Override
  public boolean contains(Policy.Id id) {
    return policies.containsKey(id);
  }

  @Override
  public boolean isAsPut(Policy there) {
    Policy put = policies.get(there.id());
    return put != null && UnmarkedPolicies.alike(put, there);
  }

  @Override
  public void adopt(List<Policy> there) {
    policies.values().removeIf(one -> !there.contains(one));
  }

  @Override
  public void coming(Policy policy) {
    policies.put(policy.id(), policy);
  }

  @Override
  public void put(Policy policy) {
    assertThat(policies).containsEntry(policy.id(), policy);
  }

  @Override
  public void gone(Policy.Id id) {
    policies.remove(id);
  }
}

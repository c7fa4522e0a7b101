package io.mipd.daemon;

import com.google.common.collect.ImmutableSet;
import com.google.common.collect.LinkedHashMultimap;
import com.google.common.collect.SetMultimap;
import io.mipd.xfrm.linux.UnmarkedPolicies;
import io.mipd.xfrm.model.Policy;
import java.io.IOException;
import java.util.List;
import java.util.Set;

/**
 * The policies of ours that bear no mark, by the journal: each is written down, with its priority,
 * before it is put. One that somebody else has put in its place while nobody was here is his,
 * unless it has the priority of ours.
 */
final class JournalledPolicies implements UnmarkedPolicies {
  private final Journal journal;

  /** By selector and direction; two while one takes the place of another. */
  private final SetMultimap<String, Journal.Entry.PolicyPut> entries = LinkedHashMultimap.create();

  JournalledPolicies(Journal journal) {
    this.journal = journal;
    for (Journal.Entry entry : journal.entries()) {
      if (entry instanceof Journal.Entry.PolicyPut put) {
        entries.put(put.policy(), put);
      }
    }
  }

  @Override
  public boolean contains(Policy.Id id) {
    return !entries.isEmpty() && entries.containsKey(id.toString());
  }

  @Override
  public void adopt(List<Policy> there) {
    Set<Journal.Entry.PolicyPut> asPut =
        there.stream().map(JournalledPolicies::entry).collect(ImmutableSet.toImmutableSet());
    for (Journal.Entry.PolicyPut one : ImmutableSet.copyOf(entries.values())) {
      if (!asPut.contains(one)) {
        forget(one);
      }
    }
  }

  @Override
  public void coming(Policy policy) throws IOException {
    Journal.Entry.PolicyPut entry = entry(policy);
    journal.add(entry);
    entries.put(entry.policy(), entry);
  }

  @Override
  public void put(Policy policy) {
    Journal.Entry.PolicyPut now = entry(policy);
    for (Journal.Entry.PolicyPut one : ImmutableSet.copyOf(entries.get(now.policy()))) {
      if (!one.equals(now)) {
        forget(one);
      }
    }
  }

  @Override
  public void gone(Policy.Id id) {
    ImmutableSet.copyOf(entries.get(id.toString())).forEach(this::forget);
  }

  private void forget(Journal.Entry.PolicyPut entry) {
    entries.remove(entry.policy(), entry);
    journal.removeLater(entry);
  }

  private static Journal.Entry.PolicyPut entry(Policy policy) {
    return new Journal.Entry.PolicyPut(policy.priority(), policy.id().toString());
  }
}

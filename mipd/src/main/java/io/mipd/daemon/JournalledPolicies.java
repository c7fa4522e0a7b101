package io.mipd.daemon;

import com.google.common.collect.ImmutableSet;
import com.google.common.collect.LinkedHashMultimap;
import com.google.common.collect.SetMultimap;
import io.mipd.xfrm.linux.UnmarkedPolicies;
import io.mipd.xfrm.model.Policy;
import java.io.IOException;
import java.util.List;

/**
 * The policies of ours that bear no mark, by the journal: each is written down, with its priority,
 * before it is put. One that somebody else has put in its place is his, unless it is like ours; the
 * journal of a predecessor knows no more of that than the priority.
 */
final class JournalledPolicies implements UnmarkedPolicies {
  private final Journal journal;

  /** By selector and direction; two while one takes the place of another. */
  private final SetMultimap<String, Journal.Entry.PolicyPut> entries = LinkedHashMultimap.create();

  /** What was put, or is about to be, for an entry; of a predecessor's, what was found. */
  private final SetMultimap<Journal.Entry.PolicyPut, Policy> contents = LinkedHashMultimap.create();

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
  public boolean isAsPut(Policy there) {
    return contains(there.id())
        && contents.get(entry(there)).stream().anyMatch(it -> UnmarkedPolicies.alike(it, there));
  }

  @Override
  public void adopt(List<Policy> there) {
    for (Policy policy : there) {
      Journal.Entry.PolicyPut entry = entry(policy);
      if (entries.containsEntry(entry.policy(), entry)) {
        contents.put(entry, policy);
      }
    }
    for (Journal.Entry.PolicyPut one : ImmutableSet.copyOf(entries.values())) {
      if (!contents.containsKey(one)) {
        forget(one);
      }
    }
  }

  @Override
  public void coming(Policy policy) throws IOException {
    Journal.Entry.PolicyPut entry = entry(policy);
    journal.add(entry);
    entries.put(entry.policy(), entry);
    contents.put(entry, policy);
  }

  @Override
  public void put(Policy policy) {
    Journal.Entry.PolicyPut now = entry(policy);
    for (Journal.Entry.PolicyPut one : ImmutableSet.copyOf(entries.get(now.policy()))) {
      if (!one.equals(now)) {
        forget(one);
      }
    }
    contents.replaceValues(now, ImmutableSet.of(policy));
  }

  @Override
  public void gone(Policy.Id id) {
    ImmutableSet.copyOf(entries.get(id.toString())).forEach(this::forget);
  }

  private void forget(Journal.Entry.PolicyPut entry) {
    entries.remove(entry.policy(), entry);
    contents.removeAll(entry);
    journal.removeLater(entry);
  }

  private static Journal.Entry.PolicyPut entry(Policy policy) {
    return new Journal.Entry.PolicyPut(policy.priority(), policy.id().toString());
  }
}

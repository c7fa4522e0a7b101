package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.LinkedHashMultimap;
import com.google.common.collect.SetMultimap;
import io.mipd.xfrm.linux.UnmarkedAssociations;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.util.List;

/**
 * The associations of ours that bear no mark, by the journal: each is written down before it is put
 * and before it is moved.
 */
final class JournalledAssociations implements UnmarkedAssociations {
  private final Journal journal;
  private final SetMultimap<Ipv6Address, AssociationId> byDestination = LinkedHashMultimap.create();

  JournalledAssociations(Journal journal) {
    this.journal = journal;
    for (Journal.Entry entry : journal.entries()) {
      if (entry instanceof Journal.Entry.AssociationPut put) {
        remember(put.id());
      }
    }
  }

  private void remember(AssociationId id) {
    byDestination.put(id.destination(), id);
  }

  @Override
  public ImmutableSet<AssociationId> all() {
    return ImmutableSet.copyOf(byDestination.values());
  }

  @Override
  public boolean contains(AssociationId id) {
    return byDestination.containsEntry(id.destination(), id);
  }

  @Override
  public ImmutableList<AssociationId> to(Ipv6Address destination) {
    return ImmutableList.copyOf(byDestination.get(destination));
  }

  @Override
  public void coming(List<AssociationId> ids) throws IOException {
    journal.addAll(ids.stream().<Journal.Entry>map(Journal.Entry.AssociationPut::new).toList());
    ids.forEach(this::remember);
  }

  @Override
  public void gone(AssociationId id) {
    if (byDestination.remove(id.destination(), id)) {
      journal.removeLater(new Journal.Entry.AssociationPut(id));
    }
  }
}

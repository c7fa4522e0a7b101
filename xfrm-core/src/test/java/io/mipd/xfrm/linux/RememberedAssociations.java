package io.mipd.xfrm.linux;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** In memory. */
final class RememberedAssociations implements UnmarkedAssociations {
  final Set<AssociationId> associations = new LinkedHashSet<>();

  @Override
  public ImmutableSet<AssociationId> all() {
    return ImmutableSet.copyOf(associations);
  }

  @Override
  public boolean contains(AssociationId id) {
    return associations.contains(id);
  }

  @Override
  public ImmutableList<AssociationId> to(Ipv6Address destination) {
    return associations.stream()
        .filter(id -> id.destination().equals(destination))
        .collect(ImmutableList.toImmutableList());
  }

  @Override
  public void coming(List<AssociationId> ids) {
    associations.addAll(ids);
  }

  @Override
  public void gone(AssociationId id) {
    associations.remove(id);
  }
}

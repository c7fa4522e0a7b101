package io.mipd.xfrm.linux;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.List;

/** Where nothing is to be told by PF_KEY. */
final class NoUnmarkedAssociations implements UnmarkedAssociations {
  @Override
  public ImmutableSet<AssociationId> all() {
    return ImmutableSet.of();
  }

  @Override
  public boolean contains(AssociationId id) {
    return false;
  }

  @Override
  public ImmutableList<AssociationId> to(Ipv6Address destination) {
    return ImmutableList.of();
  }

  @Override
  public void coming(List<AssociationId> ids) {
    throw new IllegalStateException("nobody remembers associations without a mark: " + ids);
  }

  @Override
  public void gone(AssociationId id) {
    // It was none of these.
  }
}

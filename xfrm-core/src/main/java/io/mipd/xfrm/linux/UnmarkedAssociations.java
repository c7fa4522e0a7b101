package io.mipd.xfrm.linux;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.util.List;

/**
 * Which associations in the kernel are ours although they bear no mark, since they are told to it
 * by PF_KEY. It is to be known after a crash, too. The kernel has no two of one identity.
 */
public interface UnmarkedAssociations {
  /** All of ours bear the mark. */
  UnmarkedAssociations NONE = new NoUnmarkedAssociations();

  ImmutableSet<AssociationId> all();

  boolean contains(AssociationId id);

  /** Those of ours to a destination. */
  ImmutableList<AssociationId> to(Ipv6Address destination);

  /**
   * Associations are about to be put, or moved there.
   *
   * @throws IOException if that cannot be remembered: they must not be put then
   */
  void coming(List<AssociationId> ids) throws IOException;

  /** It is there no more, or has not come. */
  void gone(AssociationId id);
}

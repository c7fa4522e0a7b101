package io.mipd.xfrm.backend;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.TransformProtocol;

/** One change of the policy or association database. Each is atomic: done whole or not at all. */
public sealed interface XfrmCommand {
  /** Fails with {@link XfrmError#EXISTS} if a policy of that identity is there. */
  record AddPolicy(Policy policy) implements XfrmCommand {}

  /** Replaces the policy of the same identity in place, or adds it. No packet sees neither. */
  record UpdatePolicy(Policy policy) implements XfrmCommand {}

  /** Fails with {@link XfrmError#NOT_FOUND} if there is none. */
  record DeletePolicy(Policy.Id id) implements XfrmCommand {}

  /** Fails with {@link XfrmError#EXISTS} if its identity is taken. */
  record AddAssociation(SecurityAssociation association) implements XfrmCommand {}

  /** Fails with {@link XfrmError#NOT_FOUND} if there is none. */
  record DeleteAssociation(AssociationId id) implements XfrmCommand {}

  /** Adds the state, or changes the care-of address of the one that is there, in place. */
  record PutRouteOptimization(RouteOptimizationState state) implements XfrmCommand {}

  /** Fails with {@link XfrmError#NOT_FOUND} if there is none. */
  record DeleteRouteOptimization(RouteOptimizationState.Id id) implements XfrmCommand {}

  /**
   * Moves the tunnel end points of one policy's templates and of the associations that match them
   * (XFRM_MSG_MIGRATE). Sequence numbers and replay state go with the association.
   */
  record Migrate(Policy.Id policy, ImmutableList<Move> moves) implements XfrmCommand {}

  /** Empties both databases. */
  record Flush() implements XfrmCommand {}

  /** One pair of end points that becomes another. */
  record Move(
      TransformProtocol protocol,
      Mode mode,
      ReqId reqId,
      Ipv6Address oldSource,
      Ipv6Address oldDestination,
      Ipv6Address newSource,
      Ipv6Address newDestination) {}
}

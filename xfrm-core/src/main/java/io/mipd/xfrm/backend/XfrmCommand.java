package io.mipd.xfrm.backend;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Template;
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
  record Migrate(Policy.Id policy, ImmutableList<Move> moves) implements XfrmCommand {
    /** The bundle as this leaves it. */
    public Bundle moved(Bundle bundle) {
      return new Bundle(
          bundle.templates().stream().map(this::moved).collect(ImmutableList.toImmutableList()));
    }

    private Template moved(Template template) {
      return moves.stream()
          .filter(move -> move.isOf(template))
          .findFirst()
          .map(move -> template.withAddresses(move.newSource(), move.newDestination()))
          .orElse(template);
    }
  }

  /**
   * Tells whoever has negotiated the associations of a request id from where to where it talks from
   * now on (XFRM_MSG_MIGRATE with XFRMA_KMADDRESS); moves nothing itself. Fails with {@link
   * XfrmError#INVALID} where nobody could be told.
   */
  record TellKeyManager(Mode mode, ReqId reqId, Ipv6Address local, Ipv6Address remote)
      implements XfrmCommand {}

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
      Ipv6Address newDestination) {
    /** Whether a template is at the old end points; compared as the kernel does. */
    public boolean isOf(Template template) {
      return template.isTunnel()
          && template.mode() == mode
          && template.protocol() == protocol
          && (reqId.isAny() || reqId.equals(template.reqId()))
          && template.source().equals(oldSource)
          && template.destination().equals(oldDestination);
    }
  }
}

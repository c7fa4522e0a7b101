package io.mipd.xfrm.backend;

import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;

/** What a backend tells of its own accord. */
public sealed interface XfrmNotice {
  /** A flow needs an association that is not there. */
  record Acquire(Flow flow, Policy.Id policy, Template template) implements XfrmNotice {}

  /** An association reached its soft or hard limit. */
  record Expire(AssociationId association, boolean hard) implements XfrmNotice {}

  /**
   * A packet with a Home Address option or type 2 routing header for which there is no state; the
   * input of a Binding Error (RFC 6275 section 9.3.3).
   */
  record Report(TransformProtocol protocol, Flow flow, Ipv6Address careOf) implements XfrmNotice {}

  /** Someone else added, changed or removed policies. */
  record PoliciesChanged() implements XfrmNotice {}

  /** Someone else added, changed or removed associations. */
  record AssociationsChanged() implements XfrmNotice {}

  /**
   * The sequence numbers of an association have come this far.
   *
   * @param outbound the last that was sent
   * @param inbound the highest that was taken
   */
  record SequencesMoved(AssociationId association, long outbound, long inbound)
      implements XfrmNotice {}

  /** Notices were lost: whatever they would have told must be read again. */
  record Resync() implements XfrmNotice {}
}

package io.mipd.xfrm.transform;

import io.mipd.xfrm.model.SecurityAssociation;

/**
 * Where sequence numbers and anti-replay windows live, so that keys configured by hand can be used
 * again after a restart without a number being sent or accepted twice (RFC 4303 section 3.3.3).
 */
public interface SequenceStore {
  /** The numbers of an association that sends; they go on behind all that were ever reserved. */
  SequenceSource outbound(SecurityAssociation association);

  /** The window of an association that receives; it refuses what was accepted before a restart. */
  AntiReplay inbound(SecurityAssociation association);
}

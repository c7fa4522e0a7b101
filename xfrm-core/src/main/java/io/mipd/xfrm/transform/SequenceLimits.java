package io.mipd.xfrm.transform;

import io.mipd.xfrm.model.SecurityAssociation;

/** A sender stops before its numbers come round (RFC 4303 section 3.3.3). */
public final class SequenceLimits {
  private SequenceLimits() {}

  public static long last(SecurityAssociation association) {
    return association.extendedSequenceNumbers() ? Long.MAX_VALUE : 0xffff_ffffL;
  }
}

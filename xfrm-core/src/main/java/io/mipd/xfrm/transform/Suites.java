package io.mipd.xfrm.transform;

import io.mipd.xfrm.crypto.EspSuite;
import io.mipd.xfrm.model.SecurityAssociation;

/** An association's algorithms at work. */
final class Suites {
  private Suites() {}

  static EspSuite of(SecurityAssociation association) {
    return EspSuite.of(
        association.encryption(),
        association.encryptionKey(),
        association.integrity(),
        association.integrityKey(),
        association.extendedSequenceNumbers());
  }
}

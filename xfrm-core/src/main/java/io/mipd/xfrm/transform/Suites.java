package io.mipd.xfrm.transform;

import io.mipd.xfrm.crypto.EspSuite;
import io.mipd.xfrm.model.SecurityAssociation;
import java.util.random.RandomGenerator;

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

  /**
   * @param random for initialization vectors
   */
  static EspSuite of(SecurityAssociation association, RandomGenerator random) {
    return EspSuite.of(
        association.encryption(),
        association.encryptionKey(),
        association.integrity(),
        association.integrityKey(),
        association.extendedSequenceNumbers(),
        random);
  }
}

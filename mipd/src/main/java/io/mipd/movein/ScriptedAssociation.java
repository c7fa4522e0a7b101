package io.mipd.movein;

import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Spi;

/**
 * An ESP association that a script adds.
 *
 * @param reqId 0 if it has none
 * @param upper the protocol of its selector; empty for any
 */
record ScriptedAssociation(
    Place place,
    Ipv6Address source,
    Ipv6Address destination,
    Spi spi,
    int reqId,
    boolean tunnel,
    String upper,
    EncryptionAlgorithm encryption,
    KeyMaterial encryptionKey,
    IntegrityAlgorithm integrity,
    KeyMaterial integrityKey) {}

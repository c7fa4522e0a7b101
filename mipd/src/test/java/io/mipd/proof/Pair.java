package io.mipd.proof;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;

/**
 * Two associations, one each way, and the templates that find them.
 *
 * @param spi of {@code one} to {@code other}; the next is that of the way back
 */
record Pair(
    TransformProtocol protocol,
    Mode mode,
    Ipv6Address one,
    Ipv6Address other,
    int reqId,
    int spi,
    EncryptionAlgorithm encryption) {
  private static final KeyMaterial KEY20 =
      KeyMaterial.parseHex("000102030405060708090a0b0c0d0e0f10111213");
  private static final KeyMaterial KEY16 = KeyMaterial.parseHex("00112233445566778899aabbccddeeff");

  static Pair transport(TransformProtocol protocol, Ipv6Address one, Ipv6Address other, int spi) {
    return new Pair(protocol, Mode.TRANSPORT, one, other, spi >> 12, spi, EncryptionAlgorithm.NULL);
  }

  static Pair tunnel(TransformProtocol protocol, Ipv6Address one, Ipv6Address other, int spi) {
    return new Pair(protocol, Mode.TUNNEL, one, other, spi >> 12, spi, EncryptionAlgorithm.NULL);
  }

  Pair encrypted() {
    return new Pair(protocol, mode, one, other, reqId, spi, EncryptionAlgorithm.AES_CBC);
  }

  Template there() {
    return template(one, other);
  }

  Template back() {
    return template(other, one);
  }

  private Template template(Ipv6Address from, Ipv6Address to) {
    return mode == Mode.TUNNEL
        ? Template.tunnel(protocol, from, to, new ReqId(reqId))
        : Template.transport(protocol, new ReqId(reqId));
  }

  ImmutableList<SecurityAssociation> associations() {
    return ImmutableList.of(association(one, other, spi), association(other, one, spi + 1));
  }

  private SecurityAssociation association(Ipv6Address from, Ipv6Address to, int number) {
    var builder =
        SecurityAssociation.builder(
                new AssociationId(to, protocol, Spi.ofAssociation(number)), from, mode)
            .reqId(new ReqId(reqId))
            .integrity(IntegrityAlgorithm.HMAC_SHA1_96, KEY20);
    return encryption == EncryptionAlgorithm.AES_CBC
        ? builder.encryption(encryption, KEY16).build()
        : builder.build();
  }
}

package io.mipd.xfrm.transform;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.TransformProtocol;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What we seal, tshark checks and reads with the keys that it is given. */
class TsharkTest {
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:b::20");
  private static final String PAYLOAD = "000102030405060708090a0b0c";

  @TempDir private Path directory = Path.of("");

  @BeforeAll
  static void isThere() {
    Tshark.assumeInstalled();
  }

  static ImmutableList<SecurityAssociation> associations() {
    // tshark 4.0 has no column for extended sequence numbers.
    return IpsecRoundTripTest.associations().stream()
        .filter(association -> !association.extendedSequenceNumbers())
        .filter(association -> association.id().protocol() == TransformProtocol.ESP)
        .collect(ImmutableList.toImmutableList());
  }

  /** The same with an SPI of its own, so that tshark tells them apart in one capture. */
  private static SecurityAssociation withSpi(SecurityAssociation association, int spi) {
    return SecurityAssociation.builder(
            new AssociationId(association.destination(), association.id().protocol(), new Spi(spi)),
            association.source(),
            association.mode())
        .encryption(association.encryption(), association.encryptionKey())
        .integrity(association.integrity(), association.integrityKey())
        .replayWindow(association.replayWindow())
        .build();
  }

  @Test
  void decryptsEveryAlgorithmInBothModes() throws Exception {
    var all = new ArrayList<SecurityAssociation>();
    var packets = new ArrayList<byte[]>();
    for (SecurityAssociation association : associations()) {
      var own = withSpi(association, 0x1001 + all.size());
      var packet = IpsecRoundTripTest.packet(13);
      assertThat(IpsecRoundTripTest.outbound(own).apply(packet)).isNull();
      all.add(own);
      packets.add(packet.toOctets());
    }
    assertThat(all).hasSize(20);

    List<String> lines =
        Tshark.read(
            directory,
            packets,
            all,
            "esp.spi",
            "esp.icv_good",
            "udp.dstport",
            "data.data",
            "esp.sequence",
            "_ws.malformed");
    var expected = new ArrayList<String>();
    for (SecurityAssociation association : all) {
      // tshark 4.0 calls GCM's tag good without a look; ForeignPacketsTest compares it.
      expected.add("0x%08x\t1\t6000\t%s\t1\t".formatted(association.id().spi().value(), PAYLOAD));
    }
    assertThat(lines).containsExactlyElementsOf(expected);
  }

  @Test
  void readsTheHeadersInTheOrderOfTheRfc() throws Exception {
    SecurityAssociation association =
        associations().stream()
            .filter(a -> a.mode() == Mode.TRANSPORT)
            .filter(a -> a.encryption() == EncryptionAlgorithm.AES_CBC)
            .filter(a -> a.integrity() == IntegrityAlgorithm.HMAC_SHA2_256_128)
            .findFirst()
            .orElseThrow();
    var packet = IpsecRoundTripTest.packet(13);
    Ipv6Address home = Ipv6Address.read(packet.array(), packet.start() + 8);
    Ipv6Address peer = Ipv6Address.read(packet.array(), packet.start() + 24);
    assertThat(IpsecRoundTripTest.outbound(association).apply(packet)).isNull();
    assertThat(new HomeAddressInsertion(CARE_OF).apply(packet)).isNull();
    Ipv6Address peerCareOf = Ipv6Address.parse("2001:db8:c::30");
    assertThat(new RoutingHeaderInsertion(peerCareOf).apply(packet)).isNull();

    String[] fields =
        only(
            packet,
            association,
            "frame.protocols",
            "ipv6.src_host",
            "ipv6.opt.mipv6.home_address",
            "ipv6.dst_host",
            "ipv6.routing.mipv6.home_address",
            "ipv6.routing.segleft",
            "udp.dstport",
            "_ws.malformed");
    assertThat(fields[0]).contains("ipv6:ipv6.routing:ipv6.dstopts:esp:udp:data");
    assertThat(fields[1]).contains(CARE_OF.toString());
    assertThat(fields[2]).isEqualTo(home.toString());
    assertThat(fields[3]).contains(peerCareOf.toString());
    assertThat(fields[4]).isEqualTo(peer.toString());
    assertThat(fields[5]).isEqualTo("1");
    assertThat(fields[6]).isEqualTo("6000");
    assertThat(fields.length > 7 ? fields[7] : "").as("malformed").isEmpty();
  }

  @Test
  void readsAh() throws Exception {
    for (SecurityAssociation association : IpsecRoundTripTest.associations()) {
      if (association.id().protocol() != TransformProtocol.AH
          || association.extendedSequenceNumbers()) {
        continue;
      }
      var packet = IpsecRoundTripTest.packet(13);
      assertThat(IpsecRoundTripTest.outbound(association).apply(packet)).isNull();
      String[] fields =
          only(packet, association, "ah.spi", "ah.sequence", "udp.dstport", "data.data");
      assertThat(fields).containsExactly("0x00001001", "1", "6000", PAYLOAD);
    }
  }

  private String[] only(PacketBuffer packet, SecurityAssociation association, String... fields)
      throws IOException, InterruptedException {
    List<String> lines =
        Tshark.read(
            directory, ImmutableList.of(packet.toOctets()), ImmutableList.of(association), fields);
    assertThat(lines).hasSize(1);
    return lines.get(0).split("\t", -1);
  }
}

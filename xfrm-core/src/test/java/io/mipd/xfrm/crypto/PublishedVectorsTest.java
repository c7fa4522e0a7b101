package io.mipd.xfrm.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The test vectors that the algorithms were published with. */
class PublishedVectorsTest {
  private static byte[] octets(String hex) {
    return HexFormat.of().parseHex(hex.replace(" ", ""));
  }

  private static String hex(byte[] octets) {
    return HexFormat.of().formatHex(octets);
  }

  /** RFC 4868 section 2.7.2.1, AUTH256-1 to 4. */
  @ParameterizedTest
  @CsvSource({
    "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b, 4869205468657265,"
        + " 198a607eb44bfbc69903a0f1cf2bbdc5",
    "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665,"
        + " 7768617420646f2079612077616e7420666f72206e6f7468696e673f,"
        + " 167f928588c5cc2eef8e3093caa0e87c",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,"
        + " dddddddddddddddddddddddddddddddddddddddddddddddddd"
        + "dddddddddddddddddddddddddddddddddddddddddddddddddd,"
        + " cdcb1220d1ecccea91e53aba3092f962",
    "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20,"
        + " cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
        + "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd,"
        + " 372efcf9b40b35c2115b1346903d2ef4"
  })
  void hmacSha256(String key, String data, String icv) {
    checkHmac(IntegrityAlgorithm.HMAC_SHA2_256_128, key, data, icv);
  }

  /** RFC 2202 section 3, cases 1 and 3, whose keys have the 20 octets that RFC 2404 asks for. */
  @ParameterizedTest
  @CsvSource({
    "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b, 4869205468657265, b617318655057264e28bc0b6",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,"
        + " dddddddddddddddddddddddddddddddddddddddddddddddddd"
        + "dddddddddddddddddddddddddddddddddddddddddddddddddd,"
        + " 125d7342b9ac11cd91a39af4"
  })
  void hmacSha1(String key, String data, String icv) {
    checkHmac(IntegrityAlgorithm.HMAC_SHA1_96, key, data, icv);
  }

  private static void checkHmac(IntegrityAlgorithm algorithm, String key, String data, String icv) {
    var hmac = new Hmac(algorithm, KeyMaterial.parseHex(key));
    byte[] octets = octets(data);
    byte[] value = new byte[algorithm.icvLength()];
    for (int round = 0; round < 2; round++) {
      hmac.update(octets, 0, octets.length);
      hmac.finish(value, 0);
      assertThat(hex(value)).isEqualTo(icv);
    }
    hmac.update(octets, 0, octets.length);
    assertThat(hmac.verify(octets(icv), 0)).isTrue();
  }

  /**
   * RFC 3602 section 4, cases 5 to 8: the ESP packets from the SPI on. They bear no ICV, so one is
   * put behind them.
   */
  @ParameterizedTest
  @CsvSource({
    "90d382b410eeba7ad938c46cec1a82bf, 00004321 00000001 e96e8c08ab465763fd098d45dd3ff893,"
        + " f663c25d325c18c6a9453e194e120849a4870b66cc6b9965330013b4898dc856"
        + "a4699e523a55db080b59ec3a8e4b7e52775b07d1db34ed9c538ab50c551b874a"
        + "a269add047ad2d5913ac19b7cfbad4a6,"
        + " 08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f1011121314151617"
        + "18191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637"
        + "0102030405060708090a0b0c0d0e0e01",
    "90d382b410eeba7ad938c46cec1a82bf, 00004321 00000008 69d08df7d203329db093fc4924e5bd80,"
        + " f51995881ec4e0c4488987ce742e8109689bb379d2d750c0d915dca346a89f75,"
        + " 0800b5e8a80a0500a69c083d0b660e0077777777777777777777777701020201",
    "0123456789abcdef0123456789abcdef, 00008765 00000002 f4e765244f6407adf13dc1380f673f37,"
        + " 773b5241a4c449225e4f3ce5ed611b0c237ca96cf74a93013c1b0ea1a0cf70f8"
        + "e4ecaec78ac53aad7a0f022b859243c647752e94a859352b8a4d4d2decd136e5"
        + "c177f132ad3fbfb2201ac9904c74ee0a109e0ca1e4dfe9d5a100b842f1c22f0d,"
        + " 45000054090400004001f988c0a87b03c0a87bc808009f76a90a0100b49c083d"
        + "02a2040008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223"
        + "2425262728292a2b2c2d2e2f30313233343536370102030405060708090a0a04",
    "0123456789abcdef0123456789abcdef, 00008765 00000005 85d47224b5f3dd5d2101d4ea8dffab22,"
        + " 15b92683819596a8047232cc00f7048fe45318e11f8a0f62ede3c3fc61203bb5"
        + "0f980a08c9843fd3a1b06d5c07ff9639b7eb7dfb3512e5de435e7207ed971ef3"
        + "d2726d9b5ef6affc6d17a0decbb13892,"
        + " 45000044090c00004001f990c0a87b03c0a87bc80800d63caa0a0200c69c083d"
        + "a3de0300ffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        + "ffffffff0102030405060708090a0a04"
  })
  void aesCbc(String key, String head, String encrypted, String text) {
    KeyMaterial integrityKey = KeyMaterial.copyOf(new byte[32]);
    byte[] packet = octets(head + encrypted + "00".repeat(16));
    int length = encrypted.length() / 2;
    var hmac = new Hmac(IntegrityAlgorithm.HMAC_SHA2_256_128, integrityKey);
    hmac.update(packet, 0, packet.length - 16);
    hmac.finish(packet, packet.length - 16);
    var suite =
        EspSuite.of(
            EncryptionAlgorithm.AES_CBC,
            KeyMaterial.parseHex(key),
            IntegrityAlgorithm.HMAC_SHA2_256_128,
            integrityKey,
            false);

    assertThat(suite.open(packet, 0, length, 1)).isTrue();
    assertThat(HexFormat.of().formatHex(packet, 24, 24 + length)).isEqualTo(text);
  }

  /**
   * The first ESP packet of draft-mcgrew-gcm-test-01, whose extended sequence number is
   * 8765432100000000.
   */
  @Test
  void aesGcm() {
    var suite =
        EspSuite.of(
            EncryptionAlgorithm.AES_GCM_16,
            KeyMaterial.parseHex("4c80cdefbb5d10da906ac73c3613a6342e443b68"),
            IntegrityAlgorithm.NONE,
            KeyMaterial.EMPTY,
            true);
    String text =
        "45000048699a000080114db7c0a80102c0a801010a9bf15638d3010000010000"
            + "00000000045f736970045f7564700373697009637962657263697479"
            + "02646b0000210001"
            + "01020201";
    byte[] packet =
        octets(
            "00004321 00000000 4956ed7e3b244cfe"
                + "fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34"
                + "cfa2436f14a3f3cf65925bf1f4a13c5d15b21e1884f5ff6247aeabb786b93bce"
                + "61bc17d768fd9732459018148f6cbe722fd04796562dfdb4");

    assertThat(suite.open(packet, 0, text.length() / 2, 0x8765432100000000L)).isTrue();
    assertThat(HexFormat.of().formatHex(packet, 16, 16 + text.length() / 2)).isEqualTo(text);
  }

  /** Large packets go through CBC in pieces; every length must come out as it went in. */
  @Test
  void cbcOfEveryLength() {
    var suite =
        EspSuite.of(
            EncryptionAlgorithm.AES_CBC,
            KeyMaterial.copyOf(new byte[16]),
            IntegrityAlgorithm.HMAC_SHA1_96,
            KeyMaterial.copyOf(new byte[20]),
            false);
    for (int length = 16; length < 9000; length += 16) {
      byte[] packet = new byte[24 + length + 12];
      for (int i = 0; i < length; i++) {
        packet[24 + i] = (byte) (i * 31 + length);
      }
      byte[] before = packet.clone();
      suite.seal(packet, 0, length, 1);
      assertThat(HexFormat.of().formatHex(packet, 24, 40))
          .isNotEqualTo(HexFormat.of().formatHex(before, 24, 40));
      assertThat(suite.open(packet, 0, length, 1)).isTrue();
      assertThat(HexFormat.of().formatHex(packet, 24, 24 + length))
          .as("%s octets", length)
          .isEqualTo(HexFormat.of().formatHex(before, 24, 24 + length));
    }
  }

  /** RFC 3602 section 3: IVs differ and are not a counter that an observer could continue. */
  @Test
  void initializationVectorsAreNotPredictable() {
    var suite =
        EspSuite.of(
            EncryptionAlgorithm.AES_CBC,
            KeyMaterial.copyOf(new byte[16]),
            IntegrityAlgorithm.HMAC_SHA1_96,
            KeyMaterial.copyOf(new byte[20]),
            false);
    int different = 0;
    byte[] last = new byte[16];
    for (int packet = 0; packet < 1000; packet++) {
      byte[] octets = new byte[24 + 16 + 12];
      suite.seal(octets, 0, 16, 1);
      for (int i = 0; i < 16; i++) {
        different += Integer.bitCount((octets[8 + i] ^ last[i]) & 0xff);
        last[i] = octets[8 + i];
      }
    }
    // Half of 128 bits on average; the bounds are ten standard deviations away.
    assertThat(different).isBetween(64_000 - 1_800, 64_000 + 1_800);
  }

  @Test
  void secretsDoNotPrint() {
    String secret = "00112233445566778899aabbccddeeff";
    KeyMaterial key = KeyMaterial.parseHex("0x" + secret);
    assertThat(key.toString()).doesNotContain("0011").contains("128 bits");
    assertThatThrownBy(() -> KeyMaterial.parseHex(secret + "zz"))
        .isInstanceOf(IllegalArgumentException.class)
        .message()
        .doesNotContain("0011");
    assertThat(KeyFingerprint.of(key, KeyMaterial.EMPTY))
        .hasSize(16)
        .isNotEqualTo(KeyFingerprint.of(KeyMaterial.EMPTY, key));
  }
}

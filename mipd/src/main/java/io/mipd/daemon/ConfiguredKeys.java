package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.host.HomeAssociations;
import io.mipd.host.HomeAssociations.Pair;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Spi;
import java.util.Optional;

/**
 * The associations of one home address with its home agent (RFC 3776 section 4.1), with configured
 * keys.
 *
 * @param signalling transport mode, for Binding Updates and Acknowledgements
 * @param prefixDiscovery transport mode, for ICMPv6 prefix solicitations and advertisements
 * @param returnRoutability tunnel mode, for Home Test Init and Home Test
 * @param payload tunnel mode, for all else; without it payload is tunnelled without protection
 * @param replayWindow packets; 0 for no anti-replay
 */
record ConfiguredKeys(
    KeyFile keyFile,
    EncryptionAlgorithm encryption,
    IntegrityAlgorithm integrity,
    int replayWindow,
    boolean extendedSequenceNumbers,
    Pair signalling,
    Optional<Pair> prefixDiscovery,
    Optional<Pair> returnRoutability,
    Optional<Pair> payload)
    implements Protection {

  static final ImmutableMap<String, EncryptionAlgorithm> ENCRYPTIONS =
      ImmutableMap.of(
          "aes-cbc", EncryptionAlgorithm.AES_CBC,
          "null", EncryptionAlgorithm.NULL);
  static final ImmutableMap<String, IntegrityAlgorithm> INTEGRITIES =
      ImmutableMap.of(
          "hmac-sha2-256-128", IntegrityAlgorithm.HMAC_SHA2_256_128,
          "hmac-sha1-96", IntegrityAlgorithm.HMAC_SHA1_96);

  static ConfiguredKeys read(Section section) throws ConfigurationException {
    KeyFile keys = section.keyFile("keys");
    var protection =
        new ConfiguredKeys(
            keys,
            encryption(section),
            section.choice("integrity", "hmac-sha2-256-128", INTEGRITIES),
            section.integer("replay-window", 128, 0, SecurityAssociation.MAX_REPLAY_WINDOW),
            section.flag("extended-sequence-numbers", false),
            pair(section.section("signalling")),
            optionalPair(section, "prefix-discovery"),
            optionalPair(section, "return-routability"),
            optionalPair(section, "payload"));
    if (protection.extendedSequenceNumbers && protection.replayWindow == 0) {
      throw section.wrong(
          "extended-sequence-numbers",
          "on without anti-replay (RFC 4303 section 2.2.1)",
          "a replay-window above 0, or false");
    }
    section.finish();
    for (Pair pair : protection.pairs()) {
      keysFor(section, keys, pair.toHomeAgent(), protection.encryption, protection.integrity);
      keysFor(section, keys, pair.toMobileNode(), protection.encryption, protection.integrity);
    }
    return protection;
  }

  /** What configured keys may be used with. */
  static EncryptionAlgorithm encryption(Section section) throws ConfigurationException {
    String name = section.string("encryption", "aes-cbc", "aes-cbc, null");
    if (name.contains("gcm") || name.contains("ctr") || name.contains("ccm")) {
      throw section.wrong(
          "encryption",
          name
              + " with configured keys: a restart would repeat its nonces under the same key, which"
              + " reveals plaintext and lets packets be forged (RFC 8221 section 3)",
          "aes-cbc, null");
    }
    return section.choice("encryption", "aes-cbc", ENCRYPTIONS);
  }

  private static Optional<Pair> optionalPair(Section section, String key)
      throws ConfigurationException {
    Optional<Section> inner = section.optionalSection(key);
    return inner.isEmpty() ? Optional.empty() : Optional.of(pair(inner.get()));
  }

  private static Pair pair(Section section) throws ConfigurationException {
    Spi toHomeAgent = section.spi("to-home-agent");
    Spi toMobileNode = section.spi("to-mobile-node");
    int reqId = toHomeAgent.value() & 0x7fff_ffff;
    if (section.has("reqid")) {
      reqId = section.integer("reqid", reqId, 1, Integer.MAX_VALUE);
    }
    section.finish();
    return new Pair(toHomeAgent, toMobileNode, new ReqId(reqId));
  }

  @Override
  public TunnelProtection tunnel() {
    return new TunnelProtection(
        Optional.of(signalling.reqId()),
        prefixDiscovery.map(Pair::reqId),
        returnRoutability.map(Pair::reqId),
        payload.map(Pair::reqId));
  }

  @Override
  public ImmutableList<Pair> pairs() {
    var pairs = ImmutableList.<Pair>builder().add(signalling);
    prefixDiscovery.ifPresent(pairs::add);
    returnRoutability.ifPresent(pairs::add);
    payload.ifPresent(pairs::add);
    return pairs.build();
  }

  /**
   * The keys of one association, of the lengths that its algorithms take.
   *
   * @throws ConfigurationException if there are none, or not of these lengths
   */
  static KeyFile.Keys keysFor(
      Section section,
      KeyFile keyFile,
      Spi spi,
      EncryptionAlgorithm encryption,
      IntegrityAlgorithm integrity)
      throws ConfigurationException {
    KeyFile.Keys keys = keyFile.keys().get(spi);
    if (keys == null) {
      throw section.wrong(
          "keys", keyFile.file() + " has no keys for SPI " + spi, "a line for every SPI used here");
    }
    if (!encryption.acceptsKeyLength(keys.encryption().length())) {
      throw section.wrong(
          "keys",
          "the encryption key of SPI " + spi + " has " + keys.encryption().length() + " octets",
          encryption == EncryptionAlgorithm.NULL ? "- (none)" : "16, 24 or 32 octets");
    }
    if (keys.integrity().length() != integrity.keyLength()) {
      throw section.wrong(
          "keys",
          "the integrity key of SPI " + spi + " has " + keys.integrity().length() + " octets",
          integrity.keyLength() + " octets");
    }
    return keys;
  }

  @Override
  public ImmutableList<SecurityAssociation> associations(Ipv6Address home, Ipv6Address agent) {
    return new HomeAssociations(signalling, prefixDiscovery, returnRoutability, payload)
        .between(home, agent, this::keyed);
  }

  private SecurityAssociation.Builder keyed(Spi spi, SecurityAssociation.Builder association) {
    KeyFile.Keys keys = keyFile.keys().get(spi);
    if (keys == null) {
      throw new IllegalStateException("no keys for SPI " + spi);
    }
    return association
        .encryption(encryption, keys.encryption())
        .integrity(integrity, keys.integrity())
        .replayWindow(replayWindow)
        .extendedSequenceNumbers(extendedSequenceNumbers);
  }
}

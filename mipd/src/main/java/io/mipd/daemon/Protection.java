package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.TransformProtocol;
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
record Protection(
    KeyFile keyFile,
    EncryptionAlgorithm encryption,
    IntegrityAlgorithm integrity,
    int replayWindow,
    boolean extendedSequenceNumbers,
    Pair signalling,
    Optional<Pair> prefixDiscovery,
    Optional<Pair> returnRoutability,
    Optional<Pair> payload) {

  private static final ImmutableMap<String, EncryptionAlgorithm> ENCRYPTIONS =
      ImmutableMap.of(
          "aes-cbc", EncryptionAlgorithm.AES_CBC,
          "null", EncryptionAlgorithm.NULL);
  private static final ImmutableMap<String, IntegrityAlgorithm> INTEGRITIES =
      ImmutableMap.of(
          "hmac-sha2-256-128", IntegrityAlgorithm.HMAC_SHA2_256_128,
          "hmac-sha1-96", IntegrityAlgorithm.HMAC_SHA1_96);

  /** Two associations, one each way, and the request id that ties policies to them. */
  record Pair(Spi toHomeAgent, Spi toMobileNode, ReqId reqId) {}

  static Protection read(Section section) throws ConfigurationException {
    KeyFile keys = KeyFile.read(section.path("keys"));
    String name = section.string("encryption", "aes-cbc", "aes-cbc, null");
    if (name.contains("gcm") || name.contains("ctr") || name.contains("ccm")) {
      throw section.wrong(
          "encryption",
          name
              + " with configured keys: a restart would repeat its nonces under the same key, which"
              + " reveals plaintext and lets packets be forged (RFC 8221 section 3)",
          "aes-cbc, null");
    }
    var protection =
        new Protection(
            keys,
            section.choice("encryption", "aes-cbc", ENCRYPTIONS),
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
      protection.check(section, pair.toHomeAgent());
      protection.check(section, pair.toMobileNode());
    }
    return protection;
  }

  private static Optional<Pair> optionalPair(Section section, String key)
      throws ConfigurationException {
    Optional<Section> inner = section.optionalSection(key);
    return inner.isEmpty() ? Optional.empty() : Optional.of(pair(inner.get()));
  }

  private static Pair pair(Section section) throws ConfigurationException {
    Spi toHomeAgent = section.spi("to-home-agent");
    Spi toMobileNode = section.spi("to-mobile-node");
    int reqId = section.integer("reqid", toHomeAgent.value() & 0x7fff_ffff, 1, Integer.MAX_VALUE);
    section.finish();
    return new Pair(toHomeAgent, toMobileNode, new ReqId(reqId));
  }

  ImmutableList<Pair> pairs() {
    var pairs = ImmutableList.<Pair>builder().add(signalling);
    prefixDiscovery.ifPresent(pairs::add);
    returnRoutability.ifPresent(pairs::add);
    payload.ifPresent(pairs::add);
    return pairs.build();
  }

  private void check(Section section, Spi spi) throws ConfigurationException {
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
  }

  /**
   * The associations as they are before any binding: tunnels end at the home address until the
   * first registration moves them to a care-of address.
   */
  ImmutableList<SecurityAssociation> associations(Ipv6Address home, Ipv6Address agent) {
    var all = ImmutableList.<SecurityAssociation>builder();
    Selector up = Selector.between(home, agent);
    Selector down = Selector.between(agent, home);
    Selector upAny = Selector.between(Ipv6Prefix.host(home), Ipv6Prefix.ANY);
    Selector downAny = Selector.between(Ipv6Prefix.ANY, Ipv6Prefix.host(home));
    int mobility = IpProtocol.MOBILITY;
    add(
        all,
        signalling,
        Mode.TRANSPORT,
        home,
        agent,
        up.withProtocol(mobility),
        down.withProtocol(mobility));
    prefixDiscovery.ifPresent(
        pair ->
            add(
                all,
                pair,
                Mode.TRANSPORT,
                home,
                agent,
                up.withProtocol(IpProtocol.ICMPV6),
                down.withProtocol(IpProtocol.ICMPV6)));
    returnRoutability.ifPresent(
        pair ->
            add(
                all,
                pair,
                Mode.TUNNEL,
                home,
                agent,
                upAny.withProtocol(mobility),
                downAny.withProtocol(mobility)));
    payload.ifPresent(pair -> add(all, pair, Mode.TUNNEL, home, agent, upAny, downAny));
    return all.build();
  }

  private void add(
      ImmutableList.Builder<SecurityAssociation> all,
      Pair pair,
      Mode mode,
      Ipv6Address home,
      Ipv6Address agent,
      Selector up,
      Selector down) {
    all.add(one(pair.toHomeAgent(), pair.reqId(), mode, home, agent, up));
    all.add(one(pair.toMobileNode(), pair.reqId(), mode, agent, home, down));
  }

  private SecurityAssociation one(
      Spi spi,
      ReqId reqId,
      Mode mode,
      Ipv6Address source,
      Ipv6Address destination,
      Selector selector) {
    KeyFile.Keys keys = keyFile.keys().get(spi);
    if (keys == null) {
      throw new IllegalStateException("no keys for SPI " + spi);
    }
    return SecurityAssociation.builder(
            new AssociationId(destination, TransformProtocol.ESP, spi), source, mode)
        .reqId(reqId)
        .selector(selector)
        .encryption(encryption, keys.encryption())
        .integrity(integrity, keys.integrity())
        .replayWindow(replayWindow)
        .extendedSequenceNumbers(extendedSequenceNumbers)
        .build();
  }
}

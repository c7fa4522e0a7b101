package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.host.HomeAssociations;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.packet.Octets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The associations of one home address with its home agent, negotiated by IKEv2 (RFC 4877): mipd
 * has the policies, charon makes the associations that they ask for.
 *
 * @param localIdentity as charon writes identities: a domain name, an e-mail address, a
 *     distinguished name
 * @param remoteIdentity likewise; at a home agent it, the home address and the request ids belong
 *     together (RFC 4877 section 4.1)
 * @param proposals for the IKE_SA, as charon writes them; empty for its own
 * @param espProposals likewise for associations
 * @param keyManagementMobility whether a movement takes the IKE_SA along: K, where the other end
 *     says so too
 * @param probeInterval of dead peer detection
 * @param rekeyInterval of associations
 * @param ikeRekeyInterval of the IKE_SA
 */
record NegotiatedKeys(
    String localIdentity,
    String remoteIdentity,
    Credentials credentials,
    ImmutableList<String> proposals,
    ImmutableList<String> espProposals,
    boolean keyManagementMobility,
    Duration probeInterval,
    Duration rekeyInterval,
    Duration ikeRekeyInterval,
    TunnelProtection tunnel)
    implements Protection {
  static final String SIGNALLING = "signalling";

  /** charon gives out its own from 1 on. */
  private static final int MINIMUM_REQID = 1024;

  /** By which both ends prove who they are. */
  sealed interface Credentials {}

  /** What both ends know. */
  record PreSharedKey(KeyMaterial key) implements Credentials {}

  /**
   * @param certificate our own, PEM or DER
   * @param key our private key, PEM or DER, without a passphrase
   * @param authority that the other end's certificate is of
   */
  record Certificates(Octets certificate, KeyMaterial key, Octets authority)
      implements Credentials {}

  static NegotiatedKeys read(Section section) throws ConfigurationException {
    String identity = "a domain name, an e-mail address or a distinguished name";
    String local = section.string("local-identity", identity);
    String remote = section.string("remote-identity", identity);
    String proposal = "strongSwan's names, such as aes128-sha256-x25519";
    boolean moves = section.flag("key-management-mobility", true);
    var keys =
        new NegotiatedKeys(
            local,
            remote,
            credentials(section),
            section.strings("ike-proposals", proposal),
            section.strings("esp-proposals", "strongSwan's names, such as aes128-sha256"),
            moves,
            interval(section, "probe-interval", Duration.ofSeconds(30)),
            interval(section, "rekey-interval", Duration.ofHours(1)),
            interval(section, "ike-rekey-interval", Duration.ofHours(4)),
            new TunnelProtection(
                Optional.of(reqId(section.section("signalling"))),
                reqId(section, "prefix-discovery"),
                reqId(section, "return-routability"),
                reqId(section, "payload"),
                moves));
    section.finish();
    long different = keys.associations().values().stream().distinct().count();
    if (different != keys.associations().size()) {
      throw section.wrong(
          "signalling.reqid", "a reqid is there twice", "each kind of association with its own");
    }
    return keys;
  }

  private static Duration interval(Section section, String key, Duration byDefault)
      throws ConfigurationException {
    return section.duration(key, byDefault, Duration.ofSeconds(1), Duration.ofDays(30));
  }

  private static Credentials credentials(Section section) throws ConfigurationException {
    boolean shared = section.has("secret");
    if (shared == section.has("certificate")) {
      throw section.wrong(
          "secret",
          shared ? "given beside a certificate" : "neither it nor a certificate is given",
          "secret, or certificate with private-key and authority");
    }
    if (shared) {
      return new PreSharedKey(SecretFile.line(section, "secret"));
    }
    return new Certificates(
        SecretFile.publicly(section, "certificate"),
        SecretFile.whole(section, "private-key"),
        SecretFile.publicly(section, "authority"));
  }

  private static Optional<ReqId> reqId(Section section, String key) throws ConfigurationException {
    Optional<Section> inner = section.optionalSection(key);
    return inner.isEmpty() ? Optional.empty() : Optional.of(reqId(inner.get()));
  }

  private static ReqId reqId(Section section) throws ConfigurationException {
    if (!section.has("reqid")) {
      throw section.wrong(
          "reqid", "is missing", MINIMUM_REQID + " or more, the same nowhere else on this machine");
    }
    int reqId = section.integer("reqid", MINIMUM_REQID, MINIMUM_REQID, Integer.MAX_VALUE);
    section.finish();
    return new ReqId(reqId);
  }

  /** Request ids by the name of the CHILD_SA, the one for signalling first. */
  ImmutableMap<String, ReqId> associations() {
    Map<String, ReqId> all = new LinkedHashMap<>();
    tunnel.signalling().ifPresent(it -> all.put(SIGNALLING, it));
    tunnel.prefixDiscovery().ifPresent(it -> all.put("prefix-discovery", it));
    tunnel.returnRoutability().ifPresent(it -> all.put("return-routability", it));
    tunnel.payload().ifPresent(it -> all.put("payload", it));
    return ImmutableMap.copyOf(all);
  }

  /** Whether an association is of tunnel mode. */
  boolean isTunnel(ReqId reqId) {
    return tunnel.returnRoutability().equals(Optional.of(reqId))
        || tunnel.payload().equals(Optional.of(reqId));
  }

  @Override
  public ImmutableList<HomeAssociations.Pair> pairs() {
    return ImmutableList.of();
  }

  @Override
  public ImmutableList<SecurityAssociation> associations(Ipv6Address home, Ipv6Address agent) {
    return ImmutableList.of();
  }
}

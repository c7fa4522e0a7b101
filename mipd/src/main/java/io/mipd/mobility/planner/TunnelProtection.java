package io.mipd.mobility.planner;

import static com.google.common.collect.ImmutableSet.toImmutableSet;

import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityPath;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Which associations protect what passes between a mobile node and its home agent (RFC 3776 section
 * 4.1); those of both directions share a request id.
 *
 * @param signalling transport mode, Binding Updates and Acknowledgements
 * @param prefixDiscovery transport mode, Mobile Prefix Solicitations and Advertisements
 * @param returnRoutability tunnel mode, Home Test Init and Home Test
 * @param payload tunnel mode, all else; empty for a plain tunnel
 * @param keyManagement whether what has negotiated them moves along with the mobile node: K (RFC
 *     6275 section 6.1.7)
 * @param groups whether policies are to name multicast groups, where packets for these pass the
 *     tunnel: a kernel finds policies by a packet's own addresses
 */
public record TunnelProtection(
    Optional<ReqId> signalling,
    Optional<ReqId> prefixDiscovery,
    Optional<ReqId> returnRoutability,
    Optional<ReqId> payload,
    boolean keyManagement,
    boolean groups) {
  public static final TunnelProtection NONE =
      new TunnelProtection(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

  /** With configured keys. */
  public TunnelProtection(
      Optional<ReqId> signalling,
      Optional<ReqId> prefixDiscovery,
      Optional<ReqId> returnRoutability,
      Optional<ReqId> payload) {
    this(signalling, prefixDiscovery, returnRoutability, payload, false);
  }

  /** Policies name no groups. */
  public TunnelProtection(
      Optional<ReqId> signalling,
      Optional<ReqId> prefixDiscovery,
      Optional<ReqId> returnRoutability,
      Optional<ReqId> payload,
      boolean keyManagement) {
    this(signalling, prefixDiscovery, returnRoutability, payload, keyManagement, false);
  }

  /** Likewise, but for whether policies name groups. */
  public TunnelProtection withGroups(boolean named) {
    return new TunnelProtection(
        signalling, prefixDiscovery, returnRoutability, payload, keyManagement, named);
  }

  /** Of all these associations. */
  public ImmutableSet<ReqId> reqIds() {
    return Stream.of(signalling, prefixDiscovery, returnRoutability, payload)
        .flatMap(Optional::stream)
        .collect(toImmutableSet());
  }

  /**
   * Whether prefix discovery may come this way: by its association, and unprotected only where
   * nothing is protected.
   */
  public boolean admitsPrefixDiscovery(SecurityPath path) {
    return prefixDiscovery.map(path::passedThrough).orElse(signalling.isEmpty());
  }
}

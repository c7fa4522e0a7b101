package io.mipd.xfrm.engine;

import static com.google.common.base.Preconditions.checkArgument;

import java.time.Duration;

/**
 * The engine's limits. Each bounds what packets from outside can make it keep or send.
 *
 * @param linkMtu octets of the largest packet on our links, 1280 to 65575
 * @param errorsPerSecond ICMPv6 errors sent at most, in the long run (RFC 4443 section 2.4 (f))
 * @param errorBurst ICMPv6 errors sent at once at most
 * @param maxFlows flows whose bundle is kept; beyond it all are forgotten and found again
 * @param maxPathMtus destinations whose path MTU is remembered; beyond it the oldest is forgotten
 * @param pathMtuAge how long a learnt path MTU is believed (RFC 8201 section 4: ten minutes)
 * @param maxReassemblies packets being reassembled at the same time
 * @param maxReassembliesPerSource the same from one source address
 * @param maxReassemblyOctets octets of all fragments kept
 * @param reassemblyTimeout RFC 8200 section 4.5: 60 seconds
 * @param maxPolicies of each direction; 16,777,216 at most
 * @param maxAssociations security associations, and as many route optimization states
 */
public record EngineSettings(
    int linkMtu,
    int errorsPerSecond,
    int errorBurst,
    int maxFlows,
    int maxPathMtus,
    Duration pathMtuAge,
    int maxReassemblies,
    int maxReassembliesPerSource,
    int maxReassemblyOctets,
    Duration reassemblyTimeout,
    int maxPolicies,
    int maxAssociations) {

  /** RFC 8200 section 5. */
  public static final int MINIMUM_LINK_MTU = 1280;

  /** Templates that may act on one packet: as many as the headroom of a buffer has room for. */
  public static final int MAX_TEMPLATES = 8;

  public static final EngineSettings DEFAULT =
      new EngineSettings(
          1500,
          100,
          50,
          1 << 16,
          1 << 12,
          Duration.ofMinutes(10),
          256,
          32,
          4 << 20,
          Duration.ofSeconds(60),
          1 << 20,
          1 << 20);

  public EngineSettings {
    checkArgument(
        linkMtu >= MINIMUM_LINK_MTU && linkMtu <= 40 + 0xffff, "not a link MTU: %s", linkMtu);
    checkArgument(
        errorsPerSecond > 0
            && errorBurst > 0
            && maxFlows > 0
            && maxPathMtus > 0
            && maxReassemblies > 0
            && maxReassembliesPerSource > 0
            && maxReassemblyOctets > 0
            && maxPolicies > 0
            && maxAssociations > 0,
        "a limit below one");
    checkArgument(
        maxPolicies <= PolicyDatabase.MOST_POLICIES, "too many policies: %s", maxPolicies);
  }

  public EngineSettings withLinkMtu(int mtu) {
    return new EngineSettings(
        mtu,
        errorsPerSecond,
        errorBurst,
        maxFlows,
        maxPathMtus,
        pathMtuAge,
        maxReassemblies,
        maxReassembliesPerSource,
        maxReassemblyOctets,
        reassemblyTimeout,
        maxPolicies,
        maxAssociations);
  }
}

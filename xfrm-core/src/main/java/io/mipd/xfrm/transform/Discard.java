package io.mipd.xfrm.transform;

/**
 * Why a packet was discarded; each has a counter. The first group bears the names of {@code
 * /proc/net/xfrm_stat}.
 */
public enum Discard {
  /** No association with the packet's destination, protocol and SPI. */
  IN_NO_STATES,
  /** The integrity check failed, or what it covers is no packet. */
  IN_STATE_PROTO_ERROR,
  /** Replayed, or older than the anti-replay window. */
  IN_STATE_SEQ_ERROR,
  /** The association's limits are reached. */
  IN_STATE_EXPIRED,
  /** What left the association is not what its selector admits. */
  IN_STATE_MISMATCH,
  IN_STATE_MODE_ERROR,
  /** A dummy packet, sent to hide traffic (RFC 4303 section 2.6). */
  IN_ESP_DUMMY,
  /** It came through transforms, and no policy expects it. */
  IN_NO_POLICIES,
  /** The policy expects other transforms than those it came through. */
  IN_TEMPLATE_MISMATCH,
  IN_POLICY_BLOCK,
  OUT_NO_STATES,
  OUT_POLICY_BLOCK,
  OUT_STATE_EXPIRED,
  /** No sequence number is left, or none is reserved. */
  OUT_STATE_SEQ_ERROR,
  OUT_STATE_PROTO_ERROR,
  /** More templates than a packet may pass. */
  OUT_BUNDLE_ERROR,

  /** No policy, and the engine is told to fail closed. */
  OUT_NO_POLICY,
  /** The outer packet is larger than its path; the sender was told if it can be. */
  OUT_TOO_BIG,
  /** No room in the buffer for another header. */
  NO_ROOM,

  MALFORMED_IPV6,
  MALFORMED_EXTENSION_HEADER,
  MALFORMED_ESP,
  MALFORMED_AH,
  MALFORMED_ICMPV6,
  MALFORMED_MOBILITY,
  MALFORMED_CHECKSUM,
  MALFORMED_SEGMENTATION,
  MALFORMED_FRAGMENT,
  TOO_MANY_HEADERS,
  UNKNOWN_OPTION,

  /** A Home Address option that no binding and no protection bears out (RFC 6275 9.3.1). */
  HAO_WITHOUT_BINDING,
  /** A home address that cannot be one, or a second option (RFC 6275 section 6.3). */
  HAO_INVALID,
  /** A type 2 routing header without our home address or with other Segments Left (11.3.3). */
  ROUTING_HEADER_NOT_OURS,
  /** A routing header of a type that we do not process. */
  ROUTING_HEADER_UNKNOWN,
  /** Outer and inner source of a tunnelled packet do not belong together (RFC 6275 10.4.5). */
  TUNNEL_SOURCE_MISMATCH,
  /** Not for an address of ours. */
  NOT_OURS,
  HOP_LIMIT_EXCEEDED,
  REASSEMBLY_LIMIT,
  REASSEMBLY_TIMEOUT,
  REASSEMBLY_OVERLAP
}

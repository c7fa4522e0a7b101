package io.mipd.xfrm.engine;

import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.transform.Discard;
import io.mipd.xfrm.transform.PacketBuffer;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Makes ICMPv6 errors, where one may be sent and not too often (RFC 4443 section 2.4). */
final class IcmpErrors {
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //  |     Type      |     Code      |          Checksum             |
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //  |                unused, MTU, or Pointer                        |
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //  |       As much of the invoking packet as possible without      |
  //  |          exceeding the minimum IPv6 MTU                       |
  //
  // RFC 4443 section 3.
  static final int CODE = 1;
  static final int CHECKSUM = 2;
  static final int PARAMETER = 4;
  static final int HEADER = 8;

  static final int DESTINATION_UNREACHABLE = 1;
  static final int PACKET_TOO_BIG = 2;
  static final int TIME_EXCEEDED = 3;
  static final int PARAMETER_PROBLEM = 4;

  /** Types below are errors, from here on informational (RFC 4443 section 2.1). */
  static final int FIRST_INFORMATIONAL = 128;

  static final int CODE_ADDRESS_UNREACHABLE = 3;
  static final int CODE_REASSEMBLY_TIME_EXCEEDED = 1;
  static final int CODE_ERRONEOUS_FIELD = 0;
  static final int CODE_UNRECOGNIZED_NEXT_HEADER = 1;
  static final int CODE_UNRECOGNIZED_OPTION = 2;

  private static final int REDIRECT = 137;
  private static final int DEFAULT_HOP_LIMIT = 64;

  private final LocalAddresses local;
  private final Interner interner;
  private final EngineCounters counters;
  private final TokenBucket bucket;
  private final FlowReader reader = new FlowReader();
  private final FlowKey flow = new FlowKey();
  private final PacketBuffer error = new PacketBuffer(EngineSettings.MINIMUM_LINK_MTU);

  IcmpErrors(LocalAddresses local, Interner interner, EngineCounters counters, TokenBucket bucket) {
    this.local = local;
    this.interner = interner;
    this.counters = counters;
    this.bucket = bucket;
  }

  void advance(Instant now) {
    bucket.advance(now);
  }

  /**
   * The error about {@code invoking}, valid until the next call; null if none may be sent.
   *
   * @param parameter the third word: MTU or pointer
   */
  @Nullable PacketBuffer about(PacketBuffer invoking, int type, int code, int parameter) {
    byte[] octets = invoking.array();
    int start = invoking.start();
    Ipv6Address sender = interner.at(octets, start + Wire.SOURCE);
    Ipv6Address receiver = interner.at(octets, start + Wire.DESTINATION);
    boolean multicastAllowed =
        type == PACKET_TOO_BIG || (type == PARAMETER_PROBLEM && code == CODE_UNRECOGNIZED_OPTION);
    if (!sender.isGlobalUnicast()
        || (receiver.isMulticast() && !multicastAllowed)
        || forbids(invoking)) {
      return null;
    }
    Ipv6Address source =
        local.roleOf(receiver).isOurs() && local.roleOf(sender) == Role.OTHER
            ? receiver
            : local.errorSource(sender);
    if (source.isUnspecified()) {
      return null;
    }
    if (!bucket.take()) {
      counters.count(EngineCounters.Traffic.ICMPV6_ERRORS_SUPPRESSED);
      return null;
    }
    int quoted =
        Math.min(invoking.length(), EngineSettings.MINIMUM_LINK_MTU - Wire.IPV6_HEADER - HEADER);
    error.clear();
    int at = error.append(Wire.IPV6_HEADER + HEADER + quoted);
    byte[] out = error.array();
    Wire.putInt(out, at, 0x6000_0000);
    Wire.putShort(out, at + Wire.PAYLOAD_LENGTH, HEADER + quoted);
    out[at + Wire.NEXT_HEADER] = (byte) IpProtocol.ICMPV6;
    out[at + Wire.HOP_LIMIT] = DEFAULT_HOP_LIMIT;
    source.write(out, at + Wire.SOURCE);
    sender.write(out, at + Wire.DESTINATION);
    int message = at + Wire.IPV6_HEADER;
    out[message] = (byte) type;
    out[message + CODE] = (byte) code;
    Wire.putShort(out, message + CHECKSUM, 0);
    Wire.putInt(out, message + PARAMETER, parameter);
    System.arraycopy(octets, start, out, message + HEADER, quoted);
    long sum = Wire.pseudoHeader(out, at, IpProtocol.ICMPV6, HEADER + quoted);
    Wire.putShort(out, message + CHECKSUM, ~Wire.fold(Wire.sum(out, message, error.end(), sum)));
    counters.count(EngineCounters.Traffic.ICMPV6_ERRORS_SENT);
    return error;
  }

  /** No error about an error or a redirect, nor where that cannot be told (2.4 (e.1), (e.2)). */
  private boolean forbids(PacketBuffer invoking) {
    Discard unreadable = reader.read(invoking, flow);
    if (unreadable == Discard.TOO_MANY_HEADERS) {
      return true;
    }
    if (unreadable != null || reader.protocol() != IpProtocol.ICMPV6) {
      return false;
    }
    return flow.sourcePort < FIRST_INFORMATIONAL || flow.sourcePort == REDIRECT;
  }
}

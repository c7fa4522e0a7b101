package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.Optional;

/**
 * A packet that an ICMPv6 error message is about, as far as the message quotes it (RFC 4443 section
 * 3). Nothing protects such a message: what it quotes is all that speaks for it.
 *
 * @param type of the error message, 0 to 127
 * @param code of the error message, 0 to 255
 * @param wireSource the Source Address of the quoted IPv6 header
 * @param wireDestination the Destination Address of the quoted IPv6 header
 * @param source of the Home Address option, if there is one; else as on the wire
 * @param destination of the type 2 routing header, if there is one; else as on the wire
 * @param protocol what stands behind these headers; {@link IpProtocol#NO_NEXT_HEADER} if the quoted
 *     octets end before
 */
public record FailedPacket(
    int type,
    int code,
    Ipv6Address wireSource,
    Ipv6Address wireDestination,
    Ipv6Address source,
    Ipv6Address destination,
    int protocol) {

  /**
   * Reads what an ICMPv6 error message quotes.
   *
   * @param message from the Type field on
   * @return empty if it is no error message, or quotes no IPv6 header
   */
  public static Optional<FailedPacket> read(byte[] message) {
    var quoted = new QuotedHeaders();
    if (message.length < IcmpErrors.HEADER
        || Wire.octet(message, 0) >= IcmpErrors.FIRST_INFORMATIONAL
        || !quoted.read(message, IcmpErrors.HEADER, message.length)) {
      return Optional.empty();
    }
    return Optional.of(quoted.of(Wire.octet(message, 0), Wire.octet(message, IcmpErrors.CODE)));
  }

  /** Whether a host or router says that the packet could not be delivered. */
  public boolean isUnreachable() {
    return type == IcmpErrors.DESTINATION_UNREACHABLE;
  }

  /** Whether something in the packet is not understood, or not allowed, where it arrived. */
  public boolean isParameterProblem() {
    return type == IcmpErrors.PARAMETER_PROBLEM;
  }

  /**
   * Whether it was a Mobility Header, which the receiver does not recognize (RFC 6275 section
   * 11.3.5).
   */
  public boolean isUnrecognizedMobilityHeader() {
    return isParameterProblem()
        && code == IcmpErrors.CODE_UNRECOGNIZED_NEXT_HEADER
        && protocol == IpProtocol.MOBILITY;
  }

  /** Whether it had a Home Address option or a type 2 routing header, or was a Mobility Header. */
  public boolean isOfMobility() {
    return protocol == IpProtocol.MOBILITY
        || !source.equals(wireSource)
        || !destination.equals(wireDestination);
  }
}

package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.transform.PacketBuffer;

/**
 * ICMPv6 errors about outer packets that left here: they teach path MTUs, and where the packet
 * within can be seen its sender is told (RFC 2473 section 8; RFC 4301 section 6).
 */
final class OuterErrors {
  private final EngineCore core;
  private final PacketBuffer inner = new PacketBuffer(EngineSettings.MINIMUM_LINK_MTU);

  /** What the last look at a quoted packet found. */
  private final QuotedHeaders quoted = new QuotedHeaders();

  OuterErrors(EngineCore core) {
    this.core = core;
  }

  /** Whether the ICMPv6 error message at {@code message} is about an outer packet of ours. */
  boolean concernsUs(PacketBuffer p, int message) {
    return p.end() - message >= IcmpErrors.HEADER + Wire.IPV6_HEADER
        && Wire.octet(p.array(), message) < IcmpErrors.FIRST_INFORMATIONAL
        && isOurs(p.array(), message + IcmpErrors.HEADER, p.end());
  }

  private boolean isOurs(byte[] octets, int start, int end) {
    if (!quoted.read(octets, start, end) || !core.local().roleOf(quoted.wireSource()).isOurs()) {
      return false;
    }
    return quoted.isOfMobility() || isTransformed(octets, quoted.upperOffset(), end);
  }

  private boolean isTransformed(byte[] octets, int at, int end) {
    return switch (quoted.protocol()) {
      case IpProtocol.IPV6 ->
          core.databases().isTunnel(quoted.wireSource(), quoted.wireDestination())
              || core.databases()
                  .onDemand()
                  .hasTunnel(quoted.wireSource(), quoted.wireDestination());
      case IpProtocol.ESP ->
          end - at >= 4 && isAssociation(TransformProtocol.ESP, Wire.getInt(octets, at));
      case IpProtocol.AH ->
          end - at >= 8 && isAssociation(TransformProtocol.AH, Wire.getInt(octets, at + 4));
      default -> false;
    };
  }

  private boolean isAssociation(TransformProtocol protocol, int spi) {
    Ipv6Address to = quoted.destination();
    return core.databases().associations().inbound(to.high(), to.low(), protocol, spi) != null;
  }

  /** Acts on a message that {@link #concernsUs}. */
  void take(PacketBuffer p, int message) {
    byte[] octets = p.array();
    int type = Wire.octet(octets, message);
    long mtu = Wire.getInt(octets, message + IcmpErrors.PARAMETER) & 0xffff_ffffL;
    if (type == IcmpErrors.PACKET_TOO_BIG) {
      core.learnPathMtu(quoted.wireSource(), quoted.wireDestination(), mtu);
    } else if (quoted.isOfMobility()) {
      core.sink().failed(quoted.of(type, Wire.octet(octets, message + IcmpErrors.CODE)));
    }
    int within = quoted.upperOffset();
    if (quoted.protocol() == IpProtocol.IPV6 && p.end() - within >= Wire.IPV6_HEADER) {
      relay(p, within, type, mtu);
    }
  }

  /** Tells the sender of the packet in a plain tunnel (RFC 2473 section 8.2). */
  private void relay(PacketBuffer p, int within, int type, long mtu) {
    byte[] octets = p.array();
    if (Wire.version(octets, within) != 6) {
      return;
    }
    inner.clear();
    inner.set(octets, within, Math.min(p.end() - within, EngineSettings.MINIMUM_LINK_MTU));
    PacketBuffer error = null;
    if (type == IcmpErrors.PACKET_TOO_BIG) {
      int innerLength = Wire.IPV6_HEADER + Wire.getShort(octets, within + Wire.PAYLOAD_LENGTH);
      long tunnelMtu = mtu - Wire.IPV6_HEADER;
      if (innerLength > EngineSettings.MINIMUM_LINK_MTU && innerLength > tunnelMtu) {
        int told = (int) Math.max(tunnelMtu, EngineSettings.MINIMUM_LINK_MTU);
        error = core.errorsToSenders().about(inner, type, 0, told);
      }
    } else {
      error =
          core.errorsToSenders()
              .about(
                  inner,
                  IcmpErrors.DESTINATION_UNREACHABLE,
                  IcmpErrors.CODE_ADDRESS_UNREACHABLE,
                  0);
    }
    if (error != null) {
      core.deliver(error);
    }
  }
}

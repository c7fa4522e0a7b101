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
  private final PacketBuffer quoted = new PacketBuffer(EngineSettings.MINIMUM_LINK_MTU);

  // What the last look at a quoted packet found.
  private Ipv6Address source = Ipv6Address.UNSPECIFIED;
  private Ipv6Address destination = Ipv6Address.UNSPECIFIED;
  private int innerOffset;

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
    innerOffset = -1;
    if (Wire.version(octets, start) != 6) {
      return false;
    }
    source = core.interner().at(octets, start + Wire.SOURCE);
    destination = core.interner().at(octets, start + Wire.DESTINATION);
    if (!core.local().roleOf(source).isOurs()) {
      return false;
    }
    Ipv6Address stable = destination;
    boolean mobility = false;
    int next = Wire.octet(octets, start + Wire.NEXT_HEADER);
    int at = start + Wire.IPV6_HEADER;
    for (int headers = 0; headers < FlowReader.MAX_HEADERS && end - at >= 8; headers++) {
      int length = FlowReader.extensionLength(octets, at);
      if (next == IpProtocol.ROUTING
          && Wire.octet(octets, at + RoutingHeader.TYPE) == RoutingHeader.TYPE_2
          && end - at >= RoutingHeader.LENGTH) {
        stable = core.interner().at(octets, at + RoutingHeader.ADDRESS);
        mobility = true;
      } else if (next == IpProtocol.DESTINATION_OPTIONS) {
        int to = Math.min(end, at + length);
        mobility |= DestinationOptions.findHomeAddress(octets, at, to) >= 0;
      } else if (next == IpProtocol.FRAGMENT) {
        length = Wire.FRAGMENT_HEADER;
      } else if (next != IpProtocol.HOP_BY_HOP && next != IpProtocol.ROUTING) {
        break;
      }
      next = Wire.octet(octets, at);
      at += length;
    }
    return mobility || isTransformed(octets, next, at, end, stable);
  }

  private boolean isTransformed(byte[] octets, int protocol, int at, int end, Ipv6Address stable) {
    if (protocol == IpProtocol.IPV6) {
      innerOffset = at;
      return core.databases().isTunnel(source, destination);
    }
    if (protocol == IpProtocol.ESP && end - at >= 4) {
      return isAssociation(TransformProtocol.ESP, Wire.getInt(octets, at), stable);
    }
    return protocol == IpProtocol.AH
        && end - at >= 8
        && isAssociation(TransformProtocol.AH, Wire.getInt(octets, at + 4), stable);
  }

  private boolean isAssociation(TransformProtocol protocol, int spi, Ipv6Address to) {
    return core.databases().associations().inbound(to.high(), to.low(), protocol, spi) != null;
  }

  /** Acts on a message that {@link #concernsUs}. */
  void take(PacketBuffer p, int message) {
    byte[] octets = p.array();
    int type = Wire.octet(octets, message);
    long mtu = Wire.getInt(octets, message + IcmpErrors.PARAMETER) & 0xffff_ffffL;
    if (type == IcmpErrors.PACKET_TOO_BIG) {
      core.learnPathMtu(source, destination, mtu);
    }
    if (innerOffset >= 0 && p.end() - innerOffset >= Wire.IPV6_HEADER) {
      relay(p, type, mtu);
    }
  }

  /** Tells the sender of the packet in a plain tunnel (RFC 2473 section 8.2). */
  private void relay(PacketBuffer p, int type, long mtu) {
    byte[] octets = p.array();
    if (Wire.version(octets, innerOffset) != 6) {
      return;
    }
    quoted.clear();
    quoted.set(
        octets, innerOffset, Math.min(p.end() - innerOffset, EngineSettings.MINIMUM_LINK_MTU));
    PacketBuffer error = null;
    if (type == IcmpErrors.PACKET_TOO_BIG) {
      int innerLength = Wire.IPV6_HEADER + Wire.getShort(octets, innerOffset + Wire.PAYLOAD_LENGTH);
      long tunnelMtu = mtu - Wire.IPV6_HEADER;
      if (innerLength > EngineSettings.MINIMUM_LINK_MTU && innerLength > tunnelMtu) {
        int told = (int) Math.max(tunnelMtu, EngineSettings.MINIMUM_LINK_MTU);
        error = core.errorsToSenders().about(quoted, type, 0, told);
      }
    } else {
      error =
          core.errorsToSenders()
              .about(
                  quoted,
                  IcmpErrors.DESTINATION_UNREACHABLE,
                  IcmpErrors.CODE_ADDRESS_UNREACHABLE,
                  0);
    }
    if (error != null) {
      core.deliver(error);
    }
  }
}

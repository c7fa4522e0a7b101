package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.transform.PacketBuffer;
import java.util.List;

/**
 * Which of the packets that arrive for our addresses are the engine's business. The kernel's own
 * associations and tunnels, transit traffic and other destination options are not.
 */
final class Claims {
  private final EngineCore core;
  private final OuterErrors outerErrors;
  private final FlowKey inner = new FlowKey();

  Claims(EngineCore core, OuterErrors outerErrors) {
    this.core = core;
    this.outerErrors = outerErrors;
  }

  /** Reads only, and never past the end; what cannot be read is not claimed. */
  boolean claims(PacketBuffer p) {
    byte[] octets = p.array();
    int start = p.start();
    int end = p.end();
    if (p.length() < Wire.IPV6_HEADER || Wire.version(octets, start) != 6) {
      return false;
    }
    Ipv6Address source = core.interner().at(octets, start + Wire.SOURCE);
    Ipv6Address destination = core.interner().at(octets, start + Wire.DESTINATION);
    if (!core.local().roleOf(destination).isOurs()) {
      return false;
    }
    int next = Wire.octet(octets, start + Wire.NEXT_HEADER);
    int at = start + Wire.IPV6_HEADER;
    for (int headers = 0; headers < FlowReader.MAX_HEADERS && end - at >= 8; headers++) {
      int length = FlowReader.extensionLength(octets, at);
      if (next == IpProtocol.FRAGMENT) {
        int field = Wire.getShort(octets, at + Wire.FRAGMENT_OFFSET_AND_FLAG);
        if ((field & (Wire.FRAGMENT_OFFSET_MASK | Wire.MORE_FRAGMENTS)) != 0) {
          return isFragmentOfOurs(Wire.octet(octets, at), source, destination);
        }
        length = Wire.FRAGMENT_HEADER;
      } else if (next == IpProtocol.DESTINATION_OPTIONS) {
        if (DestinationOptions.findHomeAddress(octets, at, Math.min(end, at + length)) >= 0) {
          return true;
        }
      } else if (next == IpProtocol.ROUTING) {
        if (Wire.octet(octets, at + RoutingHeader.TYPE) == RoutingHeader.TYPE_2) {
          return true;
        }
      } else if (next != IpProtocol.HOP_BY_HOP) {
        return isOurs(p, next, at, source, destination);
      }
      next = Wire.octet(octets, at);
      at += length;
    }
    return false;
  }

  private boolean isOurs(
      PacketBuffer p, int protocol, int at, Ipv6Address source, Ipv6Address destination) {
    byte[] octets = p.array();
    return switch (protocol) {
      case IpProtocol.MOBILITY -> true;
      case IpProtocol.ESP ->
          isAssociation(TransformProtocol.ESP, destination, Wire.getInt(octets, at));
      case IpProtocol.AH ->
          isAssociation(TransformProtocol.AH, destination, Wire.getInt(octets, at + 4));
      case IpProtocol.IPV6 -> isTunnel(octets, at, p.end(), source, destination);
      case IpProtocol.ICMPV6 -> outerErrors.concernsUs(p, at);
      default -> false;
    };
  }

  /**
   * A later fragment shows no SPI and no inner packet, so all fragments between the two addresses
   * of one of our associations or tunnels are taken.
   */
  private boolean isFragmentOfOurs(int protocol, Ipv6Address source, Ipv6Address destination) {
    AssociationDatabase associations = core.databases().associations();
    return switch (protocol) {
      case IpProtocol.MOBILITY -> true;
      case IpProtocol.ESP -> associations.hasBetween(TransformProtocol.ESP, source, destination);
      case IpProtocol.AH -> associations.hasBetween(TransformProtocol.AH, source, destination);
      case IpProtocol.IPV6 -> isTunnel(source, destination);
      default -> false;
    };
  }

  private boolean isAssociation(TransformProtocol protocol, Ipv6Address destination, int spi) {
    return core.databases()
            .associations()
            .inbound(destination.high(), destination.low(), protocol, spi)
        != null;
  }

  /**
   * One of our tunnels by its end points; or by the packet within, which a policy of ours wants to
   * see come through a tunnel to this address: then its outer source is wrong, and that is ours to
   * refuse.
   */
  private boolean isTunnel(
      byte[] octets, int header, int end, Ipv6Address source, Ipv6Address destination) {
    if (isTunnel(source, destination)) {
      return true;
    }
    if (end - header < Wire.IPV6_HEADER || Wire.version(octets, header) != 6) {
      return false;
    }
    inner.sourceHigh = Wire.getLong(octets, header + Wire.SOURCE);
    inner.sourceLow = Wire.getLong(octets, header + Wire.SOURCE + 8);
    inner.destinationHigh = Wire.getLong(octets, header + Wire.DESTINATION);
    inner.destinationLow = Wire.getLong(octets, header + Wire.DESTINATION + 8);
    int protocol = Wire.octet(octets, header + Wire.NEXT_HEADER);
    FlowReader.readPorts(octets, header + Wire.IPV6_HEADER, end, protocol, inner);
    Ipv6Address innerDestination = core.interner().of(inner.destinationHigh, inner.destinationLow);
    Direction direction =
        core.local().roleOf(innerDestination).isOurs() ? Direction.IN : Direction.FWD;
    Ipv6Address innerSource = core.interner().of(inner.sourceHigh, inner.sourceLow);
    Policy policy = core.databases().lookUp(direction, inner, innerSource, innerDestination);
    return policy != null && endsHere(policy.bundle().templates(), destination);
  }

  private boolean isTunnel(Ipv6Address source, Ipv6Address destination) {
    Databases databases = core.databases();
    return databases.isTunnel(source, destination)
        || databases.onDemand().hasTunnel(destination, source)
        || !databases.tunnelEnd(source, destination).equals(destination);
  }

  private static boolean endsHere(List<Template> templates, Ipv6Address destination) {
    for (int i = 0; i < templates.size(); i++) {
      Template template = templates.get(i);
      if (template.isTunnel() && template.destination().equals(destination)) {
        return true;
      }
    }
    return false;
  }
}

package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.transform.Discard;
import io.mipd.xfrm.transform.PacketBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Finds the flow of a packet as it stands: the addresses of its header, and the protocol and ports
 * behind the extension headers (RFC 8200 section 4). ESP, AH and a tunnelled packet are protocols
 * of their own here. Used again from packet to packet.
 */
final class FlowReader {
  /** Headers before the upper layer at most; more have no use and cost time. */
  static final int MAX_HEADERS = 16;

  private int protocol;
  private int upperOffset;

  /** The upper-layer protocol last read. */
  int protocol() {
    return protocol;
  }

  /** Where it begins, in the buffer's array. */
  int upperOffset() {
    return upperOffset;
  }

  /** Checks the IPv6 header and cuts off what lies behind the packet. */
  static @Nullable Discard readHeader(PacketBuffer p) {
    byte[] octets = p.array();
    int start = p.start();
    if (p.length() < Wire.IPV6_HEADER || Wire.version(octets, start) != 6) {
      return Discard.MALFORMED_IPV6;
    }
    int surplus =
        p.length() - Wire.IPV6_HEADER - Wire.getShort(octets, start + Wire.PAYLOAD_LENGTH);
    if (surplus < 0) {
      return Discard.MALFORMED_IPV6;
    }
    p.dropEnd(surplus);
    return null;
  }

  /** Fills {@code flow}; the IPv6 header has been checked. */
  @Nullable Discard read(PacketBuffer p, FlowKey flow) {
    byte[] octets = p.array();
    int start = p.start();
    flow.sourceHigh = Wire.getLong(octets, start + Wire.SOURCE);
    flow.sourceLow = Wire.getLong(octets, start + Wire.SOURCE + 8);
    flow.destinationHigh = Wire.getLong(octets, start + Wire.DESTINATION);
    flow.destinationLow = Wire.getLong(octets, start + Wire.DESTINATION + 8);
    flow.mark = p.mark();
    flow.interfaceId = 0;
    int next = Wire.octet(octets, start + Wire.NEXT_HEADER);
    int at = start + Wire.IPV6_HEADER;
    boolean portsHidden = false;
    for (int headers = 0; isSkipped(next); headers++) {
      if (headers == MAX_HEADERS) {
        return Discard.TOO_MANY_HEADERS;
      }
      if (p.end() - at < 8) {
        return Discard.MALFORMED_EXTENSION_HEADER;
      }
      int length = Wire.FRAGMENT_HEADER;
      if (next == IpProtocol.FRAGMENT) {
        int offset = Wire.getShort(octets, at + Wire.FRAGMENT_OFFSET_AND_FLAG);
        portsHidden |= (offset & Wire.FRAGMENT_OFFSET_MASK) != 0;
      } else {
        length = extensionLength(octets, at);
      }
      if (p.end() - at < length) {
        return Discard.MALFORMED_EXTENSION_HEADER;
      }
      next = Wire.octet(octets, at);
      at += length;
      if (portsHidden) {
        break;
      }
    }
    protocol = next;
    upperOffset = at;
    readPorts(octets, at, portsHidden ? at : p.end(), next, flow);
    return null;
  }

  private static boolean isSkipped(int next) {
    return next == IpProtocol.HOP_BY_HOP
        || next == IpProtocol.DESTINATION_OPTIONS
        || next == IpProtocol.ROUTING
        || next == IpProtocol.FRAGMENT;
  }

  /** Hdr Ext Len counts eight octets, without the first eight (RFC 8200 section 4). */
  static int extensionLength(byte[] octets, int at) {
    return (Wire.octet(octets, at + 1) + 1) * 8;
  }

  /** Reads what stands for ports in a {@link Flow}, where the packet is long enough to tell. */
  static void readPorts(byte[] octets, int at, int end, int protocol, FlowKey flow) {
    flow.protocol = protocol;
    flow.sourcePort = Flow.NO_PORT;
    flow.destinationPort = Flow.NO_PORT;
    if (IpProtocol.hasPorts(protocol) && end - at >= 4) {
      flow.sourcePort = Wire.getShort(octets, at);
      flow.destinationPort = Wire.getShort(octets, at + 2);
    } else if (protocol == IpProtocol.ICMPV6 && end - at >= 2) {
      flow.sourcePort = Wire.octet(octets, at);
      flow.destinationPort = Wire.octet(octets, at + 1);
    } else if (protocol == IpProtocol.MOBILITY && end - at >= 4) {
      // MH Type is the third octet (RFC 6275 section 6.1.1).
      flow.sourcePort = Wire.octet(octets, at + 2);
      flow.destinationPort = 0;
    }
  }
}

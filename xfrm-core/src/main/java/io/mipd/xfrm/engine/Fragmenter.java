package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.transform.Discard;
import io.mipd.xfrm.transform.PacketBuffer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Cuts a finished outer packet into fragments for a path (RFC 8200 section 4.5). */
final class Fragmenter {
  private final EngineSink sink;
  private final EngineCounters counters;
  private final RandomGenerator random;
  private final PacketBuffer fragment = new PacketBuffer();

  Fragmenter(EngineSink sink, EngineCounters counters, RandomGenerator random) {
    this.sink = sink;
    this.counters = counters;
    this.random = random;
  }

  /** Transmits {@code p} in fragments of at most {@code mtu} octets; counts them. */
  @Nullable Discard transmit(PacketBuffer p, int mtu) {
    byte[] octets = p.array();
    int start = p.start();
    int nextHeaderField = start + Wire.NEXT_HEADER;
    int at = start + Wire.IPV6_HEADER;
    for (int headers = 0; isUnfragmentable(p, Wire.octet(octets, nextHeaderField), at); headers++) {
      if (headers == FlowReader.MAX_HEADERS) {
        return Discard.TOO_MANY_HEADERS;
      }
      nextHeaderField = at;
      at += FlowReader.extensionLength(octets, at);
    }
    int next = Wire.octet(octets, nextHeaderField);
    int headerLength = at - start;
    int room = (mtu - headerLength - Wire.FRAGMENT_HEADER) & ~7;
    if (next == IpProtocol.FRAGMENT || room <= 0) {
      return Discard.OUT_TOO_BIG;
    }
    int identification = random.nextInt();
    for (int offset = 0; at + offset < p.end(); offset += room) {
      int length = Math.min(room, p.end() - at - offset);
      boolean more = at + offset + length < p.end();
      fragment.clear();
      int to = fragment.append(headerLength + Wire.FRAGMENT_HEADER + length);
      byte[] out = fragment.array();
      System.arraycopy(octets, start, out, to, headerLength);
      Wire.putShort(
          out,
          to + Wire.PAYLOAD_LENGTH,
          headerLength - Wire.IPV6_HEADER + Wire.FRAGMENT_HEADER + length);
      out[to + nextHeaderField - start] = (byte) IpProtocol.FRAGMENT;
      int header = to + headerLength;
      out[header] = (byte) next;
      out[header + 1] = 0;
      Wire.putShort(
          out, header + Wire.FRAGMENT_OFFSET_AND_FLAG, offset | (more ? Wire.MORE_FRAGMENTS : 0));
      Wire.putInt(out, header + Wire.FRAGMENT_IDENTIFICATION, identification);
      System.arraycopy(octets, at + offset, out, header + Wire.FRAGMENT_HEADER, length);
      fragment.setMark(p.mark());
      counters.count(EngineCounters.Traffic.FRAGMENTS_SENT);
      counters.count(EngineCounters.Traffic.TRANSMITTED_PACKETS);
      counters.count(EngineCounters.Traffic.TRANSMITTED_BYTES, fragment.length());
      sink.transmit(fragment);
    }
    return null;
  }

  /**
   * Whether the header at {@code at} is repeated in each fragment: Hop-by-Hop Options, Routing and
   * what stands before it, and the Destination Options that carry a Home Address option (RFC 6275
   * section 6.3: before the Fragment header).
   */
  private static boolean isUnfragmentable(PacketBuffer p, int next, int at) {
    byte[] octets = p.array();
    if (p.end() - at < 8 || p.end() - at < FlowReader.extensionLength(octets, at)) {
      return false;
    }
    if (next == IpProtocol.HOP_BY_HOP || next == IpProtocol.ROUTING) {
      return true;
    }
    return next == IpProtocol.DESTINATION_OPTIONS
        && (Wire.octet(octets, at) == IpProtocol.ROUTING
            || DestinationOptions.findHomeAddress(
                    octets, at, at + FlowReader.extensionLength(octets, at))
                >= 0);
  }
}

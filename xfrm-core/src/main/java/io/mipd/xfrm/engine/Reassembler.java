package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.transform.Discard;
import io.mipd.xfrm.transform.PacketBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Joins fragments (RFC 8200 section 4.5). Limited in packets, packets of one source, octets and
 * time; overlapping fragments make the whole packet void, those that come later included (RFC 5722
 * section 4). Fragments are joined only with those that came the same way, so that what came in
 * clear never completes what was protected.
 */
final class Reassembler {
  private static final int MAX_FRAGMENTS = 128;

  /** Unfragmentable part at most; larger than any that is sent in earnest. */
  private static final int MAX_HEADERS = 1024;

  private static final int MAX_PAYLOAD = 0xffff;

  /**
   * What fragments of one packet have in common.
   *
   * @param way the security path that they came through, as a number
   */
  record Key(Ipv6Address source, Ipv6Address destination, int identification, long way) {}

  /** A packet of which some fragments are here. */
  private static final class Partial {
    final Ipv6Address source;
    final Instant until;
    final int[] from = new int[MAX_FRAGMENTS];
    final int[] to = new int[MAX_FRAGMENTS];
    int fragments;
    byte[] data = {};
    byte[] headers = {};
    int nextHeaderField;
    int nextHeader;
    int received;
    int total = -1;
    boolean voided;

    Partial(Ipv6Address source, Instant until) {
      this.source = source;
      this.until = until;
    }

    int octets() {
      return data.length + headers.length;
    }
  }

  private final int maxPackets;
  private final int maxPerSource;
  private final int maxOctets;
  private final Duration timeout;
  // In the order of arrival, which is the order of expiry.
  private final Map<Key, Partial> partials = new LinkedHashMap<>();
  private final Map<Ipv6Address, Integer> perSource = new HashMap<>();
  private int octets;

  Reassembler(EngineSettings settings) {
    maxPackets = settings.maxReassemblies();
    maxPerSource = settings.maxReassembliesPerSource();
    maxOctets = settings.maxReassemblyOctets();
    timeout = settings.reassemblyTimeout();
  }

  int size() {
    return partials.size();
  }

  /** Octets kept. */
  int octets() {
    return octets;
  }

  /**
   * Takes one fragment.
   *
   * @param header where its Fragment header stands in the array of {@code p}
   * @param nextHeaderField where the Next Header field stands that names the Fragment header
   * @param whole receives the packet when it is complete; may be {@code p} itself
   * @return null if it is complete or waits for more ({@code whole} is empty then), else why the
   *     fragment is discarded
   */
  @Nullable Discard take(
      Instant now, Key key, PacketBuffer p, int header, int nextHeaderField, PacketBuffer whole) {
    int field = Wire.getShort(p.array(), header + Wire.FRAGMENT_OFFSET_AND_FLAG);
    int offset = field & Wire.FRAGMENT_OFFSET_MASK;
    boolean more = (field & Wire.MORE_FRAGMENTS) != 0;
    int body = header + Wire.FRAGMENT_HEADER;
    int length = p.end() - body;
    int headers = header - p.start();
    if (length == 0
        || (more && length % 8 != 0)
        || headers - Wire.IPV6_HEADER + offset + length > MAX_PAYLOAD
        || headers > MAX_HEADERS) {
      return Discard.MALFORMED_FRAGMENT;
    }
    Partial partial = partials.get(key);
    if (partial == null) {
      if (partials.size() >= maxPackets
          || perSource.getOrDefault(key.source(), 0) >= maxPerSource) {
        return Discard.REASSEMBLY_LIMIT;
      }
      partial = new Partial(key.source(), now.plus(timeout));
      partials.put(key, partial);
      perSource.merge(key.source(), 1, Integer::sum);
    }
    if (partial.voided) {
      return Discard.REASSEMBLY_OVERLAP;
    }
    for (int i = 0; i < partial.fragments; i++) {
      if (offset < partial.to[i] && offset + length > partial.from[i]) {
        if (isDuplicate(partial, i, p, body, offset, length)) {
          whole.clear();
          return null;
        }
        return voided(partial, Discard.REASSEMBLY_OVERLAP);
      }
    }
    int total = more ? -1 : offset + length;
    if (partial.total >= 0 && (total >= 0 || offset + length > partial.total)) {
      return voided(partial, Discard.MALFORMED_FRAGMENT);
    }
    if (total >= 0 && total < highest(partial)) {
      return voided(partial, Discard.MALFORMED_FRAGMENT);
    }
    int grown = grown(partial, offset + length) + (offset == 0 ? headers : 0);
    if (partial.fragments == MAX_FRAGMENTS || octets + grown - partial.data.length > maxOctets) {
      return voided(partial, Discard.REASSEMBLY_LIMIT);
    }
    int before = partial.octets();
    store(partial, p, header, nextHeaderField, offset, length);
    octets += partial.octets() - before;
    if (total >= 0) {
      partial.total = total;
    }
    if (partial.received != partial.total || partial.headers.length == 0) {
      if (whole != p) {
        whole.clear();
      } else {
        p.setBounds(p.start(), p.start());
      }
      return null;
    }
    complete(partial, p.interfaceIndex(), p.mark(), whole);
    partials.remove(key);
    forget(partial);
    return null;
  }

  private static boolean isDuplicate(
      Partial partial, int i, PacketBuffer p, int body, int offset, int length) {
    return partial.from[i] == offset
        && partial.to[i] == offset + length
        && Arrays.equals(partial.data, offset, offset + length, p.array(), body, body + length);
  }

  private static int highest(Partial partial) {
    int highest = 0;
    for (int i = 0; i < partial.fragments; i++) {
      highest = Math.max(highest, partial.to[i]);
    }
    return highest;
  }

  private static int grown(Partial partial, int needed) {
    return needed <= partial.data.length
        ? partial.data.length
        : Math.max(needed, Math.min(2 * partial.data.length, MAX_PAYLOAD));
  }

  private static void store(
      Partial partial, PacketBuffer p, int header, int nextHeaderField, int offset, int length) {
    int grown = grown(partial, offset + length);
    if (grown != partial.data.length) {
      partial.data = Arrays.copyOf(partial.data, grown);
    }
    System.arraycopy(p.array(), header + Wire.FRAGMENT_HEADER, partial.data, offset, length);
    partial.from[partial.fragments] = offset;
    partial.to[partial.fragments] = offset + length;
    partial.fragments++;
    partial.received += length;
    if (offset == 0) {
      // The first fragment's headers and Next Header stand for all.
      partial.headers = Arrays.copyOfRange(p.array(), p.start(), header);
      partial.nextHeaderField = nextHeaderField - p.start();
      partial.nextHeader = Wire.octet(p.array(), header);
    }
  }

  private static void complete(Partial partial, int interfaceIndex, int mark, PacketBuffer whole) {
    whole.clear();
    int headers = partial.headers.length;
    int at = whole.append(headers + partial.total);
    byte[] out = whole.array();
    System.arraycopy(partial.headers, 0, out, at, headers);
    System.arraycopy(partial.data, 0, out, at + headers, partial.total);
    out[at + partial.nextHeaderField] = (byte) partial.nextHeader;
    Wire.putShort(out, at + Wire.PAYLOAD_LENGTH, headers - Wire.IPV6_HEADER + partial.total);
    whole.setInterfaceIndex(interfaceIndex);
    whole.setMark(mark);
  }

  /** Keeps the entry, empty, so that what belongs to it is recognized until its time is over. */
  private Discard voided(Partial partial, Discard reason) {
    octets -= partial.octets();
    partial.data = new byte[0];
    partial.headers = new byte[0];
    partial.voided = true;
    return reason;
  }

  private void forget(Partial partial) {
    octets -= partial.octets();
    perSource.computeIfPresent(partial.source, (source, count) -> count == 1 ? null : count - 1);
  }

  /**
   * Forgets what has waited too long.
   *
   * @param firstFragment receives each forgotten packet's first fragment, where it had arrived, for
   *     the Time Exceeded message
   */
  void forgetOld(Instant now, PacketBuffer scratch, Consumer<PacketBuffer> firstFragment) {
    for (var each = partials.entrySet().iterator(); each.hasNext(); ) {
      Map.Entry<Key, Partial> entry = each.next();
      Partial partial = entry.getValue();
      if (partial.until.isAfter(now)) {
        break;
      }
      each.remove();
      forget(partial);
      if (partial.headers.length == 0) {
        scratch.clear();
      } else {
        rebuildFirst(entry.getKey(), partial, scratch);
      }
      firstFragment.accept(scratch);
    }
  }

  private static void rebuildFirst(Key key, Partial partial, PacketBuffer scratch) {
    int first = 0;
    for (int i = 0; i < partial.fragments; i++) {
      if (partial.from[i] == 0) {
        first = partial.to[i];
      }
    }
    int headers = partial.headers.length;
    scratch.clear();
    int at = scratch.append(headers + Wire.FRAGMENT_HEADER + first);
    byte[] out = scratch.array();
    System.arraycopy(partial.headers, 0, out, at, headers);
    Wire.putShort(
        out, at + Wire.PAYLOAD_LENGTH, headers - Wire.IPV6_HEADER + Wire.FRAGMENT_HEADER + first);
    int header = at + headers;
    out[header] = (byte) partial.nextHeader;
    out[header + 1] = 0;
    Wire.putShort(out, header + Wire.FRAGMENT_OFFSET_AND_FLAG, Wire.MORE_FRAGMENTS);
    Wire.putInt(out, header + Wire.FRAGMENT_IDENTIFICATION, key.identification());
    System.arraycopy(partial.data, 0, out, header + Wire.FRAGMENT_HEADER, first);
  }

  Optional<Instant> nextDeadline() {
    return partials.values().stream().findFirst().map(partial -> partial.until);
  }
}

package io.mipd.sim.report;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSortedMap;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.crypto.EspSuite;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.SecurityAssociation;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Takes a frame apart as tshark does with the keys, from the outside in, and as far as it can. Its
 * own reading of the headers, which shares nothing with engine and transforms but the ciphers.
 *
 * <p>RFC 8200 section 3 and 4, RFC 4303 section 2, RFC 4302 section 2, RFC 6275 section 6.1.1.
 */
public final class Dissector {
  private static final int ETHERNET = 14;
  private static final int HEADER = 40;
  private static final int ESP_HEADER = 8;
  private static final int ESP_TRAILER = 2;
  private static final int UDP_HEADER = 8;
  private static final int MH_TYPE = 2;
  private static final int MH_STATUS = 6;
  private static final int FIRST_INFORMATIONAL = 128;

  /** By SPI; the SPIs of a run are unique. */
  private final Map<Integer, SecurityAssociation> associations = new HashMap<>();

  /** Likewise, of those that were needed. */
  private final Map<Integer, EspSuite> suites = new HashMap<>();

  public Dissector(Iterable<SecurityAssociation> associations) {
    for (SecurityAssociation one : associations) {
      this.associations.put(one.id().spi().value(), one);
    }
  }

  private @Nullable EspSuite suite(int spi) {
    SecurityAssociation association = associations.get(spi);
    return association == null
        ? null
        : suites.computeIfAbsent(
            spi,
            key ->
                EspSuite.of(
                    association.encryption(),
                    association.encryptionKey(),
                    association.integrity(),
                    association.integrityKey(),
                    association.extendedSequenceNumbers()));
  }

  /**
   * A frame, and how many octets each kind of header in it has: ipv6, esp (with its padding and
   * integrity check value), ah, destination-options, routing, hop-by-hop, fragment, udp.
   */
  public record Dissection(CapturedFrame frame, ImmutableSortedMap<String, Integer> headers) {}

  /** What is gathered on the way in. */
  private static final class Found {
    private final ImmutableList.Builder<String> sources = ImmutableList.builder();
    private final ImmutableList.Builder<String> destinations = ImmutableList.builder();
    private final ImmutableList.Builder<Integer> icmp = ImmutableList.builder();
    private final ImmutableList.Builder<Integer> mobility = ImmutableList.builder();
    private final ImmutableList.Builder<Integer> statuses = ImmutableList.builder();
    private final ImmutableList.Builder<Integer> ports = ImmutableList.builder();
    private final SortedMap<String, Integer> headers = new TreeMap<>();

    void header(String kind, int octets) {
      headers.merge(kind, octets, Integer::sum);
    }
  }

  /**
   * @param nanos since the epoch
   * @param frame an Ethernet frame with an IPv6 packet
   */
  public CapturedFrame dissect(long nanos, byte[] frame) {
    return dissection(nanos, frame).frame();
  }

  /** Likewise, with its headers. */
  public Dissection dissection(long nanos, byte[] frame) {
    var found = new Found();
    packet(frame, ETHERNET, frame.length, found);
    return new Dissection(
        new CapturedFrame(
            nanos,
            HexFormat.ofDelimiter(":").formatHex(frame, 6, 12),
            found.sources.build(),
            found.destinations.build(),
            found.icmp.build(),
            found.mobility.build(),
            found.statuses.build(),
            found.ports.build()),
        ImmutableSortedMap.copyOf(found.headers));
  }

  private void packet(byte[] octets, int start, int end, Found found) {
    if (end - start < HEADER || (octets[start] & 0xf0) != 0x60) {
      return;
    }
    found.header("ipv6", HEADER);
    found.sources.add(Ipv6Address.read(octets, start + 8).toString());
    found.destinations.add(Ipv6Address.read(octets, start + 24).toString());
    content(octets[start + 6] & 0xff, octets, start + HEADER, end, found);
  }

  private void content(int first, byte[] octets, int start, int end, Found found) {
    int protocol = first;
    int at = start;
    while (end - at >= 8) {
      switch (protocol) {
        case IpProtocol.HOP_BY_HOP, IpProtocol.DESTINATION_OPTIONS, IpProtocol.ROUTING -> {
          int length = 8 + 8 * (octets[at + 1] & 0xff);
          found.header(name(protocol), length);
          protocol = octets[at] & 0xff;
          at += length;
        }
        case IpProtocol.FRAGMENT -> {
          if ((short16(octets, at + 2) & 0xfff8) != 0) {
            return;
          }
          found.header("fragment", 8);
          protocol = octets[at] & 0xff;
          at += 8;
        }
        case IpProtocol.AH -> {
          int length = 4 * ((octets[at + 1] & 0xff) + 2);
          found.header("ah", length);
          protocol = octets[at] & 0xff;
          at += length;
        }
        case IpProtocol.ESP -> {
          esp(octets, at, end, found);
          return;
        }
        case IpProtocol.IPV6 -> {
          packet(octets, at, end, found);
          return;
        }
        default -> {
          upper(protocol, octets, at, end, found);
          return;
        }
      }
    }
  }

  private static String name(int protocol) {
    return switch (protocol) {
      case IpProtocol.HOP_BY_HOP -> "hop-by-hop";
      case IpProtocol.ROUTING -> "routing";
      default -> "destination-options";
    };
  }

  private void upper(int protocol, byte[] octets, int at, int end, Found found) {
    switch (protocol) {
      case IpProtocol.ICMPV6 -> {
        int type = octets[at] & 0xff;
        found.icmp.add(type);
        if (type < FIRST_INFORMATIONAL) {
          // The packet that it is about.
          packet(octets, at + 8, end, found);
        }
      }
      case IpProtocol.UDP -> {
        if (end - at >= UDP_HEADER) {
          found.header("udp", UDP_HEADER);
          found.ports.add(short16(octets, at + 2));
        }
      }
      case IpProtocol.MOBILITY -> {
        int type = octets[at + MH_TYPE] & 0xff;
        found.mobility.add(type);
        if (type == MobilityMessage.BINDING_ACKNOWLEDGEMENT) {
          found.statuses.add(octets[at + MH_STATUS] & 0xff);
        }
      }
      default -> {
        // Nothing that anybody measures.
      }
    }
  }

  private void esp(byte[] octets, int at, int end, Found found) {
    EspSuite suite = suite(int32(octets, at));
    if (suite == null) {
      return;
    }
    byte[] copy = Arrays.copyOfRange(octets, at, end);
    int text = ESP_HEADER + suite.ivLength();
    int length = copy.length - text - suite.icvLength();
    if (length < ESP_TRAILER
        || length % suite.blockLength() != 0
        || !suite.open(copy, 0, length, Integer.toUnsignedLong(int32(copy, 4)))) {
      return;
    }
    int trailer = text + length - ESP_TRAILER;
    int padding = copy[trailer] & 0xff;
    found.header("esp", copy.length - (trailer - padding - text));
    content(copy[trailer + 1] & 0xff, copy, text, trailer - padding, found);
  }

  private static int short16(byte[] octets, int at) {
    return (octets[at] & 0xff) << 8 | (octets[at + 1] & 0xff);
  }

  private static int int32(byte[] octets, int at) {
    return short16(octets, at) << 16 | short16(octets, at + 2);
  }
}

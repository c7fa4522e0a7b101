package io.mipd.xfrm.packet;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.Optional;

/**
 * An IPv6 packet (RFC 8200 section 3).
 *
 * @param trafficClass 8 bits
 * @param flowLabel 20 bits
 * @param protocol of what stands behind the extension headers; ESP too
 * @param payload from there on
 */
public record Ipv6Packet(
    int trafficClass,
    int flowLabel,
    int hopLimit,
    Ipv6Address source,
    Ipv6Address destination,
    ImmutableList<ExtensionHeader> extensions,
    int protocol,
    Octets payload) {

  public Ipv6Packet {
    checkArgument(trafficClass >= 0 && trafficClass <= 0xff, "not 8 bits: %s", trafficClass);
    checkArgument(flowLabel >= 0 && flowLabel <= 0xfffff, "not 20 bits: %s", flowLabel);
    checkArgument(hopLimit >= 0 && hopLimit <= 0xff, "not 8 bits: %s", hopLimit);
    checkArgument(protocol >= 0 && protocol <= 0xff, "not 8 bits: %s", protocol);
  }

  /** The first extension header of a kind. */
  public <T extends ExtensionHeader> Optional<T> extension(Class<T> kind) {
    return extensions.stream().filter(kind::isInstance).map(kind::cast).findFirst();
  }

  /** The source that upper layers see: the home address, where an option gives one. */
  public Ipv6Address stableSource() {
    return extension(ExtensionHeader.DestinationOptions.class)
        .flatMap(ExtensionHeader.DestinationOptions::homeAddress)
        .orElse(source);
  }

  /** The destination that upper layers see: that of a type 2 routing header, where there is one. */
  public Ipv6Address stableDestination() {
    return extension(ExtensionHeader.Type2Routing.class)
        .map(ExtensionHeader.Type2Routing::homeAddress)
        .orElse(destination);
  }
}

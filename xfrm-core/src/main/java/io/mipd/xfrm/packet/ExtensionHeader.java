package io.mipd.xfrm.packet;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.Optional;

/**
 * An extension header (RFC 8200 section 4), without its Next Header field, which says of the next
 * one what it is. ESP ends the chain: what it hides is the packet's payload.
 */
public sealed interface ExtensionHeader {
  /** The Next Header value that announces it. */
  int protocol();

  /** RFC 8200 section 4.3. */
  record HopByHopOptions(ImmutableList<Ipv6Option> options) implements ExtensionHeader {
    @Override
    public int protocol() {
      return IpProtocol.HOP_BY_HOP;
    }
  }

  /** RFC 8200 section 4.6. */
  record DestinationOptions(ImmutableList<Ipv6Option> options) implements ExtensionHeader {
    @Override
    public int protocol() {
      return IpProtocol.DESTINATION_OPTIONS;
    }

    /** The Home Address option, if there is one. */
    public Optional<Ipv6Address> homeAddress() {
      return options.stream()
          .filter(Ipv6Option.HomeAddressOption.class::isInstance)
          .map(option -> ((Ipv6Option.HomeAddressOption) option).homeAddress())
          .findFirst();
    }
  }

  /** RFC 6275 section 6.4. */
  record Type2Routing(int segmentsLeft, Ipv6Address homeAddress) implements ExtensionHeader {
    public static final int TYPE = 2;

    @Override
    public int protocol() {
      return IpProtocol.ROUTING;
    }
  }

  /**
   * A routing header of another type (RFC 8200 section 4.4).
   *
   * @param data behind Segments Left; 4 octets more than a multiple of 8
   */
  record OtherRouting(int type, int segmentsLeft, Octets data) implements ExtensionHeader {
    @Override
    public int protocol() {
      return IpProtocol.ROUTING;
    }
  }

  /**
   * RFC 8200 section 4.5.
   *
   * @param offset in octets, a multiple of 8
   * @param identification 32 bits
   */
  record Fragment(int offset, boolean more, int identification) implements ExtensionHeader {
    public Fragment {
      checkArgument(offset >= 0 && offset <= 0xfff8 && offset % 8 == 0, "no offset: %s", offset);
    }

    @Override
    public int protocol() {
      return IpProtocol.FRAGMENT;
    }
  }

  /**
   * RFC 4302 section 2.
   *
   * @param icv with the padding behind it
   */
  record Authentication(int spi, int sequence, Octets icv) implements ExtensionHeader {
    @Override
    public int protocol() {
      return IpProtocol.AH;
    }
  }
}

package io.mipd.merger.explain;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.explain.KnownAssociation.Lengths;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.ArrayList;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * One IPv6 header and what stands between it and its content. On the wire: routing header, Home
 * Address option, AH and ESP (RFC 8200 section 4.1, RFC 6275 sections 6.3 and 6.4).
 *
 * @param source as the header bears it
 * @param routingHeader the home address that a type 2 routing header carries
 * @param homeAddressOption the home address that the option carries
 * @param protections innermost first
 */
record Layer(
    Ipv6Address source,
    Ipv6Address destination,
    Optional<Ipv6Address> routingHeader,
    Optional<Ipv6Address> homeAddressOption,
    ImmutableList<Protection> protections) {

  private static final int IPV6 = 40;

  /** Home Address option (behind its padding) and type 2 routing header are as long. */
  private static final int MOBILITY_HEADER = 24;

  private static final int ESP_HEADER = 8;

  /** Pad Length and Next Header. */
  private static final int ESP_TRAILER = 2;

  private static final int AH_FIXED = 12;

  /** ESP ends on a multiple of four octets (RFC 4303 section 2.4). */
  private static final int ESP_ALIGNMENT = 4;

  /** AH's length is a multiple of eight octets with IPv6 (RFC 4302 section 2.6). */
  private static final int AH_ALIGNMENT = 8;

  /** ESP, AH or IPComp around a content. */
  record Protection(Template template, Optional<KnownAssociation> association) {

    WireHeader.Kind kind() {
      return switch (template.protocol()) {
        case AH -> WireHeader.Kind.AH;
        case IPCOMP -> WireHeader.Kind.IPCOMP;
        default -> WireHeader.Kind.ESP;
      };
    }

    /** Octets before the content; empty if they are not known. */
    OptionalInt before() {
      Optional<Lengths> lengths = lengths();
      if (lengths.isEmpty()) {
        return OptionalInt.empty();
      }
      return OptionalInt.of(
          template.protocol() == TransformProtocol.AH
              ? roundedUp(AH_FIXED + lengths.get().icv(), AH_ALIGNMENT)
              : ESP_HEADER + lengths.get().iv());
    }

    /** Octets of padding behind a content of ESP. */
    OptionalInt padding(int content) {
      Optional<Lengths> lengths = lengths();
      return lengths.isEmpty()
          ? OptionalInt.empty()
          : OptionalInt.of(padding(content, lengths.get()));
    }

    /** Octets behind a content of ESP. */
    OptionalInt behind(int content) {
      Optional<Lengths> lengths = lengths();
      return lengths.isEmpty()
          ? OptionalInt.empty()
          : OptionalInt.of(padding(content, lengths.get()) + ESP_TRAILER + lengths.get().icv());
    }

    /** Octets of the content with the protection. */
    OptionalInt around(int content) {
      if (template.protocol() == TransformProtocol.IPCOMP) {
        // What compression does not make smaller goes as it is (RFC 3173 section 2.2).
        return OptionalInt.of(content);
      }
      OptionalInt before = before();
      if (before.isEmpty()) {
        return before;
      }
      int behind = template.protocol() == TransformProtocol.AH ? 0 : behind(content).getAsInt();
      return OptionalInt.of(before.getAsInt() + content + behind);
    }

    private static int padding(int content, Lengths lengths) {
      int text = content + ESP_TRAILER;
      return roundedUp(text, Math.max(ESP_ALIGNMENT, lengths.block())) - text;
    }

    private Optional<Lengths> lengths() {
      return association.flatMap(KnownAssociation::lengths);
    }
  }

  /** The packet itself. */
  static Layer of(Flow flow) {
    return between(flow.source(), flow.destination());
  }

  static Layer between(Ipv6Address source, Ipv6Address destination) {
    return new Layer(source, destination, Optional.empty(), Optional.empty(), ImmutableList.of());
  }

  Layer with(Protection outer) {
    return new Layer(
        source,
        destination,
        routingHeader,
        homeAddressOption,
        ImmutableList.<Protection>builder().addAll(protections).add(outer).build());
  }

  /** The home address goes into an option, the care-of address takes its place. */
  Layer withHomeAddressOption(Ipv6Address careOf) {
    return new Layer(careOf, destination, routingHeader, Optional.of(source), protections);
  }

  Layer withRoutingHeader(Ipv6Address careOf) {
    return new Layer(source, careOf, Optional.of(destination), homeAddressOption, protections);
  }

  /** Octets of the whole layer around a content; empty if they are not known. */
  OptionalInt around(int content) {
    OptionalInt octets = OptionalInt.of(content);
    for (Protection protection : protections) {
      octets = protection.around(octets.getAsInt());
      if (octets.isEmpty()) {
        return octets;
      }
    }
    return OptionalInt.of(octets.getAsInt() + headers());
  }

  private int headers() {
    return IPV6
        + (routingHeader.isPresent() ? MOBILITY_HEADER : 0)
        + (homeAddressOption.isPresent() ? MOBILITY_HEADER : 0);
  }

  /**
   * Adds the layer's headers from the outside in.
   *
   * @param protocol of the content
   */
  void describe(int depth, int protocol, ImmutableList.Builder<WireHeader> out) {
    int[] chain = chain(protocol);
    int at = 0;
    out.add(
        new WireHeader(
            WireHeader.Kind.IPV6,
            depth,
            Optional.of(new WireHeader.Between(source, destination)),
            OptionalInt.of(chain[at++]),
            Optional.empty(),
            "",
            OptionalInt.of(IPV6)));
    if (routingHeader.isPresent()) {
      String words = "home address " + routingHeader.get() + ", segments left 1";
      out.add(extension(WireHeader.Kind.ROUTING, depth, chain[at++], words));
    }
    if (homeAddressOption.isPresent()) {
      String words = "Home Address option " + homeAddressOption.get();
      out.add(extension(WireHeader.Kind.DESTINATION_OPTIONS, depth, chain[at++], words));
    }
    for (Protection protection : protections.reverse()) {
      out.add(header(protection, depth, chain[at++]));
    }
  }

  private static WireHeader header(Protection protection, int depth, int next) {
    Template template = protection.template();
    String reqId = template.reqId().isAny() ? "" : "reqid " + template.reqId() + ", ";
    String words =
        template.protocol() == TransformProtocol.IPCOMP
            ? "only if it makes the packet smaller"
            : protection
                .association()
                .map(one -> reqId + one.algorithms())
                .orElse(reqId + "no association known");
    return new WireHeader(
        protection.kind(),
        depth,
        Optional.empty(),
        OptionalInt.of(next),
        protection.association().map(one -> one.id().spi()),
        words,
        protection.before());
  }

  private static WireHeader extension(WireHeader.Kind kind, int depth, int next, String words) {
    return new WireHeader(
        kind,
        depth,
        Optional.empty(),
        OptionalInt.of(next),
        Optional.empty(),
        words,
        OptionalInt.of(MOBILITY_HEADER));
  }

  /** Next Header values from the IPv6 header inwards. */
  private int[] chain(int protocol) {
    var chain = new ArrayList<Integer>();
    routingHeader.ifPresent(home -> chain.add(IpProtocol.ROUTING));
    homeAddressOption.ifPresent(home -> chain.add(IpProtocol.DESTINATION_OPTIONS));
    protections.reverse().forEach(one -> chain.add(one.template().protocol().number()));
    chain.add(protocol);
    return chain.stream().mapToInt(Integer::intValue).toArray();
  }

  /**
   * Adds what stands behind the layer's content, from the inside out.
   *
   * @param content octets; empty if they are not known
   */
  void describeEnd(int depth, OptionalInt content, ImmutableList.Builder<WireHeader> out) {
    OptionalInt octets = content;
    for (Protection protection : protections) {
      if (protection.kind() == WireHeader.Kind.ESP) {
        OptionalInt behind =
            octets.isPresent() ? protection.behind(octets.getAsInt()) : OptionalInt.empty();
        OptionalInt padding =
            octets.isPresent() ? protection.padding(octets.getAsInt()) : OptionalInt.empty();
        out.add(
            new WireHeader(
                WireHeader.Kind.ESP_TRAILER,
                depth,
                Optional.empty(),
                OptionalInt.empty(),
                Optional.empty(),
                padding.isPresent()
                    ? padding.getAsInt()
                        + " of padding, 2, "
                        + (behind.getAsInt() - padding.getAsInt() - ESP_TRAILER)
                        + " of integrity check value"
                    : "padding, integrity check value",
                behind));
      }
      octets = octets.isPresent() ? protection.around(octets.getAsInt()) : OptionalInt.empty();
    }
  }

  private static int roundedUp(int octets, int multiple) {
    return (octets + multiple - 1) / multiple * multiple;
  }
}

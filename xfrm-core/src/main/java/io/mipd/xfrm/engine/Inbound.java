package io.mipd.xfrm.engine;

import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.engine.EngineCounters.Traffic;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.transform.Discard;
import io.mipd.xfrm.transform.InboundTransform;
import io.mipd.xfrm.transform.PacketBuffer;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The way in: header by header, undoing what was done to a packet and noting it in the security
 * path, until what is within can be compared with policy. The packet itself is left as it came
 * until an association changes it or it is handed over, so that errors quote what was received.
 */
final class Inbound {
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //  | Payload Proto |  Header Len   |   MH Type     |   Reserved    |
  //  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  //
  // RFC 6275 section 6.1.1. Header Len is in units of eight octets, without the first eight.
  private static final int MH_PAYLOAD_PROTO = 0;
  private static final int MH_HEADER_LEN = 1;
  private static final int MH_TYPE = 2;

  /** IPv6 headers of one packet at most. */
  private static final int MAX_LAYERS = EngineSettings.MAX_TEMPLATES + 1;

  /** Where the SPI stands in AH (RFC 4302 section 2). In ESP it comes first. */
  private static final int AH_SPI = 4;

  /** What is to be done after a header has been dealt with. */
  private enum Next {
    /** Look at the next header. */
    HEADER,
    /** Another IPv6 header begins the packet now. */
    LAYER,
    /** The packet has been handed over, kept, or discarded. */
    DONE
  }

  private final EngineCore core;
  private final TransformFactory transforms;
  private final Outbound outbound;
  private final OuterErrors outerErrors;
  private final long seed;
  private final PathTracker path = new PathTracker();
  private final FlowReader reader = new FlowReader();
  private final FlowKey flow = new FlowKey();
  private final Reassembler reassembler;
  private final PacketBuffer whole = new PacketBuffer();

  // The packet at hand, and where in it we are.
  private PacketBuffer p = whole;
  private int header;
  private int nextHeaderField;
  private int headers;

  // Addresses as the packet bears them, and as they are after Mobile IPv6's headers.
  private Ipv6Address wireSource = Ipv6Address.UNSPECIFIED;
  private Ipv6Address source = Ipv6Address.UNSPECIFIED;
  private Ipv6Address destination = Ipv6Address.UNSPECIFIED;
  private boolean homeAddressOption;
  private boolean routingHeader;

  // Whether headers of this layer have been dealt with that the kernel must not see again.
  private boolean altered;

  Inbound(EngineCore core, TransformFactory transforms, Outbound outbound, long seed) {
    this.core = core;
    this.transforms = transforms;
    this.outbound = outbound;
    this.seed = seed;
    outerErrors = new OuterErrors(core);
    reassembler = new Reassembler(core.settings());
  }

  void input(PacketBuffer packet) {
    core.counters().count(Traffic.INPUT_PACKETS);
    core.counters().count(Traffic.INPUT_BYTES, packet.length());
    p = packet;
    path.clear();
    Discard reason = undo(packet);
    if (reason != null) {
      core.countDiscard(reason);
    }
    // The packet is its owner's, who may have no more use for it.
    p = whole;
  }

  private @Nullable Discard undo(PacketBuffer packet) {
    Discard reason = Segmenter.completeChecksum(packet);
    if (reason != null) {
      return reason;
    }
    packet.setSegmentation(PacketBuffer.Segmentation.NONE, 0);
    for (int layer = 0; layer < MAX_LAYERS; layer++) {
      if (layer(layer) != Next.LAYER) {
        return null;
      }
    }
    return Discard.TOO_MANY_HEADERS;
  }

  private Next discard(Discard reason) {
    core.countDiscard(reason);
    return Next.DONE;
  }

  /** Discards and tells the sender why, by an ICMPv6 error about the packet as it stands. */
  private Next refuse(Discard reason, int type, int code, int at) {
    PacketBuffer error = core.errors().about(p, type, code, at - p.start());
    if (error != null) {
      outbound.output(error, null);
    }
    return discard(reason);
  }

  private Next layer(int layer) {
    Discard malformed = FlowReader.readHeader(p);
    if (malformed != null) {
      return discard(malformed);
    }
    byte[] octets = p.array();
    path.beginLayer();
    wireSource = core.interner().at(octets, p.start() + Wire.SOURCE);
    source = wireSource;
    destination = core.interner().at(octets, p.start() + Wire.DESTINATION);
    homeAddressOption = false;
    routingHeader = false;
    altered = false;
    if (layer > 0) {
      malformed = reader.read(p, flow);
      if (malformed != null) {
        return discard(malformed);
      }
      path.checkSelectors(flow, source, destination);
    }
    if (!core.local().roleOf(destination).isOurs()) {
      return layer == 0 ? discard(Discard.NOT_OURS) : forward();
    }
    header = p.start() + Wire.IPV6_HEADER;
    nextHeaderField = p.start() + Wire.NEXT_HEADER;
    headers = 0;
    while (true) {
      Next next = header(layer);
      if (next != Next.HEADER) {
        return next;
      }
    }
  }

  private Next header(int layer) {
    if (headers++ > FlowReader.MAX_HEADERS) {
      return discard(Discard.TOO_MANY_HEADERS);
    }
    int protocol = Wire.octet(p.array(), nextHeaderField);
    return switch (protocol) {
      case IpProtocol.HOP_BY_HOP -> hopByHop();
      case IpProtocol.DESTINATION_OPTIONS -> options(false);
      case IpProtocol.ROUTING -> routing();
      case IpProtocol.FRAGMENT -> fragment();
      case IpProtocol.ESP -> association(TransformProtocol.ESP, 0, layer);
      case IpProtocol.AH -> association(TransformProtocol.AH, AH_SPI, layer);
      case IpProtocol.IPV6 -> tunnel();
      case IpProtocol.MOBILITY -> mobility();
      default -> upperLayer(protocol, layer);
    };
  }

  /** Octets of the extension header at hand, or -1 if the packet ends before. */
  private int extensionLength() {
    if (p.end() - header < 8) {
      return -1;
    }
    int length = FlowReader.extensionLength(p.array(), header);
    return p.end() - header < length ? -1 : length;
  }

  private Next advance(int length) {
    nextHeaderField = header;
    header += length;
    return Next.HEADER;
  }

  // Extension headers.

  private Next hopByHop() {
    if (header != p.start() + Wire.IPV6_HEADER) {
      return refuse(
          Discard.MALFORMED_EXTENSION_HEADER,
          IcmpErrors.PARAMETER_PROBLEM,
          IcmpErrors.CODE_UNRECOGNIZED_NEXT_HEADER,
          nextHeaderField);
    }
    return options(true);
  }

  private Next options(boolean hopByHop) {
    int length = extensionLength();
    if (length < 0) {
      return discard(Discard.MALFORMED_EXTENSION_HEADER);
    }
    byte[] octets = p.array();
    int end = header + length;
    int at = header + DestinationOptions.OPTIONS;
    while (at < end) {
      int type = Wire.octet(octets, at);
      int next = DestinationOptions.next(octets, at, end);
      if (next > end || (type != DestinationOptions.PAD1 && at + 1 == end)) {
        return discard(Discard.MALFORMED_EXTENSION_HEADER);
      }
      if (!hopByHop && type == DestinationOptions.HOME_ADDRESS) {
        Next refused = homeAddress(at);
        if (refused != Next.HEADER) {
          return refused;
        }
      } else if (!isKnown(type, hopByHop)) {
        Next refused = unknownOption(type, at);
        if (refused != Next.HEADER) {
          return refused;
        }
      }
      at = next;
    }
    return advance(length);
  }

  private static boolean isKnown(int type, boolean hopByHop) {
    return type == DestinationOptions.PAD1
        || type == DestinationOptions.PADN
        || (hopByHop
            ? type == DestinationOptions.ROUTER_ALERT
            : type == DestinationOptions.TUNNEL_ENCAPSULATION_LIMIT);
  }

  private Next unknownOption(int type, int at) {
    DestinationOptions.Unknown wish = DestinationOptions.Unknown.of(type);
    if (wish == DestinationOptions.Unknown.SKIP) {
      return Next.HEADER;
    }
    if (wish == DestinationOptions.Unknown.DISCARD
        || (wish == DestinationOptions.Unknown.REPORT_UNLESS_MULTICAST
            && destination.isMulticast())) {
      return discard(Discard.UNKNOWN_OPTION);
    }
    return refuse(
        Discard.UNKNOWN_OPTION,
        IcmpErrors.PARAMETER_PROBLEM,
        IcmpErrors.CODE_UNRECOGNIZED_OPTION,
        at);
  }

  /**
   * A Home Address option: once, before any protection, and of an address that can be one (RFC 6275
   * sections 6.3 and 9.3.1). Whether it is believed shows at the end of the layer.
   */
  private Next homeAddress(int at) {
    if (Wire.octet(p.array(), at + 1) != DestinationOptions.HOME_ADDRESS_LENGTH) {
      return refuse(
          Discard.MALFORMED_EXTENSION_HEADER,
          IcmpErrors.PARAMETER_PROBLEM,
          IcmpErrors.CODE_ERRONEOUS_FIELD,
          at + 1);
    }
    Ipv6Address home = core.interner().at(p.array(), at + DestinationOptions.DATA);
    if (homeAddressOption || path.isLayerProtected() || !home.isGlobalUnicast()) {
      return discard(Discard.HAO_INVALID);
    }
    if (path.isFull()) {
      return discard(Discard.TOO_MANY_HEADERS);
    }
    homeAddressOption = true;
    altered = true;
    source = home;
    core.databases().onDemand().need(home);
    path.addRouteOptimization(TransformProtocol.HAO, home, destination);
    return Next.HEADER;
  }

  private Next routing() {
    int length = extensionLength();
    if (length < 0) {
      return discard(Discard.MALFORMED_EXTENSION_HEADER);
    }
    byte[] octets = p.array();
    if (Wire.octet(octets, header + RoutingHeader.TYPE) != RoutingHeader.TYPE_2) {
      // RFC 8200 section 4.4: without segments left it is skipped, else refused.
      return Wire.octet(octets, header + RoutingHeader.SEGMENTS_LEFT) == 0
          ? advance(length)
          : refuse(
              Discard.ROUTING_HEADER_UNKNOWN,
              IcmpErrors.PARAMETER_PROBLEM,
              IcmpErrors.CODE_ERRONEOUS_FIELD,
              header + RoutingHeader.TYPE);
    }
    if (!RoutingHeader.isWellFormed(octets, header) || routingHeader || path.isLayerProtected()) {
      return discard(Discard.ROUTING_HEADER_NOT_OURS);
    }
    Ipv6Address home = core.interner().at(octets, header + RoutingHeader.ADDRESS);
    if (core.local().roleOf(home) != Role.HOME || !home.isGlobalUnicast()) {
      return discard(Discard.ROUTING_HEADER_NOT_OURS);
    }
    if (path.isFull()) {
      return discard(Discard.TOO_MANY_HEADERS);
    }
    routingHeader = true;
    altered = true;
    destination = home;
    path.addRouteOptimization(TransformProtocol.ROUTE2, source, home);
    return advance(length);
  }

  private Next fragment() {
    if (p.end() - header < Wire.FRAGMENT_HEADER) {
      return discard(Discard.MALFORMED_FRAGMENT);
    }
    core.counters().count(Traffic.FRAGMENTS_RECEIVED);
    byte[] octets = p.array();
    int field = Wire.getShort(octets, header + Wire.FRAGMENT_OFFSET_AND_FLAG);
    if ((field & (Wire.FRAGMENT_OFFSET_MASK | Wire.MORE_FRAGMENTS)) == 0) {
      // A whole packet in one fragment is dealt with alone (RFC 8200 section 4.5, RFC 6946).
      removeFragmentHeader();
      return Next.HEADER;
    }
    int length = p.end() - header - Wire.FRAGMENT_HEADER;
    if ((field & Wire.MORE_FRAGMENTS) != 0 && length % 8 != 0) {
      return refuse(
          Discard.MALFORMED_FRAGMENT,
          IcmpErrors.PARAMETER_PROBLEM,
          IcmpErrors.CODE_ERRONEOUS_FIELD,
          p.start() + Wire.PAYLOAD_LENGTH);
    }
    int payload =
        header - p.start() - Wire.IPV6_HEADER + (field & Wire.FRAGMENT_OFFSET_MASK) + length;
    if (payload > 0xffff) {
      return refuse(
          Discard.MALFORMED_FRAGMENT,
          IcmpErrors.PARAMETER_PROBLEM,
          IcmpErrors.CODE_ERRONEOUS_FIELD,
          header + Wire.FRAGMENT_OFFSET_AND_FLAG);
    }
    var key =
        new Reassembler.Key(
            wireSource,
            core.interner().at(octets, p.start() + Wire.DESTINATION),
            Wire.getInt(octets, header + Wire.FRAGMENT_IDENTIFICATION),
            path.fingerprint(seed));
    int offset = header - p.start();
    int fieldOffset = nextHeaderField - p.start();
    Discard reason = reassembler.take(core.now(), key, p, header, nextHeaderField, whole);
    if (reason != null) {
      return discard(reason);
    }
    if (whole.length() == 0) {
      return Next.DONE;
    }
    core.counters().count(Traffic.REASSEMBLED);
    p = whole;
    header = p.start() + offset;
    nextHeaderField = p.start() + fieldOffset;
    return Next.HEADER;
  }

  /** What is before it moves up, for that is a few octets. */
  private void removeFragmentHeader() {
    byte[] octets = p.array();
    octets[nextHeaderField] = octets[header];
    int before = header - p.start();
    System.arraycopy(octets, p.start(), octets, p.start() + Wire.FRAGMENT_HEADER, before);
    p.dropFront(Wire.FRAGMENT_HEADER);
    Wire.putShort(octets, p.start() + Wire.PAYLOAD_LENGTH, p.length() - Wire.IPV6_HEADER);
    header += Wire.FRAGMENT_HEADER;
    nextHeaderField += Wire.FRAGMENT_HEADER;
  }

  // Transforms.

  private Next association(TransformProtocol protocol, int spiOffset, int layer) {
    if (p.end() - header < spiOffset + 4) {
      return discard(
          protocol == TransformProtocol.ESP ? Discard.MALFORMED_ESP : Discard.MALFORMED_AH);
    }
    int spi = Wire.getInt(p.array(), header + spiOffset);
    LiveAssociation live =
        core.databases()
            .associations()
            .inbound(destination.high(), destination.low(), protocol, spi);
    if (live == null) {
      // Within a tunnel it may be the kernel's business, if a policy lets it through.
      return layer > 0 && !altered
          ? upperLayer(protocol.number(), layer)
          : discard(Discard.IN_NO_STATES);
    }
    SecurityAssociation association = live.association();
    if (live.isExpired() || live.isExhausted()) {
      core.expire(live);
      return discard(Discard.IN_STATE_EXPIRED);
    }
    // In transport mode the sender's stable address is part of what was agreed; in tunnel mode
    // policy compares the end points.
    if (association.mode() == Mode.TRANSPORT
        && !association.source().isUnspecified()
        && !association.source().equals(source)) {
      return discard(Discard.IN_STATE_MISMATCH);
    }
    if (path.isFull()) {
      return discard(Discard.TOO_MANY_HEADERS);
    }
    FlowReader.readPorts(p.array(), header, header, protocol.number(), flow);
    setAddresses();
    path.checkSelectors(flow, source, destination);
    int offset = header - p.start();
    int fieldOffset = nextHeaderField - p.start();
    int length = p.length();
    InboundTransform transform = live.inbound(transforms);
    if (transform == null) {
      return discard(Discard.IN_STATE_SEQ_ERROR);
    }
    Discard reason = transform.apply(p, header, nextHeaderField);
    if (reason != null) {
      return discard(reason);
    }
    core.count(live, length);
    if (association.mode() == Mode.TUNNEL) {
      // Between the addresses that it had before it moved, perhaps: policy knows the present ones.
      path.add(association, live.agreedSource(source), association.destination());
      countRoutes();
      return Next.LAYER;
    }
    path.add(association, source, destination);
    altered = true;
    header = p.start() + offset;
    nextHeaderField = p.start() + fieldOffset;
    return Next.HEADER;
  }

  /** Plain IPv6 in IPv6 (RFC 2473 section 3.3); whether anybody expects it, policy says. */
  private Next tunnel() {
    if (p.end() - header < Wire.IPV6_HEADER || Wire.version(p.array(), header) != 6) {
      return discard(Discard.MALFORMED_IPV6);
    }
    FlowReader.readPorts(p.array(), header, header, IpProtocol.IPV6, flow);
    setAddresses();
    path.checkSelectors(flow, source, destination);
    Discard unbelieved = checkHomeAddress();
    if (unbelieved != null) {
      return discard(unbelieved);
    }
    if (path.isFull()) {
      return discard(Discard.TOO_MANY_HEADERS);
    }
    path.addTunnel(source, core.databases().tunnelEnd(source, destination));
    countRoutes();
    Discard reason = transforms.decapsulate(p, header);
    return reason == null ? Next.LAYER : discard(reason);
  }

  private @Nullable LiveRoute route(TransformProtocol protocol) {
    return core.databases().associations().routeOptimization(protocol, source, destination);
  }

  /** What came directly is a use of the states that say so, if it has been let through. */
  private void countRoutes() {
    LiveRoute option = homeAddressOption ? route(TransformProtocol.HAO) : null;
    if (option != null) {
      option.count();
    }
    LiveRoute header = routingHeader ? route(TransformProtocol.ROUTE2) : null;
    if (header != null) {
      header.count();
    }
  }

  // What is within.

  private void setAddresses() {
    flow.sourceHigh = source.high();
    flow.sourceLow = source.low();
    flow.destinationHigh = destination.high();
    flow.destinationLow = destination.low();
    flow.mark = p.mark();
    flow.interfaceId = 0;
  }

  /**
   * Without ESP, AH or a Mobility Header behind it, a Home Address option is believed only with a
   * binding for the address that the packet came from (RFC 6275 section 9.3.1).
   */
  private @Nullable Discard checkHomeAddress() {
    if (!homeAddressOption || path.isLayerProtected()) {
      return null;
    }
    LiveRoute route = route(TransformProtocol.HAO);
    if (route != null && route.state().careOf().equals(wireSource)) {
      return null;
    }
    core.report(new XfrmNotice.Report(TransformProtocol.HAO, flow.toFlow(), wireSource));
    return Discard.HAO_WITHOUT_BINDING;
  }

  private Next upperLayer(int protocol, int layer) {
    FlowReader.readPorts(p.array(), header, p.end(), protocol, flow);
    setAddresses();
    Discard unbelieved = checkHomeAddress();
    if (unbelieved != null) {
      return discard(unbelieved);
    }
    if (protocol == IpProtocol.ICMPV6 && outerErrors.concernsUs(p, header)) {
      if (!hasRightChecksum(IpProtocol.ICMPV6)) {
        return discard(Discard.MALFORMED_CHECKSUM);
      }
      // What is for a home address comes as its policy says; errors for other addresses of ours
      // come
      // from routers that nothing is agreed with.
      Discard unwanted =
          core.local().roleOf(destination) == LocalAddresses.Role.HOME
              ? checkPolicy(Direction.IN)
              : null;
      if (unwanted != null) {
        return discard(unwanted);
      }
      core.counters().count(Traffic.ICMPV6_ERRORS_TAKEN);
      outerErrors.take(p, header);
      return Next.DONE;
    }
    if (protocol == IpProtocol.NO_NEXT_HEADER && path.isLayerProtected()) {
      // A dummy packet, or nothing within: discarded without prejudice (RFC 4303 section 2.6).
      return discard(Discard.IN_ESP_DUMMY);
    }
    if (layer == 0 && path.isEmpty()) {
      return discard(Discard.NOT_OURS);
    }
    Discard reason = checkPolicy(Direction.IN);
    if (reason != null) {
      return discard(reason);
    }
    countRoutes();
    if (altered) {
      strip(protocol);
    }
    if (isPrefixDiscovery(protocol)) {
      core.sink().prefixDiscovery(p, arrival());
      return Next.DONE;
    }
    if (path.cameByDetour()
        && core.local().roleOf(destination) == LocalAddresses.Role.HOME
        && !IpProtocol.isKeyExchange(protocol, flow.destinationPort)) {
      core.sink().tunnelled(source, destination);
    }
    core.deliver(p);
    return Next.DONE;
  }

  private boolean isPrefixDiscovery(int protocol) {
    return protocol == IpProtocol.ICMPV6
        && altered
        && (flow.sourcePort == Icmpv6Message.MOBILE_PREFIX_SOLICITATION
            || flow.sourcePort == Icmpv6Message.MOBILE_PREFIX_ADVERTISEMENT);
  }

  private Arrival arrival() {
    return new Arrival(
        source,
        destination,
        homeAddressOption ? Optional.of(wireSource) : Optional.empty(),
        routingHeader,
        path.toSecurityPath(),
        p.interfaceIndex());
  }

  private boolean hasRightChecksum(int protocol) {
    int length = p.end() - header;
    long sum = Wire.sum(destination, Wire.sum(source, protocol + (long) length));
    return Wire.fold(Wire.sum(p.array(), header, p.end(), sum)) == 0xffff;
  }

  private Next mobility() {
    byte[] octets = p.array();
    if (p.end() - header < 8 || p.end() - header < FlowReader.extensionLength(octets, header)) {
      return discard(Discard.MALFORMED_MOBILITY);
    }
    if (Wire.octet(octets, header + MH_PAYLOAD_PROTO) != IpProtocol.NO_NEXT_HEADER) {
      return refuseMobility(header + MH_PAYLOAD_PROTO);
    }
    if (FlowReader.extensionLength(octets, header)
        < leastLength(Wire.octet(octets, header + MH_TYPE))) {
      return refuseMobility(header + MH_HEADER_LEN);
    }
    FlowReader.readPorts(octets, header, p.end(), IpProtocol.MOBILITY, flow);
    setAddresses();
    Discard reason = checkPolicy(Direction.IN);
    if (reason != null) {
      return discard(reason);
    }
    Arrival arrival = arrival();
    strip(IpProtocol.MOBILITY);
    core.counters().count(Traffic.MOBILITY_MESSAGES);
    core.sink().mobility(p, arrival);
    return Next.DONE;
  }

  /** RFC 6275 section 9.2: what has a wrong checksum gets no answer. */
  private Next refuseMobility(int pointer) {
    return hasRightChecksum(IpProtocol.MOBILITY)
        ? refuse(
            Discard.MALFORMED_MOBILITY,
            IcmpErrors.PARAMETER_PROBLEM,
            IcmpErrors.CODE_ERRONEOUS_FIELD,
            pointer)
        : discard(Discard.MALFORMED_MOBILITY);
  }

  /** Octets of a Mobility Header without options (RFC 6275 sections 6.1.2 to 6.1.9). */
  private static int leastLength(int type) {
    return switch (type) {
      case 1, 2, 5, 6 -> 16; // Home Test Init, Care-of Test Init, Binding Update, Acknowledgement
      case 3, 4, 7 -> 24; // Home Test, Care-of Test, Binding Error
      default -> 8;
    };
  }

  /** A packet from a tunnel for somebody else: the home agent forwards it (RFC 6275 10.4.5). */
  private Next forward() {
    return destination.isMulticast() ? group() : passOn();
  }

  /**
   * A packet from a tunnel for a group. At a mobile node it is let through as what comes to the
   * home address whose tunnel it came by (RFC 6275 section 11.3.4).
   */
  private Next group() {
    boolean ofListeners = isOfListeners();
    for (Ipv6Address home : core.local().home()) {
      if (isAllowedTo(home, ofListeners)) {
        if (ofListeners) {
          return listener(home);
        } else if (destination.isLinkScopeMulticast()) {
          return discard(Discard.NOT_OURS);
        }
        core.deliver(p);
        return Next.DONE;
      }
    }
    return ofListeners ? listener(destination) : passOn();
  }

  /**
   * Whether a packet that came like this may go to the home address.
   *
   * @param ofListeners it has a link-local source, and is not for what policies say of those
   */
  private boolean isAllowedTo(Ipv6Address home, boolean ofListeners) {
    Ipv6Address from = source;
    Ipv6Address group = destination;
    source = ofListeners ? Ipv6Address.UNSPECIFIED : from;
    destination = home;
    setAddresses();
    boolean allowed = checkPolicy(Direction.IN) == null;
    source = from;
    destination = group;
    setAddresses();
    return allowed;
  }

  /** RFC 2710 section 3 and RFC 3810 section 5 have hop limit 1. */
  private boolean isOfListeners() {
    return reader.protocol() == IpProtocol.ICMPV6
        && Wire.octet(p.array(), p.start() + Wire.HOP_LIMIT) == 1
        && Icmpv6Message.isOfListeners(flow.sourcePort);
  }

  private Next listener(Ipv6Address through) {
    Ipv6Address group = destination;
    destination = through;
    Arrival arrival = arrival();
    destination = group;
    header = reader.upperOffset();
    strip(IpProtocol.ICMPV6);
    core.sink().listener(p, group, arrival);
    return Next.DONE;
  }

  private Next passOn() {
    Discard reason = checkPolicy(Direction.FWD);
    if (reason != null) {
      return discard(reason);
    }
    core.deliver(p);
    return Next.DONE;
  }

  /** RFC 4301 section 5.2: the selectors of what it came through, then policy. */
  private @Nullable Discard checkPolicy(Direction direction) {
    path.checkSelectors(flow, source, destination);
    if (!path.selectorsAdmit(flow, source, destination)) {
      return Discard.IN_STATE_MISMATCH;
    }
    Policy policy = core.databases().lookUp(direction, flow, source, destination);
    if (policy == null) {
      return path.needsPolicy() ? Discard.IN_NO_POLICIES : null;
    }
    if (policy.action() == Policy.Action.BLOCK) {
      return Discard.IN_POLICY_BLOCK;
    }
    return path.compare(policy);
  }

  /** Leaves an IPv6 header with the stable addresses, directly before the upper layer. */
  private void strip(int protocol) {
    byte[] octets = p.array();
    int start = header - Wire.IPV6_HEADER;
    if (start != p.start()) {
      System.arraycopy(octets, p.start(), octets, start, Wire.IPV6_HEADER);
      p.dropFront(start - p.start());
    }
    octets[start + Wire.NEXT_HEADER] = (byte) protocol;
    Wire.putShort(octets, start + Wire.PAYLOAD_LENGTH, p.length() - Wire.IPV6_HEADER);
    source.write(octets, start + Wire.SOURCE);
    destination.write(octets, start + Wire.DESTINATION);
  }

  // Time.

  void tick(Instant now) {
    reassembler.forgetOld(now, whole, this::reassemblyTimedOut);
  }

  private void reassemblyTimedOut(PacketBuffer firstFragment) {
    core.countDiscard(Discard.REASSEMBLY_TIMEOUT);
    if (firstFragment.length() == 0) {
      return;
    }
    PacketBuffer error =
        core.errors()
            .about(
                firstFragment,
                IcmpErrors.TIME_EXCEEDED,
                IcmpErrors.CODE_REASSEMBLY_TIME_EXCEEDED,
                0);
    if (error != null) {
      outbound.output(error, null);
    }
  }

  Optional<Instant> nextDeadline() {
    return reassembler.nextDeadline();
  }

  long reassemblyOctets() {
    return reassembler.octets();
  }

  OuterErrors outerErrors() {
    return outerErrors;
  }
}

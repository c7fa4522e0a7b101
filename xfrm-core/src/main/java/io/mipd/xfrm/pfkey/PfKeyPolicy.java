package io.mipd.xfrm.pfkey;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.pfkey.PfKeyExtension.AddressPair;
import io.mipd.xfrm.pfkey.PfKeyExtension.PolicyAction;
import io.mipd.xfrm.pfkey.PfKeyExtension.Request;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Policies in PF_KEY's terms, which are fewer than the model's. */
public final class PfKeyPolicy {
  // IPSEC_MODE_*
  private static final int TRANSPORT = 1;
  private static final int TUNNEL = 2;

  private PfKeyPolicy() {}

  /** What of a policy PF_KEY cannot say, in words for people; empty if it can say all of it. */
  public static Optional<String> inexpressible(Policy policy) {
    Optional<String> selector = inexpressible(policy.selector());
    if (selector.isPresent()) {
      return selector;
    }
    return policy.bundle().templates().stream()
        .flatMap(template -> inexpressible(template, policy.direction()).stream())
        .findFirst();
  }

  /** Likewise of what names one. */
  public static Optional<String> inexpressible(Selector selector) {
    if (!selector.mark().isAny()) {
      return Optional.of("a mark");
    }
    if (selector.interfaceId() != 0) {
      return Optional.of("an interface id");
    }
    if (!isPort(selector.sourcePort()) || !isPort(selector.destinationPort())) {
      return Optional.of("port or type 0, or one with a mask");
    }
    return Optional.empty();
  }

  /** 0 says "any". */
  private static boolean isPort(PortMatch port) {
    return port.isAny() || (port.mask() == 0xffff && port.value() != 0);
  }

  private static Optional<String> inexpressible(Template template, Direction direction) {
    if (!template.protocol().isIpsec()) {
      return Optional.of("a template of protocol " + template.protocol().kernelName());
    }
    if (template.mode() != Mode.TRANSPORT && template.mode() != Mode.TUNNEL) {
      return Optional.of("a template of mode " + template.mode().kernelName());
    }
    if (!template.spi().isAny()) {
      return Optional.of("the SPI of a template");
    }
    if (template.mode() == Mode.TRANSPORT
        && !(template.source().isUnspecified() && template.destination().isUnspecified())) {
      return Optional.of("addresses of a template of mode transport");
    }
    if (Integer.compareUnsigned(template.reqId().value(), Request.MAX_REQID) > 0) {
      return Optional.of("a request id above " + Request.MAX_REQID);
    }
    if (template.optional() && !template.reqId().isAny()) {
      return Optional.of("the request id of an optional template");
    }
    if (template.optional() && template.isTunnel() && direction == Direction.OUT) {
      return Optional.of("an optional tunnel outbound");
    }
    return Optional.empty();
  }

  /**
   * @param type {@link PfKeyMessage#X_SPDADD} or {@link PfKeyMessage#X_SPDUPDATE}
   * @param policy one that is not {@link #inexpressible}
   */
  public static PfKeyMessage message(int type, Policy policy) {
    ImmutableList<Request> requests =
        policy.bundle().templates().stream()
            .map(PfKeyPolicy::request)
            .collect(ImmutableList.toImmutableList());
    int action =
        policy.action() == Policy.Action.BLOCK
            ? PolicyAction.DISCARD
            : requests.isEmpty() ? PolicyAction.NONE : PolicyAction.IPSEC;
    return about(
        type,
        policy.selector(),
        new PolicyAction(action, number(policy.direction()), 0, policy.priority(), requests));
  }

  /** Has a policy deleted. */
  public static PfKeyMessage deletion(Policy.Id id) {
    return about(PfKeyMessage.X_SPDDELETE, id.selector(), nameOf(id, ImmutableList.of()));
  }

  /**
   * Has the end points of a policy's tunnels and of their associations moved.
   *
   * @param keyManager what key managers are told with it
   */
  public static PfKeyMessage migration(
      Policy.Id id,
      List<XfrmCommand.Move> moves,
      Optional<PfKeyExtension.KeyManagerAddress> keyManager) {
    var requests = ImmutableList.<Request>builder();
    for (XfrmCommand.Move move : moves) {
      requests.add(endPoint(move, new AddressPair(move.oldSource(), move.oldDestination())));
      requests.add(endPoint(move, new AddressPair(move.newSource(), move.newDestination())));
    }
    PfKeyMessage message =
        about(PfKeyMessage.X_MIGRATE, id.selector(), nameOf(id, requests.build()));
    var extensions = ImmutableList.<PfKeyExtension>builder().addAll(message.extensions());
    keyManager.ifPresent(extensions::add);
    return PfKeyMessage.request(
        PfKeyMessage.X_MIGRATE, PfKeyMessage.UNSPECIFIED, extensions.build());
  }

  private static Request endPoint(XfrmCommand.Move move, AddressPair pair) {
    return new Request(
        move.protocol().number(),
        move.mode() == Mode.TUNNEL ? TUNNEL : TRANSPORT,
        Request.UNIQUE,
        move.reqId(),
        Optional.of(pair));
  }

  private static PolicyAction nameOf(Policy.Id id, ImmutableList<Request> requests) {
    return new PolicyAction(PolicyAction.DISCARD, number(id.direction()), 0, 0, requests);
  }

  private static int number(Direction direction) {
    return direction.number() + 1;
  }

  private static PfKeyMessage about(int type, Selector selector, PolicyAction action) {
    return PfKeyMessage.request(
        type,
        PfKeyMessage.UNSPECIFIED,
        ImmutableList.of(
            address(
                PfKeyExtension.ADDRESS_SRC,
                selector.source(),
                selector.protocol(),
                selector.sourcePort()),
            address(
                PfKeyExtension.ADDRESS_DST,
                selector.destination(),
                selector.protocol(),
                selector.destinationPort()),
            action));
  }

  private static PfKeyExtension address(int type, Ipv6Prefix prefix, int protocol, PortMatch port) {
    return new PfKeyExtension.Address(
        type,
        protocol == IpProtocol.ANY ? PfKeyExtension.Address.ANY_PROTOCOL : protocol,
        prefix,
        port.value());
  }

  private static Request request(Template template) {
    int level =
        template.optional()
            ? Request.USE
            : template.reqId().isAny() ? Request.REQUIRE : Request.UNIQUE;
    return new Request(
        template.protocol().number(),
        template.isTunnel() ? TUNNEL : TRANSPORT,
        level,
        template.reqId(),
        template.isTunnel()
            ? Optional.of(new AddressPair(template.source(), template.destination()))
            : Optional.empty());
  }

  /**
   * The policy that a message tells of; empty if it tells of none, or of one that the model cannot
   * say (IPv4). The kernel does not tell mark, interface id and masks of ports.
   */
  public static Optional<Policy> of(PfKeyMessage message) {
    var action = message.first(PolicyAction.class);
    var source = message.first(PfKeyExtension.Address.class, PfKeyExtension.ADDRESS_SRC);
    var destination = message.first(PfKeyExtension.Address.class, PfKeyExtension.ADDRESS_DST);
    if (action.isEmpty() || source.isEmpty() || destination.isEmpty()) {
      return Optional.empty();
    }
    var direction = Direction.ofNumber(action.get().direction() - 1);
    List<Template> templates = new ArrayList<>();
    for (Request request : action.get().requests()) {
      template(request).ifPresent(templates::add);
    }
    int protocol =
        destination.get().protocol() == PfKeyExtension.Address.ANY_PROTOCOL
            ? IpProtocol.ANY
            : destination.get().protocol();
    boolean portsOfAny =
        protocol == IpProtocol.ANY && (source.get().port() != 0 || destination.get().port() != 0);
    if (direction.isEmpty() || portsOfAny || templates.size() != action.get().requests().size()) {
      return Optional.empty();
    }
    var selector =
        new Selector(
            source.get().prefix(),
            destination.get().prefix(),
            protocol,
            port(source.get().port()),
            port(destination.get().port()),
            Mark.ANY,
            0);
    boolean blocks = action.get().action() == PolicyAction.DISCARD;
    return Optional.of(
        new Policy(
            selector,
            direction.get(),
            action.get().priority(),
            blocks ? Policy.Action.BLOCK : Policy.Action.ALLOW,
            blocks ? Bundle.EMPTY : new Bundle(ImmutableList.copyOf(templates))));
  }

  private static PortMatch port(int port) {
    return port == 0 ? PortMatch.ANY : PortMatch.exactly(port);
  }

  private static Optional<Template> template(Request request) {
    var protocol =
        TransformProtocol.ofNumber(request.protocol()).filter(TransformProtocol::isIpsec);
    boolean tunnel = request.mode() == TUNNEL;
    if (protocol.isEmpty()
        || (request.mode() != TRANSPORT && !tunnel)
        || tunnel != request.endPoints().isPresent()) {
      return Optional.empty();
    }
    var none = new AddressPair(Ipv6Address.UNSPECIFIED, Ipv6Address.UNSPECIFIED);
    AddressPair ends = request.endPoints().orElse(none);
    return Optional.of(
        new Template(
            protocol.get(),
            tunnel ? Mode.TUNNEL : Mode.TRANSPORT,
            ends.source(),
            ends.destination(),
            request.reqId(),
            Spi.ANY,
            request.level() == Request.USE));
  }
}

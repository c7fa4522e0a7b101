package io.mipd.mobility;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityPath;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * One of the nodes of an {@link Exchange} and a shell of values around it: policies, states and
 * tunnel end points are kept as a backend would, and what leaves takes the templates of its policy.
 */
final class Side {
  /** What the receiver's engine will make of it. */
  record MobilityMessageOnTheWire(
      MobilityMessage message, Arrival arrival, Ipv6Address wireDestination) {}

  private final String name;
  private MobilityNode node;
  private final Ipv6Address agent;

  final List<NodeAction> performed = new ArrayList<>();
  final List<MobilityMessageOnTheWire> sent = new ArrayList<>();

  /** By owner, in the order in which these came: who comes later yields to those before. */
  final Map<WishOwner, MobilityWish> wishes = new LinkedHashMap<>();

  /** The routes that are wanted, by peer. */
  final Map<Ipv6Address, NodeAction.WantRoute> routes = new TreeMap<>();

  final Map<Ipv6Address, Ipv6Address> tunnelEnds = new TreeMap<>();
  final Map<HomeAddress, NodeAction.RememberBinding> remembered = new LinkedHashMap<>();
  final Map<HomeAddress, SequenceNumber> sequences = new LinkedHashMap<>();
  final Set<Ipv6Address> proxied = new TreeSet<>();
  final List<NodeAction.StartDad> dadStarted = new ArrayList<>();
  final List<NodeAction.ForgetLink> forgotten = new ArrayList<>();
  Optional<NodeAction.PlaceHomeAddress> place = Optional.empty();

  Side(String name, MobilityNode node, Ipv6Address agent) {
    this.name = name;
    this.node = node;
    this.agent = agent;
  }

  /** kill -9: what is not durable is gone; the engine's associations begin anew, too. */
  void restartAs(MobilityNode successor) {
    node = successor;
    wishes.clear();
    routes.clear();
    tunnelEnds.clear();
    proxied.clear();
    place = Optional.empty();
  }

  MobilityNode node() {
    return node;
  }

  /** The actions of this event, performed in their order. */
  ImmutableList<NodeAction> handle(Instant now, NodeEvent event) {
    List<NodeAction> actions = node.handle(now, event);
    actions.forEach(this::perform);
    policiesNameTheTunnelsEnds();
    return ImmutableList.copyOf(actions);
  }

  private void perform(NodeAction action) {
    performed.add(action);
    if (action instanceof NodeAction.SendMessage send) {
      sent.add(transmit(send));
    } else if (action instanceof NodeAction.WantMobility want) {
      wishes.put(want.owner(), want.wish());
    } else if (action instanceof NodeAction.WantAtHomeAgent want) {
      wishes.put(want.wish().owner(), want.wish().wish());
    } else if (action instanceof NodeAction.WantRoute want) {
      if (want.use().isPresent()) {
        assertThat(want.accept()).isEqualTo(want.use());
      }
      routes.put(want.peer(), want);
    } else if (action instanceof NodeAction.MoveTunnel move) {
      assertThat(tunnelEnds.getOrDefault(move.owner().value(), move.owner().value()))
          .as("%s: where the tunnel of %s ends before %s", name, move.owner(), move)
          .isEqualTo(move.from());
      tunnelEnds.put(move.owner().value(), move.to());
    } else if (action instanceof NodeAction.RememberBinding remember) {
      remembered.put(remember.homeAddress(), remember);
      sequences.put(remember.homeAddress(), remember.sequence());
    } else if (action instanceof NodeAction.RememberSequence remember) {
      sequences.put(remember.homeAddress(), remember.sequence());
    } else if (action instanceof NodeAction.ForgetBinding forget) {
      remembered.remove(forget.homeAddress());
      sequences.put(forget.homeAddress(), forget.sequence());
    } else if (action instanceof NodeAction.Proxy proxy) {
      if (proxy.on()) {
        proxied.add(proxy.address().value());
      } else {
        proxied.remove(proxy.address().value());
      }
    } else if (action instanceof NodeAction.StartDad dad) {
      dadStarted.add(dad);
    } else if (action instanceof NodeAction.ForgetLink forget) {
      forgotten.add(forget);
    } else if (action instanceof NodeAction.PlaceHomeAddress placed) {
      place = Optional.of(placed);
    }
  }

  /** ESP tunnels find their associations by end points: the two must agree. */
  private void policiesNameTheTunnelsEnds() {
    wishes.forEach(
        (owner, wish) -> {
          for (MobilityPolicy policy : wish.policies()) {
            for (Template template : policy.bundle().templates()) {
              if (policy.direction() == Direction.OUT
                  && template.isTunnel()
                  && template.protocol() == TransformProtocol.ESP) {
                Ipv6Address end =
                    template.source().equals(agent) ? template.destination() : template.source();
                assertThat(end)
                    .as("%s: association for %s", name, policy)
                    .isEqualTo(tunnelEnds.getOrDefault(owner.address(), owner.address()));
              }
            }
          }
        });
  }

  /** What the policies make of a packet of ours, for the engine of the other side to undo. */
  private MobilityMessageOnTheWire transmit(NodeAction.SendMessage send) {
    Flow flow = Flow.mobility(send.source(), send.destination(), send.message().type());
    var steps = new ArrayList<SecurityPath.Step>();
    Ipv6Address wireSource = send.source();
    Ipv6Address wireDestination = send.destination();
    boolean direct =
        send.careOf().isPresent()
            && !send.source().equals(agent)
            && !send.destination().equals(agent);
    if (direct && send.message() instanceof MobilityMessage.BindingUpdate) {
      wireSource = send.careOf().get().value();
    } else if (direct) {
      wireDestination = send.careOf().get().value();
    }
    for (Template template :
        direct ? ImmutableList.<Template>of() : templates(flow, Direction.OUT)) {
      if (template.protocol().isRouteOptimization()) {
        Optional<Ipv6Address> careOf =
            send.careOf().map(it -> it.value()).or(() -> state(template.protocol(), flow));
        if (careOf.isEmpty()) {
          assertThat(template.optional()).isTrue();
          continue;
        }
        if (template.protocol() == TransformProtocol.HAO) {
          wireSource = careOf.get();
        } else {
          wireDestination = careOf.get();
        }
      }
      steps.add(step(template, send.source(), send.destination()));
    }
    var arrival =
        new Arrival(
            send.source(),
            send.destination(),
            wireSource.equals(send.source()) ? Optional.empty() : Optional.of(wireSource),
            !wireDestination.equals(send.destination()),
            new SecurityPath(ImmutableList.copyOf(steps)),
            0);
    return new MobilityMessageOnTheWire(send.message(), arrival, wireDestination);
  }

  private static SecurityPath.Step step(
      Template template, Ipv6Address source, Ipv6Address destination) {
    return new SecurityPath.Step(
        template.protocol(),
        template.mode(),
        template.isTunnel() ? template.source() : source,
        template.isTunnel() ? template.destination() : destination,
        template.reqId(),
        template.protocol().isIpsec() ? new Spi(0x1000) : Spi.ANY);
  }

  /** A packet of somebody else's for a home address takes the tunnel that there is. */
  MobilityMessageOnTheWire forwards(MobilityMessageOnTheWire wire) {
    Ipv6Address source = wire.arrival().source();
    Ipv6Address destination = wire.arrival().destination();
    return tunnel(Flow.mobility(source, destination, wire.message().type()), Direction.OUT)
        .map(
            template ->
                new MobilityMessageOnTheWire(
                    wire.message(),
                    new Arrival(
                        source,
                        destination,
                        Optional.empty(),
                        false,
                        new SecurityPath(ImmutableList.of(step(template, source, destination))),
                        0),
                    template.destination()))
        .orElse(wire);
  }

  private Optional<Ipv6Address> state(TransformProtocol protocol, Flow flow) {
    var id = new RouteOptimizationState.Id(protocol, flow.source(), flow.destination());
    return wishes.values().stream()
        .flatMap(wish -> wish.states().stream())
        .filter(state -> state.id().equals(id))
        .map(RouteOptimizationState::careOf)
        .findFirst();
  }

  /** By the precedence that the daemon gives: by owner, signalling first. */
  Optional<MobilityPolicy> policy(Flow flow, Direction direction) {
    return wishes.values().stream()
        .flatMap(wish -> wish.policies().stream())
        .filter(policy -> policy.direction() == direction && policy.selector().matches(flow))
        .min((a, b) -> a.kind().compareTo(b.kind()));
  }

  private ImmutableList<Template> templates(Flow flow, Direction direction) {
    Optional<MobilityPolicy> policy = policy(flow, direction);
    policy.ifPresent(
        it -> assertThat(it.action()).as("%s for %s", it, flow).isEqualTo(Policy.Action.ALLOW));
    return policy.map(it -> it.bundle().templates()).orElse(ImmutableList.of());
  }

  /**
   * As the engine checks: what comes directly must be accepted from there; for all else IPsec must
   * be that of the policy, no less and no more.
   */
  boolean admits(MobilityMessageOnTheWire wire) {
    Arrival arrival = wire.arrival();
    if (arrival.routingHeader() && !arrival.source().equals(agent)) {
      return route(arrival.source())
          .flatMap(NodeAction.WantRoute::accept)
          .filter(careOf -> careOf.value().equals(wire.wireDestination()))
          .isPresent();
    }
    Flow flow = Flow.mobility(arrival.source(), arrival.destination(), wire.message().type());
    List<Object> wanted = new ArrayList<>();
    Optional<MobilityPolicy> policy = policy(flow, Direction.IN);
    if (policy.isPresent() && policy.get().action() == Policy.Action.BLOCK) {
      return false;
    }
    policy.stream()
        .flatMap(it -> it.bundle().templates().stream())
        .filter(it -> it.protocol().isIpsec())
        .forEach(it -> wanted.add(List.of(it.protocol(), it.mode(), it.reqId())));
    List<Object> found = new ArrayList<>();
    arrival.securityPath().steps().stream()
        .filter(it -> it.protocol().isIpsec())
        .forEach(it -> found.add(List.of(it.protocol(), it.mode(), it.reqId())));
    return wanted.equals(found);
  }

  /** The templates that payload of the home address takes; empty for a block or no policy. */
  Optional<Template> tunnel(Flow flow, Direction direction) {
    return policy(flow, direction).stream()
        .flatMap(it -> it.bundle().templates().stream())
        .filter(it -> it.mode() == Mode.TUNNEL)
        .findFirst();
  }

  boolean blocks(Flow flow, Direction direction) {
    return policy(flow, direction)
        .map(MobilityPolicy::action)
        .equals(Optional.of(Policy.Action.BLOCK));
  }

  Optional<NodeAction.WantRoute> route(Ipv6Address peer) {
    return Optional.ofNullable(routes.get(peer));
  }

  <T extends NodeAction> List<T> performed(Class<T> kind) {
    return performed.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  List<NodeAction.Refusal> refusals() {
    return performed(NodeAction.Refuse.class).stream().map(NodeAction.Refuse::reason).toList();
  }
}

package io.mipd.mobility.mn;

import static io.mipd.mobility.NodeAction.Refusal.UNEXPECTED;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.AnycastAddress;
import io.mipd.mobility.MobilityNode;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.mobility.ProtocolConstants;
import io.mipd.mobility.WishOwner;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.Icmpv6Message.HomeAgentDiscoveryReply;
import io.mipd.xfrm.packet.Icmpv6Message.HomeAgentDiscoveryRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * A mobile node that does not know its home agent yet: it asks on the home link, from whatever
 * address it has (dynamic home agent address discovery, RFC 6275 section 11.4.1).
 */
public final class HomeAgentDiscovery implements MobilityNode {
  /** After all retransmissions it begins anew. */
  private static final Duration PAUSE = Duration.ofSeconds(60);

  private final HomeAddress home;
  private final Ipv6Address anycast;
  private final ImmutableMap<String, Integer> interfaces;
  private final RandomGenerator random;
  private final Map<Integer, Link> links = new HashMap<>();
  private Optional<Request> request = Optional.empty();

  private static final class Link {
    final int preference;
    boolean up;
    final Set<Ipv6Address> usable = new LinkedHashSet<>();

    Link(int preference) {
      this.preference = preference;
    }
  }

  /**
   * @param sent how often
   * @param timeout what the next wait is twice of
   */
  private record Request(
      int identifier, Ipv6Address source, int sent, Duration timeout, Instant next) {}

  /**
   * @param interfaces as of {@link MobileNodeSettings}
   */
  public HomeAgentDiscovery(
      HomeAddress home,
      Ipv6Prefix homePrefix,
      ImmutableMap<String, Integer> interfaces,
      RandomGenerator random) {
    this.home = home;
    anycast = AnycastAddress.homeAgents(homePrefix);
    this.interfaces = interfaces;
    this.random = random;
  }

  @Override
  public List<NodeAction> handle(Instant now, NodeEvent event) {
    List<NodeAction> actions = new ArrayList<>();
    if (event instanceof NodeEvent.Started) {
      actions.add(
          new NodeAction.WantMobility(WishOwner.of(anycast), HomePolicies.agentSought(anycast)));
    } else if (event instanceof NodeEvent.LinkChanged change) {
      linkChanged(change, actions);
    } else if (event instanceof NodeEvent.AddressChanged change) {
      addressChanged(change);
    } else if (event instanceof NodeEvent.Icmpv6Arrived arrived
        && arrived.message() instanceof HomeAgentDiscoveryReply reply) {
      arrived(arrived, reply, actions);
    } else if (event instanceof NodeEvent.ShutdownRequested) {
      return actions;
    }
    ask(now, actions);
    return actions;
  }

  private void linkChanged(NodeEvent.LinkChanged change, List<NodeAction> actions) {
    Integer preference = interfaces.get(change.name());
    if (preference == null) {
      return;
    }
    Link link = links.computeIfAbsent(change.interfaceIndex(), index -> new Link(preference));
    if (change.up() && !link.up) {
      actions.add(new NodeAction.SolicitRouters(change.interfaceIndex()));
    }
    link.up = change.up();
  }

  private void addressChanged(NodeEvent.AddressChanged change) {
    Link link = links.get(change.interfaceIndex());
    if (link == null
        || !change.address().isGlobalUnicast()
        || change.address().equals(home.value())) {
      return;
    }
    if (change.state() == AddressState.USABLE || change.state() == AddressState.DEPRECATED) {
      link.usable.add(change.address());
    } else {
      link.usable.remove(change.address());
    }
  }

  /** The one that was asked from, while it is good. */
  private Optional<Ipv6Address> source() {
    Optional<Ipv6Address> present =
        request
            .map(Request::source)
            .filter(it -> links.values().stream().anyMatch(link -> isGood(link, it)));
    return present.isPresent()
        ? present
        : links.values().stream()
            .filter(link -> link.up && !link.usable.isEmpty())
            .max((a, b) -> Integer.compare(a.preference, b.preference))
            .flatMap(link -> link.usable.stream().findFirst());
  }

  private static boolean isGood(Link link, Ipv6Address address) {
    return link.up && link.usable.contains(address);
  }

  private void ask(Instant now, List<NodeAction> actions) {
    Optional<Ipv6Address> source = source();
    if (source.isEmpty()) {
      request = Optional.empty();
      return;
    }
    Optional<Request> same = request.filter(it -> it.source().equals(source.get()));
    if (same.isPresent() && now.isBefore(same.get().next())) {
      return;
    }
    boolean again = same.isPresent() && same.get().sent() <= ProtocolConstants.DHAAD_RETRIES;
    Request next = again ? repeated(now, same.orElseThrow()) : first(now, source.get());
    request = Optional.of(next);
    actions.add(
        new NodeAction.SendDiscovery(
            new HomeAgentDiscoveryRequest(next.identifier()),
            next.source(),
            anycast,
            Optional.empty()));
  }

  private Request first(Instant now, Ipv6Address source) {
    Duration timeout = ProtocolConstants.INITIAL_DHAAD_TIMEOUT;
    return new Request(random.nextInt(0x10000), source, 1, timeout, now.plus(timeout));
  }

  /** The same request, and twice the wait. */
  private static Request repeated(Instant now, Request before) {
    Duration timeout = before.timeout().multipliedBy(2);
    int sent = before.sent() + 1;
    Duration wait = sent > ProtocolConstants.DHAAD_RETRIES ? timeout.plus(PAUSE) : timeout;
    return new Request(before.identifier(), before.source(), sent, timeout, now.plus(wait));
  }

  private void arrived(
      NodeEvent.Icmpv6Arrived arrived, HomeAgentDiscoveryReply reply, List<NodeAction> actions) {
    boolean ours =
        request
            .filter(it -> it.identifier() == reply.identifier())
            .filter(it -> it.source().equals(arrived.destination()))
            .isPresent();
    ImmutableList<Ipv6Address> agents =
        reply.homeAgents().stream()
            .filter(it -> it.isGlobalUnicast() && !it.equals(home.value()) && !it.equals(anycast))
            .distinct()
            .collect(ImmutableList.toImmutableList());
    if (!ours || agents.isEmpty()) {
      actions.add(new NodeAction.Refuse(UNEXPECTED, arrived.source()));
      return;
    }
    actions.add(new NodeAction.HomeAgentsFound(agents));
  }

  @Override
  public Optional<Instant> nextDeadline() {
    return request.map(Request::next);
  }
}

package io.mipd.mobility.node;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.BindingErrors;
import io.mipd.mobility.MobilityNode;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.WishOwner;
import io.mipd.mobility.cn.CorrespondentNode;
import io.mipd.mobility.ha.HomeAgent;
import io.mipd.mobility.mn.MobileNode;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.mobility.planner.RoutePolicies;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.Icmpv6Message.MobilePrefixAdvertisement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * A node of one or several roles, and of one or several home addresses: hands each event to the
 * role that it is for, and folds what they want of routes into one wish for each pair of addresses.
 */
public final class Node implements MobilityNode {
  private final ImmutableList<Mobile> mobiles;
  private final Optional<HomeAgent> agent;
  private final Optional<Correspondent> correspondent;
  private final Routes routes = new Routes();
  private final BindingErrors errors = new BindingErrors();

  /**
   * A home address.
   *
   * @param policies of its home registration
   */
  public record Mobile(MobileNode core, HomeAddress home, HomePolicies policies) {}

  /**
   * @param local the addresses that it speaks for, beside home addresses of ours
   */
  public record Correspondent(CorrespondentNode core, Optional<Ipv6Prefix> local) {}

  public Node(
      Optional<Mobile> mobile, Optional<HomeAgent> agent, Optional<Correspondent> correspondent) {
    this(mobile.stream().collect(ImmutableList.toImmutableList()), agent, correspondent);
  }

  /**
   * @param mobiles its home addresses; where a message does not tell which, it is for the first
   */
  public Node(
      ImmutableList<Mobile> mobiles,
      Optional<HomeAgent> agent,
      Optional<Correspondent> correspondent) {
    this.mobiles = mobiles;
    this.agent = agent;
    this.correspondent = correspondent;
  }

  @Override
  public List<NodeAction> handle(Instant now, NodeEvent event) {
    List<NodeAction> actions = new ArrayList<>();
    if (event instanceof NodeEvent.MobilityMessageArrived arrived
        && arrived.message() instanceof MobilityMessage.Unknown) {
      actions.add(new NodeAction.Refuse(NodeAction.Refusal.MALFORMED, arrived.arrival().source()));
      errors.unrecognized(now, arrived.arrival()).ifPresent(actions::add);
    } else if (event instanceof NodeEvent.MobilityMessageArrived arrived) {
      recipient(arrived)
          .ifPresentOrElse(
              core -> fold(core.handle(now, event), actions),
              () ->
                  actions.add(
                      new NodeAction.Refuse(
                          NodeAction.Refusal.WRONG_ADDRESS, arrived.arrival().source())));
    } else if (event instanceof NodeEvent.HomeAddressOptionRefused refused) {
      if (!isBorneOut(refused)) {
        errors.answer(now, refused).ifPresent(actions::add);
      }
    } else if (event instanceof NodeEvent.PrefixDiscoveryArrived arrived && !mobiles.isEmpty()) {
      prefixDiscovery(now, arrived, actions);
    } else {
      cores().forEach(core -> fold(core.handle(now, event), actions));
    }
    if (event instanceof NodeEvent.Started) {
      correspondent
          .flatMap(Correspondent::local)
          .ifPresent(
              local ->
                  actions.add(
                      new NodeAction.WantMobility(
                          WishOwner.route(local.address(), Ipv6Address.UNSPECIFIED),
                          RoutePolicies.correspondent(local))));
    }
    return actions;
  }

  /** All home addresses are of one link: what one of them believes of its prefixes all learn. */
  private void prefixDiscovery(
      Instant now, NodeEvent.PrefixDiscoveryArrived arrived, List<NodeAction> actions) {
    MobileNode recipient = mobile(core -> core.isConcerned(arrived));
    boolean believed = recipient.expects(arrived);
    fold(recipient.handle(now, arrived), actions);
    if (believed && arrived.message() instanceof MobilePrefixAdvertisement advertisement) {
      var told = new NodeEvent.HomePrefixesTold(advertisement, recipient.protectsPrefixDiscovery());
      mobiles.stream()
          .map(Mobile::core)
          .filter(core -> core != recipient)
          .forEach(core -> fold(core.handle(now, told), actions));
    }
  }

  private Stream<MobilityNode> cores() {
    return Stream.of(
            agent.stream(),
            mobiles.stream().map(Mobile::core),
            correspondent.stream().map(Correspondent::core))
        .flatMap(Function.identity());
  }

  /** The first home address that something is for; the first of all if it is for none. */
  private MobileNode mobile(Predicate<MobileNode> isConcerned) {
    return mobiles.stream()
        .map(Mobile::core)
        .filter(isConcerned)
        .findFirst()
        .orElseGet(() -> mobiles.get(0).core());
  }

  /**
   * Which role a message is for. Where that role is not there, the first that is refuses it, and
   * counts. Empty if it is for the correspondent, at an address that it does not speak for.
   */
  private Optional<MobilityNode> recipient(NodeEvent.MobilityMessageArrived arrived) {
    MobilityMessage message = arrived.message();
    boolean corresponding =
        switch (message.type()) {
          case MobilityMessage.HOME_TEST_INIT, MobilityMessage.CARE_OF_TEST_INIT -> true;
          case MobilityMessage.BINDING_UPDATE ->
              !isForHomeAgent((BindingUpdate) message, arrived.arrival());
          default -> false;
        };
    if (corresponding && correspondent.isPresent()) {
      return correspondent
          .filter(it -> speaksFor(it, arrived.arrival().destination()))
          .map(Correspondent::core);
    }
    Optional<MobilityNode> wanted =
        message.type() == MobilityMessage.BINDING_UPDATE
            ? agent.map(MobilityNode.class::cast)
            : mobiles.isEmpty()
                ? Optional.empty()
                : Optional.of(mobile(core -> core.isConcerned(message, arrived.arrival())));
    return wanted.or(() -> cores().findFirst());
  }

  /**
   * A binding is an agreement about the packets of one address (RFC 6275 section 9.1), and is made
   * only where its policies can be: not at a care-of address of ours (section 5.2.9), which is gone
   * with the next movement, nor at a home agent's other addresses.
   */
  private boolean speaksFor(Correspondent it, Ipv6Address local) {
    return it.local().filter(prefix -> prefix.contains(local)).isPresent()
        || mobiles.stream().anyMatch(one -> one.home().value().equals(local));
  }

  /**
   * Home registrations are, and all updates of mobile nodes that it serves: their home registration
   * is the only binding that we have of them, so that the kind of one never changes (RFC 6275
   * section 9.5.1).
   */
  private boolean isForHomeAgent(BindingUpdate update, Arrival arrival) {
    return agent
        .filter(it -> update.has(BindingFlag.HOME_REGISTRATION) || it.serves(arrival.source()))
        .isPresent();
  }

  /**
   * The kernel tells also of packets whose option a binding bears out, and which it has refused for
   * another reason. A Binding Error would say that there is no binding.
   */
  private boolean isBorneOut(NodeEvent.HomeAddressOptionRefused refused) {
    return agent.stream().anyMatch(it -> it.bearsOut(refused))
        || correspondent.stream()
            .anyMatch(
                it ->
                    it.core()
                        .hasBinding(
                            refused.homeAddress(), refused.careOf(), refused.destination()));
  }

  private void fold(List<NodeAction> from, List<NodeAction> actions) {
    for (NodeAction action : from) {
      if (action instanceof NodeAction.WantRoute want) {
        routes.want(want, actions);
        continue;
      }
      if (mobiles.size() > 1 && isOfLink(action) && actions.contains(action)) {
        // Each home address finds out by itself where it is, and all of them find the same.
        continue;
      }
      Optional<Mobile> registering =
          action instanceof NodeAction.WantMobility want
              ? mobiles.stream()
                  .filter(it -> want.owner().equals(WishOwner.of(it.home())))
                  .findFirst()
              : Optional.empty();
      // No moment in which a route is there and its registration is not.
      Optional<Mobile> silent = registering.filter(Node::isSilent);
      silent.ifPresent(it -> followTunnel(it, actions));
      actions.add(action);
      if (silent.isEmpty()) {
        registering.ifPresent(it -> followTunnel(it, actions));
      }
    }
  }

  private static boolean isOfLink(NodeAction action) {
    return action instanceof NodeAction.SolicitRouters
        || action instanceof NodeAction.ForgetLink
        || action instanceof NodeAction.KnowNeighbor
        || action instanceof NodeAction.Tell;
  }

  /** Neither at home nor registered: the home address is not to be used at all. */
  private static boolean isSilent(Mobile it) {
    return !it.core().isAtHome() && it.core().tunnelEnd().isEmpty();
  }

  private void followTunnel(Mobile it, List<NodeAction> actions) {
    routes.tunnel(
        it.home().value(), it.core().tunnelEnd().map(it.policies()::tunnel), isSilent(it), actions);
  }

  @Override
  public Optional<Instant> nextDeadline() {
    return cores().flatMap(core -> core.nextDeadline().stream()).min(Instant::compareTo);
  }
}

package io.mipd.daemon;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.List;
import java.util.Optional;

/**
 * A route of route optimization that {@code mipd policy} takes to be there: {@code
 * [LOCAL,]PEER[=COA]}.
 *
 * @param local our end; empty for the only address of this node's that has routes
 * @param careOf by which a peer that is mobile itself is bound here
 */
record AssumedRoute(Optional<Ipv6Address> local, Ipv6Address peer, Optional<Ipv6Address> careOf) {

  /**
   * @throws IllegalArgumentException for what is no such thing
   */
  static AssumedRoute parse(String text) {
    List<String> ends = Splitter.on(',').splitToList(text);
    List<String> peer = Splitter.on('=').splitToList(ends.get(ends.size() - 1));
    checkArgument(
        ends.size() <= 2 && peer.size() <= 2, "\"%s\" is no route: [LOCAL,]PEER[=COA]", text);
    return new AssumedRoute(
        ends.size() == 2 ? Optional.of(Ipv6Address.parse(ends.get(0))) : Optional.empty(),
        Ipv6Address.parse(peer.get(0)),
        peer.size() == 2 ? Optional.of(Ipv6Address.parse(peer.get(1))) : Optional.empty());
  }

  /**
   * The node with this route beside those that it has.
   *
   * @param configuration of the node
   * @throws IllegalArgumentException if the node, as it is configured and where it is, would have
   *     no such route
   */
  PolicyState in(PolicyState state, DaemonConfiguration configuration) {
    Ipv6Address ours = local(state, configuration);
    checkArgument(!ours.equals(peer), "a route leads to somebody else, not to %s", peer);
    checkArgument(
        careOf.isEmpty() || configuration.correspondent().isPresent(),
        "this node takes no bindings of %s: the configuration has no \"correspondent\"",
        peer);
    checkArgument(
        careOf.isPresent() || configuration.role() instanceof DaemonConfiguration.MobileNode,
        "%s is bound here with which care-of address? PEER=COA",
        peer);
    boolean optimized = Cores.optimizes(configuration, peer);
    checkArgument(
        optimized || careOf.isPresent(),
        "this node optimizes no route to %s: see mobile-node.route-optimization",
        peer);
    Optional<Ipv6Address> away =
        state.homes().stream()
            .filter(one -> one.mobileNode() && one.address().equals(ours))
            .flatMap(one -> one.careOf().stream())
            .findFirst()
            .filter(it -> optimized);
    checkArgument(
        away.isPresent() || careOf.isPresent(),
        "%s is at home, and there has no route of its own: --care-of ADDRESS",
        ours);
    return state.routed(ours, peer, away, careOf);
  }

  private Ipv6Address local(PolicyState state, DaemonConfiguration configuration) {
    ImmutableSet<Ipv6Address> ours =
        configuration.role() instanceof DaemonConfiguration.HomeAgent agent
            ? ImmutableSet.of(agent.address())
            : state.homes().stream()
                .map(PolicyState.Home::address)
                .collect(ImmutableSet.toImmutableSet());
    checkArgument(
        local.isPresent() || ours.size() == 1,
        "from which address of this node? LOCAL,PEER%s",
        ours.isEmpty() ? "" : "; there are " + ours);
    Ipv6Address chosen = local.orElseGet(() -> ours.iterator().next());
    checkArgument(
        ours.isEmpty() || ours.contains(chosen),
        "%s is not an address here that has routes; there are %s",
        chosen,
        ours);
    return chosen;
  }
}

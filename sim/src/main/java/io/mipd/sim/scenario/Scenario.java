package io.mipd.sim.scenario;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.ImmutableSortedMap;
import io.mipd.sim.link.Line;
import io.mipd.sim.node.RouterAdvertiser;
import io.mipd.sim.tcp.TcpSettings;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.TransformProtocol;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * What is simulated. Times are counted from the beginning of the run.
 *
 * @param name the words of a command line by which it is run
 * @param title in a few words
 * @param duration of the run
 * @param seed of chance, if the command line gives none
 * @param links by name
 * @param routers by name
 * @param homeAgents by name
 * @param mobileNodes by name; those of a group are {@code NAME-1}, {@code NAME-2} and so on
 * @param hosts by name
 * @param userIpsec the user's own policies and associations
 * @param moves in the order of the file
 * @param flows in the order of the file
 * @param faults in the order of the file
 * @param observation what is written of it
 */
public record Scenario(
    String name,
    String title,
    Duration duration,
    long seed,
    ImmutableSortedMap<String, LinkPlan> links,
    ImmutableSortedMap<String, RouterPlan> routers,
    ImmutableSortedMap<String, HomeAgentPlan> homeAgents,
    ImmutableSortedMap<String, MobileNodePlan> mobileNodes,
    ImmutableSortedMap<String, HostPlan> hosts,
    UserPlan userIpsec,
    ImmutableList<Move> moves,
    ImmutableList<FlowPlan> flows,
    ImmutableList<Fault> faults,
    Observation observation) {

  /** A link of layer 2. */
  public record LinkPlan(Ipv6Prefix prefix, Line line) {}

  /**
   * A router.
   *
   * @param links that it joins
   * @param advertises on which of them, and how
   * @param filters drops what comes from these with a source of another link (RFC 2827)
   */
  public record RouterPlan(
      ImmutableList<String> links,
      ImmutableMap<String, RouterAdvertiser.Settings> advertises,
      ImmutableSet<String> filters) {}

  /**
   * A home agent; a router as well.
   *
   * @param homeLink the link of the mobile nodes' home addresses
   * @param links that it joins, the home link among them
   * @param lifetime of bindings at most
   * @param advertisement interval on the home link at most
   * @param corresponds whether it is a correspondent as well
   * @param processing how long it needs for a message, the disk included
   */
  public record HomeAgentPlan(
      String homeLink,
      ImmutableList<String> links,
      Ipv6Address address,
      Duration lifetime,
      Duration advertisement,
      boolean corresponds,
      Duration processing) {}

  /**
   * A mobile node, or a group of them.
   *
   * @param count 1 for a single one
   * @param homeAddress of the first; the others' follow
   * @param link where it begins; empty for none
   * @param optimizes whether it seeks direct routes
   * @param corresponds whether it is a correspondent as well
   * @param ipsec whether signalling is protected
   * @param payloadIpsec whether payload in the tunnel is protected
   * @param transmits DupAddrDetectTransmits of RFC 4862 section 5.1
   * @param optimistic whether it uses an address while that is being checked (RFC 4429)
   * @param processing how long it needs for a message, an advertisement or a change of its link
   */
  public record MobileNodePlan(
      int count,
      String homeAgent,
      Ipv6Address homeAddress,
      Optional<String> link,
      Duration lifetime,
      boolean optimizes,
      boolean corresponds,
      boolean ipsec,
      boolean payloadIpsec,
      int transmits,
      boolean optimistic,
      Duration processing) {}

  /**
   * A host that does not move.
   *
   * @param corresponds whether it does route optimization; a host without Mobile IPv6 does not
   * @param processing how long it needs for a message
   */
  public record HostPlan(
      String link, Ipv6Address address, boolean corresponds, Duration processing) {}

  /**
   * The user's own IPsec.
   *
   * @param policies by node
   * @param associations of all nodes, their keys drawn by the seed
   */
  public record UserPlan(
      ImmutableSortedMap<String, ImmutableList<Policy>> policies,
      ImmutableList<UserAssociation> associations) {}

  /** One association of the user's. */
  public record UserAssociation(
      Ipv6Address source,
      Ipv6Address destination,
      TransformProtocol protocol,
      Mode mode,
      Spi spi,
      ReqId reqId) {}

  /**
   * A node goes to another link.
   *
   * @param node a mobile node, or a group, whose nodes then go one after the other
   * @param to empty: it loses the link it is on
   * @param attaching how long the new link takes to come up
   * @param spread within which the nodes of a group go, evenly
   */
  public record Move(
      String node, Duration at, Optional<String> to, Duration attaching, Duration spread) {}

  /** Which kind of traffic. */
  public enum FlowKind {
    /** Numbered UDP datagrams, one way. */
    CBR,
    /** ICMPv6 echo requests, answered. */
    ECHO,
    /** A UDP datagram that asks, one that answers. */
    REQUEST,
    /** A connection over which as much is sent as it lets. */
    TCP
  }

  /**
   * Traffic between two nodes.
   *
   * @param from a node or a group, each of whose nodes then sends
   * @param interval between two packets
   * @param size octets of data in each, in those that ask too
   * @param answer octets of data of what answers a request
   * @param tcp of a connection, which has no interval, size and answer; empty for datagrams
   */
  public record FlowPlan(
      FlowKind kind,
      String from,
      String to,
      Duration interval,
      int size,
      int answer,
      Duration start,
      Duration stop,
      Optional<TcpSettings> tcp) {

    /** The same, begun so much later. */
    public FlowPlan later(Duration time) {
      return new FlowPlan(kind, from, to, interval, size, answer, start.plus(time), stop, tcp);
    }
  }

  /** Something goes wrong. */
  public sealed interface Fault {
    /** When it begins. */
    Duration at();

    /** The node's mipd is killed, and started again. */
    record Crash(Duration at, String node, Duration lasting) implements Fault {}

    /** A link carries nothing for a while. */
    record Partition(Duration at, String link, Duration lasting) implements Fault {}

    /**
     * A node's messages of a kind are lost on its interface.
     *
     * @param from whose
     * @param type Mobility Header type
     * @param count how many
     */
    record Loss(Duration at, String from, int type, int count) implements Fault {}

    /**
     * Somebody on a node's link hears what it sends to one other, and sends it once more there.
     *
     * @param from whose
     * @param type Mobility Header type; empty for all packets, Neighbor Discovery apart
     * @param count how many
     * @param after so long
     */
    record Repeat(Duration at, String from, OptionalInt type, int count, Duration after)
        implements Fault {}

    /**
     * Somebody on a node's link sends its Binding Updates to correspondents once more, with another
     * care-of address of that link.
     *
     * @param from whose
     * @param count how many
     */
    record Forgery(Duration at, String from, int count) implements Fault {}
  }

  /**
   * What is observed and written.
   *
   * @param captures nodes whose packets are captured
   * @param handovers whether each movement of each single mobile node is measured
   */
  public record Observation(ImmutableSet<String> captures, boolean handovers) {}

  /** The same with another seed. */
  public Scenario withSeed(long other) {
    return new Scenario(
        name,
        title,
        duration,
        other,
        links,
        routers,
        homeAgents,
        mobileNodes,
        hosts,
        userIpsec,
        moves,
        flows,
        faults,
        observation);
  }

  /** The link of a name. */
  public LinkPlan link(String link) {
    return there(links.get(link), "link", link);
  }

  /** The router of a name. */
  public RouterPlan router(String router) {
    return there(routers.get(router), "router", router);
  }

  /** The home agent of a name. */
  public HomeAgentPlan homeAgent(String agent) {
    return there(homeAgents.get(agent), "home agent", agent);
  }

  /** The mobile node, or group, of a name. */
  public MobileNodePlan mobileNode(String node) {
    return there(mobileNodes.get(node), "mobile node", node);
  }

  /** The host of a name. */
  public HostPlan host(String host) {
    return there(hosts.get(host), "host", host);
  }

  /** How long a node needs for a message. */
  public Duration processing(String node) {
    if (homeAgents.containsKey(node)) {
      return homeAgent(node).processing();
    }
    return mobileNodes.containsKey(node) ? mobileNode(node).processing() : host(node).processing();
  }

  private static <T> T there(@Nullable T plan, String kind, String name) {
    checkArgument(plan != null, "no %s %s", kind, name);
    return plan;
  }

  /** Whether a link is some home agent's home link. */
  public boolean isHome(String link) {
    return homeAgents.values().stream().anyMatch(it -> it.homeLink().equals(link));
  }

  /** The names of the nodes of a single mobile node or a group. */
  public ImmutableList<String> nodesOf(String name) {
    MobileNodePlan plan = mobileNodes.get(name);
    if (plan == null || plan.count() == 1) {
      return ImmutableList.of(name);
    }
    var names = ImmutableList.<String>builder();
    for (int i = 1; i <= plan.count(); i++) {
      names.add(name + "-" + i);
    }
    return names.build();
  }
}

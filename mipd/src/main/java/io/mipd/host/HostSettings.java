package io.mipd.host;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.engine.EngineSettings;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;

/**
 * What a {@link Host} is given beside its core.
 *
 * @param home its own home addresses (mobile node)
 * @param served home addresses that it serves (home agent)
 * @param tunnels request ids of the tunnels of each home address: they move with it
 * @param associations in force from the start; tunnels end at the home address until the first
 *     registration
 * @param user the user's own policies
 * @param learning whether the core is told who talks to a home address through its tunnel
 */
public record HostSettings(
    ImmutableSet<Ipv6Address> home,
    ImmutableSet<Ipv6Address> served,
    ImmutableMap<Ipv6Address, ImmutableList<ReqId>> tunnels,
    ImmutableList<SecurityAssociation> associations,
    ImmutableList<Policy> user,
    boolean learning,
    EngineSettings engine) {

  /** A host without home addresses, associations and user's policies: a correspondent. */
  public static final HostSettings PLAIN =
      new HostSettings(
          ImmutableSet.of(),
          ImmutableSet.of(),
          ImmutableMap.of(),
          ImmutableList.of(),
          ImmutableList.of(),
          false,
          EngineSettings.DEFAULT);

  /** With own home addresses. */
  public HostSettings withHome(Ipv6Address... addresses) {
    return new HostSettings(
        ImmutableSet.copyOf(addresses), served, tunnels, associations, user, learning, engine);
  }

  /** With home addresses that it serves. */
  public HostSettings withServed(Ipv6Address... addresses) {
    return new HostSettings(
        home, ImmutableSet.copyOf(addresses), tunnels, associations, user, learning, engine);
  }

  /** With associations, and the request ids of those that are tunnels. */
  public HostSettings withAssociations(
      ImmutableList<SecurityAssociation> newAssociations,
      ImmutableMap<Ipv6Address, ImmutableList<ReqId>> newTunnels) {
    return new HostSettings(home, served, newTunnels, newAssociations, user, learning, engine);
  }

  /** With a user's policies. */
  public HostSettings withUser(ImmutableList<Policy> policies) {
    return new HostSettings(home, served, tunnels, associations, policies, learning, engine);
  }

  /** With learning who talks to a home address. */
  public HostSettings withLearning() {
    return new HostSettings(home, served, tunnels, associations, user, true, engine);
  }
}

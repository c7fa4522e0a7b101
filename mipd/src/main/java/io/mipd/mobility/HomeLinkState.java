package io.mipd.mobility;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.NdOption.PrefixInformation;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * What a home agent has heard of its home link from the other routers there (RFC 6275 sections
 * 10.5.1 and 10.6.1): of use to the next daemon on the same link, until it ends.
 *
 * @param homeInterface the name of the interface on that link
 * @param homePrefix the home prefix there, as configured
 */
public record HomeLinkState(
    String homeInterface,
    Ipv6Prefix homePrefix,
    ImmutableList<Agent> agents,
    ImmutableList<Prefix> prefixes) {
  /** Of no link. */
  public static final HomeLinkState NOTHING =
      new HomeLinkState("", Ipv6Prefix.ANY, ImmutableList.of(), ImmutableList.of());

  /**
   * Another home agent.
   *
   * @param router its link-local address
   * @param preference signed 16 bits, higher is preferred
   * @param expiry of its lifetime as home agent
   * @param addresses its global addresses, and until when the prefix of each is valid; {@link
   *     Instant#MAX} for ever
   */
  public record Agent(
      Ipv6Address router,
      int preference,
      Instant expiry,
      ImmutableMap<Ipv6Address, Instant> addresses) {
    private Agent later(Duration by) {
      var moved = ImmutableMap.<Ipv6Address, Instant>builder();
      addresses.forEach((address, end) -> moved.put(address, HomeLinkState.later(end, by)));
      return new Agent(router, preference, HomeLinkState.later(expiry, by), moved.buildOrThrow());
    }
  }

  /**
   * A prefix, as it was advertised last.
   *
   * @param heardAt from then on its lifetimes count
   * @param end when it ceases to be valid as a host would take it (RFC 4862 section 5.5.3 e); empty
   *     where nobody asks
   */
  public record Prefix(PrefixInformation information, Instant heardAt, Optional<Instant> end) {
    private Prefix later(Duration by) {
      return new Prefix(
          information,
          HomeLinkState.later(heardAt, by),
          end.map(it -> HomeLinkState.later(it, by)));
    }
  }

  /** The same by a clock that is ahead by so much. */
  public HomeLinkState later(Duration by) {
    return new HomeLinkState(
        homeInterface,
        homePrefix,
        agents.stream().map(it -> it.later(by)).collect(ImmutableList.toImmutableList()),
        prefixes.stream().map(it -> it.later(by)).collect(ImmutableList.toImmutableList()));
  }

  private static Instant later(Instant time, Duration by) {
    return time.equals(Instant.MAX) ? time : time.plus(by);
  }
}

package io.mipd.host;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * The associations of one home address with its home agent (RFC 3776 section 4.1), as they are
 * before any binding: tunnels end at the home address until the first registration moves them to a
 * care-of address.
 *
 * @param signalling transport mode, for Binding Updates and Acknowledgements
 * @param prefixDiscovery transport mode, for ICMPv6 prefix solicitations and advertisements
 * @param returnRoutability tunnel mode, for Home Test Init and Home Test
 * @param payload tunnel mode, for all else; without it payload is tunnelled without protection
 */
public record HomeAssociations(
    Pair signalling,
    Optional<Pair> prefixDiscovery,
    Optional<Pair> returnRoutability,
    Optional<Pair> payload) {

  /** Two associations, one each way, and the request id that ties policies to them. */
  public record Pair(Spi toHomeAgent, Spi toMobileNode, ReqId reqId) {}

  /** Request ids of those that move with the mobile node. */
  public ImmutableList<ReqId> tunnels() {
    return Stream.of(returnRoutability, payload)
        .flatMap(Optional::stream)
        .map(Pair::reqId)
        .collect(ImmutableList.toImmutableList());
  }

  /**
   * @param keys puts algorithms and keys to what is known of an association
   */
  public ImmutableList<SecurityAssociation> between(
      Ipv6Address home, Ipv6Address agent, Keys keys) {
    var all = ImmutableList.<SecurityAssociation>builder();
    Selector up = Selector.between(home, agent);
    Selector down = Selector.between(agent, home);
    Selector upAny = Selector.between(Ipv6Prefix.host(home), Ipv6Prefix.ANY);
    Selector downAny = Selector.between(Ipv6Prefix.ANY, Ipv6Prefix.host(home));
    var ends = new Ends(all, home, agent, keys);
    ends.add(signalling, Mode.TRANSPORT, up, down, it -> it.withProtocol(IpProtocol.MOBILITY));
    prefixDiscovery.ifPresent(
        it -> ends.add(it, Mode.TRANSPORT, up, down, one -> one.withProtocol(IpProtocol.ICMPV6)));
    returnRoutability.ifPresent(
        it ->
            ends.add(
                it, Mode.TUNNEL, upAny, downAny, one -> one.withProtocol(IpProtocol.MOBILITY)));
    payload.ifPresent(it -> ends.add(it, Mode.TUNNEL, upAny, downAny, one -> one));
    return all.build();
  }

  /** Algorithms and keys. */
  public interface Keys {
    /** What the builder is to have beside addresses, mode, request id and selector. */
    SecurityAssociation.Builder of(Spi spi, SecurityAssociation.Builder association);
  }

  private record Ends(
      ImmutableList.Builder<SecurityAssociation> all,
      Ipv6Address home,
      Ipv6Address agent,
      Keys keys) {
    void add(Pair pair, Mode mode, Selector up, Selector down, UnaryOperator<Selector> narrowed) {
      one(pair.toHomeAgent(), pair.reqId(), mode, home, agent, narrowed.apply(up));
      one(pair.toMobileNode(), pair.reqId(), mode, agent, home, narrowed.apply(down));
    }

    private void one(
        Spi spi,
        ReqId reqId,
        Mode mode,
        Ipv6Address source,
        Ipv6Address destination,
        Selector selector) {
      var id = new AssociationId(destination, TransformProtocol.ESP, spi);
      all.add(
          keys.of(
                  spi,
                  SecurityAssociation.builder(id, source, mode).reqId(reqId).selector(selector))
              .build());
    }
  }
}

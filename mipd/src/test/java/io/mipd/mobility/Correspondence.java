package io.mipd.mobility;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.cn.CorrespondentNode;
import io.mipd.mobility.cn.CorrespondentSettings;
import io.mipd.mobility.rr.BindingManagementKey;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityCodec;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.MobilityMessage.CareOfTest;
import io.mipd.mobility.wire.MobilityMessage.CareOfTestInit;
import io.mipd.mobility.wire.MobilityMessage.HomeTest;
import io.mipd.mobility.wire.MobilityMessage.HomeTestInit;
import io.mipd.mobility.wire.MobilityOption;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.engine.FailedPacket;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.SecurityPath;
import io.mipd.xfrm.packet.Checksum;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/**
 * A correspondent node, a clock that moves when told to, and whoever talks to the node: the test
 * plays mobile nodes and attackers by hand. Every message goes through octets, for an authenticator
 * covers octets.
 */
final class Correspondence {
  static final Ipv6Address LOCAL = Exchange.CORRESPONDENT;

  private final CorrespondentNode node;
  private final Map<Owner, CareOfAddress> routes = new LinkedHashMap<>();
  private long cookies = 0x5eed;
  Instant now = Instant.EPOCH.plusSeconds(1000);
  Ipv6Address local = LOCAL;

  /** What the last event has made the node do. */
  List<NodeAction> performed = new ArrayList<>();

  private record Owner(Ipv6Address local, Ipv6Address peer) {}

  /** What a mobile node has after both tests. */
  record Tokens(HomeAddress home, CareOfAddress careOf, HomeTest homeTest, CareOfTest careOfTest) {
    BindingManagementKey key() {
      return BindingManagementKey.of(homeTest.token(), careOfTest.token());
    }

    /** With the authenticator for the care-of address that the tokens are of. */
    BindingUpdate authorized(BindingUpdate update) {
      return key().authorize(update, careOf, LOCAL);
    }

    BindingManagementKey deletionKey() {
      return BindingManagementKey.forDeletion(homeTest.token());
    }

    MobilityOption indices() {
      return new MobilityOption.NonceIndices(homeTest.nonceIndex(), careOfTest.nonceIndex());
    }

    /** With the home token of these and the care-of token of those. */
    Tokens at(Tokens those) {
      return new Tokens(home, those.careOf, homeTest, those.careOfTest);
    }
  }

  /** A message on its way to the node; the addresses are those on the wire. */
  record Packet(
      ByteBuf octets, HomeAddress home, Ipv6Address source, Ipv6Address local, boolean option) {
    Packet copy() {
      return new Packet(octets.copy(), home, source, local, option);
    }
  }

  Correspondence(CorrespondentSettings settings) {
    node = new CorrespondentNode(settings, new Random(6275));
  }

  Correspondence() {
    this(CorrespondentSettings.DEFAULT);
  }

  CorrespondentNode node() {
    return node;
  }

  // What happens.

  void handle(NodeEvent event) {
    performed = new ArrayList<>(node.handle(now, event));
    for (NodeAction action : performed) {
      if (action instanceof NodeAction.WantRoute route) {
        assertThat(route.end()).isEqualTo(NodeAction.End.PEERS);
        assertThat(route.accept()).as("what is used is accepted, too").isEqualTo(route.use());
        var owner = new Owner(route.local(), route.peer());
        route.use().ifPresentOrElse(to -> routes.put(owner, to), () -> routes.remove(owner));
      }
    }
    routesAreBindings();
  }

  private void routesAreBindings() {
    Map<Owner, CareOfAddress> bound = new LinkedHashMap<>();
    node.bindings()
        .forEach(it -> bound.put(new Owner(it.local(), it.homeAddress().value()), it.careOf()));
    assertThat(routes).as("routes after %s", performed).isEqualTo(bound);
  }

  Optional<CareOfAddress> route(HomeAddress home) {
    return Optional.ofNullable(routes.get(new Owner(local, home.value())));
  }

  int routes() {
    return routes.size();
  }

  /** Every deadline on the way is met. */
  void passes(Duration duration) {
    Instant end = now.plus(duration);
    List<NodeAction> all = new ArrayList<>();
    for (int i = 0; i < 100_000; i++) {
      Optional<Instant> next = node.nextDeadline();
      if (next.isEmpty() || next.get().isAfter(end)) {
        now = end;
        performed = all;
        return;
      }
      assertThat(next.get()).as("a deadline that is always past").isAfterOrEqualTo(now);
      now = next.get();
      handle(new NodeEvent.DeadlineReached());
      all.addAll(performed);
    }
    throw new AssertionError("too many deadlines");
  }

  void arrives(MobilityMessage message, Arrival arrival) {
    handle(new NodeEvent.MobilityMessageArrived(message, arrival));
  }

  void arrives(Packet packet) {
    try {
      MobilityMessage message =
          MobilityCodec.decode(packet.octets.copy(), packet.home.value(), packet.local);
      arrives(
          message,
          new Arrival(
              packet.home.value(),
              packet.local,
              packet.option ? Optional.of(packet.source) : Optional.empty(),
              false,
              SecurityPath.EMPTY,
              0));
    } catch (MalformedPacketException e) {
      performed = List.of();
    }
  }

  /** The same without a word about the checksum, for what was changed on the way. */
  static Packet mended(Packet packet) {
    packet.octets.setShort(4, 0);
    packet.octets.setShort(
        4,
        Checksum.of(packet.home.value(), packet.local, IpProtocol.MOBILITY, packet.octets.copy()));
    return packet;
  }

  static Arrival plainly(Ipv6Address source, Ipv6Address local) {
    return new Arrival(source, local, Optional.empty(), false, SecurityPath.EMPTY, 0);
  }

  /** A router says that what went to that care-of address cannot be delivered. */
  static NodeEvent directPacketFails(Ipv6Address local, Ipv6Address home, CareOfAddress careOf) {
    return new NodeEvent.PacketFailed(
        new FailedPacket(
            Icmpv6Message.DESTINATION_UNREACHABLE,
            3,
            local,
            careOf.value(),
            local,
            home,
            IpProtocol.UDP));
  }

  // A mobile node.

  HomeTest tests(HomeAddress home) {
    long cookie = cookies++;
    arrives(new HomeTestInit(cookie, ImmutableList.of()), plainly(home.value(), local));
    NodeAction.SendMessage answer = onlySent();
    assertThat(answer.source()).isEqualTo(local);
    assertThat(answer.destination()).isEqualTo(home.value());
    assertThat(answer.careOf()).as("by way of the home agent").isEmpty();
    HomeTest test = (HomeTest) answer.message();
    assertThat(test.cookie()).isEqualTo(cookie);
    return test;
  }

  CareOfTest tests(CareOfAddress careOf) {
    long cookie = cookies++;
    arrives(new CareOfTestInit(cookie, ImmutableList.of()), plainly(careOf.value(), local));
    NodeAction.SendMessage answer = onlySent();
    assertThat(answer.source()).isEqualTo(local);
    assertThat(answer.destination()).isEqualTo(careOf.value());
    assertThat(answer.careOf()).isEmpty();
    CareOfTest test = (CareOfTest) answer.message();
    assertThat(test.cookie()).isEqualTo(cookie);
    return test;
  }

  Tokens tests(HomeAddress home, CareOfAddress careOf) {
    return new Tokens(home, careOf, tests(home), tests(careOf));
  }

  /** Without its authenticator. */
  static BindingUpdate update(
      int sequence, int seconds, ImmutableList<MobilityOption> options, BindingFlag... flags) {
    return new BindingUpdate(
        new SequenceNumber(sequence),
        ImmutableSet.copyOf(flags),
        BindingLifetime.atMost(Duration.ofSeconds(seconds)),
        options);
  }

  /** From the care-of address, with a Home Address option. */
  Packet away(Tokens tokens, BindingUpdate update) {
    return packet(update, tokens.home(), tokens.careOf().value(), true);
  }

  Packet packet(MobilityMessage message, HomeAddress home, Ipv6Address source, boolean option) {
    ByteBuf out = Unpooled.buffer();
    MobilityCodec.encode(message, home.value(), local, out);
    return new Packet(out, home, source, local, option);
  }

  /** A complete update of a mobile node that is away, which wants an acknowledgement. */
  Packet binding(Tokens tokens, int sequence, int seconds) {
    return away(
        tokens,
        tokens
            .key()
            .authorize(
                update(
                    sequence, seconds, ImmutableList.of(tokens.indices()), BindingFlag.ACKNOWLEDGE),
                tokens.careOf(),
                local));
  }

  /** A complete update of a mobile node that is at home. */
  Packet deletion(Tokens tokens, int sequence) {
    return packet(
        tokens
            .deletionKey()
            .authorize(
                update(
                    sequence,
                    0,
                    ImmutableList.of(
                        new MobilityOption.NonceIndices(tokens.homeTest().nonceIndex(), 0)),
                    BindingFlag.ACKNOWLEDGE),
                new CareOfAddress(tokens.home().value()),
                local),
        tokens.home(),
        tokens.home().value(),
        false);
  }

  /** Both tests and the update. */
  Tokens bind(HomeAddress home, CareOfAddress careOf, int sequence, int seconds) {
    Tokens tokens = tests(home, careOf);
    arrives(binding(tokens, sequence, seconds));
    assertThat(acknowledged(tokens)).isEqualTo(BindingStatus.ACCEPTED);
    assertThat(route(home)).hasValue(careOf);
    return tokens;
  }

  // What the node has done.

  ImmutableList<NodeAction.SendMessage> sent() {
    return performed.stream()
        .filter(NodeAction.SendMessage.class::isInstance)
        .map(NodeAction.SendMessage.class::cast)
        .collect(ImmutableList.toImmutableList());
  }

  NodeAction.SendMessage onlySent() {
    assertThat(sent()).as("%s", performed).hasSize(1);
    return sent().get(0);
  }

  ImmutableList<NodeAction.Refusal> refusals() {
    return performed.stream()
        .filter(NodeAction.Refuse.class::isInstance)
        .map(it -> ((NodeAction.Refuse) it).reason())
        .collect(ImmutableList.toImmutableList());
  }

  BindingAcknowledgement acknowledgement() {
    return (BindingAcknowledgement) onlySent().message();
  }

  /** The status that is sent to a mobile node that is away, with its authenticator. */
  BindingStatus acknowledged(Tokens tokens) {
    NodeAction.SendMessage answer = onlySent();
    assertThat(answer.source()).isEqualTo(local);
    assertThat(answer.destination()).isEqualTo(tokens.home().value());
    assertThat(answer.careOf()).hasValue(tokens.careOf());
    assertThat(tokens.key().vouchesFor(throughOctets(answer), tokens.careOf(), local))
        .as("authenticator of %s", answer)
        .isTrue();
    return acknowledgement().status();
  }

  /** The status without an authenticator: for expired nonces, and home registrations. */
  BindingStatus acknowledgedPlainly() {
    assertThat(acknowledgement().options()).isEmpty();
    return acknowledgement().status();
  }

  static MobilityMessage throughOctets(NodeAction.SendMessage send) {
    ByteBuf out = Unpooled.buffer();
    MobilityCodec.encode(send.message(), send.source(), send.destination(), out);
    try {
      return MobilityCodec.decode(out, send.source(), send.destination());
    } catch (MalformedPacketException e) {
      throw new AssertionError("we send what we would not take: " + ByteBufUtil.hexDump(out), e);
    }
  }

  void isSilent(NodeAction.Refusal reason) {
    assertThat(performed).as("but the refusal").hasSize(1);
    assertThat(refusals()).containsExactly(reason);
  }
}

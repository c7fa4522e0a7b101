package io.mipd.sim.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.host.Host;
import io.mipd.host.MobilityPacket;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.link.Frame;
import io.mipd.sim.mobile.Joints;
import io.mipd.sim.node.Route;
import io.mipd.sim.scenario.Library;
import io.mipd.sim.scenario.Scenario;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.packet.ExtensionHeader;
import io.mipd.xfrm.packet.Ipv6Packet;
import io.mipd.xfrm.packet.Ipv6PacketCodec;
import io.mipd.xfrm.packet.Octets;
import io.mipd.xfrm.transform.PacketBuffer;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;

/** Each mistake that is made on purpose is found, and nothing else is. */
class InvariantsTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::c");
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:a::1234");
  private static final Ipv6Address NOBODY = Ipv6Address.parse("2001:db8:dead::1");

  /** When the mobile node is away and registered. */
  private static final Duration AWAY = Duration.ofSeconds(12);

  private static Scenario scene(String name) throws Exception {
    return moving(name).read();
  }

  private static Library.Source moving(String name) throws Exception {
    return Library.find(name)
        .with("duration", "13s")
        .with("movement", "[ { node = mn, at = 8s, to = a, attach-delay = 13ms } ]");
  }

  private static Scenario scene(String name, String path, String value) throws Exception {
    return moving(name).with(path, value).read();
  }

  private static Outcome run(Scenario scenario, BiConsumer<Network, EventQueue> mistake)
      throws Exception {
    return Simulation.run(scenario, Optional.empty(), Joints.PLAIN, mistake);
  }

  private static BiConsumer<Network, EventQueue> away(BiConsumer<Network, EventQueue> mistake) {
    return (network, events) ->
        events.at(EventQueue.BEGINNING.plus(AWAY), () -> mistake.accept(network, events));
  }

  private static ByteBuf packet(
      Ipv6Address source,
      Ipv6Address destination,
      ImmutableList<ExtensionHeader> extensions,
      int protocol,
      Octets payload) {
    ByteBuf out = Unpooled.buffer();
    Ipv6PacketCodec.encode(
        new Ipv6Packet(0, 0, 64, source, destination, extensions, protocol, payload), out);
    return out;
  }

  private static ByteBuf udp(Ipv6Address source, Ipv6Address destination) {
    Octets datagram = Octets.parse("4e204e2000080000");
    return packet(source, destination, ImmutableList.of(), IpProtocol.UDP, datagram);
  }

  private static ByteBuf inPlainTunnel(ByteBuf inner) {
    return packet(
        CARE_OF,
        AGENT,
        ImmutableList.of(),
        IpProtocol.IPV6,
        Octets.read(inner, inner.readableBytes()));
  }

  private static void sendPast(SimNode node, ByteBuf packet) {
    node.device().send(Frame.of(node.device().address(), node.device().address(), packet));
  }

  private static void assertFound(Outcome outcome, String rule) {
    assertThat(outcome.violations()).isNotEmpty().allMatch(words -> words.startsWith(rule));
    assertThat(outcome.results().ok()).isFalse();
    // Whoever reads it can repeat it.
    assertThat(outcome.results().verdicts().get(0).detail()).contains("to repeat it: bin/sim run ");
  }

  @Test
  void nothingIsFoundWhereNothingIsWrong() throws Exception {
    assertThat(run(scene("handover"), (network, events) -> {}).violations()).isEmpty();
  }

  @Test
  void aHomeAddressOnAForeignLink() throws Exception {
    Outcome outcome =
        run(
            scene("handover"),
            away((network, events) -> sendPast(network.node("mn"), udp(HOME, PEER))));
    assertFound(outcome, "no home address leaves on a foreign link");
  }

  @Test
  void payloadInAPlainTunnel() throws Exception {
    Outcome outcome =
        run(
            scene("handover"),
            away(
                (network, events) -> sendPast(network.node("mn"), inPlainTunnel(udp(HOME, PEER)))));
    assertFound(outcome, "nothing that is to be protected leaves in the clear");
  }

  @Test
  void aHomeRegistrationInTheClear() throws Exception {
    var update =
        new MobilityMessage.BindingUpdate(
            new SequenceNumber(1),
            ImmutableSet.of(BindingFlag.ACKNOWLEDGE, BindingFlag.HOME_REGISTRATION),
            new BindingLifetime(100),
            ImmutableList.of());
    var buffer = new PacketBuffer(2048);
    MobilityPacket.write(update, HOME, AGENT, buffer);
    Outcome outcome =
        run(
            scene("handover"),
            (network, events) ->
                // At home, where the home address may be seen.
                events.at(
                    EventQueue.BEGINNING.plusSeconds(6),
                    () -> sendPast(network.node("mn"), Unpooled.wrappedBuffer(buffer.toOctets()))));
    assertFound(outcome, "nothing that is to be protected leaves in the clear");
  }

  @Test
  void whatTheUserProtects() throws Exception {
    Outcome outcome =
        run(
            scene("user-ipsec"),
            away((network, events) -> network.node("cn").stack().transmit(udp(PEER, HOME))));
    assertFound(outcome, "nothing that is to be protected leaves in the clear");
  }

  /** Behind the gateway it goes without the tunnel, and nowhere else. */
  @Test
  void whatTheUserProtectsAsFarAsAGateway() throws Exception {
    Outcome outcome =
        run(
            scene("user-ipsec-gateway"),
            away((network, events) -> sendPast(network.node("core"), udp(HOME, PEER))));
    assertFound(outcome, "nothing that is to be protected leaves in the clear");
  }

  @Test
  void aForwardingLoop() throws Exception {
    Outcome outcome =
        run(
            scene("handover"),
            (network, events) -> {
              Ipv6Prefix lost = Ipv6Prefix.of(NOBODY, 64);
              Ipv6Address core = addressOf(network, "core", "2001:db8:fa::/64");
              Ipv6Address router = addressOf(network, "ara", "2001:db8:fa::/64");
              network.node("ara").stack().addRoute(new Route(lost, 2, Optional.of(core)));
              network.node("core").stack().addRoute(new Route(lost, 2, Optional.of(router)));
              events.at(
                  EventQueue.BEGINNING.plus(AWAY),
                  () -> network.node("cn").stack().transmit(udp(PEER, NOBODY)));
            });
    assertFound(outcome, "no forwarding loop");
  }

  private static Ipv6Address addressOf(Network network, String router, String prefix) {
    return network.routerAddresses().entrySet().stream()
        .filter(it -> it.getValue().equals(router))
        .map(it -> it.getKey())
        .filter(Ipv6Prefix.parse(prefix)::contains)
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aPacketAtTheWrongNode() throws Exception {
    Outcome outcome =
        run(
            scene("handover"),
            (network, events) -> {
              network.node("cn").stack().setUnlinked(NOBODY, true);
              events.at(
                  EventQueue.BEGINNING.plus(AWAY),
                  () -> network.node("cn").stack().deliver(1, udp(AGENT, NOBODY)));
            });
    assertFound(outcome, "no packet is delivered to a node that it is not for");
  }

  private static ByteBuf direct(Ipv6Address source) {
    return packet(
        source,
        CARE_OF,
        ImmutableList.of(new ExtensionHeader.Type2Routing(1, HOME)),
        IpProtocol.UDP,
        Octets.parse("4e204e2000080000"));
  }

  @Test
  void aCareOfAddressWithoutABinding() throws Exception {
    Outcome outcome =
        run(
            scene("handover"),
            away((network, events) -> network.node("cn").stack().transmit(direct(PEER))));
    assertFound(outcome, "a correspondent uses no care-of address whose authorisation has expired");
  }

  /** A home agent is a correspondent too, of others' mobile nodes and of its own. */
  @Test
  void aCareOfAddressThatAHomeAgentHasNotBound() throws Exception {
    Outcome outcome =
        run(
            scene("handover", "home-agents.ha.correspondent", "on"),
            away((network, events) -> network.node("ha").stack().transmit(direct(AGENT))));
    assertFound(outcome, "a correspondent uses no care-of address whose authorisation has expired");
  }

  /** At the very end, when nothing happens to the node any more. */
  @Test
  void aPolicyThatIsNotThereAnyMore() throws Exception {
    List<XfrmBackend> engines = new ArrayList<>();
    var joints =
        new Joints() {
          @Override
          public XfrmBackend backend(String node, XfrmBackend backend) {
            if (node.equals("mn")) {
              engines.add(backend);
            }
            return backend;
          }
        };
    Scenario scenario = scene("handover");
    Outcome outcome =
        Simulation.run(
            scenario,
            Optional.empty(),
            joints,
            (network, events) ->
                events.at(
                    EventQueue.BEGINNING.plus(scenario.duration()).minusNanos(1),
                    () -> {
                      Host host = network.node("mn").mobility().orElseThrow().host().orElseThrow();
                      Policy.Id one = host.policies().inputs().merge().policies().get(0).id();
                      assertThat(engines.get(0).apply(new XfrmCommand.DeletePolicy(one)))
                          .isEqualTo(XfrmReply.DONE);
                    }));
    assertFound(outcome, "each policy is one that the planner wants");
  }
}

package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSet;
import io.mipd.merger.explain.Explainer;
import io.mipd.merger.explain.Explanation;
import io.mipd.merger.explain.Packet;
import io.mipd.merger.explain.WireHeader;
import io.mipd.merger.rule.Merged;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.engine.EngineBackend;
import io.mipd.xfrm.engine.EngineSettings;
import io.mipd.xfrm.engine.EngineSink;
import io.mipd.xfrm.engine.LocalAddresses;
import io.mipd.xfrm.engine.PacketEngine;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.transform.MemorySequenceStore;
import io.mipd.xfrm.transform.PacketBuffer;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is explained is what our engine sends, header by header and octet by octet. */
class ExplainedAsSentTest {
  private static final Ipv6Address H = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address C = Ipv6Address.parse("2001:db8:a::10");
  private static final Ipv6Address A = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address P = Ipv6Address.parse("2001:db8:c::2");
  private static final Ipv6Address Q = Ipv6Address.parse("2001:db8:c::5");
  private static final Ipv6Address BEHIND_G = Ipv6Address.parse("2001:db8:d::5");

  @TempDir private Path folder = Path.of("");

  private final List<byte[]> sent = new ArrayList<>();
  private final List<byte[]> delivered = new ArrayList<>();

  /** The mobile node of docs/merging.md at C, with its engine. */
  private record Node(PolicyState state, Merged merged, PacketEngine engine) {}

  /**
   * @param readable without encryption, so that every header can be read
   * @param payload whether payload is protected on its way to the home agent
   * @param bound peers whose route is optimized
   */
  private Node node(boolean readable, boolean payload, Ipv6Address... bound) throws Exception {
    String text = Files.readString(Path.of("../docs/merging/mobile-node.conf"));
    String keys = Files.readString(Path.of("../docs/merging/keys"));
    if (readable) {
      text = text.replace("keys = keys\n    sig", "keys = keys, encryption = null\n    sig");
      text = text.replaceAll("reqid = (\\d) }\n    \\{", "reqid = $1, encryption = null }\n    {");
      text = text.replaceAll("reqid = 3 }\n  \\]\n}", "reqid = 3, encryption = null }\n  ]\n}");
      keys = keys.replaceAll("(?m)^(0x\\w+) \\w+", "$1 -");
    }
    if (!payload) {
      text = text.replaceAll(" *payload \\{.*\n", "");
      text = text.replace("dst = \"2001:db8:c::5\"", "dst = \"2001:db8:1::1\"");
    }
    var configuration = DocumentsTest.configuration(folder, text, keys);
    PolicyState state = ConfiguredState.of(configuration).moved(H, C);
    for (Ipv6Address peer : bound) {
      state = state.routed(H, peer, Optional.of(C), Optional.empty());
    }
    var engine =
        new PacketEngine(
            EngineSettings.DEFAULT,
            new Sink(),
            new Addresses(),
            new MemorySequenceStore(),
            new Random(1));
    engine.tick(Instant.EPOCH);
    engine.setLinkMtu(C, 1500);
    var backend = new EngineBackend(engine);
    for (SecurityAssociation one : NodeRole.of(configuration).associations()) {
      boolean moves = one.mode() == Mode.TUNNEL && one.reqId().value() > 8000;
      carryOut(
          backend,
          new XfrmCommand.AddAssociation(
              moves ? one.movedTo(there(one.source()), there(one.destination())) : one));
    }
    Merged merged = state.inputs().merge();
    state
        .inputs()
        .states()
        .forEach(it -> carryOut(backend, new XfrmCommand.PutRouteOptimization(it)));
    merged.policies().forEach(it -> carryOut(backend, new XfrmCommand.AddPolicy(it)));
    return new Node(state, merged, engine);
  }

  private static Ipv6Address there(Ipv6Address address) {
    return address.equals(H) ? C : address;
  }

  private static void carryOut(XfrmBackend backend, XfrmCommand command) {
    assertThat(backend.apply(command)).isEqualTo(XfrmReply.DONE);
  }

  private static Explanation explain(Node node, Flow flow, OptionalInt length) {
    return Explainer.explain(
        new Packet(Direction.OUT, flow, length), node.merged(), node.state().knowledge(), 1500);
  }

  private List<byte[]> send(Node node, Flow flow, int length) {
    sent.clear();
    delivered.clear();
    var octets = ByteBuffer.allocate(length);
    octets.putInt(0x6000_0000).putShort((short) (length - 40)).put((byte) flow.protocol());
    octets.put((byte) 64);
    octets.putLong(flow.source().high()).putLong(flow.source().low());
    octets.putLong(flow.destination().high()).putLong(flow.destination().low());
    octets.putShort((short) flow.sourcePort()).putShort((short) flow.destinationPort());
    var packet = new PacketBuffer();
    packet.set(octets.array(), 0, length);
    node.engine().output(packet);
    return sent;
  }

  /** Follows the lengths and next headers of the explanation through the octets. */
  private static void assertIs(Explanation explanation, byte[] packet) {
    ByteBuffer octets = ByteBuffer.wrap(packet);
    assertThat(packet).hasSize(explanation.size().orElseThrow().outer());
    int at = 0;
    int expected = IpProtocol.IPV6;
    for (WireHeader header : explanation.wire()) {
      int length = header.octets().orElseThrow();
      int next = header.nextHeader().orElse(-1);
      switch (header.kind()) {
        case IPV6 -> {
          assertThat(expected).isEqualTo(IpProtocol.IPV6);
          assertThat(octets.get(at + 6)).isEqualTo((byte) next);
          assertThat(Ipv6Address.read(packet, at + 8))
              .isEqualTo(header.between().orElseThrow().source());
          assertThat(Ipv6Address.read(packet, at + 24))
              .isEqualTo(header.between().orElseThrow().destination());
        }
        case DESTINATION_OPTIONS, ROUTING -> {
          assertThat(octets.get(at)).isEqualTo((byte) next);
          assertThat((octets.get(at + 1) + 1) * 8).isEqualTo(length);
        }
        case ESP -> {
          assertThat(expected).isEqualTo(IpProtocol.ESP);
          assertThat(octets.getInt(at)).isEqualTo(header.spi().orElseThrow().value());
        }
        case ESP_TRAILER ->
            // Pad Length, which all the padding before it leads up to: 1, 2, 3, ...
            assertThat(octets.get(at + length - 16 - 2)).isEqualTo((byte) (length - 18));
        default -> assertThat(header.kind()).isEqualTo(WireHeader.Kind.PAYLOAD);
      }
      at += length;
      expected = next;
    }
    assertThat(at).isEqualTo(packet.length);
  }

  @ParameterizedTest
  @CsvSource({"true, P", "true, Q", "true, G", "true, other", "false, P", "false, A"})
  void everyHeaderIsWhereTheEnginePutsIt(boolean payload, String peer) throws Exception {
    Node node = node(true, payload);
    Ipv6Address destination =
        switch (peer) {
          case "P" -> P;
          case "Q" -> Q;
          case "G" -> BEHIND_G;
          case "A" -> A;
          default -> Ipv6Address.parse("2001:db8:c::99");
        };
    Flow flow = Flow.withPorts(H, destination, IpProtocol.TCP, 5, 443);
    assertIsSentAsExplained(node, flow);
  }

  @ParameterizedTest
  @CsvSource({"P, true", "Q, true", "P, false", "Q, false"})
  void everyHeaderOfARouteIsWhereTheEnginePutsIt(String peer, boolean payload) throws Exception {
    Ipv6Address destination = peer.equals("P") ? P : Q;
    Node node = node(true, payload, destination);
    Flow flow = Flow.withPorts(H, destination, IpProtocol.TCP, 5, 443);
    assertIsSentAsExplained(node, flow);
    assertThat(Ipv6Address.read(sent.get(0), 8)).isEqualTo(C);
    assertThat(Ipv6Address.read(sent.get(0), 24)).isEqualTo(destination);
  }

  private void assertIsSentAsExplained(Node node, Flow flow) {
    for (int length = 100; length < 140; length++) {
      var explanation = explain(node, flow, OptionalInt.of(length));
      assertThat(send(node, flow, length)).hasSize(1);
      assertIs(explanation, sent.get(0));
    }
  }

  @Test
  void lengthsAreThoseOfEncryptionToo() throws Exception {
    Node node = node(false, true);
    Flow flow = Flow.withPorts(H, P, IpProtocol.UDP, 5, 443);
    for (int length = 100; length < 140; length++) {
      var explanation = explain(node, flow, OptionalInt.of(length));
      assertThat(send(node, flow, length))
          .singleElement()
          .satisfies(it -> assertThat(it).hasSize(explanation.size().orElseThrow().outer()));
    }
  }

  @Test
  void theMtuIsWhatTheEngineLetsPass() throws Exception {
    Node node = node(false, true);
    Flow flow = Flow.withPorts(H, P, IpProtocol.UDP, 5, 443);
    int mtu = explain(node, flow, OptionalInt.empty()).size().orElseThrow().mtu();

    assertThat(send(node, flow, mtu)).hasSize(1);
    assertThat(delivered).isEmpty();
    assertThat(send(node, flow, mtu + 1)).isEmpty();
    // Packet Too Big, with the MTU in its fifth to eighth octet (RFC 4443 section 3.2).
    assertThat(delivered)
        .singleElement()
        .satisfies(it -> assertThat(ByteBuffer.wrap(it).getInt(44)).isEqualTo(mtu));
  }

  private final class Sink implements EngineSink {
    @Override
    public void transmit(PacketBuffer packet) {
      sent.add(packet.toOctets());
    }

    @Override
    public void deliver(PacketBuffer packet) {
      delivered.add(packet.toOctets());
    }

    @Override
    public void mobility(PacketBuffer packet, Arrival arrival) {}

    @Override
    public void notice(XfrmNotice notice) {}
  }

  private static final class Addresses implements LocalAddresses {
    @Override
    public Role roleOf(Ipv6Address address) {
      return address.equals(H) ? Role.HOME : address.equals(C) ? Role.LINK : Role.OTHER;
    }

    @Override
    public ImmutableSet<Ipv6Address> home() {
      return ImmutableSet.of(H);
    }

    @Override
    public Ipv6Address errorSource(Ipv6Address destination) {
      return C;
    }
  }
}

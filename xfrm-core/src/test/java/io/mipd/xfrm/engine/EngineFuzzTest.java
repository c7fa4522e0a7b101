package io.mipd.xfrm.engine;

import static io.mipd.xfrm.engine.Scene.AGENT;
import static io.mipd.xfrm.engine.Scene.CARE_OF;
import static io.mipd.xfrm.engine.Scene.CARE_OF_B;
import static io.mipd.xfrm.engine.Scene.HOME;
import static io.mipd.xfrm.engine.Scene.PEER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.transform.Discard;
import io.mipd.xfrm.transform.EspOutbound;
import io.mipd.xfrm.transform.MemorySequenceStore;
import io.mipd.xfrm.transform.OutboundTransform;
import io.mipd.xfrm.transform.PacketBuffer;
import io.mipd.xfrm.transform.PacketBuffer.Segmentation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Whatever octets come, the engine discards and counts, or does its work; it never throws. */
class EngineFuzzTest {
  private static final long SEED = 20110701;
  private static final Ipv6Address OPTIMIZED = Ipv6Address.parse("2001:db8:c::d");

  /** Counts what comes out, and looks whether it is a packet. */
  private static final class Checker implements EngineSink {
    long out;

    private void check(PacketBuffer p) {
      out++;
      byte[] octets = p.array();
      if (p.length() < 40
          || Wire.version(octets, p.start()) != 6
          || Wire.getShort(octets, p.start() + 4) != p.length() - 40) {
        fail("no packet: %s", HexFormat.of().formatHex(p.toOctets()));
      }
    }

    @Override
    public void transmit(PacketBuffer packet) {
      check(packet);
    }

    @Override
    public void deliver(PacketBuffer packet) {
      check(packet);
    }

    @Override
    public void mobility(PacketBuffer packet, Arrival arrival) {
      check(packet);
      assertThat(packet.array()[packet.start() + 6] & 0xff).isEqualTo(IpProtocol.MOBILITY);
    }

    @Override
    public void notice(XfrmNotice notice) {
      out++;
    }
  }

  private final Checker checker = new Checker();
  private final PacketEngine engine;
  private final List<byte[]> arriving = new ArrayList<>();
  private final List<byte[]> leaving = new ArrayList<>();
  private final PacketBuffer buffer = new PacketBuffer();
  private final OutboundTransform seal;

  /** One node that is everything at once: home agent, mobile node, correspondent node. */
  EngineFuzzTest() {
    var addresses = new AddressTable();
    addresses.set(AGENT, Role.LINK);
    addresses.set(CARE_OF_B, Role.LINK);
    addresses.set(Scene.OTHER_HOME, Role.HOME);
    addresses.set(HOME, Role.SERVED);
    addresses.setErrorSource(AGENT);
    engine =
        new PacketEngine(
            EngineSettings.DEFAULT,
            checker,
            addresses,
            new MemorySequenceStore(),
            new Random(SEED));
    engine.tick(TestNode.START);
    var scene = Scene.registered();
    // Everything of the scene's home agent, and its captures of the mobile node's packets.
    var backend = new EngineBackend(engine);
    for (Direction direction : Direction.values()) {
      for (var policy : scene.homeAgent.engine.core().databases().policies(direction).policies()) {
        backend.apply(new XfrmCommand.AddPolicy(policy));
      }
    }
    for (var live : scene.homeAgent.engine.core().databases().associations().associations()) {
      backend.apply(
          new XfrmCommand.AddAssociation(live.association().toBuilder().replayWindow(0).build()));
    }
    var states = scene.homeAgent.engine.core().databases().associations().routeOptimizations();
    for (LiveRoute live : states) {
      backend.apply(new XfrmCommand.PutRouteOptimization(live.state()));
    }
    backend.apply(
        new XfrmCommand.PutRouteOptimization(
            RouteOptimizationState.homeAddressOption(OPTIMIZED, AGENT, CARE_OF)));
    var tunnel =
        Scene.esp(CARE_OF, AGENT, Mode.TUNNEL, 0x2001, Scene.PAYLOAD).replayWindow(0).build();
    seal = new EspOutbound(tunnel, new MemorySequenceStore().outbound(tunnel));
    var ah =
        Scene.association(TransformProtocol.AH, PEER, AGENT, Mode.TRANSPORT, 0x6001, Scene.USER)
            .replayWindow(0)
            .build();
    backend.apply(new XfrmCommand.AddAssociation(ah));
    backend.apply(
        new XfrmCommand.AddPolicy(
            Policy.allow(
                Scene.fromTo(PEER, AGENT),
                Direction.IN,
                1,
                Bundle.of(Template.transport(TransformProtocol.AH, Scene.USER)))));
    backend.apply(
        new XfrmCommand.AddPolicy(
            Policy.allow(
                Scene.to(CARE_OF), Direction.FWD, 2, Bundle.of(Template.ipv6InIpv6(PEER, AGENT)))));

    scene.mobileNode.output(Packets.udp(HOME, PEER, 60));
    scene.mobileNode.output(Packets.udp(HOME, AGENT, 60));
    scene.mobileNode.output(Packets.bindingUpdate(HOME, AGENT), CARE_OF);
    arriving.addAll(scene.mobileNode.transmitted);
    byte[] outer = scene.mobileNode.transmitted.get(0);
    var peer = new TestNode().has(PEER, Role.LINK);
    peer.association(ah)
        .policy(
            Scene.fromTo(PEER, AGENT),
            Direction.OUT,
            Template.transport(TransformProtocol.AH, Scene.USER));
    peer.output(Packets.echoRequest(PEER, AGENT, 40));
    peer.output(Packets.bindingUpdate(PEER, AGENT));
    arriving.addAll(peer.transmitted);
    arriving.add(Packets.tunnelled(PEER, AGENT, Packets.udp(PEER, CARE_OF, 30)));
    arriving.add(Packets.tunnelled(PEER, AGENT, Packets.tunnelled(PEER, AGENT, outer)));
    arriving.add(
        Packets.withHomeAddress(
            Packets.withSource(Packets.udp(OPTIMIZED, AGENT, 20), CARE_OF), OPTIMIZED));
    arriving.add(Packets.withRoutingHeader(Packets.udp(PEER, CARE_OF_B, 20), Scene.OTHER_HOME, 1));
    arriving.add(
        Packets.withRoutingHeader(
            Packets.withHomeAddress(Packets.bindingUpdate(PEER, CARE_OF_B), OPTIMIZED),
            Scene.OTHER_HOME,
            1));
    arriving.add(Packets.fragment(outer, 1, 0, 64));
    arriving.add(Packets.fragment(outer, 1, 64, outer.length - 40));
    arriving.add(Packets.withOption(Packets.bindingUpdate(PEER, AGENT), 0xbe));
    scene.homeAgent.output(Packets.udp(PEER, HOME, 20));
    arriving.add(
        Packets.error(
            CARE_OF, AGENT, IcmpErrors.PACKET_TOO_BIG, 0, 1400, scene.homeAgent.onlyTransmitted()));
    leaving.add(Packets.udp(PEER, HOME, 30));
    leaving.add(Packets.tcp(PEER, HOME, 0x18, 600));
    leaving.add(Packets.mobility(AGENT, HOME, 6));
    leaving.add(Packets.udp(AGENT, HOME, 30));
    leaving.add(Packets.fragment(Packets.mobility(AGENT, HOME, 6), 3, 0, 8));
    leaving.add(Packets.withOption(Packets.udp(PEER, HOME, 30), 0xbe));
  }

  private void fill(byte[] packet, int length) {
    buffer.clear();
    buffer.set(packet, 0, length);
  }

  private void input(byte[] packet, int length) {
    fill(packet, length);
    boolean claimed = engine.claims(buffer);
    assertThat(buffer.length()).isEqualTo(length);
    long before = account();
    engine.input(buffer);
    if (account() == before) {
      fail("neither counted nor handed over, claimed %s", claimed);
    }
  }

  /** As from a mobile node that has the keys and puts anything into its tunnel. */
  private void sealedInput(byte[] inner, int length) {
    if (length < 40) {
      return;
    }
    fill(inner, length);
    assertThat(seal.apply(buffer)).isNull();
    byte[] sealed = buffer.toOctets();
    input(sealed, sealed.length);
  }

  private void output(byte[] packet, int length, Random random) {
    fill(packet, length);
    if (random.nextInt(3) == 0) {
      buffer.setPartialChecksum(random.nextInt(80), random.nextInt(20));
    }
    if (random.nextInt(3) == 0) {
      buffer.setPartialChecksum(40, random.nextBoolean() ? 16 : 6);
      buffer.setSegmentation(
          random.nextBoolean() ? Segmentation.TCP : Segmentation.UDP, random.nextInt(200));
    }
    long before = account();
    if (random.nextInt(4) == 0) {
      engine.output(buffer, CARE_OF);
    } else {
      engine.output(buffer);
    }
    if (account() == before) {
      fail("neither counted nor handed over");
    }
  }

  /** Rises whenever something is counted or comes out. */
  private long account() {
    EngineCounters counters = engine.counters();
    return checker.out
        + counters.discarded()
        + counters.of(EngineCounters.Traffic.FRAGMENTS_RECEIVED)
        + counters.of(EngineCounters.Traffic.ICMPV6_ERRORS_SENT)
        + counters.of(EngineCounters.Traffic.ICMPV6_ERRORS_TAKEN)
        + counters.of(EngineCounters.Traffic.FRAGMENTS_JOINED);
  }

  @Test
  void theCorpusGoesThrough() {
    for (byte[] packet : arriving) {
      input(packet, packet.length);
    }
    // A tunnel in a tunnel that no policy expects, and the option that asks for an answer.
    assertThat(engine.counters().discards())
        .containsOnly(
            Map.entry(Discard.IN_TEMPLATE_MISMATCH, 1L), Map.entry(Discard.UNKNOWN_OPTION, 1L));
    for (byte[] packet : leaving) {
      fill(packet, packet.length);
      engine.output(buffer);
    }
    assertThat(engine.counters().discarded()).isEqualTo(2);
  }

  @Test
  void everyTruncation() {
    var random = new Random(SEED);
    for (byte[] packet : arriving) {
      for (int length = 0; length <= packet.length; length++) {
        input(packet, length);
        // The same with a header that admits it, so that what is behind is looked at.
        byte[] consistent = Arrays.copyOf(packet, length);
        if (length >= 40) {
          Wire.putShort(consistent, 4, length - 40);
        }
        input(consistent, length);
      }
    }
    for (byte[] packet : leaving) {
      for (int length = 0; length <= packet.length; length++) {
        output(packet, length, random);
        byte[] consistent = Arrays.copyOf(packet, length);
        if (length >= 40) {
          Wire.putShort(consistent, 4, length - 40);
        }
        output(consistent, length, random);
      }
    }
  }

  @Test
  void aMillionMutations() {
    mutate(1_000_000);
  }

  private void mutate(int count) {
    var random = new Random(SEED);
    long heapThen = 0;
    for (int i = 0; i < count; i++) {
      List<byte[]> corpus = random.nextInt(4) == 0 ? leaving : arriving;
      byte[] packet = mutated(corpus.get(random.nextInt(corpus.size())), random);
      int length = random.nextInt(8) == 0 ? random.nextInt(packet.length + 1) : packet.length;
      if (length >= 40 && random.nextInt(4) != 0) {
        Wire.putShort(packet, 4, length - 40);
      }
      try {
        if (corpus == leaving && random.nextBoolean()) {
          output(packet, length, random);
        } else if (corpus == leaving || random.nextInt(6) == 0) {
          sealedInput(packet, length);
        } else {
          input(packet, length);
        }
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError(
            "mutation "
                + i
                + " of seed "
                + SEED
                + ": "
                + HexFormat.of().formatHex(packet, 0, length),
            e);
      }
      if (i % 1000 == 0) {
        engine.tick(TestNode.START.plusMillis(i));
      }
      if (i == count / 5) {
        heapThen = heap();
      }
    }
    // What has a limit is full by now; whatever grew with each packet would take far more.
    assertThat(heap() - heapThen).as("growth of the heap").isLessThan(count * 8L);
    assertThat(engine.core().databases().associations().size()).isEqualTo(5);
    assertThat(engine.reassemblyOctets())
        .isLessThanOrEqualTo(2L * EngineSettings.DEFAULT.maxReassemblyOctets());
  }

  private static long heap() {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 3; i++) {
      System.gc();
      Runtime runtime = Runtime.getRuntime();
      least = Math.min(least, runtime.totalMemory() - runtime.freeMemory());
    }
    return least;
  }

  private byte[] mutated(byte[] original, Random random) {
    byte[] packet = original.clone();
    int changes = 1 + random.nextInt(4);
    for (int i = 0; i < changes; i++) {
      int at = random.nextInt(packet.length);
      switch (random.nextInt(6)) {
        case 0 -> packet[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> packet[at] = (byte) random.nextInt(256);
        case 2 -> packet[at] = (byte) (random.nextBoolean() ? 0 : 0xff);
        case 3 -> packet = longer(packet, random);
        case 4 -> packet = withProtocol(packet, random);
        default -> {
          byte[] other = arriving.get(random.nextInt(arriving.size()));
          int from = random.nextInt(other.length);
          int length =
              Math.min(random.nextInt(24), Math.min(other.length - from, packet.length - at));
          System.arraycopy(other, from, packet, at, length);
        }
      }
    }
    return packet;
  }

  private static byte[] longer(byte[] packet, Random random) {
    byte[] longer = Arrays.copyOf(packet, packet.length + random.nextInt(64));
    for (int i = packet.length; i < longer.length; i++) {
      longer[i] = (byte) random.nextInt(256);
    }
    return longer;
  }

  /** Another header somewhere: at the start, or where the first extension header names the next. */
  private static byte[] withProtocol(byte[] packet, Random random) {
    int[] protocols = {0, 6, 17, 41, 43, 44, 50, 51, 58, 59, 60, 135};
    int at = random.nextBoolean() || packet.length <= 40 ? 6 : 40;
    packet[at] = (byte) protocols[random.nextInt(protocols.length)];
    return packet;
  }
}

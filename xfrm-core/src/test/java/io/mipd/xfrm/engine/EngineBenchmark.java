package io.mipd.xfrm.engine;

import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.transform.AntiReplay;
import io.mipd.xfrm.transform.MemorySequenceStore;
import io.mipd.xfrm.transform.PacketBuffer;
import io.mipd.xfrm.transform.ReplayWindow;
import io.mipd.xfrm.transform.SequenceSource;
import io.mipd.xfrm.transform.SequenceStore;
import java.util.random.RandomGeneratorFactory;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A mobile node's engine and its home agent's, and a packet of 1400 octets from the one to the
 * other: {@code out} is all that is done to it from the TUN device to the wire, {@code in} all from
 * the wire to the TUN device, look-ups, policy check and anti-replay included, sockets not. Each
 * includes a copy of the packet into the buffer, in the place of reading it. {@code
 * bench/engine.sh} runs it.
 */
@State(Scope.Thread)
@BenchmarkMode(org.openjdk.jmh.annotations.Mode.Throughput)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class EngineBenchmark {
  private static final int PACKET = 1400;

  /** Packets sealed beforehand; when they are used up the window is emptied. */
  private static final int SEALED = 1024;

  @Param({"gcm", "cbc"})
  public String suite = "";

  private final Node mobileNode = new Node();
  private final Node homeAgent = new Node();
  private final byte[] inner = Packets.udp(Scene.HOME, Scene.PEER, PACKET - 48);
  private final byte[][] sealed = new byte[SEALED][];
  private final PacketBuffer buffer = new PacketBuffer(2048);
  private int next;

  /** Counts what comes out. */
  private static final class Node implements EngineSink, SequenceStore {
    final PacketEngine engine;
    final AddressTable addresses = new AddressTable();
    private final EngineBackend backend;
    private ReplayWindow window = new ReplayWindow(64, false, 0);
    byte[] last = new byte[0];
    boolean keep;
    long packets;

    Node() {
      engine =
          new PacketEngine(
              EngineSettings.DEFAULT,
              this,
              addresses,
              this,
              RandomGeneratorFactory.of("L64X128MixRandom").create(6275));
      backend = new EngineBackend(engine);
      engine.tick(TestNode.START);
    }

    void apply(XfrmCommand command) {
      XfrmReply reply = backend.apply(command);
      if (!reply.equals(XfrmReply.DONE)) {
        throw new IllegalStateException(command + ": " + reply);
      }
    }

    void emptyWindow() {
      window = new ReplayWindow(64, false, 0);
    }

    @Override
    public SequenceSource outbound(SecurityAssociation association) {
      return new MemorySequenceStore().outbound(association);
    }

    @Override
    public AntiReplay inbound(SecurityAssociation association) {
      return new AntiReplay() {
        @Override
        public long reconstruct(int lowOrder) {
          return window.reconstruct(lowOrder);
        }

        @Override
        public void accept(long sequenceNumber) {
          window.accept(sequenceNumber);
        }
      };
    }

    @Override
    public void transmit(PacketBuffer packet) {
      packets++;
      if (keep) {
        last = packet.toOctets();
      }
    }

    @Override
    public void deliver(PacketBuffer packet) {
      packets++;
    }

    @Override
    public void mobility(PacketBuffer packet, Arrival arrival) {
      throw new IllegalStateException("no mobility message was sent");
    }

    @Override
    public void notice(XfrmNotice notice) {
      throw new IllegalStateException(notice.toString());
    }
  }

  private SecurityAssociation association() {
    var builder =
        Scene.association(
                TransformProtocol.ESP,
                Scene.CARE_OF,
                Scene.AGENT,
                Mode.TUNNEL,
                0x2001,
                Scene.PAYLOAD)
            .selector(Scene.from(Scene.HOME));
    return suite.equals("cbc")
        ? builder.build()
        : builder
            .encryption(EncryptionAlgorithm.AES_GCM_16, Scene.key(20, 7))
            .integrity(IntegrityAlgorithm.NONE, KeyMaterial.EMPTY)
            .build();
  }

  @Setup
  public void register() {
    mobileNode.addresses.set(Scene.HOME, Role.HOME);
    mobileNode.addresses.set(Scene.CARE_OF, Role.LINK);
    homeAgent.addresses.set(Scene.AGENT, Role.LINK);
    homeAgent.addresses.set(Scene.HOME, Role.SERVED);
    Template tunnel = Scene.espTunnel(Scene.CARE_OF, Scene.AGENT, Scene.PAYLOAD);
    mobileNode.apply(policy(Direction.OUT, tunnel));
    homeAgent.apply(policy(Direction.FWD, tunnel));
    mobileNode.apply(new XfrmCommand.AddAssociation(association()));
    homeAgent.apply(new XfrmCommand.AddAssociation(association()));
    mobileNode.keep = true;
    for (int i = 0; i < SEALED; i++) {
      out();
      sealed[i] = mobileNode.last;
    }
    mobileNode.keep = false;
    in();
  }

  private static XfrmCommand policy(Direction direction, Template tunnel) {
    return new XfrmCommand.AddPolicy(
        Policy.allow(Scene.from(Scene.HOME), direction, 100, Bundle.of(tunnel)));
  }

  @Benchmark
  public long out() {
    buffer.clear();
    buffer.set(inner, 0, inner.length);
    long before = mobileNode.packets;
    mobileNode.engine.output(buffer);
    return progress(mobileNode, before);
  }

  @Benchmark
  public long in() {
    if (next == SEALED) {
      next = 0;
      homeAgent.emptyWindow();
    }
    byte[] packet = sealed[next++];
    buffer.clear();
    buffer.set(packet, 0, packet.length);
    long before = homeAgent.packets;
    homeAgent.engine.input(buffer);
    return progress(homeAgent, before);
  }

  private static long progress(Node node, long before) {
    if (node.packets != before + 1) {
      throw new IllegalStateException("discarded: " + node.engine.counters().discards());
    }
    return node.packets;
  }
}

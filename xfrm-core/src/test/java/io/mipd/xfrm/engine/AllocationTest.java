package io.mipd.xfrm.engine;

import static io.mipd.xfrm.engine.Scene.HOME;
import static io.mipd.xfrm.engine.Scene.PEER;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.transform.MemorySequenceStore;
import io.mipd.xfrm.transform.PacketBuffer;
import java.lang.management.ManagementFactory;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The data path makes no objects for packets. */
class AllocationTest {
  private static final int PACKETS = 20_000;

  private static final EngineSink NOWHERE =
      new EngineSink() {
        @Override
        public void transmit(PacketBuffer packet) {}

        @Override
        public void deliver(PacketBuffer packet) {}

        @Override
        public void mobility(PacketBuffer packet, Arrival arrival) {}

        @Override
        public void notice(XfrmNotice notice) {}
      };

  private static PacketEngine copy(TestNode node) {
    var engine =
        new PacketEngine(
            EngineSettings.DEFAULT,
            NOWHERE,
            node.addresses,
            new MemorySequenceStore(),
            new Random(1));
    engine.tick(TestNode.START);
    for (var direction : Direction.values()) {
      for (var policy : node.engine.core().databases().policies(direction).policies()) {
        engine.core().databases().put(policy);
      }
    }
    return engine;
  }

  private static long octetsPerPacket(Runnable onePacket) {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    for (int i = 0; i < 2_000; i++) {
      onePacket.run();
    }
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < PACKETS; i++) {
      onePacket.run();
    }
    return (threads.getCurrentThreadAllocatedBytes() - before) / PACKETS;
  }

  @Test
  void throughAPlainTunnelBothWays() {
    var scene = Scene.plainTunnel();
    byte[] inner = Packets.udp(HOME, PEER, 1000);
    scene.mobileNode.output(inner);
    byte[] outer = scene.mobileNode.onlyTransmitted();
    PacketEngine mobileNode = copy(scene.mobileNode);
    PacketEngine homeAgent = copy(scene.homeAgent);
    var buffer = new PacketBuffer();

    long out =
        octetsPerPacket(
            () -> {
              buffer.clear();
              buffer.set(inner, 0, inner.length);
              mobileNode.output(buffer);
            });
    long in =
        octetsPerPacket(
            () -> {
              buffer.clear();
              buffer.set(outer, 0, outer.length);
              if (homeAgent.claims(buffer)) {
                homeAgent.input(buffer);
              }
            });

    assertThat(mobileNode.counters().of(EngineCounters.Traffic.TRANSMITTED_PACKETS))
        .isEqualTo(PACKETS + 2_000);
    assertThat(homeAgent.counters().of(EngineCounters.Traffic.DELIVERED_PACKETS))
        .isEqualTo(PACKETS + 2_000);
    assertThat(out).as("octets of heap for a packet out").isZero();
    assertThat(in).as("octets of heap for a packet in").isZero();
  }
}

package io.mipd.xfrm.engine;

import static io.mipd.xfrm.engine.Scene.HOME;
import static io.mipd.xfrm.engine.Scene.PEER;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.transform.MemorySequenceStore;
import io.mipd.xfrm.transform.PacketBuffer;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Random;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

/** The data path makes no objects for packets. */
class AllocationTest {
  private static final int TIMES = 20_000;

  /** Of prefixes that nest. */
  private static final int[] LENGTHS = {48, 56, 57, 64, 126, 127, 128};

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

  private static long octetsEachTime(Runnable action) {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    for (int i = 0; i < 2_000; i++) {
      action.run();
    }
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < TIMES; i++) {
      action.run();
    }
    return (threads.getCurrentThreadAllocatedBytes() - before) / TIMES;
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
        octetsEachTime(
            () -> {
              buffer.clear();
              buffer.set(inner, 0, inner.length);
              mobileNode.output(buffer);
            });
    long in =
        octetsEachTime(
            () -> {
              buffer.clear();
              buffer.set(outer, 0, outer.length);
              if (homeAgent.claims(buffer)) {
                homeAgent.input(buffer);
              }
            });

    assertThat(mobileNode.counters().of(EngineCounters.Traffic.TRANSMITTED_PACKETS))
        .isEqualTo(TIMES + 2_000);
    assertThat(homeAgent.counters().of(EngineCounters.Traffic.DELIVERED_PACKETS))
        .isEqualTo(TIMES + 2_000);
    assertThat(out).as("octets of heap for a packet out").isZero();
    assertThat(in).as("octets of heap for a packet in").isZero();
  }

  /** The engine asks once for each flow: so this asks the database itself. */
  @Test
  void aLookUpAmongPrefixesThatNest() {
    var random = RandomGeneratorFactory.of("L64X128MixRandom").create(4301);
    var database = new PolicyDatabase(1);
    for (int i = 0; i < 600; i++) {
      var selector = Selector.between(prefix(random), prefix(random));
      database.put(Policy.allow(selector, Direction.OUT, random.nextInt(100), Bundle.EMPTY));
    }
    assertThat(database.size()).isGreaterThan(300);
    // All shapes are pairs of prefix lengths: of more than one it has to search.
    assertThat(database.shapes()).isGreaterThan(1);
    var flows = new FlowKey[1 << 10];
    Arrays.setAll(
        flows, i -> new FlowKey().set(Flow.of(address(random), address(random), IpProtocol.UDP)));
    int[] asked = {0};
    int[] hits = {0};

    long octets =
        octetsEachTime(
            () -> {
              if (database.lookUp(flows[asked[0]++ % flows.length]) != null) {
                hits[0]++;
              }
            });

    assertThat(hits[0]).isBetween(1, asked[0] - 1);
    assertThat(octets).as("octets of heap for a look-up").isZero();
  }

  private static Ipv6Prefix prefix(RandomGenerator random) {
    return Ipv6Prefix.of(address(random), LENGTHS[random.nextInt(LENGTHS.length)]);
  }

  /** Few distinct bits, so that prefixes nest and flows hit. */
  private static Ipv6Address address(RandomGenerator random) {
    long high = 0x2001_0db8_0000_0000L | (long) random.nextInt(4) << 17 | random.nextInt(4) << 7;
    return new Ipv6Address(high, random.nextInt(8));
  }
}

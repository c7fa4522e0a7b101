package io.mipd.xfrm.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.transform.Discard;
import io.mipd.xfrm.transform.MemorySequenceStore;
import io.mipd.xfrm.transform.PacketBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGeneratorFactory;

/** An engine whose surroundings note what it does. */
final class TestNode implements EngineSink {

  static final Instant START = Instant.ofEpochSecond(1_000_000);

  final AddressTable addresses = new AddressTable();
  final PacketEngine engine;
  final EngineBackend backend;
  final List<byte[]> transmitted = new ArrayList<>();
  final List<byte[]> delivered = new ArrayList<>();
  final List<byte[]> messages = new ArrayList<>();
  final List<Arrival> arrivals = new ArrayList<>();
  final List<XfrmNotice> notices = new ArrayList<>();
  final List<FailedPacket> failed = new ArrayList<>();
  private final PacketBuffer buffer = new PacketBuffer();
  private int priority = 100;

  TestNode() {
    this(EngineSettings.DEFAULT);
  }

  TestNode(EngineSettings settings) {
    engine =
        new PacketEngine(
            settings,
            this,
            addresses,
            new MemorySequenceStore(),
            RandomGeneratorFactory.of("L64X128MixRandom").create(6275));
    backend = new EngineBackend(engine);
    engine.tick(START);
  }

  // What the surroundings do.

  @Override
  public void transmit(PacketBuffer packet) {
    transmitted.add(packet.toOctets());
  }

  @Override
  public void deliver(PacketBuffer packet) {
    delivered.add(packet.toOctets());
  }

  @Override
  public void mobility(PacketBuffer packet, Arrival arrival) {
    messages.add(packet.toOctets());
    arrivals.add(arrival);
  }

  @Override
  public void notice(XfrmNotice notice) {
    notices.add(notice);
  }

  @Override
  public void failed(FailedPacket packet) {
    failed.add(packet);
  }

  // What a test does.

  TestNode has(Ipv6Address address, Role role) {
    addresses.set(address, role);
    if (role == Role.LINK) {
      addresses.setErrorSource(address);
    }
    return this;
  }

  TestNode policy(Selector selector, Direction direction, Template... templates) {
    apply(
        new XfrmCommand.AddPolicy(
            Policy.allow(selector, direction, priority++, Bundle.of(templates))));
    return this;
  }

  TestNode association(SecurityAssociation association) {
    apply(new XfrmCommand.AddAssociation(association));
    return this;
  }

  TestNode state(RouteOptimizationState state) {
    apply(new XfrmCommand.PutRouteOptimization(state));
    return this;
  }

  void apply(XfrmCommand command) {
    assertThat(backend.apply(command)).as("%s", command).isEqualTo(XfrmReply.DONE);
  }

  private PacketBuffer fill(byte[] packet) {
    buffer.clear();
    buffer.set(packet, 0, packet.length);
    return buffer;
  }

  void output(byte[] packet) {
    engine.output(fill(packet));
  }

  void output(byte[] packet, Ipv6Address careOf) {
    engine.output(fill(packet), careOf);
  }

  void input(byte[] packet) {
    engine.input(fill(packet));
  }

  boolean claims(byte[] packet) {
    return engine.claims(fill(packet));
  }

  /** Everything that one node has transmitted arrives at the other. */
  void sendsTo(TestNode other) {
    List<byte[]> packets = List.copyOf(transmitted);
    transmitted.clear();
    for (byte[] packet : packets) {
      assertThat(other.claims(packet)).as("claimed by the receiver").isTrue();
      other.input(packet);
    }
  }

  byte[] onlyTransmitted() {
    assertThat(engine.counters().discards()).isEmpty();
    assertThat(transmitted).hasSize(1);
    return transmitted.remove(0);
  }

  byte[] onlyDelivered() {
    assertThat(engine.counters().discards()).isEmpty();
    assertThat(delivered).hasSize(1);
    return delivered.remove(0);
  }

  /** Nothing came out, and this reason has been counted once. */
  void hasRefused(Discard reason) {
    assertThat(engine.counters().discards()).containsExactly(Map.entry(reason, 1L));
    assertThat(delivered).isEmpty();
    assertThat(messages).isEmpty();
  }
}

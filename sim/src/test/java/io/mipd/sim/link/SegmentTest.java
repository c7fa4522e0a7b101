package io.mipd.sim.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.common.base.Splitter;
import com.google.common.net.InetAddresses;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.event.Randomness;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SegmentTest {
  private static final Duration DELAY = Duration.ofMillis(20);

  private final EventQueue events = new EventQueue();
  private final List<String> heard = new ArrayList<>();

  private final Set<String> joined = new HashSet<>();

  private Segment segment(Line line) {
    return new Segment("net", events, new Randomness(7), line);
  }

  private static Line slow(long bitsPerSecond, int queue) {
    return new Line(
        DELAY, OptionalLong.of(bitsPerSecond), queue, LossModel.NONE, Line.Reordering.NONE, 1500);
  }

  private Interface node(String name, int number) {
    var address = new LinkLayerAddress(Octets.parse("02000000000" + number));
    var made = new Interface(name, "eth0", 1, address, events);
    made.setHost(
        new Interface.Host() {
          @Override
          public boolean isMember(Interface on, Ipv6Address group) {
            return group.equals(Ipv6Address.ALL_NODES) || joined.contains(name);
          }

          @Override
          public void received(Interface on, Frame frame) {
            heard.add(name + " " + millis() + " " + frame.packet().getByte(0));
          }

          @Override
          public void carrierChanged(Interface on, boolean carrier) {
            heard.add(name + " " + millis() + (carrier ? " up" : " down"));
          }
        });
    return made;
  }

  private Interface attached(String name, int number, Segment to) {
    Interface one = node(name, number);
    one.attach(to, Duration.ZERO);
    runUntil(0);
    heard.clear();
    return one;
  }

  private double millis() {
    return Duration.between(EventQueue.BEGINNING, events.now()).toNanos() / 1e6;
  }

  private void runUntil(long millis) {
    events.runUntil(EventQueue.BEGINNING.plusMillis(millis));
  }

  private static Frame frame(Interface from, LinkLayerAddress to, int number, int length) {
    byte[] packet = new byte[length];
    packet[0] = (byte) number;
    return Frame.of(from.address(), to, Unpooled.wrappedBuffer(packet));
  }

  @Test
  void aFrameForAGroupGoesToThoseWhoHaveJoinedIt() {
    Segment net = segment(Line.IDEAL.withDelay(DELAY));
    Interface a = attached("a", 1, net);
    attached("b", 2, net);
    attached("c", 3, net);
    joined.add("c");
    Ipv6Address group = Ipv6Address.parse("ff02::1:ff00:7");
    byte[] packet = new byte[40];
    System.arraycopy(InetAddresses.forString(group.toString()).getAddress(), 0, packet, 24, 16);

    a.send(Frame.of(a.address(), Frame.groupOf(group), Unpooled.wrappedBuffer(packet)));
    runUntil(100);
    assertThat(heard).containsExactly("c 20.0 0");
  }

  @Test
  void aFrameGoesToTheInterfaceThatHasItsAddress() {
    Segment net = segment(Line.IDEAL.withDelay(DELAY));
    Interface a = attached("a", 1, net);
    Interface b = attached("b", 2, net);
    attached("c", 3, net);

    a.send(frame(a, b.address(), 1, 100));
    a.send(frame(a, Frame.groupOf(Ipv6Address.ALL_NODES), 2, 100));
    a.send(frame(a, new LinkLayerAddress(Octets.parse("020000000009")), 3, 100));
    runUntil(100);

    assertThat(heard).containsExactly("b 20.0 1", "b 20.0 2", "c 20.0 2");
    assertThat(net.counters().undelivered()).isEqualTo(1);
  }

  @Test
  void attachingTakesItsTimeAndDetachingDoesNot() {
    Segment net = segment(Line.IDEAL.withDelay(DELAY));
    Interface a = attached("a", 1, net);
    Interface b = node("b", 2);

    b.attach(net, Duration.ofMillis(50));
    events.after(Duration.ofMillis(10), () -> a.send(frame(a, b.address(), 1, 100)));
    events.after(Duration.ofMillis(40), () -> a.send(frame(a, b.address(), 2, 100)));
    events.after(Duration.ofMillis(70), () -> a.send(frame(a, b.address(), 3, 100)));
    events.after(Duration.ofMillis(75), b::detach);
    events.after(Duration.ofMillis(76), () -> b.send(frame(b, a.address(), 4, 100)));
    runUntil(200);

    // The first comes out before there is a carrier, the third when there is none any more.
    assertThat(heard).containsExactly("b 50.0 up", "b 60.0 2", "b 75.0 down");
    assertThat(net.counters().undelivered()).isEqualTo(2);
    assertThat(b.lostWithoutCarrier()).isEqualTo(1);
  }

  @Test
  void aRateMakesFramesWaitAndAFullQueueDropsThem() {
    // 1000 octets with the header take 8 ms at 1 Mbit/s.
    Segment net = segment(slow(1_000_000, 2));
    Interface a = attached("a", 1, net);
    Interface b = attached("b", 2, net);

    for (int i = 1; i <= 5; i++) {
      a.send(frame(a, b.address(), i, 986));
    }
    events.after(Duration.ofMillis(9), () -> a.send(frame(a, b.address(), 6, 986)));
    runUntil(200);

    assertThat(heard).containsExactly("b 28.0 1", "b 36.0 2", "b 44.0 3", "b 52.0 6");
    assertThat(net.counters().overflowed()).isEqualTo(2);
  }

  @Test
  void bothWaysAreFullAtOnce() {
    Segment net = segment(slow(1_000_000, 2));
    Interface a = attached("a", 1, net);
    Interface b = attached("b", 2, net);

    a.send(frame(a, b.address(), 1, 986));
    b.send(frame(b, a.address(), 2, 986));
    runUntil(200);

    assertThat(heard).containsExactly("b 28.0 1", "a 28.0 2");
  }

  @Test
  void whatIsLargerThanTheMtuIsDropped() {
    Segment net = segment(Line.IDEAL);
    Interface a = attached("a", 1, net);
    Interface b = attached("b", 2, net);

    a.send(frame(a, b.address(), 1, 1500));
    a.send(frame(a, b.address(), 2, 1501));
    runUntil(100);

    assertThat(heard).containsExactly("b 0.0 1");
    assertThat(net.counters().tooBig()).isEqualTo(1);
  }

  @Test
  void someFramesAreOvertaken() {
    int frames = 20_000;
    Line line =
        new Line(
            DELAY,
            OptionalLong.empty(),
            1000,
            LossModel.NONE,
            new Line.Reordering(0.1, Duration.ofMillis(5)),
            1500);
    Segment net = segment(line);
    Interface a = attached("a", 1, net);
    Interface b = attached("b", 2, net);

    for (int i = 0; i < frames; i++) {
      events.after(Duration.ofMillis(10L * i), () -> a.send(frame(a, b.address(), 1, 100)));
    }
    runUntil(10L * frames + 100);

    assertThat(heard).hasSize(frames);
    long late =
        heard.stream()
            .filter(it -> Double.parseDouble(Splitter.on(' ').splitToList(it).get(1)) % 10 == 5)
            .count();
    assertThat(late).isEqualTo(net.counters().reordered());
    assertThat(late / (double) frames).isCloseTo(0.1, within(4 * Math.sqrt(0.1 * 0.9 / frames)));
  }
}

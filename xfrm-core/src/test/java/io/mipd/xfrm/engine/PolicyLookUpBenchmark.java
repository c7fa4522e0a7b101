package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.transform.PacketBuffer;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The policy database alone, as a packet of a flow that was not seen before meets it. Two things
 * grow with the number of policies, and are told apart:
 *
 * <ul>
 *   <li>how many there are to look among: {@code few} looks up flows of ten policies, the same
 *       number whatever is there beside them, {@code miss} flows from where one policy begins to
 *       where another one ends, which mostly none is for;
 *   <li>how many are asked for in turn, and so can be in no cache when their turn comes: {@code
 *       hit} looks up flows of policies picked at random from all.
 * </ul>
 *
 * <p>What the machine takes for the latter whatever the program is {@code memory}: to read one of
 * as many cache lines as there are policies, each telling where the next is. {@code map} is what a
 * JDK hash map takes to find the value of a key of six words, that of the policies' whose flows
 * {@code hit} looks up, each equal to one in it, but another object.
 *
 * <p>{@code packet} is {@code hit} from the octets of a packet, written beforehand into one buffer
 * that is used again, so that it is as near as one that has just been received; {@code written} is
 * the writing alone. {@code update} gives a policy that is there another priority, {@code replace}
 * takes one out and puts another in. {@code bench/look-up.sh} runs it.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class PolicyLookUpBenchmark {
  /** As many for ten policies as for 100,000, so that reading the flows costs the same. */
  private static final int FLOWS = 1 << 16;

  private static final int WORDS = 5;
  private static final int WARM_UP = 3;

  /** Policies whose flows {@code few} looks up. */
  private static final int FEW = 10;

  /** Integers of a cache line of 64 octets. */
  private static final int LINE = 16;

  private static final int PORTS = Wire.IPV6_HEADER;
  private static final int UDP_HEADER = 8;
  private static final int VERSION_6 = 0x60;

  /** What is assigned to providers, sites, networks and hosts, and some that are unusual. */
  private static final int[] USUAL_LENGTHS = {
    32, 40, 44, 48, 52, 56, 60, 64, 64, 80, 96, 112, 124, 128, 128
  };

  /** In what the policies differ. */
  public enum Shape {
    /** Address pairs. */
    HOSTS,
    /** Pairs of /64 prefixes. */
    NETWORKS,
    /** UDP ports, between one pair of addresses. */
    PORTS,
    /** Prefixes of fourteen lengths, in 196 combinations; they nest. */
    MIXED,
    /** Prefixes of all lengths from /33, in 9216 combinations; they nest ten deep and more. */
    LENGTHS
  }

  @Param({"HOSTS", "NETWORKS", "PORTS", "MIXED", "LENGTHS"})
  public Shape shape = Shape.HOSTS;

  @Param({"10", "100", "1000", "10000", "100000"})
  public int policies;

  private final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(4301);
  private final PolicyDatabase database = new PolicyDatabase(1);
  private final FlowKey flow = new FlowKey();
  private final long[] hits = new long[FLOWS * WORDS];
  private final long[] fews = new long[FLOWS * WORDS];
  private final long[] misses = new long[FLOWS * WORDS];
  private final PacketBuffer packet = new PacketBuffer(Wire.IPV6_HEADER + UDP_HEADER);
  private final ByteBuffer octets = ByteBuffer.wrap(packet.array());
  private final FlowReader reader = new FlowReader();

  /** A line for each policy; the first integer of each is where the next one's is. */
  private int[] lines = {};

  private int line;

  /** In the database, and as many that are not. */
  private Policy[] present = {};

  private Policy[] absent = {};
  private Policy[] changed = {};
  private final Map<Words, Policy> peer = new HashMap<>();
  private final Words[] asked = new Words[FLOWS];
  private int next;
  @Nullable Policy seen;

  private record Words(long a, long b, long c, long d, long e, long f) {
    static Words of(Selector selector) {
      return new Words(
          selector.source().address().high(),
          selector.source().address().low(),
          selector.destination().address().high(),
          selector.destination().address().low(),
          (long) selector.sourcePort().value() << 16 | selector.destinationPort().value(),
          0);
    }

    /** As good as the engine's, so that it is not collisions that are compared. */
    @Override
    public int hashCode() {
      return (int) (mix(mix(mix(mix(mix(a) ^ b) ^ c) ^ d) ^ e) >>> 32);
    }

    private static long mix(long word) {
      return Math.multiplyHigh(word, 0x9e37_79b9_7f4a_7c15L) ^ word * 0x9e37_79b9_7f4a_7c15L;
    }
  }

  @Setup
  public void fill() {
    Map<Selector, Policy> made = new LinkedHashMap<>();
    List<Integer> priorities = new ArrayList<>();
    for (int i = 0; i < 2 * policies; i++) {
      priorities.add(i);
    }
    Collections.shuffle(priorities, new Random(4301));
    while (made.size() < 2 * policies) {
      Selector selector = selector(made.size());
      made.putIfAbsent(selector, policy(selector, priorities.get(made.size())));
    }
    List<Policy> all = new ArrayList<>(made.values());
    Collections.shuffle(all, new Random(6275));
    present = all.subList(0, policies).toArray(new Policy[0]);
    absent = all.subList(policies, 2 * policies).toArray(new Policy[0]);
    changed = new Policy[policies];
    for (int i = 0; i < policies; i++) {
      changed[i] = policy(present[i].selector(), absent[i].priority());
      database.put(present[i]);
      peer.put(Words.of(present[i].selector()), present[i]);
    }
    var header = new byte[Wire.IPV6_HEADER + UDP_HEADER];
    header[0] = VERSION_6;
    Wire.putShort(header, Wire.PAYLOAD_LENGTH, UDP_HEADER);
    header[Wire.NEXT_HEADER] = IpProtocol.UDP;
    packet.set(header, 0, header.length);
    lines = ring(policies);
    for (int i = 0; i < FLOWS; i++) {
      Selector often = present[random.nextInt(FEW)].selector();
      write(fews, i, often, often.destination(), often.destinationPort().value());
      Selector one = present[random.nextInt(policies)].selector();
      Selector other = present[random.nextInt(policies)].selector();
      asked[i] = Words.of(one);
      write(hits, i, one, one.destination(), one.destinationPort().value());
      write(misses, i, one, other.destination(), shape == Shape.PORTS ? 0 : 53);
    }
  }

  private static int[] ring(int lines) {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < lines; i++) {
      order.add(i * LINE);
    }
    Collections.shuffle(order, new Random(3775));
    var ring = new int[lines * LINE];
    for (int i = 0; i < lines; i++) {
      ring[order.get(i)] = order.get((i + 1) % lines);
    }
    return ring;
  }

  private static Policy policy(Selector selector, int priority) {
    return Policy.allow(selector, Direction.OUT, priority, Bundle.EMPTY);
  }

  private Selector selector(int n) {
    return switch (shape) {
      case HOSTS -> Selector.between(prefix(128), prefix(128));
      case NETWORKS -> Selector.between(prefix(64), prefix(64));
      case PORTS ->
          Selector.between(Ipv6Address.parse("2001:db8::1"), Ipv6Address.parse("2001:db8::2"))
              .withProtocol(IpProtocol.UDP)
              .withPorts(PortMatch.exactly(1 + n / 1000), PortMatch.exactly(1 + n % 1000));
      case MIXED -> Selector.between(prefix(usualLength()), prefix(usualLength()));
      case LENGTHS ->
          Selector.between(prefix(33 + random.nextInt(96)), prefix(33 + random.nextInt(96)));
    };
  }

  private int usualLength() {
    return USUAL_LENGTHS[random.nextInt(USUAL_LENGTHS.length)];
  }

  private Ipv6Prefix prefix(int length) {
    var site = Ipv6Prefix.parse("2001:db8::/32");
    return Ipv6Prefix.of(randomIn(site), length);
  }

  private Ipv6Address randomIn(Ipv6Prefix prefix) {
    return new Ipv6Address(random.nextLong(), random.nextLong()).withPrefix(prefix);
  }

  private void write(long[] to, int i, Selector one, Ipv6Prefix end, int destinationPort) {
    Ipv6Address source = randomIn(one.source());
    Ipv6Address destination = randomIn(end);
    to[i * WORDS] = source.high();
    to[i * WORDS + 1] = source.low();
    to[i * WORDS + 2] = destination.high();
    to[i * WORDS + 3] = destination.low();
    to[i * WORDS + 4] = (long) one.sourcePort().value() << 16 | destinationPort;
  }

  private FlowKey nextOf(long[] flows) {
    next = (next + 1) & (FLOWS - 1);
    int at = next * WORDS;
    flow.sourceHigh = flows[at];
    flow.sourceLow = flows[at + 1];
    flow.destinationHigh = flows[at + 2];
    flow.destinationLow = flows[at + 3];
    flow.protocol = IpProtocol.UDP;
    flow.sourcePort = (int) (flows[at + 4] >>> 16);
    flow.destinationPort = (int) flows[at + 4] & 0xffff;
    return flow;
  }

  private Policy found() {
    Policy found = database.lookUp(flow);
    if (found == null) {
      throw new IllegalStateException("nothing for " + flow.toFlow());
    }
    return found;
  }

  @Benchmark
  public Policy hit() {
    nextOf(hits);
    return found();
  }

  @Benchmark
  public Policy few() {
    nextOf(fews);
    return found();
  }

  /** What arrives: its addresses and ports are put into the buffer. */
  @Benchmark
  public PacketBuffer written() {
    next = (next + 1) & (FLOWS - 1);
    int at = next * WORDS;
    int start = packet.start();
    octets.putLong(start + Wire.SOURCE, hits[at]);
    octets.putLong(start + Wire.SOURCE + 8, hits[at + 1]);
    octets.putLong(start + Wire.DESTINATION, hits[at + 2]);
    octets.putLong(start + Wire.DESTINATION + 8, hits[at + 3]);
    octets.putInt(start + PORTS, (int) hits[at + 4]);
    return packet;
  }

  @Benchmark
  public Policy packet() {
    PacketBuffer p = written();
    if (FlowReader.readHeader(p) != null || reader.read(p, flow) != null) {
      throw new IllegalStateException("no packet");
    }
    return found();
  }

  @Benchmark
  public int memory() {
    line = lines[line];
    return line;
  }

  @Benchmark
  public @Nullable Policy miss() {
    return database.lookUp(nextOf(misses));
  }

  @Benchmark
  public @Nullable Policy map() {
    next = (next + 1) & (FLOWS - 1);
    return peer.get(asked[next]);
  }

  @Benchmark
  public void update() {
    next = (next + 1) % policies;
    Policy policy = changed[next];
    changed[next] = present[next];
    present[next] = policy;
    database.put(policy);
  }

  @Benchmark
  public void replace() {
    next = (next + 1) % policies;
    Policy policy = absent[next];
    absent[next] = present[next];
    present[next] = policy;
    database.remove(absent[next].selector());
    database.put(policy);
  }

  /**
   * All numbers of policies in turn, in this process, by the thread's own CPU time: what others do
   * on the machine then tells less. Prints nanoseconds, the median of {@code rounds}.
   */
  public static void main(String[] arguments) {
    int rounds = Integer.parseInt(arguments[0]);
    int[] counts = Arrays.stream(arguments).skip(1).mapToInt(Integer::parseInt).toArray();
    for (Shape shape : Shape.values()) {
      var benchmarks = new ArrayList<PolicyLookUpBenchmark>();
      for (int count : counts) {
        var benchmark = new PolicyLookUpBenchmark();
        benchmark.shape = shape;
        benchmark.policies = count;
        benchmark.fill();
        benchmarks.add(benchmark);
      }
      compare(shape + " | few", rounds, benchmarks, benchmark -> benchmark.seen = benchmark.few());
      compare(shape + " | hit", rounds, benchmarks, benchmark -> benchmark.seen = benchmark.hit());
      compare(shape + " | memory", rounds, benchmarks, PolicyLookUpBenchmark::memory);
      compare(
          shape + " | packet",
          rounds,
          benchmarks,
          benchmark -> benchmark.seen = benchmark.packet());
      compare(shape + " | written", rounds, benchmarks, PolicyLookUpBenchmark::written);
      compare(shape + " | map", rounds, benchmarks, benchmark -> benchmark.seen = benchmark.map());
      compare(
          shape + " | miss", rounds, benchmarks, benchmark -> benchmark.seen = benchmark.miss());
      compare(shape + " | update", rounds, benchmarks, PolicyLookUpBenchmark::update);
      compare(shape + " | replace", rounds, benchmarks, PolicyLookUpBenchmark::replace);
    }
  }

  private static void compare(
      String name,
      int rounds,
      List<PolicyLookUpBenchmark> benchmarks,
      Consumer<PolicyLookUpBenchmark> operation) {
    ThreadMXBean clock = ManagementFactory.getThreadMXBean();
    var nanos = new double[benchmarks.size()][rounds];
    for (int round = -WARM_UP; round < rounds; round++) {
      for (int i = 0; i < nanos.length; i++) {
        long start = clock.getCurrentThreadCpuTime();
        for (int n = 0; n < FLOWS; n++) {
          operation.accept(benchmarks.get(i));
        }
        long took = clock.getCurrentThreadCpuTime() - start;
        if (round >= 0) {
          nanos[i][round] = (double) took / FLOWS;
        }
      }
    }
    var line = new StringBuilder("| ").append(name);
    for (double[] each : nanos) {
      Arrays.sort(each);
      line.append(String.format(Locale.ROOT, " | %.0f", each[rounds / 2]));
    }
    double growth = nanos[nanos.length - 1][rounds / 2] / nanos[0][rounds / 2];
    System.out.println(line.append(String.format(Locale.ROOT, " | %.1f |", growth)));
  }
}

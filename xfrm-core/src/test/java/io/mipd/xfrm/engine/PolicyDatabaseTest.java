package io.mipd.xfrm.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.Selector;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

class PolicyDatabaseTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::c");
  private static final int[] PREFIX_LENGTHS = {0, 1, 16, 48, 63, 64, 65, 112, 127, 128};
  private static final int[] PROTOCOLS = {
    0, IpProtocol.TCP, IpProtocol.UDP, IpProtocol.ICMPV6, IpProtocol.MOBILITY
  };

  private final PolicyDatabase database = new PolicyDatabase(1);

  private static Policy policy(Selector selector, int priority) {
    return Policy.allow(selector, Direction.OUT, priority, Bundle.EMPTY);
  }

  @Test
  void theLowestPriorityWinsWhereverItsShapeStands() {
    var any = policy(Selector.ANY, 10);
    var exact = policy(Selector.between(HOME, PEER), 20);
    database.put(exact);
    database.put(any);

    assertThat(database.lookUp(Flow.of(HOME, PEER, IpProtocol.UDP))).contains(any);

    database.put(policy(Selector.ANY, 30));
    assertThat(database.lookUp(Flow.of(HOME, PEER, IpProtocol.UDP))).contains(exact);
  }

  @Test
  void anUpdateKeepsItsPlaceAmongEquals() {
    var first = policy(Selector.between(HOME, PEER), 5);
    database.put(first);
    database.put(policy(Selector.ANY, 5));
    database.put(first);

    assertThat(database.lookUp(Flow.of(HOME, PEER, IpProtocol.UDP))).contains(first);
    assertThat(database.size()).isEqualTo(2);
  }

  @Test
  void agreesWithALinearScanThroughThousandsOfChanges() {
    var random = RandomGeneratorFactory.of("L64X128MixRandom").create(4301);
    Map<Selector, Policy> naive = new LinkedHashMap<>();
    for (int i = 0; i < 20_000; i++) {
      var selector = randomSelector(random);
      if (random.nextInt(3) == 0 && !naive.isEmpty()) {
        var present = List.copyOf(naive.keySet()).get(random.nextInt(naive.size()));
        naive.remove(present);
        assertThat(database.remove(present)).isTrue();
      } else if (naive.size() < 120 || naive.containsKey(selector)) {
        var added = policy(selector, random.nextInt(40));
        naive.put(selector, added);
        database.put(added);
      }
      var flow = randomFlow(random);
      assertThat(database.lookUp(flow)).as("%s", flow).isEqualTo(scan(naive, flow));
      assertThat(database.size()).isEqualTo(naive.size());
    }
  }

  /** First of lowest priority in the order of insertion; an update keeps the place. */
  private static Optional<Policy> scan(Map<Selector, Policy> policies, Flow flow) {
    Policy best = null;
    for (Policy candidate : policies.values()) {
      if (candidate.selector().matches(flow)
          && (best == null || candidate.priority() < best.priority())) {
        best = candidate;
      }
    }
    return Optional.ofNullable(best);
  }

  /** Few distinct bits, so that prefixes nest and flows hit. */
  private static Ipv6Address randomAddress(RandomGenerator random) {
    long high = random.nextBoolean() ? 0x2001_0db8_0001_0000L : 0x2001_0db8_000c_0001L;
    return new Ipv6Address(high, random.nextInt(3) | (random.nextBoolean() ? 1L << 63 : 0));
  }

  private static Ipv6Prefix randomPrefix(RandomGenerator random) {
    return Ipv6Prefix.of(
        randomAddress(random), PREFIX_LENGTHS[random.nextInt(PREFIX_LENGTHS.length)]);
  }

  private static PortMatch randomPort(RandomGenerator random) {
    return switch (random.nextInt(4)) {
      case 0 -> PortMatch.exactly(random.nextInt(3));
      case 1 -> new PortMatch(random.nextInt(2) * 2, 0xfffe);
      default -> PortMatch.ANY;
    };
  }

  private static Selector randomSelector(RandomGenerator random) {
    var selector = Selector.between(randomPrefix(random), randomPrefix(random));
    int protocol = PROTOCOLS[random.nextInt(PROTOCOLS.length)];
    if (protocol != 0) {
      selector = selector.withProtocol(protocol).withPorts(randomPort(random), randomPort(random));
    }
    return random.nextInt(5) == 0 ? selector.withMark(new Mark(random.nextInt(2), 1)) : selector;
  }

  private static Flow randomFlow(RandomGenerator random) {
    int protocol = PROTOCOLS[1 + random.nextInt(PROTOCOLS.length - 1)];
    return new Flow(
        randomAddress(random),
        randomAddress(random),
        protocol,
        random.nextInt(4) - 1,
        random.nextInt(4) - 1,
        random.nextInt(3),
        0);
  }

  @Test
  void aTableGivesBackWhatAMapDoes() {
    var random = RandomGeneratorFactory.of("L64X128MixRandom").create(6275);
    var table = new WordTable<Integer>(7);
    Map<Long, Integer> map = new LinkedHashMap<>();
    for (int i = 0; i < 50_000; i++) {
      long key = random.nextInt(300);
      if (random.nextBoolean()) {
        assertThat(table.put(0, key, 0, 1, 0, 0, i)).isEqualTo(map.put(key, i));
      } else {
        assertThat(table.remove(0, key, 0, 1, 0, 0)).isEqualTo(map.remove(key));
      }
      assertThat(table.size()).isEqualTo(map.size());
      long other = random.nextInt(300);
      assertThat(table.get(0, other, 0, 1, 0, 0)).isEqualTo(map.get(other));
    }
    var left = new ArrayList<>(map.keySet());
    table.clear();
    assertThat(left).allMatch(key -> table.get(0, key, 0, 1, 0, 0) == null);
  }
}

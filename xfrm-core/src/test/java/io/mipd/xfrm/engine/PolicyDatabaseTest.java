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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

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
  void anUrgentShapeThatIsNoMoreDoesNotHideOthers() {
    var urgent = policy(Selector.between(HOME, PEER).withProtocol(IpProtocol.UDP), 1);
    var host = policy(Selector.between(HOME, PEER), 7);
    var any = policy(Selector.ANY, 5);
    database.put(urgent);
    database.put(host);
    database.put(any);
    assertThat(database.lookUp(Flow.of(HOME, PEER, IpProtocol.UDP))).contains(urgent);

    database.put(policy(urgent.selector(), 9));
    assertThat(database.lookUp(Flow.of(HOME, PEER, IpProtocol.UDP))).contains(any);

    database.remove(Selector.ANY);
    assertThat(database.lookUp(Flow.of(HOME, PEER, IpProtocol.UDP))).contains(host);
  }

  @Test
  void prioritiesAreUnsignedAsTheKernels() {
    var last = policy(Selector.between(HOME, PEER), -1);
    var first = policy(Selector.ANY, Integer.MAX_VALUE);
    database.put(last);
    database.put(first);

    assertThat(database.lookUp(Flow.of(HOME, PEER, IpProtocol.UDP))).contains(first);
  }

  @Test
  void aPortThatCannotBeSeenMatchesOnlyAny() {
    var last =
        Selector.between(HOME, PEER)
            .withProtocol(IpProtocol.UDP)
            .withPorts(PortMatch.exactly(0xffff), PortMatch.ANY);
    database.put(policy(last, 1));

    assertThat(database.lookUp(Flow.of(HOME, PEER, IpProtocol.UDP))).isEmpty();
    assertThat(database.lookUp(new Flow(HOME, PEER, IpProtocol.UDP, 0xffff, 53, 0, 0))).isPresent();
  }

  @Test
  void whatHasGoneLeavesNoShapeBehind() {
    var random = RandomGeneratorFactory.of("L64X128MixRandom").create(1999);
    for (int i = 0; i < 1000; i++) {
      database.put(policy(Population.MANY_SHAPES.selector(random), i));
    }
    assertThat(database.shapes()).isGreaterThan(900);

    database.clear();
    assertThat(database.size()).isZero();
    assertThat(database.shapes()).isZero();
  }

  @ParameterizedTest
  @EnumSource(Population.class)
  void agreesWithALinearScanThroughThousandsOfChanges(Population population) {
    var random = RandomGeneratorFactory.of("L64X128MixRandom").create(4301);
    var naive = new LinearScan();
    for (int i = 0; i < population.changes; i++) {
      boolean shrinks = naive.size() > population.most || random.nextInt(4) == 0;
      if (random.nextInt(3000) == 0) {
        naive.policies.clear();
        database.clear();
      } else if (naive.size() > 0 && (shrinks || random.nextInt(4) == 0)) {
        var present = naive.pick(random);
        if (shrinks) {
          naive.policies.remove(present);
          assertThat(database.remove(present.selector())).isTrue();
          assertThat(database.remove(present.selector())).isFalse();
        } else {
          put(naive, policy(present.selector(), randomPriority(random)));
        }
      } else {
        put(naive, policy(population.selector(random), randomPriority(random)));
      }
      for (int flows = 0; flows < 3; flows++) {
        var flow = randomFlow(random);
        assertThat(database.lookUp(flow)).as("%s", flow).isEqualTo(naive.lookUp(flow));
      }
      assertThat(database.size()).isEqualTo(naive.size());
      if (i % 500 == 0) {
        assertThat(database.policies()).isEqualTo(naive.policies);
      }
    }
  }

  private void put(LinearScan naive, Policy added) {
    naive.put(added);
    database.put(added);
    assertThat(database.get(added.selector())).contains(added);
  }

  /** What the policies of a run are like. */
  private enum Population {
    /** Few shapes, few distinct bits: one takes another's place. */
    CROWDED(100, 20_000),
    /** Any prefix lengths and masks, and more of them than of flows. */
    MANY_SHAPES(600, 6_000);

    private final int most;
    private final int changes;

    Population(int most, int changes) {
      this.most = most;
      this.changes = changes;
    }

    Selector selector(RandomGenerator random) {
      var selector = Selector.between(prefix(random), prefix(random));
      int protocol = PROTOCOLS[random.nextInt(PROTOCOLS.length)];
      if (protocol == IpProtocol.MOBILITY && random.nextBoolean()) {
        selector = selector.withType(protocol, random.nextInt(3));
      } else if (protocol != IpProtocol.ANY) {
        selector = selector.withProtocol(protocol).withPorts(port(random), port(random));
      }
      selector = random.nextInt(5) == 0 ? selector.withMark(mark(random)) : selector;
      return random.nextInt(5) == 0 ? withInterface(selector, random.nextInt(2)) : selector;
    }

    private Ipv6Prefix prefix(RandomGenerator random) {
      int length =
          this == CROWDED
              ? PREFIX_LENGTHS[random.nextInt(PREFIX_LENGTHS.length)]
              : random.nextInt(129);
      return Ipv6Prefix.of(randomAddress(random), length);
    }

    private PortMatch port(RandomGenerator random) {
      return switch (random.nextInt(4)) {
        case 0 -> PortMatch.exactly(random.nextInt(3));
        case 1 ->
            this == CROWDED
                ? new PortMatch(random.nextInt(2) * 2, 0xfffe)
                : new PortMatch(0, 0xffff & (-1 << random.nextInt(17)));
        default -> PortMatch.ANY;
      };
    }

    private Mark mark(RandomGenerator random) {
      int mask = this == CROWDED ? 1 : random.nextInt(4) << 30 | 1;
      return new Mark(random.nextInt(2), mask);
    }
  }

  private static Selector withInterface(Selector selector, int interfaceId) {
    return new Selector(
        selector.source(),
        selector.destination(),
        selector.protocol(),
        selector.sourcePort(),
        selector.destinationPort(),
        selector.mark(),
        interfaceId);
  }

  /** The same, by asking every policy in the order of insertion; an update keeps the place. */
  private static final class LinearScan {
    private final List<Policy> policies = new ArrayList<>();

    int size() {
      return policies.size();
    }

    Policy pick(RandomGenerator random) {
      return policies.get(random.nextInt(policies.size()));
    }

    void put(Policy added) {
      for (int i = 0; i < policies.size(); i++) {
        if (policies.get(i).selector().equals(added.selector())) {
          policies.set(i, added);
          return;
        }
      }
      policies.add(added);
    }

    Optional<Policy> lookUp(Flow flow) {
      Policy best = null;
      for (Policy candidate : policies) {
        if (candidate.selector().matches(flow)
            && (best == null
                || Integer.toUnsignedLong(candidate.priority())
                    < Integer.toUnsignedLong(best.priority()))) {
          best = candidate;
        }
      }
      return Optional.ofNullable(best);
    }
  }

  /** Few, so that there are equals; some beyond where a signed number ends. */
  private static int randomPriority(RandomGenerator random) {
    return random.nextInt(40) - 10;
  }

  /** Few distinct bits, so that prefixes nest and flows hit. */
  private static Ipv6Address randomAddress(RandomGenerator random) {
    long high = random.nextBoolean() ? 0x2001_0db8_0001_0000L : 0x2001_0db8_000c_0001L;
    return new Ipv6Address(high, random.nextInt(3) | (random.nextBoolean() ? 1L << 63 : 0));
  }

  private static Flow randomFlow(RandomGenerator random) {
    int protocol = PROTOCOLS[1 + random.nextInt(PROTOCOLS.length - 1)];
    return new Flow(
        randomAddress(random),
        randomAddress(random),
        protocol,
        random.nextInt(4) - 1,
        random.nextInt(4) - 1,
        random.nextInt(4) << 30 | random.nextInt(3),
        random.nextInt(5) == 0 ? 1 : 0);
  }

  /** What had to go past a full group comes back, and with it the words beside its key. */
  @ParameterizedTest
  @ValueSource(ints = {14, 300, 3000})
  void whatATableHoldsIsFoundWhateverGoesBeforeIt(int keys) {
    var random = RandomGeneratorFactory.of("L64X128MixRandom").create(keys);
    var table = new WordTable<Long>(8, 2, Long[]::new);
    Map<Long, Long> map = new LinkedHashMap<>();
    for (int i = 0; i < 20_000; i++) {
      long key = random.nextInt(keys);
      // Full for a while, and then nearly empty.
      if (random.nextInt(8) < (i / 5_000 % 2 == 0 ? 7 : 1)) {
        table.put(key, 0, 0, 0, 0, 0, key);
        int slot = table.find(key, 0, 0, 0, 0, 0);
        table.setWord(slot, 0, ~key);
        table.setWord(slot, 1, i);
        map.put(key, (long) i);
      } else {
        table.remove(key, 0, 0, 0, 0, 0);
        map.remove(key);
      }
      if (i % 100 == 0) {
        map.forEach(
            (present, when) -> {
              int slot = table.find(present, 0, 0, 0, 0, 0);
              assertThat(table.array()[slot]).isEqualTo(present);
              assertThat(table.word(slot, 0)).isEqualTo(~present);
              assertThat(table.word(slot, 1)).isEqualTo(when);
            });
        assertThat(table.slots().count()).isEqualTo(map.size());
      }
    }
  }

  @Test
  void aTableGivesBackWhatAMapDoes() {
    var random = RandomGeneratorFactory.of("L64X128MixRandom").create(6275);
    var table = new WordTable<Integer>(7, Integer[]::new);
    Map<Long, Integer> map = new LinkedHashMap<>();
    for (int i = 0; i < 50_000; i++) {
      long key = random.nextInt(300);
      if (random.nextBoolean()) {
        assertThat(table.put(0, key, 0, 1, 0, 0, i)).isEqualTo(map.put(key, i));
      } else {
        assertThat(table.remove(0, key, 0, 1, 0, 0)).isEqualTo(map.remove(key));
      }
      assertThat(table.size()).isEqualTo(map.size());
      if (i % 500 == 0) {
        assertThat(table.values()).containsExactlyInAnyOrderElementsOf(map.values());
      }
      long other = random.nextInt(300);
      assertThat(table.get(0, other, 0, 1, 0, 0)).isEqualTo(map.get(other));
    }
    var left = new ArrayList<>(map.keySet());
    table.clear();
    assertThat(left).allMatch(key -> table.get(0, key, 0, 1, 0, 0) == null);
  }
}

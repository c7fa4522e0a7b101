package io.mipd.merger.index;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Selector;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Finds what looking at all one by one finds, with few and with many. */
class SelectorIndexTest {
  private static final ImmutableList<Ipv6Address> ADDRESSES =
      ImmutableList.of(
          Ipv6Address.parse("2001:db8:1::1"),
          Ipv6Address.parse("2001:db8:1::2"),
          Ipv6Address.parse("2001:db8:2::1"),
          Ipv6Address.parse("2001:db9::1"));
  private static final int[] LENGTHS = {0, 32, 64, 128};
  private static final int ROUNDS = 2_000;

  private final Random random = new Random(7);
  private final SelectorIndex<Integer> index = new SelectorIndex<>();
  private final Map<Integer, Selector> all = new LinkedHashMap<>();

  /** The greatest number there is at once; 16 and fewer are not indexed. */
  @ParameterizedTest
  @ValueSource(ints = {1, 16, 17, 200})
  void findsWhatMeetsAndWhatMatches(int most) {
    for (int round = 0; round < ROUNDS; round++) {
      change(round, most);
      Selector asked = selector();
      Flow flow = flow();
      assertThat(meeting(asked)).isEqualTo(those(it -> it.meets(asked)));
      assertThat(matching(flow)).isEqualTo(those(it -> it.matches(flow)));
      assertThat(index.anyMeeting(asked, value -> value % 3 == 0))
          .isEqualTo(meeting(asked).stream().anyMatch(value -> value % 3 == 0));
    }
    assertThat(all).hasSizeBetween(1, most);
  }

  private void change(int round, int most) {
    // Mostly one more, as long as there is room; now and then the same once more.
    if (all.size() < most && random.nextInt(4) > 0) {
      Selector come = selector();
      all.put(round, come);
      index.add(come, round);
      index.add(come, round);
    } else if (all.size() > 1) {
      Map.Entry<Integer, Selector> gone =
          ImmutableList.copyOf(all.entrySet()).get(random.nextInt(all.size()));
      index.remove(gone.getValue(), gone.getKey());
      all.remove(gone.getKey());
    }
  }

  private Set<Integer> those(Predicate<Selector> wanted) {
    var found = new TreeSet<Integer>();
    all.forEach(
        (value, selector) -> {
          if (wanted.test(selector)) {
            found.add(value);
          }
        });
    return found;
  }

  private Set<Integer> meeting(Selector selector) {
    var found = new TreeSet<Integer>();
    index.forEachMeeting(selector, found::add);
    return found;
  }

  private Set<Integer> matching(Flow flow) {
    var found = new TreeSet<Integer>();
    index.forEachMatching(flow, found::add);
    return found;
  }

  private Ipv6Address address() {
    return ADDRESSES.get(random.nextInt(ADDRESSES.size()));
  }

  private Selector selector() {
    return Selector.between(prefix(), prefix())
        .withProtocol(random.nextBoolean() ? IpProtocol.TCP : IpProtocol.ANY);
  }

  private Ipv6Prefix prefix() {
    return Ipv6Prefix.of(address(), LENGTHS[random.nextInt(LENGTHS.length)]);
  }

  private Flow flow() {
    return Flow.of(address(), address(), random.nextBoolean() ? IpProtocol.TCP : IpProtocol.UDP);
  }
}

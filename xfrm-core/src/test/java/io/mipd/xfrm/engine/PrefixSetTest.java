package io.mipd.xfrm.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class PrefixSetTest {
  private final PrefixSet prefixes = new PrefixSet();

  private void add(String... texts) {
    for (String text : texts) {
      prefixes.add(Ipv6Prefix.parse(text), 0, 0);
    }
  }

  private void remove(String text) {
    prefixes.remove(Ipv6Prefix.parse(text), 0, 0);
  }

  private int[] lengthsAt(Ipv6Address address) {
    PrefixSet.find(prefixes, address.high(), address.low(), new PrefixSet(), 0, 0);
    return IntStream.range(0, prefixes.found()).map(i -> lengthOf(prefixes.number(i))).toArray();
  }

  private int lengthOf(int number) {
    return IntStream.range(0, PrefixSet.LENGTHS)
        .filter(length -> prefixes.numberOf(length) == number)
        .findFirst()
        .orElseThrow();
  }

  private int[] lengthsAt(String text) {
    return lengthsAt(Ipv6Address.parse(text));
  }

  @Test
  void tellsTheLengthsOfThePrefixesThatContainAnAddress() {
    assertThat(lengthsAt("::")).isEmpty();

    add("::/0", "2001:db8::/32", "2001:db8::/46", "2001:db8:1:10::/64", "2001:db8:1:10::1");

    assertThat(lengthsAt("2001:db8:1:10::1")).containsExactly(0, 32, 46, 64, 128);
    assertThat(lengthsAt("2001:db8:1:10::2")).containsExactly(0, 32, 46, 64);
    assertThat(lengthsAt("2001:db8:1:11::1")).containsExactly(0, 32, 46);
    assertThat(lengthsAt("2001:db8:8::1")).containsExactly(0, 32);
    assertThat(lengthsAt("2002::")).containsExactly(0);
  }

  @Test
  void aPrefixIsThereUntilItWasRemovedAsOftenAsAdded() {
    add("::/0", "2001:db8::/32", "2001:db8::/32");

    remove("2001:db8::/32");
    assertThat(lengthsAt("2001:db8::1")).containsExactly(0, 32);

    remove("2001:db8::/32");
    assertThat(lengthsAt("2001:db8::1")).containsExactly(0);
  }

  @Test
  void everyLengthOfOneAddressIsFound() {
    var address = Ipv6Address.parse("2001:db8:a5a5:5a5a:f0f0:f0f:c3c3:3c3c");
    for (int length = 0; length <= Ipv6Address.BITS; length++) {
      prefixes.add(Ipv6Prefix.of(address, length), 0, 0);
    }

    assertThat(lengthsAt(address)).containsExactly(IntStream.rangeClosed(0, 128).toArray());
  }

  @Test
  void theTwoOfALookUpDoNotMix() {
    add("2001:db8::/32", "2001:db8:1::/48");
    var others = new PrefixSet();
    others.add(Ipv6Prefix.parse("2001:db8:c:c::/64"), 0, 0);
    others.add(Ipv6Prefix.parse("2001:db8:c:c::c"), 0, 0);
    var address = Ipv6Address.parse("2001:db8::1");
    var other = Ipv6Address.parse("2001:db8:c:c::c");

    PrefixSet.find(prefixes, address.high(), address.low(), others, other.high(), other.low());

    assertThat(prefixes.found()).isEqualTo(1);
    assertThat(others.found()).isEqualTo(2);
  }

  /** Whichever bits a node has, a walk skips, or the next node has: all of a prefix count. */
  @Test
  void whatDiffersInOneBitOfAPrefixIsOutsideOfIt() {
    var address = Ipv6Address.parse("2001:db8:a5a5:5a5a:f0f0:f0f:c3c3:3c3c");
    for (int length = 1; length <= Ipv6Address.BITS; length++) {
      add("::/0");
      prefixes.add(Ipv6Prefix.of(address, length), 0, 0);

      for (int bit = 0; bit < Ipv6Address.BITS; bit++) {
        int[] expected = bit < length ? new int[] {0} : new int[] {0, length};
        assertThat(lengthsAt(flipped(address, bit))).as("%d/%d", bit, length).isEqualTo(expected);
      }
      prefixes.remove(Ipv6Prefix.of(address, length), 0, 0);
      remove("::/0");
    }
  }

  private static Ipv6Address flipped(Ipv6Address address, int bit) {
    return bit < 64
        ? new Ipv6Address(address.high() ^ Long.MIN_VALUE >>> bit, address.low())
        : new Ipv6Address(address.high(), address.low() ^ Long.MIN_VALUE >>> bit);
  }

  @Test
  void whatIsNotUsedWithTheLengthsAskedForIsForgotten() {
    prefixes.add(Ipv6Prefix.parse("::/0"), 3, 0);
    prefixes.add(Ipv6Prefix.parse("2001:db8::/32"), 5, 7);
    assertThat(lengthsAt("2001:db8::1")).containsExactly(0, 32);

    prefixes.keepThoseWith(1L << 5);

    assertThat(prefixes.found()).isEqualTo(1);
    assertThat(lengthOf(prefixes.number(0))).isEqualTo(32);
    assertThat(prefixes.mostUrgentWith(0, 5)).isEqualTo(7);
  }

  @Test
  void aBlockThatWasGivenBackIsTakenAgain() {
    var blocks = new WordBlocks();
    int first = blocks.allocate(4);
    int second = blocks.allocate(4);
    int longer = blocks.allocate(5);
    blocks.free(first, 4);
    blocks.free(longer, 5);
    blocks.free(second, 4);

    assertThat(blocks.allocate(4)).isEqualTo(second);
    assertThat(blocks.allocate(5)).isEqualTo(longer);
    assertThat(blocks.allocate(4)).isEqualTo(first);
    assertThat(blocks.allocate(4)).isGreaterThan(longer);
  }

  /** One policy's end. */
  private record End(Ipv6Prefix prefix, int other, int priority) {}

  /** What is found, and how it is used, is always what the ends say that are there then. */
  @Test
  void agreesWithAListThroughThousandsOfChanges() {
    var random = RandomGeneratorFactory.of("L64X128MixRandom").create(4291);
    List<End> naive = new ArrayList<>();
    for (int i = 0; i < 50_000; i++) {
      // Waxes to some hundreds and wanes to none, again and again.
      boolean wanes = i / 1000 % 2 == 1;
      int one = naive.isEmpty() ? -1 : random.nextInt(naive.size());
      if (one >= 0 && random.nextInt(4) == 0) {
        End old = naive.get(one);
        var changed = new End(old.prefix, old.other, random.nextInt(9) - 4);
        naive.set(one, changed);
        prefixes.change(old.prefix, old.other, old.priority, changed.priority);
      } else if (one >= 0 && random.nextInt(4) < (wanes ? 3 : 1)) {
        End removed = naive.remove(one);
        prefixes.remove(removed.prefix, removed.other, removed.priority);
      } else if (one < 0 || !wanes) {
        // Prefixes that are there already, too, so that they have several policies.
        var prefix =
            one >= 0 && random.nextBoolean()
                ? naive.get(one).prefix
                : Ipv6Prefix.of(randomAddress(random), random.nextInt(129));
        var added = new End(prefix, random.nextInt(129), random.nextInt(9) - 4);
        naive.add(added);
        prefixes.add(added.prefix, added.other, added.priority);
      }
      var address = randomAddress(random);
      assertThat(lengthsAt(address)).as("%s", address).isEqualTo(expected(naive, address));
      if (lengths(naive.stream()).length > 1) {
        agreeOnUses(naive.stream().filter(end -> end.prefix.contains(address)).toList());
      }
    }
  }

  private void agreeOnUses(List<End> ends) {
    int found = prefixes.found();
    prefixes.keepThoseWith(-1);
    assertThat(prefixes.found()).isEqualTo(found);
    for (int i = 0; i < found; i++) {
      int length = lengthOf(prefixes.number(i));
      Map<Integer, Integer> mostUrgent = new HashMap<>();
      for (End end : ends) {
        if (end.prefix.length() == length) {
          mostUrgent.merge(
              end.other % Long.SIZE,
              end.priority,
              (a, b) -> Integer.compareUnsigned(a, b) < 0 ? a : b);
        }
      }
      for (int other = 0; other < Long.SIZE; other++) {
        boolean isWith = (prefixes.others(i) >>> other & 1) != 0;
        assertThat(isWith).isEqualTo(mostUrgent.containsKey(other));
        if (isWith) {
          assertThat(prefixes.mostUrgentWith(i, other)).isEqualTo(mostUrgent.get(other));
        }
      }
    }
  }

  /** Of one length only, it does not look. */
  private static int[] expected(List<End> naive, Ipv6Address address) {
    int[] all = lengths(naive.stream());
    return all.length < 2 ? all : lengths(naive.stream().filter(e -> e.prefix.contains(address)));
  }

  private static int[] lengths(Stream<End> ends) {
    return ends.mapToInt(end -> end.prefix.length()).distinct().sorted().toArray();
  }

  /** Few distinct ones that share many bits, in either half. */
  private static Ipv6Address randomAddress(RandomGenerator random) {
    long high = 0x2001_0db8_0000_0000L ^ ((1L << random.nextInt(64)) * random.nextInt(2));
    return new Ipv6Address(high, (1L << random.nextInt(64)) * random.nextInt(4));
  }
}

package io.mipd.xfrm.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.util.ArrayList;
import java.util.Arrays;
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
    return Arrays.stream(prefixes.foundNumbers(), 0, prefixes.found())
        .map(this::lengthOf)
        .toArray();
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
    for (int i = 0; i < prefixes.found(); i++) {
      int length = lengthOf(prefixes.foundNumbers()[i]);
      Map<Integer, Integer> mostUrgent = new HashMap<>();
      for (End end : ends) {
        if (end.prefix.length() == length) {
          mostUrgent.merge(
              end.other % Long.SIZE,
              end.priority,
              (a, b) -> Integer.compareUnsigned(a, b) < 0 ? a : b);
        }
      }
      PrefixUse use = prefixes.foundUses()[i];
      for (int other = 0; other < Long.SIZE; other++) {
        assertThat(use.isWith(other)).isEqualTo(mostUrgent.containsKey(other));
        if (use.isWith(other)) {
          assertThat(use.mostUrgentWith(other)).isEqualTo(mostUrgent.get(other));
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

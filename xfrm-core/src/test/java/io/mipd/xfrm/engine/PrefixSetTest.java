package io.mipd.xfrm.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class PrefixSetTest {
  private final PrefixSet prefixes = new PrefixSet();

  private void add(String... texts) {
    for (String text : texts) {
      prefixes.add(Ipv6Prefix.parse(text));
    }
  }

  private int[] lengthsAt(Ipv6Address address) {
    var numbers = new int[PrefixSet.LENGTHS];
    int found = prefixes.lengthsAt(address.high(), address.low(), numbers);
    return Arrays.stream(numbers, 0, found).map(this::lengthOf).toArray();
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

    prefixes.remove(Ipv6Prefix.parse("2001:db8::/32"));
    assertThat(lengthsAt("2001:db8::1")).containsExactly(0, 32);

    prefixes.remove(Ipv6Prefix.parse("2001:db8::/32"));
    assertThat(lengthsAt("2001:db8::1")).containsExactly(0);
  }

  @Test
  void everyLengthOfOneAddressIsFound() {
    var address = Ipv6Address.parse("2001:db8:a5a5:5a5a:f0f0:f0f:c3c3:3c3c");
    for (int length = 0; length <= Ipv6Address.BITS; length++) {
      prefixes.add(Ipv6Prefix.of(address, length));
    }

    assertThat(lengthsAt(address)).containsExactly(IntStream.rangeClosed(0, 128).toArray());
  }

  @Test
  void agreesWithAListThroughThousandsOfChanges() {
    var random = RandomGeneratorFactory.of("L64X128MixRandom").create(4291);
    List<Ipv6Prefix> naive = new ArrayList<>();
    for (int i = 0; i < 50_000; i++) {
      // Waxes to some hundreds and wanes to none, again and again.
      boolean wanes = i / 1000 % 2 == 1;
      if (!naive.isEmpty() && random.nextInt(4) < (wanes ? 3 : 1)) {
        prefixes.remove(naive.remove(random.nextInt(naive.size())));
      } else if (naive.isEmpty() || !wanes) {
        var added = Ipv6Prefix.of(randomAddress(random), random.nextInt(129));
        naive.add(added);
        prefixes.add(added);
      }
      var address = randomAddress(random);
      assertThat(lengthsAt(address)).as("%s", address).isEqualTo(expected(naive, address));
    }
  }

  /** Of one length only, it does not look. */
  private static int[] expected(List<Ipv6Prefix> naive, Ipv6Address address) {
    int[] all = lengths(naive.stream());
    return all.length < 2 ? all : lengths(naive.stream().filter(p -> p.contains(address)));
  }

  private static int[] lengths(Stream<Ipv6Prefix> prefixes) {
    return prefixes.mapToInt(Ipv6Prefix::length).distinct().sorted().toArray();
  }

  /** Few distinct ones that share many bits, in either half. */
  private static Ipv6Address randomAddress(RandomGenerator random) {
    long high = 0x2001_0db8_0000_0000L ^ ((1L << random.nextInt(64)) * random.nextInt(2));
    return new Ipv6Address(high, (1L << random.nextInt(64)) * random.nextInt(4));
  }
}

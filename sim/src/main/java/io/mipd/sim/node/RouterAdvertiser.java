package io.mipd.sim.node;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.packet.Icmpv6Message.RouterAdvertisement;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.NdOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * When a router advertises on an interface, and what (RFC 4861 section 6.2). A core: times in,
 * messages and the next deadline out.
 */
public final class RouterAdvertiser {
  /** RFC 4861 section 10. */
  static final Duration MAX_INITIAL_RTR_ADVERT_INTERVAL = Duration.ofSeconds(16);

  /** RFC 4861 section 10. */
  static final int MAX_INITIAL_RTR_ADVERTISEMENTS = 3;

  /**
   * The configuration variables of RFC 4861 section 6.2.1, with the limits that RFC 6275 section
   * 7.5 allows.
   *
   * @param minRtrAdvInterval at least 30 ms
   * @param maxRtrAdvInterval at least 70 ms, and not less than the other
   * @param minDelayBetweenRas of RFC 6275 section 13, at least 30 ms
   * @param maxRaDelayTime within which solicitations are answered (RFC 4861 section 6.2.6)
   * @param unicastAnswers whether who asks is answered alone, if it gives its address
   * @param lifetime AdvDefaultLifetime, in whole seconds
   * @param interval whether the Advertisement Interval option is sent
   */
  public record Settings(
      Duration minRtrAdvInterval,
      Duration maxRtrAdvInterval,
      Duration minDelayBetweenRas,
      Duration maxRaDelayTime,
      boolean unicastAnswers,
      Duration lifetime,
      boolean interval,
      ImmutableList<NdOption.PrefixInformation> prefixes) {
    private static final Duration LEAST_MIN = Duration.ofMillis(30);
    private static final Duration LEAST_MAX = Duration.ofMillis(70);

    public Settings {
      checkArgument(minRtrAdvInterval.compareTo(LEAST_MIN) >= 0, "below 30 ms");
      checkArgument(maxRtrAdvInterval.compareTo(LEAST_MAX) >= 0, "below 70 ms");
      checkArgument(maxRtrAdvInterval.compareTo(minRtrAdvInterval) >= 0, "maximum below minimum");
      checkArgument(minDelayBetweenRas.compareTo(LEAST_MIN) >= 0, "below 30 ms");
      checkArgument(!maxRaDelayTime.isNegative(), "negative delay");
      checkArgument(
          !lifetime.isNegative() && lifetime.toSeconds() <= 65535, "not 16 bits of seconds");
    }
  }

  /** RFC 6275 section 7.5: below 200 ms, 20 ms are added for scheduling. */
  private static final long SHORT_INTERVAL_MILLIS = 200;

  private static final long SCHEDULING_MILLIS = 20;
  private static final int HOP_LIMIT = 64;

  private final Settings settings;
  private final LinkLayerAddress address;
  private final RandomGenerator random;
  private Optional<Instant> due = Optional.empty();
  private Optional<Instant> last = Optional.empty();
  private int initial;

  /** Whether the next one answers somebody. */
  private boolean answering;

  public RouterAdvertiser(Settings settings, LinkLayerAddress address, RandomGenerator random) {
    this.settings = settings;
    this.address = address;
    this.random = random;
  }

  Optional<Instant> nextDeadline() {
    return due;
  }

  /** It can advertise from now on, and does at once. */
  void begin(Instant now) {
    initial = MAX_INITIAL_RTR_ADVERTISEMENTS;
    due = Optional.of(now);
  }

  /** It cannot any more. */
  void end() {
    due = Optional.empty();
  }

  /** RFC 4861 section 6.2.6; the delay counts from the first of several. */
  void solicited(Instant now) {
    if (due.isEmpty() || answering) {
      return;
    }
    Duration delay = Duration.ofNanos(upTo(settings.maxRaDelayTime()));
    if (now.plus(delay).isAfter(due.get())) {
      return;
    }
    Instant earliest = last.map(it -> it.plus(settings.minDelayBetweenRas())).orElse(now);
    Instant answer = (earliest.isAfter(now) ? earliest : now).plus(delay);
    if (answer.isBefore(due.get())) {
      due = Optional.of(answer);
      answering = true;
    }
  }

  /**
   * How long the answer to somebody alone takes, if that is how it is answered (RFC 4861 section
   * 6.2.6); the intervals go on as they were.
   */
  Optional<Duration> answerToOne() {
    return due.isPresent() && settings.unicastAnswers()
        ? Optional.of(Duration.ofNanos(upTo(settings.maxRaDelayTime())))
        : Optional.empty();
  }

  /** The advertisement that is due. */
  Optional<RouterAdvertisement> turn(Instant now) {
    if (due.isEmpty() || due.get().isAfter(now)) {
      return Optional.empty();
    }
    answering = false;
    last = Optional.of(now);
    Duration least = settings.minRtrAdvInterval();
    Duration next = least.plusNanos(upTo(settings.maxRtrAdvInterval().minus(least)));
    if (initial > 0) {
      initial--;
      if (next.compareTo(MAX_INITIAL_RTR_ADVERT_INTERVAL) > 0) {
        next = MAX_INITIAL_RTR_ADVERT_INTERVAL;
      }
    }
    due = Optional.of(now.plus(next));
    return Optional.of(advertisement());
  }

  private long upTo(Duration most) {
    return random.nextLong(most.toNanos() + 1);
  }

  /** What it says. */
  RouterAdvertisement advertisement() {
    var options = ImmutableList.<NdOption>builder();
    options.add(new NdOption.SourceLinkLayerAddress(address));
    options.addAll(settings.prefixes());
    if (settings.interval()) {
      long millis = settings.maxRtrAdvInterval().toMillis();
      options.add(
          new NdOption.AdvertisementInterval(
              millis < SHORT_INTERVAL_MILLIS ? millis + SCHEDULING_MILLIS : millis));
    }
    return new RouterAdvertisement(
        HOP_LIMIT,
        false,
        false,
        false,
        0,
        (int) settings.lifetime().toSeconds(),
        0,
        0,
        options.build());
  }
}

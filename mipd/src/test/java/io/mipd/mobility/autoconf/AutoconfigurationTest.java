package io.mipd.mobility.autoconf;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.autoconf.AutoconfAction.Assign;
import io.mipd.mobility.autoconf.AutoconfAction.Join;
import io.mipd.mobility.autoconf.AutoconfAction.Leave;
import io.mipd.mobility.autoconf.AutoconfAction.Reason;
import io.mipd.mobility.autoconf.AutoconfAction.Renew;
import io.mipd.mobility.autoconf.AutoconfAction.Send;
import io.mipd.mobility.autoconf.AutoconfAction.Tell;
import io.mipd.mobility.autoconf.AutoconfAction.UseOptimistically;
import io.mipd.mobility.autoconf.AutoconfAction.Withdraw;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.Icmpv6Message.NeighborAdvertisement;
import io.mipd.xfrm.packet.Icmpv6Message.NeighborSolicitation;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.NdOption.PrefixInformation;
import io.mipd.xfrm.packet.Octets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A host, a router and neighbours on one link; the clock moves when it is told to. */
class AutoconfigurationTest {
  private static final int ETH0 = 2;
  private static final LinkLayerAddress MAC = mac("34567890abcd");
  private static final LinkLayerAddress ROUTER_MAC = mac("02000000000a");
  private static final Ipv6Address ROUTER = Ipv6Address.parse("fe80::a");
  private static final Ipv6Address PREFIX = Ipv6Address.parse("2001:db8:a::");
  private static final Ipv6Address OTHER_PREFIX = Ipv6Address.parse("2001:db8:b::");
  private static final Ipv6Address RESERVED_PREFIX = Ipv6Address.parse("2001:db8:1::");

  /** The example of RFC 2464 section 4: 34-56-78-90-AB-CD is 36-56-78-FF-FE-90-AB-CD. */
  private static final Ipv6Address OURS = Ipv6Address.parse("2001:db8:a::3656:78ff:fe90:abcd");

  private static final Ipv6Address OURS_THERE =
      Ipv6Address.parse("2001:db8:b::3656:78ff:fe90:abcd");
  private static final Ipv6Address RESERVED = Ipv6Address.parse("2001:db8:1::3656:78ff:fe90:abcd");
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final Autoconfiguration host =
      new Autoconfiguration(ImmutableSet.of(RESERVED), new Random(1));
  private Instant now = Instant.EPOCH;
  private List<AutoconfAction> said = new ArrayList<>();

  // What happens.

  private static LinkLayerAddress mac(String octets) {
    return new LinkLayerAddress(Octets.parse(octets));
  }

  private void happens(AutoconfEvent event) {
    said.addAll(host.handle(now, event));
  }

  private void comesUp() {
    comesUp(1, false);
  }

  private void comesUp(int transmits, boolean router) {
    happens(new AutoconfEvent.LinkUp(ETH0, MAC, transmits, router));
  }

  private void hears(Ipv6Address source, Ipv6Address destination, Icmpv6Message message) {
    happens(new AutoconfEvent.Heard(ETH0, source, destination, message));
  }

  private static PrefixInformation prefix(Ipv6Address prefix, long valid, long preferred) {
    return new PrefixInformation(64, prefix, true, true, false, valid, preferred);
  }

  private static PrefixInformation prefix() {
    return prefix(PREFIX, 86400, 14400);
  }

  private void advertises(NdOption... options) {
    advertises(true, 0, options);
  }

  private void advertises(boolean withAddress, long retransTimer, NdOption... options) {
    var all = ImmutableList.<NdOption>builder().add(options);
    if (withAddress) {
      all.add(new NdOption.SourceLinkLayerAddress(ROUTER_MAC));
    }
    hears(
        ROUTER,
        Ipv6Address.ALL_NODES,
        new Icmpv6Message.RouterAdvertisement(
            64, false, false, false, 0, 1800, 0, retransTimer, all.build()));
  }

  private void detects(Ipv6Address target, NdOption... options) {
    hears(
        Ipv6Address.UNSPECIFIED,
        target.solicitedNodeMulticast(),
        new NeighborSolicitation(target, ImmutableList.copyOf(options)));
  }

  private void defends(Ipv6Address target) {
    hears(
        target,
        Ipv6Address.ALL_NODES,
        new NeighborAdvertisement(false, false, true, target, ImmutableList.of()));
  }

  private void passes(Duration duration) {
    Instant end = now.plus(duration);
    for (int i = 0; i < 1000; i++) {
      Optional<Instant> next = host.nextDeadline();
      if (next.isEmpty() || next.get().isAfter(end)) {
        now = end;
        return;
      }
      now = next.get().isAfter(now) ? next.get() : now;
      happens(new AutoconfEvent.DeadlineReached());
    }
    throw new AssertionError("a deadline that is always past: " + host.nextDeadline());
  }

  // What the host has said since it was last asked.

  private List<AutoconfAction> says() {
    List<AutoconfAction> all = said;
    said = new ArrayList<>();
    return all;
  }

  private <T extends AutoconfAction> List<T> says(Class<T> kind) {
    return says().stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  private static NdOption nonceOf(AutoconfAction action) {
    return ((NeighborSolicitation) ((Send) action).message()).options().get(0);
  }

  // Duplicate Address Detection.

  /** RFC 4429 section 3.3: no delay, in use immediately; RFC 4862 section 5.4.2: group first. */
  @Test
  void anAddressIsUsedAtOnceAndAssignedWhenNobodyHasAnswered() {
    comesUp();
    // router ── RA (prefix, source link-layer address) ──▶ all nodes
    advertises(prefix());
    List<AutoconfAction> first = says();
    assertThat(first).hasSize(3);
    assertThat(first.get(0)).isEqualTo(new Join(ETH0, OURS.solicitedNodeMulticast()));
    // host ── NS (from ::, nonce, no link-layer address) ──▶ solicited-node group
    var solicitation = (Send) first.get(1);
    assertThat(solicitation.source()).isEqualTo(Ipv6Address.UNSPECIFIED);
    assertThat(solicitation.destination()).isEqualTo(OURS.solicitedNodeMulticast());
    assertThat(((NeighborSolicitation) solicitation.message()).target()).isEqualTo(OURS);
    assertThat(((NeighborSolicitation) solicitation.message()).options())
        .singleElement()
        .satisfies(it -> assertThat(it.type()).isEqualTo(AutoconfLink.NONCE_OPTION));
    assertThat(first.get(2)).isEqualTo(new UseOptimistically(ETH0, OURS, SECOND));

    passes(SECOND.minusNanos(1));
    assertThat(says()).isEmpty();
    passes(Duration.ofNanos(1));
    assertThat(says())
        .containsExactly(
            new Assign(ETH0, OURS, new Lifetimes.Left(14399, 86399)),
            new Leave(ETH0, OURS.solicitedNodeMulticast()));
  }

  /** DupAddrDetectTransmits solicitations, RetransTimer apart, each with a nonce of its own. */
  @Test
  void asksAsOftenAndAsSlowlyAsItIsTold() {
    comesUp(3, false);
    advertises(true, 400, prefix());
    List<Send> sends = new ArrayList<>(says(Send.class));
    for (int i = 0; i < 2; i++) {
      passes(Duration.ofMillis(400));
      sends.addAll(says(Send.class));
    }
    assertThat(sends).hasSize(3);
    assertThat(sends.stream().map(AutoconfigurationTest::nonceOf).distinct()).hasSize(3);
    passes(Duration.ofMillis(399));
    assertThat(says()).isEmpty();
    passes(Duration.ofMillis(1));
    assertThat(says(Assign.class)).hasSize(1);
  }

  @Test
  void withoutDetectionItIsAssignedAtOnce() {
    comesUp(0, false);
    advertises(prefix());
    assertThat(says()).containsExactly(new Assign(ETH0, OURS, new Lifetimes.Left(14400, 86400)));
  }

  /** RFC 4429 section 3.2: without the router's link-layer address it stays tentative. */
  @Test
  void withoutTheRoutersAddressItWaits() {
    comesUp();
    advertises(false, 0, prefix());
    // RFC 4862 section 5.4.2: a random delay of up to a second, before the group is joined.
    assertThat(says()).isEmpty();
    passes(SECOND);
    assertThat(says())
        .hasSize(2)
        .satisfies(
            it -> assertThat(it.get(0)).isEqualTo(new Join(ETH0, OURS.solicitedNodeMulticast())),
            it -> assertThat(it.get(1)).isInstanceOf(Send.class));
    passes(SECOND);
    assertThat(says(Assign.class)).hasSize(1);
  }

  /** An answer to our own question: nobody else configures an address because of it. */
  @Test
  void aUnicastAdvertisementNeedsNoDelay() {
    comesUp();
    hears(
        ROUTER,
        Ipv6Address.parse("fe80::1234"),
        new Icmpv6Message.RouterAdvertisement(
            64, false, false, false, 0, 1800, 0, 0, ImmutableList.of(prefix())));
    assertThat(says(Send.class)).hasSize(1);
  }

  /** RFC 4429 section 3.3: a router SHOULD NOT configure an optimistic address. */
  @Test
  void aRouterWaits() {
    comesUp(1, true);
    advertises(prefix());
    passes(Duration.ofSeconds(2));
    assertThat(says())
        .noneMatch(UseOptimistically.class::isInstance)
        .anyMatch(Assign.class::isInstance);
  }

  @Test
  void aRouterThatHasToldItsAddressOnceIsKnown() {
    comesUp();
    advertises();
    advertises(false, 0, prefix());
    assertThat(says(UseOptimistically.class)).hasSize(1);
  }

  // What others say meanwhile.

  /** RFC 4429 section 3.3: it MUST reply, and the Override flag MUST be clear. */
  @Test
  void answersForAnOptimisticAddressWithoutOverride() {
    comesUp();
    advertises(prefix());
    says();
    var source = new NdOption.SourceLinkLayerAddress(ROUTER_MAC);
    // router ── NS (who has OURS?) ──▶ host
    hears(
        ROUTER,
        OURS.solicitedNodeMulticast(),
        new NeighborSolicitation(OURS, ImmutableList.of(source)));
    // host ── NA (solicited, O=0) ──▶ router
    assertThat(says())
        .containsExactly(
            new Send(
                ETH0,
                OURS,
                ROUTER,
                Optional.of(ROUTER_MAC),
                new NeighborAdvertisement(
                    false,
                    true,
                    false,
                    OURS,
                    ImmutableList.of(new NdOption.TargetLinkLayerAddress(MAC)))));
    passes(SECOND);
    says();
    // From then on it is the kernel's to answer.
    hears(
        ROUTER,
        OURS.solicitedNodeMulticast(),
        new NeighborSolicitation(OURS, ImmutableList.of(source)));
    assertThat(says()).isEmpty();
  }

  /** RFC 4862 section 5.4.3: MUST NOT respond for a tentative address. */
  @Test
  void doesNotAnswerForATentativeAddress() {
    comesUp();
    advertises(false, 0, prefix());
    passes(SECOND);
    says();
    hears(ROUTER, OURS, new NeighborSolicitation(OURS, ImmutableList.of()));
    assertThat(says()).isEmpty();
  }

  /** RFC 4862 section 5.4.4; and it is not tried again on this link. */
  @Test
  void whoeverDefendsItKeepsIt() {
    comesUp();
    advertises(prefix());
    passes(Duration.ofMillis(900));
    says();
    // owner ── NA ──▶ all nodes
    defends(OURS);
    assertThat(says())
        .containsExactly(
            new Withdraw(ETH0, OURS, Reason.DUPLICATE),
            new Leave(ETH0, OURS.solicitedNodeMulticast()));
    advertises(prefix());
    passes(Duration.ofMinutes(1));
    assertThat(says()).isEmpty();
  }

  /** RFC 4862 section 5.4.3: it should not be used by either node. */
  @Test
  void whoeverAsksAtTheSameTimeMakesItADuplicate() {
    comesUp();
    advertises(prefix());
    says();
    detects(OURS);
    assertThat(says(Withdraw.class)).containsExactly(new Withdraw(ETH0, OURS, Reason.DUPLICATE));
  }

  /** The first of the tests in RFC 4862 section 5.4.3: received before one is sent. */
  @Test
  void whoeverAsksDuringOurDelayMakesItADuplicate() {
    comesUp();
    advertises(false, 0, prefix());
    detects(OURS);
    assertThat(says()).containsExactly(new Withdraw(ETH0, OURS, Reason.DUPLICATE));
  }

  /** RFC 7527 section 4.2: our own nonce is dropped; 4.1: another three solicitations. */
  @Test
  void ourOwnSolicitationThatComesBackIsNoDuplicate() {
    comesUp();
    advertises(prefix());
    NdOption nonce = nonceOf(says(Send.class).get(0));
    detects(OURS, nonce);
    assertThat(says()).singleElement().isInstanceOf(Tell.class);
    passes(Duration.ofMillis(3999));
    assertThat(says(Send.class)).hasSize(3);
    passes(Duration.ofMillis(1));
    assertThat(says(Assign.class)).hasSize(1);
  }

  @Test
  void anotherNonceIsAnotherNode() {
    comesUp();
    advertises(prefix());
    says();
    detects(OURS, new NdOption.Unknown(AutoconfLink.NONCE_OPTION, Octets.parse("0102030405ff")));
    assertThat(says(Withdraw.class)).hasSize(1);
  }

  /** RFC 4861 sections 7.1.1 and 7.1.2. */
  @Test
  void invalidMessagesChangeNothing() {
    comesUp();
    advertises(prefix());
    says();
    // From the unspecified address with a link-layer address, or not to the solicited-node group.
    detects(OURS, new NdOption.SourceLinkLayerAddress(ROUTER_MAC));
    hears(
        Ipv6Address.UNSPECIFIED,
        Ipv6Address.ALL_NODES,
        new NeighborSolicitation(OURS, ImmutableList.of()));
    // Solicited, to a group.
    hears(
        OURS,
        Ipv6Address.ALL_NODES,
        new NeighborAdvertisement(false, true, true, OURS, ImmutableList.of()));
    // A router advertisement not from a link-local address.
    hears(
        Ipv6Address.parse("2001:db8::1"),
        Ipv6Address.ALL_NODES,
        new Icmpv6Message.RouterAdvertisement(
            64,
            false,
            false,
            false,
            0,
            1800,
            0,
            0,
            ImmutableList.of(prefix(OTHER_PREFIX, 86400, 14400))));
    assertThat(says()).isEmpty();
  }

  /** RFC 4862 section 5.4.4 leaves open what to do; we say it, once. */
  @Test
  void afterDetectionItStaysOursAndThatIsSaid() {
    comesUp();
    advertises(prefix());
    passes(SECOND);
    says();
    defends(OURS);
    defends(OURS);
    assertThat(says()).singleElement().isInstanceOf(Tell.class);
  }

  // Prefixes and lifetimes: RFC 4862 section 5.5.3.

  @Test
  void prefixesThatAreNotForAutoconfigurationAreIgnored() {
    comesUp();
    advertises(
        new PrefixInformation(64, PREFIX, true, false, false, 86400, 14400),
        new PrefixInformation(64, Ipv6Address.parse("fe80::"), true, true, false, 86400, 14400),
        prefix(PREFIX, 100, 101),
        prefix(PREFIX, 0, 0),
        new PrefixInformation(63, PREFIX, true, true, false, 86400, 14400),
        new PrefixInformation(80, PREFIX, true, true, false, 86400, 14400));
    assertThat(says()).isEmpty();
  }

  @Test
  void theHomeAddressIsNeverFormed() {
    comesUp();
    advertises(prefix(RESERVED_PREFIX, 86400, 14400));
    assertThat(says()).isEmpty();
  }

  /** Step e) 1: more than two hours, or more than is left. */
  @Test
  void lifetimesAreRenewed() {
    comesUp(0, false);
    advertises(prefix(PREFIX, 60, 40));
    says();
    passes(Duration.ofSeconds(30));
    advertises(prefix(PREFIX, 60, 40));
    assertThat(says()).containsExactly(new Assign(ETH0, OURS, new Lifetimes.Left(40, 60)));
    // What the kernel would not notice need not be told.
    passes(Duration.ofMillis(500));
    advertises(prefix(PREFIX, 60, 40));
    assertThat(says()).isEmpty();
    passes(Duration.ofMillis(500));
    advertises(prefix(PREFIX, 60, 40));
    assertThat(says()).hasSize(1);
  }

  /** Step e) 2 and 3: the two-hour rule; the preferred lifetime is always reset. */
  @Test
  void aShortValidLifetimeIsNotBelieved() {
    comesUp(0, false);
    advertises(prefix(PREFIX, 86400, 14400));
    says();
    advertises(prefix(PREFIX, 0, 0));
    assertThat(says()).containsExactly(new Assign(ETH0, OURS, new Lifetimes.Left(0, 7200)));
    passes(Duration.ofSeconds(200));
    advertises(prefix(PREFIX, 100, 50));
    assertThat(says()).containsExactly(new Assign(ETH0, OURS, new Lifetimes.Left(50, 7000)));
    advertises(prefix(PREFIX, 7100, 60));
    assertThat(says()).containsExactly(new Assign(ETH0, OURS, new Lifetimes.Left(60, 7100)));
  }

  @Test
  void infinityIsKept() {
    comesUp(0, false);
    long forever = PrefixInformation.INFINITE;
    advertises(prefix(PREFIX, forever, forever));
    assertThat(says())
        .containsExactly(new Assign(ETH0, OURS, new Lifetimes.Left(forever, forever)));
    assertThat(host.nextDeadline()).isEmpty();
    passes(Duration.ofDays(1000));
    advertises(prefix(PREFIX, forever, forever));
    assertThat(says()).isEmpty();
  }

  /** RFC 4862 section 5.5.4. */
  @Test
  void anAddressExpires() {
    comesUp();
    advertises(prefix(PREFIX, 60, 40));
    passes(Duration.ofSeconds(59));
    says();
    passes(SECOND);
    assertThat(says()).containsExactly(new Withdraw(ETH0, OURS, Reason.EXPIRED));
    assertThat(host.nextDeadline()).isEmpty();
  }

  @Test
  void anAddressThatBeginsDeprecatedIsInNoHurry() {
    comesUp();
    advertises(prefix(PREFIX, 60, 0));
    passes(Duration.ofSeconds(2));
    assertThat(says())
        .noneMatch(UseOptimistically.class::isInstance)
        .anyMatch(Assign.class::isInstance);
  }

  @Test
  void thereIsAnEndOfAddresses() {
    comesUp(0, false);
    for (int i = 0; i < 100; i++) {
      advertises(prefix(new Ipv6Address(PREFIX.high() + i, 0), 86400, 14400));
    }
    List<AutoconfAction> all = says();
    assertThat(all).filteredOn(Assign.class::isInstance).hasSize(AutoconfLink.MAX_ADDRESSES);
    assertThat(all).filteredOn(Tell.class::isInstance).hasSize(1);
  }

  // Links.

  @Test
  void whatGoesDownHasNoAddressesAndStartsAfresh() {
    comesUp();
    advertises(prefix());
    passes(SECOND);
    says();
    happens(new AutoconfEvent.LinkDown(ETH0));
    assertThat(says()).containsExactly(new Withdraw(ETH0, OURS, Reason.OTHER_LINK));
    // Nothing is believed of a link that is not there.
    advertises(prefix());
    assertThat(says()).isEmpty();
    comesUp();
    advertises(prefix());
    assertThat(says(UseOptimistically.class)).hasSize(1);
  }

  @Test
  void aDuplicateOfOneLinkMayBeFreeOnAnother() {
    comesUp();
    advertises(prefix());
    defends(OURS);
    happens(new AutoconfEvent.LinkDown(ETH0));
    comesUp();
    says();
    advertises(prefix());
    assertThat(says(UseOptimistically.class)).hasSize(1);
  }

  @Test
  void onAnotherLinkWhatItsRouterAnnouncesStays() {
    comesUp();
    advertises(prefix());
    passes(SECOND);
    says();
    var next = Ipv6Address.parse("fe80::b");
    hears(
        next,
        Ipv6Address.ALL_NODES,
        new Icmpv6Message.RouterAdvertisement(
            64,
            false,
            false,
            false,
            0,
            1800,
            0,
            0,
            ImmutableList.of(
                new NdOption.SourceLinkLayerAddress(ROUTER_MAC),
                prefix(OTHER_PREFIX, 86400, 14400))));
    assertThat(says(UseOptimistically.class))
        .containsExactly(new UseOptimistically(ETH0, OURS_THERE, SECOND));
    happens(new AutoconfEvent.LinkForgotten(ETH0, next));
    assertThat(says()).containsExactly(new Withdraw(ETH0, OURS, Reason.OTHER_LINK));
    passes(SECOND);
    assertThat(says(Assign.class)).hasSize(1);
  }

  // Addresses of others.

  /** What the kernel has formed before goes on, and there is no second one. */
  @Test
  void theKernelsAddressGoesOn() {
    var kernels = Ipv6Address.parse("2001:db8:a::1234");
    happens(new AutoconfEvent.AddressPresent(ETH0, kernels, true));
    comesUp();
    advertises(prefix());
    assertThat(says()).containsExactly(new Renew(ETH0, kernels, new Lifetimes.Left(14400, 86400)));
    // Renewing changes it, and is not to be answered by renewing it.
    happens(new AutoconfEvent.AddressPresent(ETH0, kernels, true));
    advertises(prefix());
    assertThat(says()).isEmpty();
    happens(new AutoconfEvent.AddressAbsent(ETH0, kernels));
    advertises(prefix());
    assertThat(says(UseOptimistically.class)).hasSize(1);
  }

  @Test
  void anAdministratorsAddressIsNoReasonToHaveNone() {
    happens(new AutoconfEvent.AddressPresent(ETH0, Ipv6Address.parse("2001:db8:a::1234"), false));
    comesUp();
    advertises(prefix());
    assertThat(says(UseOptimistically.class)).hasSize(1);
  }

  @Test
  void anAddressThatSomebodyRemovesComesBackWithTheNextAdvertisement() {
    comesUp(0, false);
    advertises(prefix());
    says();
    happens(new AutoconfEvent.AddressAbsent(ETH0, OURS));
    advertises(prefix());
    assertThat(says(Assign.class)).hasSize(1);
  }

  /** Whatever is heard, in whatever order: no exception, no growth, every group left again. */
  @Test
  void anyOrderOfEventsLeavesNoGroupJoined() {
    var random = new Random(4862);
    for (int round = 0; round < 200; round++) {
      int joined = 0;
      for (int i = 0; i < 100; i++) {
        anything(random);
        passes(Duration.ofMillis(random.nextInt(400)));
      }
      happens(new AutoconfEvent.LinkDown(ETH0));
      for (AutoconfAction action : says()) {
        joined += action instanceof Join ? 1 : action instanceof Leave ? -1 : 0;
      }
      assertThat(joined).isZero();
      assertThat(host.nextDeadline()).isEmpty();
    }
  }

  private void anything(Random random) {
    Ipv6Address target = random.nextBoolean() ? OURS : OURS_THERE;
    switch (random.nextInt(9)) {
      case 0 -> comesUp(random.nextInt(3), random.nextInt(4) == 0);
      case 1 -> happens(new AutoconfEvent.LinkDown(ETH0));
      case 2 -> detects(target);
      case 3 -> defends(target);
      case 4 -> happens(new AutoconfEvent.LinkForgotten(ETH0, ROUTER));
      case 5 -> happens(new AutoconfEvent.AddressPresent(ETH0, target, random.nextBoolean()));
      case 6 -> happens(new AutoconfEvent.AddressAbsent(ETH0, target));
      default ->
          advertises(
              random.nextBoolean(),
              random.nextInt(2000),
              prefix(
                  random.nextBoolean() ? PREFIX : OTHER_PREFIX,
                  random.nextInt(5),
                  random.nextInt(5)));
    }
  }
}

package io.mipd.mobility.autoconf;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.ProtocolConstants;
import io.mipd.mobility.autoconf.AutoconfAction.Reason;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.Icmpv6Message.NeighborAdvertisement;
import io.mipd.xfrm.packet.Icmpv6Message.NeighborSolicitation;
import io.mipd.xfrm.packet.Icmpv6Message.RouterAdvertisement;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.NdOption.PrefixInformation;
import io.mipd.xfrm.packet.Octets;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;

/** The addresses of one interface. */
final class AutoconfLink {
  /** Addresses of ours at a time; prefixes beyond that are left out, and that is said. */
  static final int MAX_ADDRESSES = 16;

  /** Routers whose last words are kept; the one that was heard first goes for another. */
  static final int MAX_ROUTERS = 16;

  /** Addresses of others that are remembered as such; the oldest goes for another. */
  static final int MAX_DUPLICATES = 64;

  /** RFC 3971 section 5.3.2, used as in RFC 7527 section 4.1. */
  static final int NONCE_OPTION = 14;

  private static final int NONCE_LENGTH = 6;

  /** What the kernel makes of a smaller one, too. */
  private static final Duration LEAST_RETRANS_TIMER = Duration.ofMillis(10);

  private static final Ipv6Prefix LINK_LOCAL = Ipv6Prefix.parse("fe80::/10");

  private final int index;
  private final ImmutableSet<Ipv6Address> reserved;
  private final RandomGenerator random;

  /** Empty while it is down. */
  private Optional<AutoconfEvent.LinkUp> properties = Optional.empty();

  private Duration retransTimer = ProtocolConstants.RETRANS_TIMER;
  private final Map<Ipv6Address, OwnAddress> own = new LinkedHashMap<>();

  /** Of others: the kernel or the administrator. */
  private final Map<Ipv6Address, Foreign> foreign = new LinkedHashMap<>();

  private final Map<Ipv6Address, Router> routers = new LinkedHashMap<>();
  private final Set<Ipv6Address> duplicates = new LinkedHashSet<>();

  /** Addresses of ours that others advertise, so that each is said once. */
  private final Set<Ipv6Address> contested = new LinkedHashSet<>();

  /** So that it is not said of each advertisement. */
  private boolean fullTold;

  /**
   * @param autoconfigured the kernel has formed it
   * @param told the times that we have given it
   */
  private record Foreign(boolean autoconfigured, Optional<Lifetimes> told) {
    boolean needs(Lifetimes lifetimes) {
      return told.isEmpty() || lifetimes.differsFrom(told.get());
    }
  }

  /**
   * @param known whether it has ever told us its link-layer address
   */
  private record Router(boolean known, ImmutableSet<Ipv6Prefix> prefixes) {}

  /**
   * @param reserved addresses that are never formed
   */
  AutoconfLink(int index, ImmutableSet<Ipv6Address> reserved, RandomGenerator random) {
    this.index = index;
    this.reserved = reserved;
    this.random = random;
  }

  void up(AutoconfEvent.LinkUp up) {
    properties = Optional.of(up);
  }

  boolean isUp() {
    return properties.isPresent();
  }

  private AutoconfEvent.LinkUp properties() {
    return properties.orElseThrow(() -> new IllegalStateException("not up: " + index));
  }

  Optional<Instant> nextDeadline() {
    return own.values().stream()
        .map(OwnAddress::nextDeadline)
        .filter(deadline -> !deadline.equals(Lifetimes.NEVER))
        .min(Instant::compareTo);
  }

  /** All addresses go: what comes up again may be elsewhere. */
  void down(List<AutoconfAction> actions) {
    properties = Optional.empty();
    forget(Set.of(), actions);
    duplicates.clear();
    routers.clear();
    retransTimer = ProtocolConstants.RETRANS_TIMER;
  }

  /** What the router to be kept has not announced goes. */
  void forget(Ipv6Address keep, List<AutoconfAction> actions) {
    Router router = routers.get(keep);
    forget(router == null ? Set.of() : router.prefixes(), actions);
    duplicates.clear();
    routers.keySet().retainAll(Set.of(keep));
  }

  private void forget(Set<Ipv6Prefix> except, List<AutoconfAction> actions) {
    for (Ipv6Address address : List.copyOf(own.keySet())) {
      if (!except.contains(address(address).prefix())) {
        withdraw(address, Reason.OTHER_LINK, actions);
      }
    }
  }

  private OwnAddress address(Ipv6Address address) {
    OwnAddress known = own.get(address);
    if (known == null) {
      throw new IllegalStateException("not of ours: " + address);
    }
    return known;
  }

  void present(Ipv6Address address, boolean autoconfigured) {
    if (!own.containsKey(address) && address.isGlobalUnicast()) {
      foreign.merge(
          address,
          new Foreign(autoconfigured, Optional.empty()),
          (before, now) -> new Foreign(autoconfigured, before.told()));
    }
  }

  /** Of our own: somebody has removed it. The next advertisement brings it back. */
  void absent(Ipv6Address address) {
    foreign.remove(address);
    OwnAddress known = own.get(address);
    if (known != null && known.detection().isEmpty()) {
      own.remove(address);
      contested.remove(address);
    }
  }

  /** RFC 4862 section 5.5.3, for each Prefix Information option. */
  void advertised(
      Instant now,
      Ipv6Address router,
      boolean multicast,
      RouterAdvertisement advertisement,
      List<AutoconfAction> actions) {
    boolean known = remember(router, advertisement);
    if (advertisement.retransTimer() > 0) {
      // RFC 4861 section 6.3.4.
      Duration told = Duration.ofMillis(advertisement.retransTimer());
      retransTimer = told.compareTo(LEAST_RETRANS_TIMER) < 0 ? LEAST_RETRANS_TIMER : told;
    }
    for (NdOption option : advertisement.options()) {
      if (option instanceof PrefixInformation prefix && isForUs(prefix)) {
        // RFC 4429 section 3.3: only a host, and one that knows how to reach its router. An
        // address that begins deprecated is in no hurry.
        boolean optimistic = known && !properties().router() && prefix.preferredLifetime() > 0;
        advertised(now, prefix, optimistic, multicast, actions);
      }
    }
  }

  /** Steps a) to c), and the length of d). */
  private static boolean isForUs(PrefixInformation prefix) {
    return prefix.autonomous()
        && !LINK_LOCAL.contains(prefix.prefix())
        && !prefix.prefix().address().isMulticast()
        && prefix.preferredLifetime() <= prefix.validLifetime()
        && prefix.prefixLength() == Ipv6Address.BITS - InterfaceIdentifier.BITS;
  }

  /** Returns whether the router's link-layer address is known. */
  private boolean remember(Ipv6Address router, RouterAdvertisement advertisement) {
    Router before = routers.remove(router);
    if (before == null && routers.size() >= MAX_ROUTERS) {
      routers.remove(routers.keySet().iterator().next());
    }
    boolean known =
        (before != null && before.known())
            || advertisement.option(NdOption.SourceLinkLayerAddress.class).isPresent();
    var prefixes = ImmutableSet.<Ipv6Prefix>builder();
    for (NdOption option : advertisement.options()) {
      if (option instanceof PrefixInformation prefix && prefix.validLifetime() > 0) {
        prefixes.add(prefix.prefix());
      }
    }
    routers.put(router, new Router(known, prefixes.build()));
    return known;
  }

  private void advertised(
      Instant now,
      PrefixInformation option,
      boolean optimistic,
      boolean multicast,
      List<AutoconfAction> actions) {
    Ipv6Prefix prefix = option.prefix();
    boolean any = false;
    for (Map.Entry<Ipv6Address, OwnAddress> entry : own.entrySet()) {
      if (entry.getValue().prefix().equals(prefix)) {
        any = true;
        entry.setValue(renewed(now, entry.getKey(), entry.getValue(), option, actions));
      }
    }
    for (Map.Entry<Ipv6Address, Foreign> entry : foreign.entrySet()) {
      if (entry.getValue().autoconfigured() && prefix.contains(entry.getKey())) {
        // The kernel has formed it before we took over. It is used, so it is to go on.
        any = true;
        renew(now, entry, option, actions);
      }
    }
    if (!any && option.validLifetime() > 0) {
      form(now, option, optimistic, multicast, actions);
    }
  }

  private void renew(
      Instant now,
      Map.Entry<Ipv6Address, Foreign> entry,
      PrefixInformation option,
      List<AutoconfAction> actions) {
    Lifetimes lifetimes =
        entry
            .getValue()
            .told()
            .map(told -> told.advertised(now, option))
            .orElseGet(() -> Lifetimes.of(now, option));
    if (entry.getValue().needs(lifetimes) && !lifetimes.isOver(now)) {
      entry.setValue(new Foreign(true, Optional.of(lifetimes)));
      actions.add(new AutoconfAction.Renew(index, entry.getKey(), lifetimes.left(now)));
    }
  }

  /** RFC 4862 section 5.5.3 e. */
  private OwnAddress renewed(
      Instant now,
      Ipv6Address address,
      OwnAddress known,
      PrefixInformation option,
      List<AutoconfAction> actions) {
    OwnAddress next = known.with(known.lifetimes().advertised(now, option));
    if (next.detection().isEmpty() && next.lifetimes().differsFrom(next.told())) {
      actions.add(new AutoconfAction.Assign(index, address, next.lifetimes().left(now)));
      return next.assigned();
    }
    return next;
  }

  /** RFC 4862 section 5.5.3 d. */
  private void form(
      Instant now,
      PrefixInformation option,
      boolean optimistic,
      boolean multicast,
      List<AutoconfAction> actions) {
    Ipv6Prefix prefix = option.prefix();
    Ipv6Address address = InterfaceIdentifier.modifiedEui64(properties().address()).in(prefix);
    if (duplicates.contains(address)
        || reserved.contains(address)
        || foreign.containsKey(address)) {
      return;
    }
    if (own.size() >= MAX_ADDRESSES) {
      if (!fullTold) {
        fullTold = true;
        actions.add(new AutoconfAction.Tell("no address in " + prefix + ": there are enough"));
      }
      return;
    }
    Lifetimes lifetimes = Lifetimes.of(now, option);
    boolean detects = properties().dupAddrDetectTransmits() > 0;
    // RFC 4862 section 5.4.2: nodes that hear one advertisement do not all answer at once. RFC 4429
    // section 3.3 takes that back for optimistic addresses.
    Instant at = multicast && !optimistic ? now.plus(randomDelay()) : now;
    own.put(
        address,
        new OwnAddress(
            prefix,
            optimistic && detects,
            Optional.of(Detection.beginning(at, properties().dupAddrDetectTransmits())),
            lifetimes,
            lifetimes));
    advance(now, address, actions);
  }

  private Duration randomDelay() {
    return Duration.ofNanos(
        random.nextLong(ProtocolConstants.MAX_RTR_SOLICITATION_DELAY.toNanos() + 1));
  }

  void deadlines(Instant now, List<AutoconfAction> actions) {
    for (Ipv6Address address : List.copyOf(own.keySet())) {
      advance(now, address, actions);
    }
  }

  private void advance(Instant now, Ipv6Address address, List<AutoconfAction> actions) {
    OwnAddress known = address(address);
    if (known.lifetimes().isOver(now)) {
      withdraw(address, Reason.EXPIRED, actions);
      return;
    }
    if (known.detection().isEmpty() || !known.detection().get().isDue(now)) {
      return;
    }
    Detection detection = known.detection().get();
    if (detection.hasEnded(now)) {
      own.put(address, known.assigned());
      actions.add(new AutoconfAction.Assign(index, address, known.lifetimes().left(now)));
      leave(address, detection, actions);
      return;
    }
    // Whoever else begins now must meet us: the group first (RFC 4862 section 5.4.2).
    if (!detection.joined()) {
      actions.add(new AutoconfAction.Join(index, address.solicitedNodeMulticast()));
    }
    Octets nonce = nonce();
    actions.add(
        new AutoconfAction.Send(
            index,
            Ipv6Address.UNSPECIFIED,
            address.solicitedNodeMulticast(),
            Optional.empty(),
            new NeighborSolicitation(
                address, ImmutableList.of(new NdOption.Unknown(NONCE_OPTION, nonce)))));
    if (known.optimistic()) {
      actions.add(new AutoconfAction.UseOptimistically(index, address, retransTimer));
    }
    own.put(address, known.with(detection.sent(nonce, now.plus(retransTimer))));
  }

  private Octets nonce() {
    byte[] nonce = new byte[NONCE_LENGTH];
    random.nextBytes(nonce);
    return Octets.of(nonce);
  }

  private void leave(Ipv6Address address, Detection detection, List<AutoconfAction> actions) {
    if (detection.joined()) {
      actions.add(new AutoconfAction.Leave(index, address.solicitedNodeMulticast()));
    }
  }

  private void withdraw(Ipv6Address address, Reason reason, List<AutoconfAction> actions) {
    OwnAddress known = address(address);
    own.remove(address);
    contested.remove(address);
    actions.add(new AutoconfAction.Withdraw(index, address, reason));
    known.detection().ifPresent(detection -> leave(address, detection, actions));
  }

  private void isDuplicate(Ipv6Address address, List<AutoconfAction> actions) {
    withdraw(address, Reason.DUPLICATE, actions);
    if (duplicates.size() >= MAX_DUPLICATES) {
      Iterator<Ipv6Address> oldest = duplicates.iterator();
      oldest.next();
      oldest.remove();
    }
    duplicates.add(address);
  }

  /** RFC 4862 section 5.4.3, with what RFC 4429 section 3.3 makes of it. */
  void solicited(
      Ipv6Address source,
      Ipv6Address destination,
      NeighborSolicitation solicitation,
      List<AutoconfAction> actions) {
    OwnAddress known = own.get(solicitation.target());
    if (known == null || known.detection().isEmpty()) {
      return;
    }
    if (source.isUnspecified()) {
      if (isDetection(destination, solicitation)) {
        detectedByOther(solicitation, known, known.detection().get(), actions);
      }
    } else if (known.optimistic() && !source.isMulticast()) {
      actions.add(answer(source, solicitation));
    }
  }

  /** RFC 4861 section 7.1.1. */
  private static boolean isDetection(Ipv6Address destination, NeighborSolicitation solicitation) {
    return destination.equals(solicitation.target().solicitedNodeMulticast())
        && solicitation.option(NdOption.SourceLinkLayerAddress.class).isEmpty();
  }

  private void detectedByOther(
      NeighborSolicitation solicitation,
      OwnAddress known,
      Detection detection,
      List<AutoconfAction> actions) {
    for (NdOption option : solicitation.options()) {
      if (option instanceof NdOption.Unknown it
          && it.type() == NONCE_OPTION
          && detection.isOurs(it.data())) {
        actions.add(
            new AutoconfAction.Tell(
                "our own solicitation for " + solicitation.target() + " has come back"));
        own.put(solicitation.target(), known.with(detection.loopedBack()));
        return;
      }
    }
    isDuplicate(solicitation.target(), actions);
  }

  /** Without Override: whoever has the address keeps his place in the neighbours' caches. */
  private AutoconfAction answer(Ipv6Address source, NeighborSolicitation solicitation) {
    return new AutoconfAction.Send(
        index,
        solicitation.target(),
        source,
        solicitation
            .option(NdOption.SourceLinkLayerAddress.class)
            .map(NdOption.SourceLinkLayerAddress::address),
        new NeighborAdvertisement(
            false,
            true,
            false,
            solicitation.target(),
            ImmutableList.of(new NdOption.TargetLinkLayerAddress(properties().address()))));
  }

  /** RFC 4862 section 5.4.4. */
  void advertised(
      Ipv6Address destination, NeighborAdvertisement advertisement, List<AutoconfAction> actions) {
    OwnAddress known = own.get(advertisement.target());
    // RFC 4861 section 7.1.2.
    if (known == null || (destination.isMulticast() && advertisement.solicited())) {
      return;
    }
    if (known.detection().isPresent()) {
      isDuplicate(advertisement.target(), actions);
    } else if (contested.add(advertisement.target())) {
      // Too late for Duplicate Address Detection, and what to do then is left open. We do as the
      // kernel does: anybody could take our addresses away otherwise, at any time.
      actions.add(
          new AutoconfAction.Tell(
              "somebody else advertises " + advertisement.target() + ", which is ours"));
    }
  }
}

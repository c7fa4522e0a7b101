package io.mipd.mobility.ha;

import static io.mipd.mobility.NodeAction.Refusal.FOREIGN_ASSOCIATION;
import static io.mipd.mobility.NodeAction.Refusal.LIMIT;
import static io.mipd.mobility.NodeAction.Refusal.MALFORMED;
import static io.mipd.mobility.NodeAction.Refusal.NOT_SERVED;
import static io.mipd.mobility.NodeAction.Refusal.PROHIBITED;
import static io.mipd.mobility.NodeAction.Refusal.UNEXPECTED;
import static io.mipd.mobility.NodeAction.Refusal.UNPROTECTED;
import static io.mipd.mobility.NodeAction.Refusal.WRONG_ADDRESS;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.LinkedHashMultimap;
import com.google.common.collect.Maps;
import com.google.common.collect.SetMultimap;
import io.mipd.mobility.AnycastAddress;
import io.mipd.mobility.HomeLinkState;
import io.mipd.mobility.MobilityNode;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.ProtocolConstants;
import io.mipd.mobility.StatusLimiter;
import io.mipd.mobility.binding.DeadlineQueue;
import io.mipd.mobility.binding.HomeBinding;
import io.mipd.mobility.planner.HomeAgentWish;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.MobilityOption;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.NdOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** The home agent of RFC 6275 section 10, for the home addresses that it is configured for. */
public final class HomeAgent implements MobilityNode {
  /**
   * For so long after a refusal to somebody on the home link we leave the home address alone, so
   * that the refusal gets there (RFC 6275 section 10.3.2).
   */
  private static final Duration YIELDING = ProtocolConstants.RETRANS_TIMER;

  /** Home addresses that are announced at once when the home link comes up. */
  private static final int AT_ONCE = 200;

  /** Between two of the others. */
  private static final Duration BETWEEN = Duration.ofMillis(1);

  /** What is new of the home link is not remembered more often, whatever is sent there. */
  private static final Duration LEAST_BETWEEN = Duration.ofSeconds(1);

  /** What is heard again: what is remembered of its lifetimes is no older. */
  private static final Duration MOST_BETWEEN = Duration.ofSeconds(10);

  private static final Ipv6Prefix LINK_LOCAL = Ipv6Prefix.of(new Ipv6Address(0xfe80L << 48, 0), 64);

  private HomeAgentSettings settings;
  private final Map<HomeAddress, Registration> registrations;

  /** Those that wait for detection to answer for an address. */
  private final SetMultimap<Ipv6Address, Registration> detecting = LinkedHashMultimap.create();

  private final Optional<RouterAdvertiser> advertiser;
  private final StatusLimiter strangers = new StatusLimiter();
  private final StatusLimiter discoverers = new StatusLimiter();
  private final HomeAgentsList agents;
  private final HomeLinkPrefixes prefixes;
  private final PrefixAdvertiser prefixAdvertiser;
  private final Optional<GroupMembership> groups;
  private final RandomGenerator random;
  private Optional<HomeLink> homeLink = Optional.empty();
  private boolean homeLinkIsUp;

  /** Registrations with a binding. */
  private int bound;

  /** Other prefixes, or other lifetimes of them, are to be told. */
  private boolean prefixesChanged;

  /** When what has been heard of the home link is to be remembered, if something has. */
  private Optional<Instant> rememberAt = Optional.empty();

  private Instant rememberedAt = Instant.MIN;

  /** No mobile node that is not bound already is taken. */
  private boolean draining;

  private record HomeLink(int interfaceIndex, Optional<LinkLayerAddress> address) {}

  /** A Binding Update that waits for Duplicate Address Detection. */
  private record Waiting(BindingUpdate update, CareOfAddress careOf, Arrival arrival) {}

  /** What is known of one home address that we serve. */
  private static final class Registration {
    /** Its place in the configuration. */
    final int number;

    final HomeAddress home;
    final TunnelProtection protection;
    final HomePolicies policies;
    Optional<HomeBinding> binding = Optional.empty();

    /**
     * Stays when a binding is ended before its time, which is the entry marked as invalid of
     * section 10.3.2: no earlier update brings it back, however much later it comes.
     */
    Optional<SequenceNumber> lastSequence = Optional.empty();

    Optional<Waiting> waiting = Optional.empty();

    /** Addresses that detection has not answered for. */
    final Set<Ipv6Address> detecting = new LinkedHashSet<>();

    /** Until then we do not stand in for it, for it seems to be on the home link. */
    Optional<Instant> yieldingUntil = Optional.empty();

    boolean restored;
    int announcements;
    Optional<Instant> announceAt = Optional.empty();

    Registration(int number, HomeAddress home, TunnelProtection protection, Ipv6Address agent) {
      this.number = number;
      this.home = home;
      this.protection = protection;
      policies = new HomePolicies(home, agent, protection);
    }

    /** No other has this number; the JVM's own is made when it is asked for, and slowly. */
    @Override
    public int hashCode() {
      return number;
    }

    /**
     * What is to be unique, and is answered for: with the L flag also the link-local address with
     * the home address's interface identifier (RFC 6275 section 10.3.1).
     */
    ImmutableList<Ipv6Address> addresses(int flags) {
      return BindingFlag.LINK_LOCAL_ADDRESS_COMPATIBILITY.isIn(flags)
          ? ImmutableList.of(home.value(), home.value().withPrefix(LINK_LOCAL))
          : ImmutableList.of(home.value());
    }
  }

  /** Bindings that were there when the home link came up; the next one's turn is then. */
  private final Set<Registration> turns = new LinkedHashSet<>();

  private Optional<Instant> turn = Optional.empty();

  /** When something is due of a registration. To be kept up by {@link #schedule}. */
  private final DeadlineQueue<Registration> due;

  /**
   * @param restored bindings that an earlier life of this home agent has acknowledged
   */
  public HomeAgent(
      HomeAgentSettings settings, ImmutableList<HomeBinding> restored, RandomGenerator random) {
    // Only what was heard of the home link has an age.
    this(Instant.EPOCH, settings, restored, ImmutableMap.of(), HomeLinkState.NOTHING, random);
  }

  /**
   * @param restored bindings that an earlier life of this home agent has acknowledged
   * @param ended the last sequence numbers of those that have ended
   * @param heard what it has heard of the home link
   */
  public HomeAgent(
      Instant now,
      HomeAgentSettings settings,
      ImmutableList<HomeBinding> restored,
      ImmutableMap<HomeAddress, SequenceNumber> ended,
      HomeLinkState heard,
      RandomGenerator random) {
    this.settings = settings;
    registrations = Maps.newLinkedHashMapWithExpectedSize(settings.served().size());
    due = new DeadlineQueue<>(restored.size());
    settings
        .served()
        .forEach(
            (home, protection) ->
                registrations.put(
                    home,
                    new Registration(registrations.size(), home, protection, settings.address())));
    for (HomeBinding binding : restored) {
      Registration registration = registrations.get(binding.homeAddress());
      if (registration != null) {
        bound += registration.binding.isEmpty() ? 1 : 0;
        registration.binding = Optional.of(binding);
        registration.lastSequence = Optional.of(binding.sequence());
        registration.restored = true;
      }
    }
    ended.forEach(
        (home, sequence) -> {
          Registration registration = registrations.get(home);
          if (registration != null && registration.binding.isEmpty()) {
            registration.lastSequence = Optional.of(sequence);
          }
        });
    advertiser = settings.advertising().map(it -> new RouterAdvertiser(settings, it, random));
    this.random = random;
    agents =
        new HomeAgentsList(
            settings.address(),
            settings.advertising().map(HomeAgentSettings.Advertising::preference).orElse(0));
    prefixes = new HomeLinkPrefixes(settings);
    if (heard.homeInterface().equals(settings.homeInterface())
        && heard.homePrefix().equals(settings.homePrefix())) {
      agents.restore(now, heard.agents());
      prefixes.restore(now, heard.prefixes());
    }
    prefixAdvertiser = new PrefixAdvertiser(settings, prefixes, random);
    groups =
        settings.multicast()
            ? Optional.of(new GroupMembership(settings.address()))
            : Optional.empty();
    registrations.values().forEach(this::schedule);
  }

  /**
   * Goes by another longest lifetime, other prefixes and other rules for care-of addresses from now
   * on; bindings that are there stay as they were granted. To be followed by an event.
   */
  public void adopt(
      Duration maximumLifetime,
      HomeAgentSettings.PrefixLifetimes prefixLifetimes,
      ImmutableList<HomeAgentSettings.HomePrefix> furtherPrefixes,
      AccessList careOfAddresses) {
    var before = settings.prefixes();
    settings = settings.with(maximumLifetime, prefixLifetimes, furtherPrefixes, careOfAddresses);
    prefixes.adopt(settings);
    prefixesChanged |= !settings.prefixes().equals(before);
  }

  /** The longest that a binding is granted now. */
  public Duration maximumLifetime() {
    return settings.maximumLifetime();
  }

  public boolean isDraining() {
    return draining;
  }

  /** How many bindings are in force. */
  public int bindingCount() {
    return bound;
  }

  /** The bindings that are in force, by home address as configured. */
  public ImmutableList<HomeBinding> bindings() {
    return bindings(Integer.MAX_VALUE);
  }

  /** The first of them, no more than so many. */
  public ImmutableList<HomeBinding> bindings(int limit) {
    var bindings = ImmutableList.<HomeBinding>builderWithExpectedSize(Math.min(limit, bound));
    int left = limit;
    for (Registration it : registrations.values()) {
      if (left > 0 && it.binding.isPresent()) {
        bindings.add(it.binding.get());
        left--;
      }
    }
    return bindings.build();
  }

  @Override
  public List<NodeAction> handle(Instant now, NodeEvent event) {
    List<NodeAction> actions = new ArrayList<>();
    // A binding that has ended is no binding to what happens now.
    deadlines(now, actions);
    tellPrefixes(now, actions);
    if (event instanceof NodeEvent.Started) {
      started(actions);
    } else if (event instanceof NodeEvent.MobilityMessageArrived arrived) {
      arrived(now, arrived.message(), arrived.arrival(), actions);
    } else if (event instanceof NodeEvent.Icmpv6Arrived arrived) {
      icmpv6(now, arrived, actions);
    } else if (event instanceof NodeEvent.PrefixDiscoveryArrived arrived) {
      prefixDiscovery(now, arrived, actions);
    } else if (event instanceof NodeEvent.ListenerMessageArrived arrived) {
      listenerSays(now, arrived, actions);
    } else if (event instanceof NodeEvent.LinkChanged change) {
      linkChanged(now, change, actions);
    } else if (event instanceof NodeEvent.AddressChanged change) {
      addressChanged(now, change);
    } else if (event instanceof NodeEvent.DadFinished finished) {
      for (Registration registration : detecting.removeAll(finished.address().value())) {
        dadFinished(now, registration, finished, actions);
      }
    } else if (event instanceof NodeEvent.BindingDismissed dismissed) {
      dismiss(dismissed.homeAddress(), actions);
    } else if (event instanceof NodeEvent.Draining wanted) {
      draining = wanted.on();
    } else if (event instanceof NodeEvent.ShutdownRequested) {
      advertiser.ifPresent(it -> actions.addAll(it.cease()));
      if (rememberAt.isPresent()) {
        rememberHomeLink(now, actions);
      }
      return actions;
    }
    deadlines(now, actions);
    return actions;
  }

  /** What the operator has changed of them: on the home link, and to who is away. */
  private void tellPrefixes(Instant now, List<NodeAction> actions) {
    if (!prefixesChanged) {
      return;
    }
    prefixesChanged = false;
    advertiser.ifPresent(it -> it.adopt(now, settings));
    prefixAdvertiser.changed(now);
    registrations.values().forEach(this::schedule);
    if (homeLinkIsUp) {
      homeLink.ifPresent(it -> joinAnycast(it.interfaceIndex(), actions));
    }
  }

  /** The Mobile IPv6 Home-Agents anycast address of each home prefix (RFC 6275 section 10.5). */
  private void joinAnycast(int interfaceIndex, List<NodeAction> actions) {
    for (HomeAgentSettings.HomePrefix it : settings.prefixes()) {
      actions.add(
          new NodeAction.JoinAnycast(interfaceIndex, AnycastAddress.homeAgents(it.prefix())));
    }
  }

  /** Many bindings may be there already: what is of one kind is together, and done at once. */
  private void started(List<NodeAction> actions) {
    for (Registration it : registrations.values()) {
      it.binding.ifPresent(
          binding ->
              actions.add(
                  new NodeAction.MoveTunnel(
                      it.home, settings.address(), it.home.value(), binding.careOf().value())));
    }
    for (Registration it : registrations.values()) {
      actions.add(want(it, it.binding.map(HomeBinding::careOf)));
    }
    // The last to come, and so behind the policies of all that are served.
    actions.add(
        new NodeAction.WantMobility(
            new HomeAddress(settings.address()),
            HomePolicies.homeAgentForAnybody(settings.address())));
  }

  @Override
  public Optional<Instant> nextDeadline() {
    Instant first = earlier(Instant.MAX, due.next());
    first = earlier(first, advertiser.flatMap(RouterAdvertiser::nextDeadline));
    first = earlier(first, prefixAdvertiser.nextDeadline());
    first = earlier(first, groups.flatMap(GroupMembership::nextDeadline));
    first = earlier(first, rememberAt);
    first = earlier(first, turn);
    return first.equals(Instant.MAX) ? Optional.empty() : Optional.of(first);
  }

  /** Something may be due of it at another time than before. */
  private void schedule(Registration it) {
    Instant first = earlier(Instant.MAX, it.binding.map(this::end));
    first = earlier(first, it.announceAt);
    first = earlier(first, it.yieldingUntil);
    if (first.equals(Instant.MAX)) {
      due.remove(it);
    } else {
      due.put(it, first);
    }
  }

  /** Home prefixes mostly are valid for longer than any binding. */
  private void scheduleAgain(Instant changedFrom) {
    boolean concerned =
        registrations.values().stream()
            .flatMap(it -> it.binding.stream())
            .anyMatch(it -> it.expiry().isAfter(changedFrom));
    if (concerned) {
      registrations.values().forEach(this::schedule);
    }
  }

  private static Instant earlier(Instant one, Optional<Instant> other) {
    return other.isPresent() && other.get().isBefore(one) ? other.get() : one;
  }

  private void deadlines(Instant now, List<NodeAction> actions) {
    // In the order of the configuration, whichever was due first.
    Map<Integer, Registration> inOrder = new TreeMap<>();
    for (Optional<Registration> it = due.poll(now); it.isPresent(); it = due.poll(now)) {
      inOrder.put(it.get().number, it.get());
    }
    for (Registration it : inOrder.values()) {
      if (it.binding.isPresent() && !now.isBefore(end(it.binding.get()))) {
        actions.add(new NodeAction.Tell("the binding of " + it.home + " has expired"));
        release(it, it.binding.get(), actions);
        // Without an entry any number is accepted (RFC 6275 section 9.5.1).
        it.lastSequence = Optional.empty();
      }
      if (it.yieldingUntil.isPresent() && !now.isBefore(it.yieldingUntil.get())) {
        it.yieldingUntil = Optional.empty();
        it.binding.ifPresent(binding -> intercept(now, it, binding, actions));
      }
      if (it.announceAt.isPresent() && !now.isBefore(it.announceAt.get())) {
        announce(now, it, actions);
      }
      schedule(it);
    }
    takeTurns(now, actions);
    advertiser.ifPresent(it -> actions.addAll(it.onDeadline(now)));
    prefixAdvertiser.deadlines(now, actions);
    if (rememberAt.isPresent() && !now.isBefore(rememberAt.get())) {
      rememberHomeLink(now, actions);
    }
    groups.ifPresent(it -> it.deadlines(now, homeInterface(), actions));
  }

  private int homeInterface() {
    return homeLink.map(HomeLink::interfaceIndex).orElse(0);
  }

  /** What an unknown mobile node says is ignored (RFC 6275 section 10.4.3). */
  private void listenerSays(
      Instant now, NodeEvent.ListenerMessageArrived arrived, List<NodeAction> actions) {
    boolean taken =
        groups
            .filter(
                it ->
                    it.arrived(now, arrived.message(), arrived.arrival(), homeInterface(), actions))
            .isPresent();
    if (!taken) {
      actions.add(new NodeAction.Refuse(UNEXPECTED, arrived.arrival().source()));
    }
  }

  /** The multicast groups that a mobile node gets through its tunnel. */
  public ImmutableSet<Ipv6Address> groups(HomeAddress home) {
    return groups.map(it -> it.groups(home)).orElse(ImmutableSet.of());
  }

  private void bound(Instant now, Registration registration, CareOfAddress careOf) {
    prefixAdvertiser.bound(now, registration.home, careOf);
    listens(now, registration, careOf);
  }

  private void listens(Instant now, Registration registration, CareOfAddress careOf) {
    groups.ifPresent(
        it -> it.bound(now, registration.home, careOf, registration.policies.tunnel(careOf)));
  }

  /** With its own lifetime, or with the home prefix's if that ends before (section 10.3.1). */
  private Instant end(HomeBinding binding) {
    Instant valid = prefixes.validUntil(binding.homeAddress());
    return valid.isBefore(binding.expiry()) ? valid : binding.expiry();
  }

  private void linkChanged(Instant now, NodeEvent.LinkChanged change, List<NodeAction> actions) {
    if (!change.name().equals(settings.homeInterface())) {
      return;
    }
    if (!change.up()) {
      homeLinkIsUp = false;
      advertiser.ifPresent(RouterAdvertiser::linkIsDown);
      return;
    }
    boolean wasUp = homeLinkIsUp;
    if (!wasUp) {
      joinAnycast(change.interfaceIndex(), actions);
    }
    homeLinkIsUp = true;
    homeLink = Optional.of(new HomeLink(change.interfaceIndex(), change.address()));
    advertiser.ifPresent(it -> it.linkIsUp(now, change.interfaceIndex(), change.address()));
    int restored = 0;
    List<Registration> defended = new ArrayList<>();
    for (Registration it : registrations.values()) {
      if (it.binding.isPresent() && it.restored) {
        restored++;
        listens(now, it, it.binding.get().careOf());
        defended.add(it);
      } else if (it.binding.isPresent() && it.yieldingUntil.isEmpty() && !wasUp) {
        // Nobody knows what the link has heard meanwhile.
        defended.add(it);
      }
      it.restored = false;
    }
    if (restored > 0) {
      actions.add(new NodeAction.Tell("bindings served again: " + restored));
    }
    defended.forEach(it -> it.binding.ifPresent(binding -> proxy(it, binding, actions)));
    announceAll(now, defended, actions);
  }

  private void addressChanged(Instant now, NodeEvent.AddressChanged change) {
    boolean onHomeLink =
        homeLink.map(it -> it.interfaceIndex() == change.interfaceIndex()).orElse(false);
    if (!onHomeLink || !change.address().isLinkLocal() || advertiser.isEmpty()) {
      return;
    }
    boolean usable = change.state() == NodeEvent.AddressState.USABLE;
    advertiser
        .get()
        .linkLocalAddress(now, usable ? Optional.of(change.address()) : Optional.empty());
  }

  private void icmpv6(Instant now, NodeEvent.Icmpv6Arrived arrived, List<NodeAction> actions) {
    if (arrived.message() instanceof Icmpv6Message.HomeAgentDiscoveryRequest request) {
      discovery(now, arrived, request, actions);
      return;
    }
    boolean onHomeLink =
        homeLink.map(it -> it.interfaceIndex() == arrived.interfaceIndex()).orElse(false);
    if (onHomeLink
        && arrived.hopLimit() == 255
        && arrived.message() instanceof Icmpv6Message.RouterSolicitation) {
      advertiser.ifPresent(it -> it.solicited(now));
    } else if (onHomeLink
        && arrived.hopLimit() == 255
        && arrived.source().isLinkLocal()
        && arrived.message() instanceof Icmpv6Message.RouterAdvertisement advertisement) {
      boolean othersChanged = agents.heard(now, arrived.source(), advertisement);
      var before = prefixes.ends();
      boolean told = prefixes.heard(now, advertisement);
      if (told) {
        prefixAdvertiser.changed(now);
      }
      scheduleAgain(prefixes.changedFrom(before));
      remember(now, othersChanged || told ? LEAST_BETWEEN : MOST_BETWEEN);
    }
  }

  /** What is heard of the home link is to be remembered, so long after it was the last time. */
  private void remember(Instant now, Duration between) {
    Instant at = rememberedAt.plus(between);
    at = at.isBefore(now) ? now : at;
    rememberAt = Optional.of(earlier(at, rememberAt));
  }

  private void rememberHomeLink(Instant now, List<NodeAction> actions) {
    rememberAt = Optional.empty();
    rememberedAt = now;
    actions.add(
        new NodeAction.RememberHomeLink(
            new HomeLinkState(
                settings.homeInterface(),
                settings.homePrefix(),
                agents.heard(now),
                prefixes.heard())));
  }

  /** Nothing can prove who asks, or that it is a mobile node (RFC 6275 sections 6.5 and 10.5). */
  private void discovery(
      Instant now,
      NodeEvent.Icmpv6Arrived arrived,
      Icmpv6Message.HomeAgentDiscoveryRequest request,
      List<NodeAction> actions) {
    if (settings.prefixes().stream()
            .noneMatch(it -> arrived.destination().equals(AnycastAddress.homeAgents(it.prefix())))
        || !arrived.source().isGlobalUnicast()) {
      actions.add(new NodeAction.Refuse(WRONG_ADDRESS, arrived.source()));
    } else if (!discoverers.mayAnswer(now)) {
      actions.add(new NodeAction.Refuse(LIMIT, arrived.source()));
    } else {
      actions.add(
          new NodeAction.SendDiscovery(
              new Icmpv6Message.HomeAgentDiscoveryReply(
                  request.identifier(), agents.addresses(now, random)),
              settings.address(),
              arrived.source(),
              Optional.empty()));
    }
  }

  /** The other home agents of the link that are known, with their preference; for the status. */
  public ImmutableList<Map.Entry<Ipv6Address, Integer>> otherHomeAgents(Instant now) {
    return agents.others(now);
  }

  /**
   * A Mobile Prefix Solicitation of a mobile node that is registered, by its care-of address and
   * through its association (RFC 6275 sections 6.7 and 10.6.2).
   */
  private void prefixDiscovery(
      Instant now, NodeEvent.PrefixDiscoveryArrived arrived, List<NodeAction> actions) {
    Arrival arrival = arrived.arrival();
    Registration registration = registrations.get(new HomeAddress(arrival.source()));
    if (!(arrived.message() instanceof Icmpv6Message.MobilePrefixSolicitation solicitation)) {
      actions.add(new NodeAction.Refuse(UNEXPECTED, arrival.source()));
    } else if (!arrival.destination().equals(settings.address())) {
      actions.add(new NodeAction.Refuse(WRONG_ADDRESS, arrival.source()));
    } else if (registration == null || registration.binding.isEmpty()) {
      actions.add(new NodeAction.Refuse(NOT_SERVED, arrival.source()));
    } else if (!registration.protection.admitsPrefixDiscovery(arrival.securityPath())) {
      actions.add(new NodeAction.Refuse(UNPROTECTED, arrival.source()));
    } else if (!arrival.careOf().equals(registration.binding.map(it -> it.careOf().value()))) {
      actions.add(new NodeAction.Refuse(MALFORMED, arrival.source()));
    } else {
      prefixAdvertiser.solicited(
          now,
          solicitation.identifier(),
          registration.home,
          registration.binding.get().careOf(),
          actions);
    }
  }

  private void arrived(
      Instant now, MobilityMessage message, Arrival arrival, List<NodeAction> actions) {
    if (message instanceof BindingUpdate update) {
      bindingUpdate(now, update, arrival, actions);
    } else {
      actions.add(new NodeAction.Refuse(UNEXPECTED, arrival.source()));
    }
  }

  /** RFC 6275 sections 9.5.1, 10.3.1 and 10.3.2; what fails silently comes first. */
  private void bindingUpdate(
      Instant now, BindingUpdate update, Arrival arrival, List<NodeAction> actions) {
    HomeAddress home = new HomeAddress(arrival.source());
    if (!arrival.destination().equals(settings.address())) {
      actions.add(new NodeAction.Refuse(WRONG_ADDRESS, arrival.source()));
      return;
    }
    Ipv6Address from = arrival.careOf().orElse(arrival.source());
    if (!arrival.source().isGlobalUnicast() || !from.isGlobalUnicast()) {
      actions.add(new NodeAction.Refuse(MALFORMED, arrival.source()));
      return;
    }
    Registration registration = registrations.get(home);
    if (registration != null && !isAuthorized(registration, arrival, actions)) {
      return;
    }
    if (!update.has(BindingFlag.HOME_REGISTRATION)) {
      notForAHomeAgent(update, registration, arrival, actions);
      return;
    }
    // The option overrides the source: ESP does not protect the IPv6 header (section 11.7.1).
    CareOfAddress careOf = update.alternateCareOfAddress().orElseGet(() -> new CareOfAddress(from));
    // A home address bound to itself would have us tunnel to ourselves.
    boolean ends = update.lifetime().isZero() || careOf.value().equals(home.value());
    if (update.option(MobilityOption.NonceIndices.class).isPresent()
        || (arrival.careOf().isEmpty() && !ends)) {
      // A registration must have a Home Address option (section 10.3.1).
      actions.add(new NodeAction.Refuse(MALFORMED, arrival.source()));
      return;
    }
    if (registration == null) {
      notServed(now, update, arrival, actions);
      return;
    }
    if (registration.lastSequence.isPresent()
        && !update.sequence().isAfter(registration.lastSequence.get())) {
      yieldTo(now, registration, arrival, actions);
      answer(
          BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW,
          registration.lastSequence.get(),
          BindingLifetime.DEREGISTER,
          arrival,
          actions);
      return;
    }
    if (ends) {
      deregister(registration, update, arrival, actions);
    } else if (!careOf.value().isGlobalUnicast()
        || registrations.containsKey(new HomeAddress(careOf.value()))
        || careOf.value().equals(settings.address())) {
      answer(
          BindingStatus.INVALID_CARE_OF_ADDRESS,
          update.sequence(),
          BindingLifetime.DEREGISTER,
          arrival,
          actions);
    } else {
      admit(now, registration, update, careOf, arrival, actions);
    }
  }

  /** What the administrator allows. */
  private void admit(
      Instant now,
      Registration registration,
      BindingUpdate update,
      CareOfAddress careOf,
      Arrival arrival,
      List<NodeAction> actions) {
    if (draining && registration.binding.isEmpty() && registration.waiting.isEmpty()) {
      actions.add(
          new NodeAction.Tell(
              "registration of " + registration.home + " refused: this home agent is draining"));
      actions.add(new NodeAction.Refuse(PROHIBITED, arrival.source()));
      answer(
          BindingStatus.ADMINISTRATIVELY_PROHIBITED,
          update.sequence(),
          BindingLifetime.DEREGISTER,
          arrival,
          actions);
      return;
    }
    Optional<AccessList.Rule> rule = settings.careOfAddresses().refuses(careOf);
    if (rule.isEmpty()) {
      register(now, registration, update, careOf, arrival, actions);
      return;
    }
    actions.add(
        new NodeAction.Tell(
            "registration of "
                + registration.home
                + " refused: its care-of address "
                + careOf
                + " is kept out by \"care-of-addresses: "
                + rule.get()
                + "\""));
    actions.add(new NodeAction.Refuse(PROHIBITED, arrival.source()));
    answer(
        BindingStatus.ADMINISTRATIVELY_PROHIBITED,
        update.sequence(),
        BindingLifetime.DEREGISTER,
        arrival,
        actions);
  }

  /**
   * There is no correspondent's role here, so that nonces mean nothing; but the kind of a binding
   * that is there must not change (RFC 6275 section 9.5.1).
   */
  private void notForAHomeAgent(
      BindingUpdate update,
      @Nullable Registration registration,
      Arrival arrival,
      List<NodeAction> actions) {
    if (registration == null
        || registration.protection.signalling().isEmpty()
        || registration.binding.isEmpty()) {
      actions.add(new NodeAction.Refuse(UNEXPECTED, arrival.source()));
      return;
    }
    answer(
        BindingStatus.REGISTRATION_TYPE_CHANGE_DISALLOWED,
        update.sequence(),
        BindingLifetime.DEREGISTER,
        arrival,
        actions);
  }

  /**
   * Whom we refuse on the home link is to hear of it there, not through the tunnel (RFC 6275
   * section 10.3.2): for a moment we do not stand in for it.
   */
  private void yieldTo(
      Instant now, Registration registration, Arrival arrival, List<NodeAction> actions) {
    if (arrival.careOf().isPresent() || registration.binding.isEmpty()) {
      return;
    }
    registration.yieldingUntil = Optional.of(now.plus(YIELDING));
    schedule(registration);
    actions.add(want(registration, Optional.empty()));
    stopDefending(registration, registration.binding.get(), actions);
  }

  /** Who is not served has no association with us, and gets a status none the less. */
  private void notServed(
      Instant now, BindingUpdate update, Arrival arrival, List<NodeAction> actions) {
    actions.add(new NodeAction.Refuse(NOT_SERVED, arrival.source()));
    if (!strangers.mayAnswer(now)) {
      actions.add(new NodeAction.Refuse(LIMIT, arrival.source()));
      return;
    }
    BindingStatus status = BindingStatus.NOT_HOME_SUBNET;
    if (settings.prefixOf(arrival.source()).isPresent()) {
      status =
          update.lifetime().isZero()
              ? BindingStatus.NOT_HOME_AGENT_FOR_THIS_MOBILE_NODE
              : BindingStatus.ADMINISTRATIVELY_PROHIBITED;
    }
    // Its policy is there for this one message only: a lasting one, for all, might come before
    // those of the home addresses that we serve, and take their ESP away.
    HomeAddress stranger = new HomeAddress(arrival.source());
    actions.add(
        new NodeAction.WantMobility(
            stranger, HomePolicies.homeAgentForStranger(stranger, settings.address())));
    answer(status, update.sequence(), BindingLifetime.DEREGISTER, arrival, actions);
    actions.add(new NodeAction.WantMobility(stranger, MobilityWish.NOTHING));
  }

  /**
   * The home address alone says which association must have been used: that for its signalling, in
   * transport mode (RFC 6275 section 10.3.1, RFC 3776 section 4.2).
   */
  private static boolean isAuthorized(
      Registration registration, Arrival arrival, List<NodeAction> actions) {
    Optional<ReqId> required = registration.protection.signalling();
    if (required.isEmpty()
        || arrival.securityPath().steps().stream()
            .anyMatch(
                step ->
                    step.protocol().isIpsec()
                        && step.mode() == Mode.TRANSPORT
                        && step.reqId().equals(required.get()))) {
      return true;
    }
    boolean foreign = arrival.securityPath().isProtected();
    actions.add(
        new NodeAction.Refuse(foreign ? FOREIGN_ASSOCIATION : UNPROTECTED, arrival.source()));
    return false;
  }

  private void register(
      Instant now,
      Registration registration,
      BindingUpdate update,
      CareOfAddress careOf,
      Arrival arrival,
      List<NodeAction> actions) {
    if (registration.binding.isPresent() && !registration.restored) {
      accept(now, registration, update, careOf, arrival, actions);
      return;
    }
    if (homeLink.isEmpty()) {
      answer(
          BindingStatus.INSUFFICIENT_RESOURCES,
          update.sequence(),
          BindingLifetime.DEREGISTER,
          arrival,
          actions);
      return;
    }
    // A repetition while detection runs replaces what waits for it, if it is the newer one.
    if (registration.waiting.isEmpty()
        || update.sequence().isAfter(registration.waiting.get().update().sequence())) {
      registration.waiting = Optional.of(new Waiting(update, careOf, arrival));
    }
    if (settings.virtual()) {
      // Nobody else is there.
      registration.waiting = Optional.empty();
      accept(now, registration, update, careOf, arrival, actions);
      return;
    }
    if (registration.detecting.isEmpty()) {
      for (Ipv6Address address : registration.addresses(BindingFlag.bitsOf(update.flags()))) {
        registration.detecting.add(address);
        detecting.put(address, registration);
        actions.add(
            new NodeAction.StartDad(homeLink.get().interfaceIndex(), new HomeAddress(address)));
      }
    }
  }

  private void dadFinished(
      Instant now,
      Registration registration,
      NodeEvent.DadFinished finished,
      List<NodeAction> actions) {
    if (!registration.detecting.remove(finished.address().value())
        || (finished.unique() && !registration.detecting.isEmpty())) {
      return;
    }
    registration.detecting.forEach(other -> detecting.remove(other, registration));
    registration.detecting.clear();
    Optional<Waiting> waiting = registration.waiting;
    registration.waiting = Optional.empty();
    if (waiting.isEmpty()) {
      return;
    }
    BindingUpdate update = waiting.get().update();
    if (finished.unique()) {
      accept(now, registration, update, waiting.get().careOf(), waiting.get().arrival(), actions);
    } else {
      actions.add(
          new NodeAction.Tell("somebody on the home link has the address " + finished.address()));
      answer(
          BindingStatus.DUPLICATE_ADDRESS_DETECTION_FAILED,
          update.sequence(),
          BindingLifetime.DEREGISTER,
          waiting.get().arrival(),
          actions);
    }
  }

  private void accept(
      Instant now,
      Registration registration,
      BindingUpdate update,
      CareOfAddress careOf,
      Arrival arrival,
      List<NodeAction> actions) {
    Duration valid = prefixes.valid(now, registration.home);
    Duration most = settings.maximumLifetime();
    BindingLifetime longest = BindingLifetime.atMost(valid.compareTo(most) < 0 ? valid : most);
    BindingLifetime granted =
        update.lifetime().units() < longest.units() ? update.lifetime() : longest;
    if (granted.isZero()) {
      actions.add(new NodeAction.Tell("the home prefix of " + registration.home + " is not valid"));
      answer(
          BindingStatus.NOT_HOME_SUBNET,
          update.sequence(),
          BindingLifetime.DEREGISTER,
          arrival,
          actions);
      return;
    }
    var binding =
        new HomeBinding(
            registration.home,
            careOf,
            update.sequence(),
            BindingFlag.bitsOf(update.flags()),
            now.plus(granted.asDuration()));
    actions.add(
        new NodeAction.RememberBinding(
            binding.homeAddress(),
            careOf,
            binding.sequence(),
            binding.flags(),
            granted.asDuration()));
    Optional<HomeBinding> before = registration.binding;
    bound += before.isEmpty() ? 1 : 0;
    registration.binding = Optional.of(binding);
    registration.lastSequence = Optional.of(update.sequence());
    serve(now, registration, binding, before, actions);
    schedule(registration);
    answer(
        accepted(now, registration.home, granted),
        movesKeyManagement(registration, update),
        update.sequence(),
        granted,
        arrival,
        actions);
  }

  /** K of the acknowledgement (RFC 6275 section 10.3.1). */
  private static boolean movesKeyManagement(Registration registration, BindingUpdate update) {
    return registration.protection.keyManagement()
        && update.has(BindingFlag.KEY_MANAGEMENT_MOBILITY);
  }

  /**
   * Whether the prefix is deprecated, or becomes so or invalid before the binding ends; both
   * lifetimes in units of four seconds (RFC 6275 section 10.3.1).
   */
  private BindingStatus accepted(Instant now, HomeAddress home, BindingLifetime granted) {
    int preferred = BindingLifetime.atMost(prefixes.preferred(now, home)).units();
    int valid = BindingLifetime.atMost(prefixes.valid(now, home)).units();
    return preferred < granted.units() || preferred == 0 || valid <= granted.units()
        ? BindingStatus.ACCEPTED_BUT_PREFIX_DISCOVERY_NECESSARY
        : BindingStatus.ACCEPTED;
  }

  /** Puts a binding into force. */
  private void serve(
      Instant now,
      Registration registration,
      HomeBinding binding,
      Optional<HomeBinding> before,
      List<NodeAction> actions) {
    bound(now, registration, binding.careOf());
    Ipv6Address from =
        before.map(it -> it.careOf().value()).orElseGet(() -> registration.home.value());
    boolean moves = !from.equals(binding.careOf().value());
    if (moves) {
      actions.add(
          new NodeAction.MoveTunnel(
              registration.home, settings.address(), from, binding.careOf().value()));
    }
    boolean defended =
        before.isPresent()
            && registration.yieldingUntil.isEmpty()
            && registration
                .addresses(before.get().flags())
                .equals(registration.addresses(binding.flags()));
    if (!defended) {
      if (before.isPresent()) {
        stopDefending(registration, before.get(), actions);
      }
      intercept(now, registration, binding, actions);
    } else if (moves) {
      actions.add(want(registration, Optional.of(binding.careOf())));
    }
    registration.yieldingUntil = Optional.empty();
  }

  private void intercept(
      Instant now, Registration registration, HomeBinding binding, List<NodeAction> actions) {
    actions.add(want(registration, Optional.of(binding.careOf())));
    defend(now, registration, binding, actions);
  }

  private void defend(
      Instant now, Registration registration, HomeBinding binding, List<NodeAction> actions) {
    proxy(registration, binding, actions);
    beginAnnouncing(now, registration, actions);
  }

  private void proxy(Registration registration, HomeBinding binding, List<NodeAction> actions) {
    if (homeLink.isEmpty()) {
      return;
    }
    for (Ipv6Address address : registration.addresses(binding.flags())) {
      actions.add(
          new NodeAction.Proxy(homeLink.get().interfaceIndex(), new HomeAddress(address), true));
    }
  }

  private void beginAnnouncing(Instant now, Registration registration, List<NodeAction> actions) {
    if (homeLink.isEmpty() || settings.virtual()) {
      // In a virtual link nobody is there to hear of it.
      return;
    }
    registration.announcements = ProtocolConstants.MAX_NEIGHBOR_ADVERTISEMENT;
    announce(now, registration, actions);
  }

  /**
   * Some at once, and of very many the others one after another, behind those that wait already.
   */
  private void announceAll(Instant now, List<Registration> some, List<NodeAction> actions) {
    for (Registration it : some.subList(0, Math.min(AT_ONCE, some.size()))) {
      turns.remove(it);
      goOn(now, it, actions);
    }
    turns.addAll(some.subList(Math.min(AT_ONCE, some.size()), some.size()));
    turn = turns.isEmpty() ? Optional.empty() : turn.or(() -> Optional.of(now.plus(BETWEEN)));
  }

  /** Those whose turn has come. */
  private void takeTurns(Instant now, List<NodeAction> actions) {
    while (turn.isPresent() && !now.isBefore(turn.get())) {
      Iterator<Registration> first = turns.iterator();
      Registration it = first.next();
      first.remove();
      turn = turns.isEmpty() ? Optional.empty() : Optional.of(turn.get().plus(BETWEEN));
      if (it.yieldingUntil.isEmpty()) {
        goOn(now, it, actions);
      }
    }
  }

  /**
   * A binding that was there before: the home link hears of it, and its mobile node of prefixes.
   */
  private void goOn(Instant now, Registration registration, List<NodeAction> actions) {
    if (registration.binding.isPresent()) {
      prefixAdvertiser.bound(now, registration.home, registration.binding.get().careOf());
      beginAnnouncing(now, registration, actions);
    }
  }

  private void stopDefending(
      Registration registration, HomeBinding binding, List<NodeAction> actions) {
    registration.announceAt = Optional.empty();
    schedule(registration);
    // Also before the home link is up: packets for those that were restored come to us already.
    for (Ipv6Address address : registration.addresses(binding.flags())) {
      if (!isAnothers(registration, address)) {
        actions.add(new NodeAction.Proxy(homeInterface(), new HomeAddress(address), false));
      }
    }
  }

  /**
   * Whether the binding of another home address has us answer for a link-local address: those of
   * one mobile node have one interface identifier where they were formed when a prefix came.
   */
  private boolean isAnothers(Registration registration, Ipv6Address address) {
    return address.isLinkLocal()
        && settings.prefixes().stream()
            .map(it -> registrations.get(new HomeAddress(address.withPrefix(it.prefix()))))
            .filter(it -> it != null && it != registration)
            .anyMatch(
                it ->
                    it.yieldingUntil.isEmpty()
                        && it.binding
                            .filter(one -> it.addresses(one.flags()).contains(address))
                            .isPresent());
  }

  /**
   * Tells the home link that packets for the home address come to us (RFC 6275 section 10.4.1):
   * unsolicited, overriding, and not as a router.
   */
  private void announce(Instant now, Registration registration, List<NodeAction> actions) {
    registration.announcements--;
    registration.announceAt =
        registration.announcements > 0
            ? Optional.of(now.plus(ProtocolConstants.RETRANS_TIMER))
            : Optional.empty();
    schedule(registration);
    if (homeLink.isEmpty()
        || homeLink.get().address().isEmpty()
        || registration.binding.isEmpty()) {
      return;
    }
    for (Ipv6Address address : registration.addresses(registration.binding.get().flags())) {
      actions.add(
          new NodeAction.SendIcmpv6(
              homeLink.get().interfaceIndex(),
              settings.address(),
              Ipv6Address.ALL_NODES,
              new Icmpv6Message.NeighborAdvertisement(
                  false,
                  false,
                  true,
                  address,
                  ImmutableList.of(
                      new NdOption.TargetLinkLayerAddress(homeLink.get().address().get())))));
    }
  }

  /** RFC 6275 section 10.3.2. */
  private void deregister(
      Registration registration, BindingUpdate update, Arrival arrival, List<NodeAction> actions) {
    registration.waiting = Optional.empty();
    if (registration.binding.isEmpty()) {
      answer(
          BindingStatus.NOT_HOME_AGENT_FOR_THIS_MOBILE_NODE,
          update.sequence(),
          BindingLifetime.DEREGISTER,
          arrival,
          actions);
      return;
    }
    HomeBinding binding = registration.binding.get();
    registration.lastSequence = Optional.of(update.sequence());
    release(registration, binding, actions);
    answer(
        BindingStatus.ACCEPTED,
        movesKeyManagement(registration, update),
        update.sequence(),
        BindingLifetime.DEREGISTER,
        arrival,
        actions);
  }

  /** By the operator; late updates are recognized as after a de-registration. */
  private void dismiss(HomeAddress home, List<NodeAction> actions) {
    Registration registration = registrations.get(home);
    if (registration == null) {
      return;
    }
    registration.waiting = Optional.empty();
    if (registration.binding.isPresent()) {
      release(registration, registration.binding.get(), actions);
    }
  }

  private void release(Registration registration, HomeBinding binding, List<NodeAction> actions) {
    bound--;
    registration.binding = Optional.empty();
    prefixAdvertiser.unbound(registration.home);
    groups.ifPresent(it -> it.unbound(registration.home, homeInterface(), actions));
    registration.yieldingUntil = Optional.empty();
    schedule(registration);
    actions.add(
        new NodeAction.ForgetBinding(
            registration.home, registration.lastSequence.orElse(binding.sequence())));
    stopDefending(registration, binding, actions);
    actions.add(want(registration, Optional.empty()));
    actions.add(
        new NodeAction.MoveTunnel(
            registration.home,
            settings.address(),
            binding.careOf().value(),
            registration.home.value()));
  }

  /** Whether we are the home agent of that home address, bound or not. */
  public boolean serves(Ipv6Address home) {
    return registrations.containsKey(new HomeAddress(home));
  }

  /** Whether a Home Address option says what is bound here. */
  public boolean bearsOut(NodeEvent.HomeAddressOptionRefused option) {
    return Optional.ofNullable(registrations.get(new HomeAddress(option.homeAddress())))
        .flatMap(it -> it.binding)
        .filter(binding -> binding.careOf().value().equals(option.careOf()))
        .isPresent();
  }

  /**
   * @param careOf of the binding that is to be served; empty for none
   */
  private static NodeAction want(Registration registration, Optional<CareOfAddress> careOf) {
    return new NodeAction.WantAtHomeAgent(
        new HomeAgentWish(registration.home, registration.policies, careOf));
  }

  /**
   * To where the Binding Update came from, with a type 2 routing header unless it came from the
   * home address itself (RFC 6275 section 9.5.4). Without Binding Refresh Advice: bindings are kept
   * in nonvolatile storage (section 10.3.1).
   *
   * @param keyManagement K: our key management moves along
   */
  private void answer(
      BindingStatus status,
      boolean keyManagement,
      SequenceNumber sequence,
      BindingLifetime lifetime,
      Arrival arrival,
      List<NodeAction> actions) {
    actions.add(
        new NodeAction.SendMessage(
            new BindingAcknowledgement(
                status, keyManagement, sequence, lifetime, ImmutableList.of()),
            /* source= */ arrival.destination(),
            /* destination= */ arrival.source(),
            arrival.careOf().map(CareOfAddress::new)));
  }

  /** Likewise, of what is refused. */
  private void answer(
      BindingStatus status,
      SequenceNumber sequence,
      BindingLifetime lifetime,
      Arrival arrival,
      List<NodeAction> actions) {
    answer(status, false, sequence, lifetime, arrival, actions);
  }
}

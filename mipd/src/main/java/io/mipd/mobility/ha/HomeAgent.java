package io.mipd.mobility.ha;

import static io.mipd.mobility.NodeAction.Refusal.FOREIGN_ASSOCIATION;
import static io.mipd.mobility.NodeAction.Refusal.LIMIT;
import static io.mipd.mobility.NodeAction.Refusal.MALFORMED;
import static io.mipd.mobility.NodeAction.Refusal.UNEXPECTED;
import static io.mipd.mobility.NodeAction.Refusal.UNPROTECTED;
import static io.mipd.mobility.NodeAction.Refusal.WRONG_ADDRESS;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.MobilityNode;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.ProtocolConstants;
import io.mipd.mobility.binding.HomeBinding;
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
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.NdOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/** The home agent of RFC 6275 section 10, for the home addresses that it is configured for. */
public final class HomeAgent implements MobilityNode {
  /** A hint to renew in time: this part of the lifetime, in percent (RFC 6275 section 6.2.4). */
  private static final int REFRESH_PERCENT = 80;

  private final HomeAgentSettings settings;
  private final Map<HomeAddress, Registration> registrations = new LinkedHashMap<>();
  private final Optional<RouterAdvertiser> advertiser;
  private final StatusLimiter strangers = new StatusLimiter();
  private Optional<HomeLink> homeLink = Optional.empty();

  private record HomeLink(int interfaceIndex, Optional<LinkLayerAddress> address) {}

  /** A Binding Update that waits for Duplicate Address Detection. */
  private record Waiting(BindingUpdate update, CareOfAddress careOf, Arrival arrival) {}

  /** What is known of one home address that we serve. */
  private static final class Registration {
    final HomeAddress home;
    final TunnelProtection protection;
    final HomePolicies policies;
    Optional<HomeBinding> binding = Optional.empty();

    /** Until then late updates are recognized after a de-registration (section 10.3.2). */
    Optional<Instant> forgottenAt = Optional.empty();

    Optional<SequenceNumber> lastSequence = Optional.empty();
    Optional<Waiting> waiting = Optional.empty();
    boolean restored;
    int announcements;
    Optional<Instant> announceAt = Optional.empty();

    Registration(HomeAddress home, TunnelProtection protection, Ipv6Address agent) {
      this.home = home;
      this.protection = protection;
      policies = new HomePolicies(home, agent, protection);
    }
  }

  /**
   * @param restored bindings that an earlier life of this home agent has acknowledged
   */
  public HomeAgent(
      HomeAgentSettings settings, ImmutableList<HomeBinding> restored, RandomGenerator random) {
    this.settings = settings;
    settings
        .served()
        .forEach(
            (home, protection) ->
                registrations.put(home, new Registration(home, protection, settings.address())));
    for (HomeBinding binding : restored) {
      Registration registration = registrations.get(binding.homeAddress());
      if (registration != null) {
        registration.binding = Optional.of(binding);
        registration.lastSequence = Optional.of(binding.sequence());
        registration.restored = true;
      }
    }
    advertiser = settings.advertising().map(it -> new RouterAdvertiser(settings, it, random));
  }

  /** The bindings that are in force, by home address as configured. */
  public ImmutableList<HomeBinding> bindings() {
    return registrations.values().stream()
        .flatMap(registration -> registration.binding.stream())
        .collect(ImmutableList.toImmutableList());
  }

  @Override
  public List<NodeAction> handle(Instant now, NodeEvent event) {
    List<NodeAction> actions = new ArrayList<>();
    if (event instanceof NodeEvent.Started) {
      for (Registration registration : registrations.values()) {
        actions.add(want(registration, registration.policies.homeAgentUnbound()));
      }
    } else if (event instanceof NodeEvent.MobilityMessageArrived arrived) {
      arrived(now, arrived.message(), arrived.arrival(), actions);
    } else if (event instanceof NodeEvent.Icmpv6Arrived arrived) {
      icmpv6(now, arrived);
    } else if (event instanceof NodeEvent.LinkChanged change) {
      linkChanged(now, change, actions);
    } else if (event instanceof NodeEvent.AddressChanged change) {
      addressChanged(now, change);
    } else if (event instanceof NodeEvent.DadFinished finished) {
      Registration registration = registrations.get(finished.address());
      if (registration != null) {
        dadFinished(now, registration, finished.unique(), actions);
      }
    } else if (event instanceof NodeEvent.ShutdownRequested) {
      advertiser.ifPresent(it -> actions.addAll(it.cease()));
      return actions;
    }
    deadlines(now, actions);
    return actions;
  }

  @Override
  public Optional<Instant> nextDeadline() {
    return Stream.concat(
            registrations.values().stream()
                .flatMap(
                    it ->
                        Stream.of(
                                it.binding.map(HomeBinding::expiry), it.forgottenAt, it.announceAt)
                            .flatMap(Optional::stream)),
            advertiser.flatMap(RouterAdvertiser::nextDeadline).stream())
        .min(Instant::compareTo);
  }

  private void deadlines(Instant now, List<NodeAction> actions) {
    for (Registration it : registrations.values()) {
      if (it.binding.isPresent() && it.binding.get().isExpired(now)) {
        actions.add(new NodeAction.Tell("the binding of " + it.home + " has expired"));
        release(it, it.binding.get(), actions);
        it.lastSequence = Optional.empty();
      }
      if (it.forgottenAt.isPresent() && !now.isBefore(it.forgottenAt.get())) {
        it.forgottenAt = Optional.empty();
        it.lastSequence = Optional.empty();
      }
      if (it.announceAt.isPresent() && !now.isBefore(it.announceAt.get())) {
        announce(now, it, actions);
      }
    }
    advertiser.ifPresent(it -> actions.addAll(it.onDeadline(now)));
  }

  private void linkChanged(Instant now, NodeEvent.LinkChanged change, List<NodeAction> actions) {
    if (!change.name().equals(settings.homeInterface())) {
      return;
    }
    if (!change.up()) {
      advertiser.ifPresent(RouterAdvertiser::linkIsDown);
      return;
    }
    homeLink = Optional.of(new HomeLink(change.interfaceIndex(), change.address()));
    advertiser.ifPresent(it -> it.linkIsUp(now, change.interfaceIndex(), change.address()));
    for (Registration it : registrations.values()) {
      if (it.restored && it.binding.isPresent() && !it.binding.get().isExpired(now)) {
        actions.add(new NodeAction.Tell("serving again: " + it.binding.get()));
        serve(now, it, it.binding.get(), Optional.empty(), actions);
      }
      it.restored = false;
    }
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

  private void icmpv6(Instant now, NodeEvent.Icmpv6Arrived arrived) {
    boolean onHomeLink =
        homeLink.map(it -> it.interfaceIndex() == arrived.interfaceIndex()).orElse(false);
    if (onHomeLink
        && arrived.hopLimit() == 255
        && arrived.message() instanceof Icmpv6Message.RouterSolicitation) {
      advertiser.ifPresent(it -> it.solicited(now));
    }
  }

  private void arrived(
      Instant now, MobilityMessage message, Arrival arrival, List<NodeAction> actions) {
    if (message instanceof BindingUpdate update) {
      if (update.has(BindingFlag.HOME_REGISTRATION)) {
        homeRegistration(now, update, arrival, actions);
      } else {
        // No correspondent's role here: as if the nonces were not known, without an answer.
        actions.add(new NodeAction.Refuse(UNEXPECTED, arrival.source()));
      }
    } else if (message instanceof MobilityMessage.Unknown) {
      actions.add(new NodeAction.Refuse(MALFORMED, arrival.source()));
      if (strangers.mayAnswer(now)) {
        // RFC 6275 section 9.2.
        actions.add(
            new NodeAction.SendMessage(
                new MobilityMessage.BindingError(
                    MobilityMessage.BindingError.UNRECOGNIZED_MESSAGE,
                    Ipv6Address.UNSPECIFIED,
                    ImmutableList.of()),
                arrival.destination(),
                arrival.careOf().orElse(arrival.source()),
                Optional.empty()));
      }
    } else {
      actions.add(new NodeAction.Refuse(UNEXPECTED, arrival.source()));
    }
  }

  /** RFC 6275 sections 9.5.1, 10.3.1 and 10.3.2. */
  private void homeRegistration(
      Instant now, BindingUpdate update, Arrival arrival, List<NodeAction> actions) {
    HomeAddress home = new HomeAddress(arrival.source());
    if (!arrival.destination().equals(settings.address())) {
      actions.add(new NodeAction.Refuse(WRONG_ADDRESS, arrival.source()));
      return;
    }
    Ipv6Address from = arrival.careOf().orElse(arrival.source());
    if (!arrival.source().isGlobalUnicast()
        || !from.isGlobalUnicast()
        || update.option(MobilityOption.NonceIndices.class).isPresent()) {
      actions.add(new NodeAction.Refuse(MALFORMED, arrival.source()));
      return;
    }
    Registration registration = registrations.get(home);
    if (registration == null) {
      notServed(now, update, arrival, actions);
      return;
    }
    if (!isAuthorized(registration, arrival, actions)) {
      return;
    }
    if (registration.lastSequence.isPresent()
        && !update.sequence().isAfter(registration.lastSequence.get())) {
      answer(
          BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW,
          registration.lastSequence.get(),
          BindingLifetime.DEREGISTER,
          arrival,
          actions);
      return;
    }
    // The option overrides the source: ESP does not protect the IPv6 header (section 11.7.1).
    CareOfAddress careOf = update.alternateCareOfAddress().orElseGet(() -> new CareOfAddress(from));
    if (update.lifetime().isZero() || careOf.value().equals(home.value())) {
      deregister(now, registration, update, arrival, actions);
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
      register(now, registration, update, careOf, arrival, actions);
    }
  }

  /** Who is not served has no association with us, and gets a status none the less. */
  private void notServed(
      Instant now, BindingUpdate update, Arrival arrival, List<NodeAction> actions) {
    if (!strangers.mayAnswer(now)) {
      actions.add(new NodeAction.Refuse(LIMIT, arrival.source()));
      return;
    }
    BindingStatus status = BindingStatus.NOT_HOME_SUBNET;
    if (settings.homePrefix().contains(arrival.source())) {
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

  /** The home address alone says which association must have been used (section 10.3.1). */
  private static boolean isAuthorized(
      Registration registration, Arrival arrival, List<NodeAction> actions) {
    Optional<ReqId> required = registration.protection.signalling();
    if (required.isEmpty() || arrival.securityPath().passedThrough(required.get())) {
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
    // A repetition while detection runs replaces what waits for it.
    boolean running = registration.waiting.isPresent();
    registration.waiting = Optional.of(new Waiting(update, careOf, arrival));
    if (!running) {
      actions.add(new NodeAction.StartDad(homeLink.get().interfaceIndex(), registration.home));
    }
  }

  private void dadFinished(
      Instant now, Registration registration, boolean unique, List<NodeAction> actions) {
    Optional<Waiting> waiting = registration.waiting;
    registration.waiting = Optional.empty();
    if (waiting.isEmpty()) {
      return;
    }
    BindingUpdate update = waiting.get().update();
    if (unique) {
      accept(now, registration, update, waiting.get().careOf(), waiting.get().arrival(), actions);
    } else {
      actions.add(
          new NodeAction.Tell("somebody on the home link has the address " + registration.home));
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
    BindingLifetime longest = BindingLifetime.atMost(settings.maximumLifetime());
    BindingLifetime granted =
        update.lifetime().units() < longest.units() ? update.lifetime() : longest;
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
    registration.binding = Optional.of(binding);
    registration.lastSequence = Optional.of(update.sequence());
    registration.forgottenAt = Optional.empty();
    serve(now, registration, binding, before, actions);
    answer(BindingStatus.ACCEPTED, update.sequence(), granted, arrival, actions);
  }

  /** Puts a binding into force. */
  private void serve(
      Instant now,
      Registration registration,
      HomeBinding binding,
      Optional<HomeBinding> before,
      List<NodeAction> actions) {
    Ipv6Address from =
        before.map(it -> it.careOf().value()).orElseGet(() -> registration.home.value());
    if (!from.equals(binding.careOf().value())) {
      actions.add(
          new NodeAction.MoveTunnel(
              registration.home, settings.address(), from, binding.careOf().value()));
      actions.add(want(registration, registration.policies.homeAgentBound(binding.careOf())));
    }
    if (before.isEmpty() && homeLink.isPresent()) {
      actions.add(new NodeAction.Proxy(homeLink.get().interfaceIndex(), registration.home, true));
      registration.announcements = ProtocolConstants.MAX_NEIGHBOR_ADVERTISEMENT;
      announce(now, registration, actions);
    }
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
    if (homeLink.isEmpty() || homeLink.get().address().isEmpty()) {
      return;
    }
    actions.add(
        new NodeAction.SendIcmpv6(
            homeLink.get().interfaceIndex(),
            settings.address(),
            Ipv6Address.ALL_NODES,
            new Icmpv6Message.NeighborAdvertisement(
                false,
                false,
                true,
                registration.home.value(),
                ImmutableList.of(
                    new NdOption.TargetLinkLayerAddress(homeLink.get().address().get())))));
  }

  /** RFC 6275 section 10.3.2. */
  private void deregister(
      Instant now,
      Registration registration,
      BindingUpdate update,
      Arrival arrival,
      List<NodeAction> actions) {
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
    registration.forgottenAt = Optional.of(now.plus(ProtocolConstants.MAX_DELETE_BCE_TIMEOUT));
    release(registration, binding, actions);
    answer(BindingStatus.ACCEPTED, update.sequence(), BindingLifetime.DEREGISTER, arrival, actions);
  }

  private void release(Registration registration, HomeBinding binding, List<NodeAction> actions) {
    registration.binding = Optional.empty();
    registration.announceAt = Optional.empty();
    actions.add(
        new NodeAction.ForgetBinding(
            registration.home, registration.lastSequence.orElse(binding.sequence())));
    if (homeLink.isPresent()) {
      actions.add(new NodeAction.Proxy(homeLink.get().interfaceIndex(), registration.home, false));
    }
    actions.add(want(registration, registration.policies.homeAgentUnbound()));
    actions.add(
        new NodeAction.MoveTunnel(
            registration.home,
            settings.address(),
            binding.careOf().value(),
            registration.home.value()));
  }

  private static NodeAction want(Registration registration, MobilityWish wish) {
    return new NodeAction.WantMobility(registration.home, wish);
  }

  /**
   * To where the Binding Update came from, with a type 2 routing header unless it came from the
   * home address itself (RFC 6275 section 9.5.4).
   */
  private void answer(
      BindingStatus status,
      SequenceNumber sequence,
      BindingLifetime lifetime,
      Arrival arrival,
      List<NodeAction> actions) {
    var options = ImmutableList.<MobilityOption>builder();
    if (status.isAccepted() && !lifetime.isZero()) {
      long hint = lifetime.asDuration().toSeconds() * REFRESH_PERCENT / 100;
      BindingLifetime refresh = BindingLifetime.atMost(Duration.ofSeconds(hint));
      if (!refresh.isZero()) {
        options.add(new MobilityOption.BindingRefreshAdvice(refresh.units()));
      }
    }
    actions.add(
        new NodeAction.SendMessage(
            new BindingAcknowledgement(status, false, sequence, lifetime, options.build()),
            /* source= */ arrival.destination(),
            /* destination= */ arrival.source(),
            arrival.careOf().map(CareOfAddress::new)));
  }
}

package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.ReqId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Has charon negotiate the associations of home registrations, and keeps Binding Updates back until
 * there are some (RFC 4877): a packet that would have to wait for its association is lost. A mobile
 * node begins; at the home agent charon waits for it. After a movement charon is told where its
 * IKE_SA ends now, if both ends can do that (K, RFC 6275 section 6.1.7); else all is negotiated
 * anew. In the event loop's thread.
 */
final class KeyExchange {
  private static final Logger log = LoggerFactory.getLogger(KeyExchange.class);

  /** How long one attempt may take; each further one twice as long, up to the longest. */
  static final Duration FIRST_ATTEMPT = Duration.ofSeconds(8);

  static final Duration LONGEST_ATTEMPT = Duration.ofSeconds(64);

  /** That signalling waits for the other associations when it has its own. */
  static final Duration GRACE = Duration.ofSeconds(2);

  /** How often is looked whether charon still has what it was given. */
  static final Duration LOOK_INTERVAL = Duration.ofSeconds(10);

  /**
   * How long the status tells of a problem that is of no connection of ours, since the last one.
   */
  static final Duration STRANGERS_STAY = Duration.ofMinutes(10);

  /** Longer than charon keeps a CHILD_SA that it has rekeyed (delete_rekeyed_delay, 5 s). */
  static final Duration REKEYED_DELAY = Duration.ofSeconds(7);

  /** In what charon logs: what ends a negotiation of an IKE_SA, and not of a CHILD_SA alone. */
  private static final ImmutableList<String> PROBLEMS_OF_IKE_SA =
      ImmutableList.of(
          "MAC mismatched",
          "no matching peer config found",
          "AUTHENTICATION_FAILED notify",
          "no shared key found",
          "no private key found",
          "no trusted",
          "no issuer certificate found",
          "constraint check failed",
          "peer requested EAP",
          "peer not responding",
          "giving up after",
          "error writing to socket",
          "signature validation failed");

  /** What may end either. */
  private static final ImmutableList<String> PROBLEMS_OF_CHILD_SA =
      ImmutableList.of("NO_PROPOSAL_CHOSEN", "TS_UNACCEPTABLE");

  /** What charon is asked; it answers by calling this class. */
  interface Orders {
    void order(String connection, CharonConfiguration.Command command);

    /**
     * Has {@link #listed} called, with what charon has when it comes to it.
     *
     * @param number comes back with the list
     */
    void list(String connection, long number);

    /**
     * Has {@link #loaded} called, with what charon has been given, by whomever.
     *
     * @param number comes back with the answer
     */
    void look(long number);
  }

  /**
   * What charon has been given, by us and by others.
   *
   * @param connections by name
   * @param secrets names of shared ones
   * @param keys names of private ones
   */
  record Loaded(
      ImmutableSet<String> connections, ImmutableSet<String> secrets, ImmutableSet<String> keys) {}

  /** One home address and its associations. */
  private static final class Peer {
    final Ipv6Address home;
    final String name;
    final NegotiatedKeys keys;
    ImmutableList<IkeSa> all = ImmutableList.of();
    Optional<String> problem = Optional.empty();

    /** Where its IKE_SA talks from, told or negotiated; at a home agent where to. */
    Optional<Ipv6Address> end = Optional.empty();

    /** The IKE_SA that {@link #end} is of. */
    String id = "";

    /** Whether it has been told of its end, rather than negotiated from there. */
    boolean moved;

    /** Where the mobile node is to negotiate from as soon as it has no associations. */
    Optional<Ipv6Address> wanted = Optional.empty();

    /** The latest that may not leave yet. */
    NodeAction.@Nullable SendMessage held;

    /** Of the last list that was asked for. */
    long list;

    /** The first list to be believed: those before do not know of what has been ordered since. */
    long firstGood;

    /** Likewise the first look, for its connection and for its credentials. */
    long connectionSeenFrom;

    long credentialsSeenFrom;

    Duration attempt = FIRST_ATTEMPT;
    Optional<Instant> attemptEnds = Optional.empty();
    Optional<Instant> graceEnds = Optional.empty();

    /**
     * When charon is to be told once more, since it has changed one of two alike only, or has not
     * heard.
     */
    Optional<Instant> tellAgain = Optional.empty();

    Peer(Ipv6Address home, NegotiatedKeys keys) {
      this.home = home;
      this.keys = keys;
      name = CharonConfiguration.name(home);
    }

    /** Whether something is to be done for it at some time. */
    boolean waits() {
      return attemptEnds.isPresent() || graceEnds.isPresent() || tellAgain.isPresent();
    }

    Stream<Instant> deadlines() {
      return Stream.of(attemptEnds, graceEnds, tellAgain).flatMap(Optional::stream);
    }

    Optional<IkeSa> usable() {
      return all.stream().filter(IkeSa::carriesSignalling).findFirst();
    }

    boolean isComplete() {
      return all.stream()
          .filter(IkeSa::established)
          .flatMap(one -> one.children().stream())
          .collect(ImmutableSet.toImmutableSet())
          .containsAll(keys.associations().keySet());
    }
  }

  private final ImmutableMap<Ipv6Address, Peer> peers;
  private final ImmutableMap<String, Peer> byName;

  /** Those for whom something is to be done at some time; few of many. */
  private final Set<Peer> waiting = new LinkedHashSet<>();

  private final Ipv6Address agent;
  private final boolean atHomeAgent;
  private final BooleanSupplier moves;
  private @Nullable Orders orders;
  private @Nullable XfrmBackend kernel;
  private Consumer<NodeAction.SendMessage> release = message -> {};
  private Optional<String> disconnected = Optional.of("not connected yet");
  private Optional<Stranger> stranger = Optional.empty();

  /** Of the last look that was asked for. */
  private long look;

  /** When to look next; empty while there is no charon, or its answer is waited for. */
  private Optional<Instant> lookAt = Optional.empty();

  private ImmutableSet<String> keysSeen = ImmutableSet.of();

  /**
   * @param homes our own home address, or those that we serve
   * @param moves whether the home agent has said that its key management moves along; of a mobile
   *     node
   */
  KeyExchange(
      ImmutableMap<Ipv6Address, NegotiatedKeys> homes,
      Ipv6Address agent,
      boolean atHomeAgent,
      BooleanSupplier moves) {
    var all = ImmutableMap.<Ipv6Address, Peer>builder();
    homes.forEach((home, keys) -> all.put(home, new Peer(home, keys)));
    peers = all.buildOrThrow();
    byName =
        peers.values().stream()
            .collect(ImmutableMap.toImmutableMap(peer -> peer.name, peer -> peer));
    this.agent = agent;
    this.atHomeAgent = atHomeAgent;
    this.moves = moves;
  }

  void orders(Orders newOrders) {
    orders = newOrders;
  }

  /**
   * @param newKernel has the associations
   * @param newRelease sends what was kept back
   */
  void begin(XfrmBackend newKernel, Consumer<NodeAction.SendMessage> newRelease) {
    kernel = newKernel;
    release = newRelease;
  }

  private Orders charon() {
    if (orders == null) {
      throw new IllegalStateException("no charon");
    }
    return orders;
  }

  private Optional<Peer> peer(String name) {
    return Optional.ofNullable(byName.get(name));
  }

  /** To be called wherever something may have become due, or no longer be. */
  private void heed(Peer peer) {
    if (peer.waits()) {
      waiting.add(peer);
    } else {
      waiting.remove(peer);
    }
  }

  /** charon is there, and knows nothing of us: it may have been started anew. */
  void connected(Instant now) {
    disconnected = Optional.empty();
    log.info("charon is there");
    for (Peer peer : peers.values()) {
      giveCredentials(peer);
      if (atHomeAgent) {
        give(peer, CharonConfiguration.ofHomeAgent(peer.home, agent, peer.keys));
      }
      peer.attemptEnds = Optional.empty();
      list(peer);
      heed(peer);
    }
    keysSeen = ImmutableSet.of();
    look();
  }

  private void look() {
    look++;
    charon().look(look);
  }

  private void giveCredentials(Peer peer) {
    peer.credentialsSeenFrom = look + 1;
    CharonConfiguration.credentials(peer.home, peer.keys).forEach(one -> order(peer, one));
  }

  private void give(Peer peer, CharonConfiguration.Command connection) {
    peer.connectionSeenFrom = look + 1;
    order(peer, connection);
  }

  /**
   * What charon has been given. Others who load their own may take ours away ({@code swanctl
   * --load-all} does), and what is of no home address any more has been left by a predecessor.
   *
   * @param number of {@link Orders#look}
   */
  void loaded(Instant now, long number, Loaded loaded) {
    lookAt = Optional.of(now.plus(LOOK_INTERVAL));
    Stream.concat(loaded.connections().stream(), loaded.secrets().stream())
        .distinct()
        .filter(name -> !byName.containsKey(name))
        .forEach(
            name ->
                CharonConfiguration.home(name)
                    .ifPresent(
                        home -> {
                          log.info("{}: no longer configured, charon forgets it", name);
                          CharonConfiguration.forget(home)
                              .forEach(one -> charon().order(name, one));
                        }));
    boolean keysGone = !loaded.keys().containsAll(keysSeen);
    keysSeen = loaded.keys();
    for (Peer peer : peers.values()) {
      boolean shared = peer.keys.credentials() instanceof NegotiatedKeys.PreSharedKey;
      if (number >= peer.credentialsSeenFrom
          && (shared ? !loaded.secrets().contains(peer.name) : keysGone)) {
        log.warn("{}: somebody has taken its credentials from charon, given again", peer.name);
        giveCredentials(peer);
      }
      if (number >= peer.connectionSeenFrom && !loaded.connections().contains(peer.name)) {
        connection(peer)
            .ifPresent(
                command -> {
                  log.warn("{}: somebody has taken it from charon, given again", peer.name);
                  give(peer, command);
                });
      }
    }
  }

  /** What charon is to know of a peer at present, if anything. */
  private Optional<CharonConfiguration.Command> connection(Peer peer) {
    return atHomeAgent
        ? Optional.of(CharonConfiguration.ofHomeAgent(peer.home, agent, peer.keys))
        : peer.wanted.map(
            here -> CharonConfiguration.ofMobileNode(peer.home, agent, here, peer.keys));
  }

  private void list(Peer peer) {
    peer.list++;
    charon().list(peer.name, peer.list);
  }

  /** What the kernel has is used until charon is back. */
  void disconnected(String why) {
    disconnected = Optional.of(why);
    log.warn("{}", why);
    lookAt = Optional.empty();
    for (Peer peer : peers.values()) {
      peer.attemptEnds = Optional.empty();
      heed(peer);
    }
  }

  private void order(Peer peer, CharonConfiguration.Command command) {
    charon().order(peer.name, command);
  }

  /** charon will not. */
  void refused(String name, String command, String why) {
    if (command.equals("terminate")) {
      log.debug("{}: {}", name, why);
      return;
    }
    log.warn("{}: charon refuses {}", name, why);
    peer(name).ifPresent(peer -> peer.problem = Optional.of("charon refuses " + why));
  }

  /** Whether somebody should hear of what charon has logged. */
  static boolean isProblem(String text) {
    return isOfIkeSa(text) || PROBLEMS_OF_CHILD_SA.stream().anyMatch(text::contains);
  }

  private static boolean isOfIkeSa(String problem) {
    return PROBLEMS_OF_IKE_SA.stream().anyMatch(problem::contains);
  }

  /**
   * A problem of no connection of ours: somebody whom charon knows nothing of, or a connection of
   * the user's own.
   */
  private record Stranger(String text, Instant until) {}

  /** charon has logged a problem. */
  void logged(Instant now, String name, String text) {
    Optional<Peer> concerned = peer(name);
    if (concerned.isPresent()) {
      log.warn("charon, {}: {}", name, text);
      concerned.get().problem = Optional.of(text);
      return;
    }
    // Anybody may cause these, as often as he likes.
    boolean known = stranger.filter(it -> it.text().equals(text)).isPresent();
    log.atLevel(known ? Level.DEBUG : Level.WARN).log("charon, of no connection of ours: {}", text);
    stranger = Optional.of(new Stranger(text, now.plus(STRANGERS_STAY)));
  }

  /** Something of a connection is not as it was. */
  void changed(String name) {
    peer(name).ifPresent(this::list);
  }

  /**
   * What charon has of a connection.
   *
   * @param number of {@link Orders#list}
   */
  void listed(Instant now, String name, long number, ImmutableList<IkeSa> all) {
    peer(name).filter(peer -> number >= peer.firstGood).ifPresent(peer -> listed(now, peer, all));
  }

  private void listed(Instant now, Peer peer, ImmutableList<IkeSa> all) {
    boolean was = peer.usable().isPresent();
    peer.all = all;
    Optional<IkeSa> usable = peer.usable();
    if (usable.isPresent()) {
      Optional<Ipv6Address> end = atHomeAgent ? usable.get().remote() : usable.get().local();
      if (!usable.get().id().equals(peer.id)) {
        peer.id = usable.get().id();
        peer.end = end;
        peer.moved = false;
      } else if (!end.equals(peer.end) && peer.tellAgain.isEmpty()) {
        // It was not there when it was told, or has not come to it yet.
        peer.tellAgain = Optional.of(now.plus(REKEYED_DELAY));
      }
      if (!was) {
        log.info("{}: associations are up, by {}", peer.name, text(peer.end));
      }
      arrived(now, peer);
    } else {
      forget(peer);
      if (was) {
        log.warn("{}: no associations any more", peer.name);
      }
      if (!atHomeAgent && peer.attemptEnds.isEmpty() && peer.wanted.isPresent()) {
        negotiate(now, peer, peer.wanted.get());
      }
    }
    heed(peer);
  }

  /** There are no associations, or none that last. */
  private static void forget(Peer peer) {
    peer.all = ImmutableList.of();
    peer.end = Optional.empty();
    peer.id = "";
    peer.moved = false;
    peer.graceEnds = Optional.empty();
    peer.tellAgain = Optional.empty();
  }

  private static String text(Optional<Ipv6Address> address) {
    return address.map(Ipv6Address::toString).orElse("-");
  }

  private void arrived(Instant now, Peer peer) {
    if (peer.isComplete()) {
      peer.problem = Optional.empty();
      peer.attempt = FIRST_ATTEMPT;
      peer.attemptEnds = Optional.empty();
      letGo(peer);
      return;
    }
    // The IKE_SA is there; what some association is missing for may still be so.
    peer.problem = peer.problem.filter(text -> !isOfIkeSa(text));
    if (peer.held != null && peer.graceEnds.isEmpty()) {
      peer.graceEnds = Optional.of(now.plus(GRACE));
    }
  }

  private void letGo(Peer peer) {
    peer.graceEnds = Optional.empty();
    NodeAction.SendMessage message = peer.held;
    peer.held = null;
    if (message != null) {
      release.accept(message);
    }
  }

  /** All from the beginning, from an address of ours. */
  private void negotiate(Instant now, Peer peer, Ipv6Address here) {
    peer.wanted = Optional.of(here);
    peer.attemptEnds = Optional.of(now.plus(peer.attempt));
    heed(peer);
    if (disconnected.isPresent()) {
      return;
    }
    log.info("{}: negotiates from {}", peer.name, here);
    forget(peer);
    peer.firstGood = peer.list + 1;
    order(peer, CharonConfiguration.terminate(peer.home));
    give(peer, CharonConfiguration.ofMobileNode(peer.home, agent, here, peer.keys));
    initiate(peer);
  }

  private void initiate(Peer peer) {
    for (String child : peer.keys.associations().keySet()) {
      boolean there = peer.all.stream().anyMatch(one -> one.children().contains(child));
      if (!there) {
        order(peer, CharonConfiguration.initiate(peer.home, child));
      }
    }
  }

  /**
   * A message as it may leave now; empty if it may not. A Binding Update that may not is kept, in
   * the place of one that has been kept before, and leaves as soon as its association is there.
   */
  Optional<NodeAction.SendMessage> admit(Instant now, NodeAction.SendMessage message) {
    if (atHomeAgent) {
      return Optional.of(
          message.message() instanceof MobilityMessage.BindingAcknowledgement acknowledgement
                  && acknowledgement.keyManagement()
              ? peerMoved(now, message, acknowledgement)
              : message);
    }
    Peer peer = peers.get(message.source());
    if (peer == null
        || !(message.message() instanceof MobilityMessage.BindingUpdate)
        || !message.destination().equals(agent)) {
      return Optional.of(message);
    }
    boolean away = message.careOf().isPresent();
    Ipv6Address here = message.careOf().map(CareOfAddress::value).orElse(peer.home);
    boolean usable = peer.usable().isPresent();
    if (usable && (!away || peer.end.equals(Optional.of(here)) || moves.getAsBoolean())) {
      if (!away) {
        peer.wanted = Optional.empty();
      } else if (!peer.wanted.equals(Optional.of(here))) {
        // For the case that all has to be negotiated anew; what is there is not changed by it.
        peer.wanted = Optional.of(here);
        give(peer, CharonConfiguration.ofMobileNode(peer.home, agent, here, peer.keys));
      }
      return Optional.of(message);
    }
    if (usable) {
      log.info("{}: the home agent's key management does not move along (K)", peer.name);
      forget(peer);
    }
    peer.held = message;
    if (peer.attemptEnds.isEmpty() || !peer.wanted.equals(Optional.of(here))) {
      negotiate(now, peer, here);
    }
    heed(peer);
    return Optional.empty();
  }

  /**
   * Before it is acknowledged, the home agent's charon knows where its mobile node is. Where it
   * cannot be told, nothing moves along (RFC 6275 section 10.3.1).
   */
  private NodeAction.SendMessage peerMoved(
      Instant now,
      NodeAction.SendMessage message,
      MobilityMessage.BindingAcknowledgement acknowledgement) {
    Peer peer = peers.get(message.destination());
    // At the end of a binding the home address takes its place (section 10.3.2).
    Ipv6Address there =
        acknowledgement.lifetime().isZero()
            ? message.destination()
            : message.careOf().map(CareOfAddress::value).orElse(message.destination());
    if (peer == null || tell(now, peer, there)) {
      return message;
    }
    return new NodeAction.SendMessage(
        acknowledgement.withoutKeyManagement(),
        message.source(),
        message.destination(),
        message.careOf());
  }

  /**
   * The associations that a move of the tunnel takes along: none where all is negotiated anew.
   *
   * @param tunnels request ids of those of the home address
   */
  ImmutableList<ReqId> moving(NodeAction.MoveTunnel move, ImmutableList<ReqId> tunnels) {
    return atHomeAgent || !peers.containsKey(move.owner().value()) || moves.getAsBoolean()
        ? tunnels
        : ImmutableList.of();
  }

  /** The mobile node's end of the tunnel has moved, and so does its IKE_SA. */
  void moved(Instant now, NodeAction.MoveTunnel move) {
    Peer peer = peers.get(move.owner().value());
    if (peer != null && !atHomeAgent && moves.getAsBoolean()) {
      tell(now, peer, move.to());
    }
  }

  /**
   * @return whether the IKE_SA ends there, if there is one
   */
  private boolean tell(Instant now, Peer peer, Ipv6Address end) {
    if (peer.end.equals(Optional.of(end)) || peer.usable().isEmpty()) {
      return true;
    }
    if (!tell(peer, end)) {
      // RFC 4877 section 7.4: without it the IKE_SA is of no use at the new end.
      if (!atHomeAgent) {
        negotiate(now, peer, end);
      }
      return false;
    }
    peer.end = Optional.of(end);
    peer.moved = true;
    // A list from before has the old end.
    peer.firstGood = peer.list + 1;
    list(peer);
    if (peer.all.stream().anyMatch(IkeSa::twice)) {
      peer.tellAgain = Optional.of(now.plus(REKEYED_DELAY));
    }
    heed(peer);
    return true;
  }

  /**
   * @return whether charon has heard of some of them
   */
  private boolean tell(Peer peer, Ipv6Address end) {
    if (kernel == null) {
      return false;
    }
    boolean heard = false;
    Ipv6Address local = atHomeAgent ? agent : end;
    Ipv6Address remote = atHomeAgent ? end : agent;
    for (ReqId reqId : peer.keys.associations().values()) {
      Mode mode = peer.keys.isTunnel(reqId) ? Mode.TUNNEL : Mode.TRANSPORT;
      XfrmReply reply = kernel.apply(new XfrmCommand.TellKeyManager(mode, reqId, local, remote));
      if (reply instanceof XfrmReply.Failed failed) {
        log.error("{}: charon is not told of {}: {}", peer.name, end, failed.text());
      } else {
        heard = true;
      }
    }
    return heard;
  }

  /** Does what is due. */
  void turn(Instant now) {
    stranger = stranger.filter(it -> now.isBefore(it.until()));
    if (isDue(now, lookAt)) {
      lookAt = Optional.empty();
      look();
    }
    for (Peer peer : ImmutableList.copyOf(waiting)) {
      if (isDue(now, peer.graceEnds)) {
        log.warn("{}: not all associations are there, signalling begins without them", peer.name);
        letGo(peer);
      }
      if (isDue(now, peer.tellAgain)) {
        peer.tellAgain = Optional.empty();
        peer.end.filter(end -> tell(peer, end)).ifPresent(end -> list(peer));
      }
      if (isDue(now, peer.attemptEnds)) {
        peer.attemptEnds = Optional.empty();
        again(now, peer);
      }
      heed(peer);
    }
    if (!atHomeAgent && !moves.getAsBoolean()) {
      peers.values().stream().filter(peer -> peer.moved).forEach(peer -> stays(now, peer));
    }
  }

  /**
   * The home agent has acknowledged a movement, and that its key management does not move along: it
   * is to be discarded, and begun anew (RFC 6275 section 11.7.3).
   */
  private void stays(Instant now, Peer peer) {
    peer.moved = false;
    peer.wanted
        .filter(here -> peer.end.equals(Optional.of(here)))
        .ifPresent(
            here -> {
              log.info("{}: the home agent's key management has not moved along (K)", peer.name);
              negotiate(now, peer, here);
            });
  }

  private void again(Instant now, Peer peer) {
    if (disconnected.isPresent() || peer.wanted.isEmpty()) {
      return;
    }
    if (peer.problem.isEmpty()) {
      peer.problem =
          Optional.of("nothing came of an attempt of " + peer.attempt.toSeconds() + " s");
    }
    log.warn("{}: {}; tried again", peer.name, peer.problem.get());
    peer.attempt =
        peer.attempt.multipliedBy(2).compareTo(LONGEST_ATTEMPT) < 0
            ? peer.attempt.multipliedBy(2)
            : LONGEST_ATTEMPT;
    if (peer.usable().isPresent()) {
      peer.attemptEnds = Optional.of(now.plus(peer.attempt));
      initiate(peer);
    } else {
      negotiate(now, peer, peer.wanted.get());
    }
  }

  private static boolean isDue(Instant now, Optional<Instant> when) {
    return when.isPresent() && !now.isBefore(when.get());
  }

  Optional<Instant> nextDeadline() {
    return Stream.of(
            lookAt.stream(),
            stranger.stream().map(Stranger::until),
            waiting.stream().flatMap(Peer::deadlines))
        .flatMap(deadlines -> deadlines)
        .min(Instant::compareTo);
  }

  /** For the status. */
  Map<String, Object> report() {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("charon", disconnected.orElse("connected"));
    stranger.ifPresent(it -> report.put("problem", it.text()));
    List<Object> all = new ArrayList<>();
    for (Peer peer : peers.values()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("home-address", peer.home.toString());
      one.put("connection", peer.name);
      one.put("peer", peer.keys.remoteIdentity());
      one.put("state", state(peer));
      peer.end.ifPresent(end -> one.put(atHomeAgent ? "to" : "from", end.toString()));
      peer.usable().ifPresent(ike -> one.put("ike-sa", ike.id()));
      one.put(
          "associations",
          peer.usable().map(ike -> ike.children().asList()).orElse(ImmutableList.of()));
      peer.problem.ifPresent(text -> one.put("problem", text));
      all.add(one);
    }
    report.put("connections", all);
    return report;
  }

  private String state(Peer peer) {
    if (peer.usable().isPresent()) {
      return "up";
    }
    return !atHomeAgent && peer.wanted.isPresent() ? "negotiating" : "waiting";
  }
}

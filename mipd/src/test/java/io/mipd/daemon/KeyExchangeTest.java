package io.mipd.daemon;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.ReqId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A mobile node or a home agent, and what it has charon do. */
class KeyExchangeTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address A = Ipv6Address.parse("2001:db8:a::10");
  private static final Ipv6Address B = Ipv6Address.parse("2001:db8:b::10");
  private static final String NAME = "mipd-2001:db8:1::100";
  private static final Duration LOOK = KeyExchange.LOOK_INTERVAL;
  private static final ReqId SIGNALLING = new ReqId(5001);
  private static final ReqId PAYLOAD = new ReqId(5004);
  private static final ImmutableSet<String> BOTH = ImmutableSet.of("signalling", "payload");

  private final List<String> asked = new ArrayList<>();
  private final List<NodeAction.SendMessage> sent = new ArrayList<>();
  private final List<XfrmCommand> told = new ArrayList<>();
  private boolean moves;
  private Instant now = Instant.EPOCH;
  private int sequence;
  private long lists;
  private long looks;
  private XfrmReply reply = XfrmReply.DONE;
  private KeyExchange exchange = exchange(false);

  private KeyExchange exchange(boolean atHomeAgent) {
    return new KeyExchange(ImmutableMap.of(HOME, keys()), AGENT, atHomeAgent, () -> moves);
  }

  private static NegotiatedKeys keys() {
    return new NegotiatedKeys(
        "mn.example.org",
        "ha.example.org",
        new NegotiatedKeys.PreSharedKey(KeyMaterial.copyOf(new byte[] {1, 2, 3})),
        ImmutableList.of(),
        ImmutableList.of(),
        true,
        Duration.ofSeconds(30),
        Duration.ofHours(1),
        Duration.ofHours(4),
        new TunnelProtection(
            Optional.of(SIGNALLING),
            Optional.empty(),
            Optional.empty(),
            Optional.of(PAYLOAD),
            true));
  }

  @BeforeEach
  void begin() {
    begin(exchange);
    assertThat(asks()).containsExactly("load-shared", "list", "look");
    listed();
    loaded();
    assertThat(asks()).isEmpty();
  }

  private void begin(KeyExchange which) {
    which.orders(
        new KeyExchange.Orders() {
          @Override
          public void order(String connection, CharonConfiguration.Command command) {
            asked.add(
                command.name()
                    + command.message().text("child").map(it -> " " + it).orElse("")
                    + (connection.equals(NAME) ? "" : " of " + connection));
          }

          @Override
          public void list(String connection, long number) {
            lists = number;
            asked.add("list");
          }

          @Override
          public void look(long number) {
            looks = number;
            asked.add("look");
          }
        });
    which.begin(
        new XfrmBackend() {
          @Override
          public Limits limits() {
            throw new AssertionError("not asked for");
          }

          @Override
          public XfrmReply apply(XfrmCommand command) {
            told.add(command);
            return reply;
          }
        },
        sent::add);
    which.connected(now);
  }

  /** What charon has been given: of us all that it is to have, and of others. */
  private void loaded(String... others) {
    loaded(ImmutableSet.<String>builder().add(NAME).add(others).build(), ImmutableSet.of(NAME));
  }

  /** It answers the last look. */
  private void loaded(ImmutableSet<String> connections, ImmutableSet<String> secrets) {
    exchange.loaded(now, looks, new KeyExchange.Loaded(connections, secrets, ImmutableSet.of()));
  }

  private List<String> asks() {
    var all = List.copyOf(asked);
    asked.clear();
    return all;
  }

  private NodeAction.SendMessage update(Optional<Ipv6Address> careOf) {
    return new NodeAction.SendMessage(
        new MobilityMessage.BindingUpdate(
            new SequenceNumber(++sequence),
            ImmutableSet.of(BindingFlag.HOME_REGISTRATION),
            new BindingLifetime(100),
            ImmutableList.of()),
        HOME,
        AGENT,
        careOf.map(CareOfAddress::new));
  }

  /** Something has happened, and this is what charon has. */
  private void listed(IkeSa... all) {
    exchange.changed(NAME);
    asked.remove(asked.size() - 1);
    exchange.listed(now, NAME, lists, ImmutableList.copyOf(all));
  }

  private static IkeSa ikeSa(String id, Ipv6Address local, ImmutableSet<String> children) {
    return new IkeSa(id, true, Optional.of(local), Optional.of(AGENT), children, false);
  }

  /** By A, with all associations. */
  private void registered() {
    NodeAction.SendMessage first = update(Optional.of(A));
    assertThat(exchange.admit(now, first)).isEmpty();
    assertThat(asks())
        .containsExactly("terminate", "load-conn", "initiate signalling", "initiate payload");
    listed(ikeSa("1", A, BOTH));
    assertThat(sent).containsExactly(first);
    sent.clear();
  }

  @Test
  void anUpdateLeavesWhenItsAssociationsAreThere() {
    assertThat(exchange.admit(now, update(Optional.of(A)))).isEmpty();
    asks();
    // A repetition takes the place of the first, and nothing is begun twice.
    NodeAction.SendMessage again = update(Optional.of(A));
    assertThat(exchange.admit(now, again)).isEmpty();
    assertThat(asks()).isEmpty();
    listed(ikeSa("1", A, ImmutableSet.of("signalling")));
    assertThat(sent).isEmpty();
    listed(ikeSa("1", A, BOTH));
    assertThat(sent).containsExactly(again);
    assertThat(exchange.admit(now, update(Optional.of(A)))).isPresent();
    assertThat(exchange.nextDeadline()).as("to look").hasValue(now.plus(LOOK));
  }

  @Test
  void signallingDoesNotWaitLongForTheOthers() {
    NodeAction.SendMessage first = update(Optional.of(A));
    assertThat(exchange.admit(now, first)).isEmpty();
    listed(ikeSa("1", A, ImmutableSet.of("signalling")));
    now = now.plus(KeyExchange.GRACE);
    exchange.turn(now);
    assertThat(sent).containsExactly(first);
  }

  @Test
  void anAttemptThatFailsIsBegunAnewMoreSlowly() {
    assertThat(exchange.admit(now, update(Optional.of(A)))).isEmpty();
    asks();
    Duration wait = KeyExchange.FIRST_ATTEMPT;
    for (int i = 0; i < 6; i++) {
      loaded();
      now = now.plus(wait.minusMillis(1));
      exchange.turn(now);
      assertThat(asks()).doesNotContain("terminate");
      now = now.plusMillis(1);
      exchange.turn(now);
      assertThat(asks()).contains("terminate", "load-conn", "initiate signalling");
      wait = wait.multipliedBy(2);
      wait = wait.compareTo(KeyExchange.LONGEST_ATTEMPT) < 0 ? wait : KeyExchange.LONGEST_ATTEMPT;
    }
    assertThat(exchange.report().toString()).contains("negotiating", "nothing came of");
  }

  @Test
  void aMovementWithKTellsCharonAndNegotiatesNothing() {
    registered();
    moves = true;
    assertThat(exchange.admit(now, update(Optional.of(B)))).isPresent();
    assertThat(asks()).containsExactly("load-conn");
    var move = new NodeAction.MoveTunnel(new HomeAddress(HOME), AGENT, A, B);
    assertThat(exchange.moving(move, ImmutableList.of(PAYLOAD))).containsExactly(PAYLOAD);
    exchange.moved(now, move);
    assertThat(told)
        .containsExactly(
            new XfrmCommand.TellKeyManager(Mode.TRANSPORT, SIGNALLING, B, AGENT),
            new XfrmCommand.TellKeyManager(Mode.TUNNEL, PAYLOAD, B, AGENT));
    assertThat(exchange.admit(now, update(Optional.of(B)))).isPresent();
    assertThat(asks()).containsExactly("list");
  }

  @Test
  void charonHearsAgainWhereTwoAssociationsWereAlike() {
    registered();
    moves = true;
    listed(new IkeSa("1", true, Optional.of(A), Optional.of(AGENT), BOTH, /* twice= */ true));
    exchange.moved(now, new NodeAction.MoveTunnel(new HomeAddress(HOME), AGENT, A, B));
    assertThat(told).hasSize(2);
    now = now.plus(KeyExchange.REKEYED_DELAY);
    exchange.turn(now);
    assertThat(told).hasSize(4);
    listed(ikeSa("1", B, BOTH));
    now = now.plus(KeyExchange.REKEYED_DELAY);
    exchange.turn(now);
    assertThat(told).as("it has heard").hasSize(4);
  }

  @Test
  void aMovementWithoutKNegotiatesAnew() {
    registered();
    NodeAction.SendMessage second = update(Optional.of(B));
    assertThat(exchange.admit(now, second)).isEmpty();
    assertThat(asks())
        .containsExactly("terminate", "load-conn", "initiate signalling", "initiate payload");
    var move = new NodeAction.MoveTunnel(new HomeAddress(HOME), AGENT, A, B);
    assertThat(exchange.moving(move, ImmutableList.of(PAYLOAD))).isEmpty();
    exchange.moved(now, move);
    assertThat(told).isEmpty();
    listed(ikeSa("2", B, BOTH));
    assertThat(sent).containsExactly(second);
  }

  /** What is still waited for belongs to the association that has gone. */
  @Test
  void aMovementMeanwhileDoesNotLetAnUpdateGoWithoutAnAssociation() {
    assertThat(exchange.admit(now, update(Optional.of(A)))).isEmpty();
    listed(ikeSa("1", A, ImmutableSet.of("signalling")));
    now = now.plusMillis(500);
    NodeAction.SendMessage second = update(Optional.of(B));
    assertThat(exchange.admit(now, second)).isEmpty();
    now = now.plus(KeyExchange.GRACE);
    exchange.turn(now);
    assertThat(sent).isEmpty();
    listed(ikeSa("2", B, BOTH));
    assertThat(sent).containsExactly(second);
  }

  @Test
  void aListFromBeforeAnOrderIsNotBelieved() {
    registered();
    exchange.changed(NAME);
    long before = lists;
    NodeAction.SendMessage second = update(Optional.of(B));
    assertThat(exchange.admit(now, second)).isEmpty();
    exchange.listed(now, NAME, before, ImmutableList.of(ikeSa("1", A, BOTH)));
    assertThat(sent).isEmpty();
    listed(ikeSa("2", B, BOTH));
    assertThat(sent).containsExactly(second);
  }

  /** The terminated IKE_SA's children are not counted as there. */
  @Test
  void allIsInitiatedWhereSignallingHasGone() {
    registered();
    listed(ikeSa("1", A, ImmutableSet.of("payload")));
    assertThat(asks())
        .containsExactly("terminate", "load-conn", "initiate signalling", "initiate payload");
  }

  @Test
  void whereCharonCannotBeToldAllIsNegotiatedAnew() {
    registered();
    moves = true;
    assertThat(exchange.admit(now, update(Optional.of(B)))).isPresent();
    asks();
    reply = new XfrmReply.Failed(XfrmError.NOT_FOUND, "no such process");
    exchange.moved(now, new NodeAction.MoveTunnel(new HomeAddress(HOME), AGENT, A, B));
    assertThat(asks()).contains("terminate", "initiate signalling", "initiate payload");
    assertThat(exchange.report().toString()).contains("negotiating");
  }

  @Test
  void theWayHomeNeedsNoNewAssociation() {
    registered();
    assertThat(exchange.admit(now, update(Optional.empty()))).isPresent();
    assertThat(asks()).isEmpty();
    // At home nobody misses what has gone.
    listed();
    assertThat(asks()).isEmpty();
  }

  /** RFC 6275 section 11.5.5, and away again. */
  @Test
  void atHomeTheIkeSaEndsAtTheHomeAddress() {
    registered();
    moves = true;
    assertThat(exchange.admit(now, update(Optional.empty()))).isPresent();
    exchange.moved(now, new NodeAction.MoveTunnel(new HomeAddress(HOME), AGENT, A, HOME));
    assertThat(told)
        .containsExactly(
            new XfrmCommand.TellKeyManager(Mode.TRANSPORT, SIGNALLING, HOME, AGENT),
            new XfrmCommand.TellKeyManager(Mode.TUNNEL, PAYLOAD, HOME, AGENT));
    assertThat(asks()).as("nothing is negotiated").containsExactly("list");
    told.clear();
    assertThat(exchange.admit(now, update(Optional.of(B)))).isPresent();
    assertThat(asks()).containsExactly("load-conn");
    exchange.moved(now, new NodeAction.MoveTunnel(new HomeAddress(HOME), AGENT, HOME, B));
    assertThat(told)
        .contains(new XfrmCommand.TellKeyManager(Mode.TRANSPORT, SIGNALLING, B, AGENT))
        .hasSize(2);
  }

  @Test
  void whatHasGoneIsNegotiatedAnew() {
    registered();
    listed();
    assertThat(asks()).contains("initiate signalling");
    listed(ikeSa("2", A, BOTH));
    exchange.disconnected("no charon");
    // The kernel still has what charon has made.
    assertThat(exchange.admit(now, update(Optional.of(A)))).isPresent();
    exchange.connected(now);
    listed();
    assertThat(asks())
        .containsSubsequence("load-shared", "list", "look", "load-conn", "initiate payload");
    // It looked before it was given the connection.
    loaded(ImmutableSet.of(), ImmutableSet.of(NAME));
    assertThat(asks()).isEmpty();
    listed(ikeSa("3", A, BOTH));
    now = now.plus(LOOK);
    exchange.turn(now);
    assertThat(asks()).containsExactly("look");
    loaded(ImmutableSet.of(), ImmutableSet.of(NAME));
    assertThat(asks()).containsExactly("load-conn");
  }

  @Test
  void aLookFromBeforeAnOrderIsNotBelieved() {
    now = now.plus(LOOK);
    exchange.turn(now);
    assertThat(exchange.admit(now, update(Optional.of(A)))).isEmpty();
    assertThat(asks()).containsSubsequence("look", "load-conn");
    loaded(ImmutableSet.of(), ImmutableSet.of());
    assertThat(asks()).as("the secret was there before").containsExactly("load-shared");
  }

  /** It may have been away when it was told, or busy. */
  @Test
  void charonHearsAgainWhereItStillListsAnotherEnd() {
    registered();
    moves = true;
    exchange.moved(now, new NodeAction.MoveTunnel(new HomeAddress(HOME), AGENT, A, B));
    told.clear();
    listed(ikeSa("1", A, BOTH));
    now = now.plus(KeyExchange.REKEYED_DELAY);
    exchange.turn(now);
    assertThat(told).hasSize(2);
    assertThat(exchange.report().toString()).contains("from=" + B);
  }

  /** RFC 6275 section 11.7.3. */
  @Test
  void whatTheHomeAgentHasNotMovedIsNegotiatedAnew() {
    registered();
    moves = true;
    assertThat(exchange.admit(now, update(Optional.of(B)))).isPresent();
    exchange.moved(now, new NodeAction.MoveTunnel(new HomeAddress(HOME), AGENT, A, B));
    exchange.turn(now);
    asks();
    moves = false;
    exchange.turn(now);
    assertThat(asks())
        .containsExactly("terminate", "load-conn", "initiate signalling", "initiate payload");
    listed(ikeSa("2", B, BOTH));
    exchange.turn(now);
    assertThat(asks()).as("once").isEmpty();
  }

  /** {@code swanctl --load-all} takes away what is not in its own files. */
  @Test
  void whatSomebodyTakesFromCharonIsGivenAgain() {
    registered();
    now = now.plus(LOOK);
    exchange.turn(now);
    assertThat(asks()).containsExactly("look");
    loaded(ImmutableSet.of("users"), ImmutableSet.of("users"));
    assertThat(asks()).containsExactly("load-shared", "load-conn");
    loaded("users");
    assertThat(asks()).isEmpty();
  }

  @Test
  void whatIsNoLongerConfiguredIsForgotten() {
    loaded("mipd-2001:db8:1::200", "mipd-users", "home");
    assertThat(asks())
        .containsExactly(
            "unload-conn of mipd-2001:db8:1::200",
            "unload-shared of mipd-2001:db8:1::200",
            "terminate of mipd-2001:db8:1::200");
  }

  private NodeAction.SendMessage acknowledgement(Ipv6Address careOf) {
    return acknowledgement(new BindingLifetime(100), Optional.of(careOf));
  }

  private NodeAction.SendMessage acknowledgement(
      BindingLifetime lifetime, Optional<Ipv6Address> careOf) {
    return new NodeAction.SendMessage(
        new MobilityMessage.BindingAcknowledgement(
            BindingStatus.ACCEPTED,
            true,
            new SequenceNumber(++sequence),
            lifetime,
            ImmutableList.of()),
        AGENT,
        HOME,
        careOf.map(CareOfAddress::new));
  }

  private static IkeSa fromAgent(String id, Ipv6Address remote) {
    return new IkeSa(id, true, Optional.of(AGENT), Optional.of(remote), BOTH, false);
  }

  /** A home agent whose mobile node is at A. */
  private void homeAgent() {
    exchange = exchange(true);
    begin(exchange);
    assertThat(asks()).containsExactly("load-shared", "load-conn", "list", "look");
    listed(fromAgent("1", A));
    loaded();
    NodeAction.SendMessage first = acknowledgement(A);
    assertThat(exchange.admit(now, first)).hasValue(first);
    assertThat(told).isEmpty();
  }

  @Test
  void aHomeAgentTellsCharonBeforeItAcknowledges() {
    homeAgent();
    NodeAction.SendMessage second = acknowledgement(B);
    assertThat(exchange.admit(now, second)).hasValue(second);
    assertThat(told)
        .containsExactly(
            new XfrmCommand.TellKeyManager(Mode.TRANSPORT, SIGNALLING, AGENT, B),
            new XfrmCommand.TellKeyManager(Mode.TUNNEL, PAYLOAD, AGENT, B));
    assertThat(exchange.report().toString()).contains("to=" + B);
    assertThat(asks()).as("it begins nothing").containsExactly("list");
    assertThat(exchange.admit(now, acknowledgement(B))).isPresent();
    assertThat(told).as("once").hasSize(2);
  }

  /**
   * RFC 6275 section 10.3.2: from home it has no care-of address, and from elsewhere that one is
   * bound no more.
   */
  @Test
  void atTheEndOfABindingAHomeAgentTellsCharonOfTheHomeAddress() {
    for (Optional<Ipv6Address> from : List.of(Optional.<Ipv6Address>empty(), Optional.of(A))) {
      homeAgent();
      NodeAction.SendMessage last = acknowledgement(BindingLifetime.DEREGISTER, from);
      assertThat(exchange.admit(now, last)).hasValue(last);
      assertThat(told)
          .containsExactly(
              new XfrmCommand.TellKeyManager(Mode.TRANSPORT, SIGNALLING, AGENT, HOME),
              new XfrmCommand.TellKeyManager(Mode.TUNNEL, PAYLOAD, AGENT, HOME));
      assertThat(exchange.report().toString()).contains("to=" + HOME);
      assertThat(asks()).as("it ends nothing").containsExactly("list");
      told.clear();
    }
  }

  @Test
  void aHomeAgentClearsKWhereCharonCannotBeTold() {
    homeAgent();
    reply = new XfrmReply.Failed(XfrmError.NOT_FOUND, "no such process");
    MobilityMessage message = exchange.admit(now, acknowledgement(B)).orElseThrow().message();
    assertThat(message)
        .isInstanceOfSatisfying(
            MobilityMessage.BindingAcknowledgement.class,
            it -> {
              assertThat(it.keyManagement()).isFalse();
              assertThat(it.status()).isEqualTo(BindingStatus.ACCEPTED);
            });
  }

  /** charon, started anew, does not know of the movement, or of anything. */
  @Test
  void aHomeAgentTellsACharonThatWasAway() {
    homeAgent();
    exchange.disconnected("no charon");
    assertThat(exchange.admit(now, acknowledgement(B))).isPresent();
    told.clear();
    exchange.connected(now);
    listed(fromAgent("1", A));
    now = now.plus(KeyExchange.REKEYED_DELAY);
    exchange.turn(now);
    assertThat(told).hasSize(2);
    listed();
    assertThat(exchange.report().toString()).contains("waiting");
    listed(fromAgent("2", A));
    assertThat(exchange.report().toString()).contains("to=" + A);
  }

  @Test
  void theStatusHasCharonsWords() {
    assertThat(KeyExchange.isProblem("received AUTHENTICATION_FAILED notify error")).isTrue();
    assertThat(KeyExchange.isProblem("IKE_SA established")).isFalse();
    exchange.logged(now, NAME, "received AUTHENTICATION_FAILED notify error");
    assertThat(exchange.report().toString()).contains("AUTHENTICATION_FAILED");
    registered();
    assertThat(exchange.report().toString()).contains("up").doesNotContain("AUTHENTICATION_FAILED");
  }

  /** An end that has another kind of association missing is told why until it has it. */
  @Test
  void aProblemStaysAsLongAsItIsOne() {
    assertThat(exchange.admit(now, update(Optional.of(A)))).isEmpty();
    exchange.logged(now, NAME, "received AUTHENTICATION_FAILED notify error");
    listed(ikeSa("1", A, ImmutableSet.of("signalling")));
    assertThat(connection()).doesNotContainKey("problem").containsEntry("state", "up");
    exchange.logged(now, NAME, "received TS_UNACCEPTABLE notify, no CHILD_SA built");
    listed(ikeSa("1", A, ImmutableSet.of("signalling")));
    assertThat(connection())
        .containsEntry("problem", "received TS_UNACCEPTABLE notify, no CHILD_SA built");
    listed(ikeSa("1", A, BOTH));
    assertThat(connection()).doesNotContainKey("problem");
  }

  @SuppressWarnings("unchecked")
  private Map<String, Object> connection() {
    return ((List<Map<String, Object>>) requireNonNull(exchange.report().get("connections")))
        .get(0);
  }

  @Test
  void whatStrangersCauseIsToldForAWhile() {
    exchange.logged(now, "somebody", "received AUTHENTICATION_FAILED notify error");
    assertThat(exchange.report()).containsKey("problem");
    now = now.plus(KeyExchange.STRANGERS_STAY).minusMillis(1);
    exchange.turn(now);
    assertThat(exchange.report()).containsKey("problem");
    now = now.plusMillis(1);
    assertThat(exchange.nextDeadline().filter(at -> !at.isAfter(now))).isPresent();
    exchange.turn(now);
    assertThat(exchange.report()).doesNotContainKey("problem");
  }
}

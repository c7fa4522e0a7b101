package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
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
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A mobile node, and what it has charon do. */
class KeyExchangeTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address A = Ipv6Address.parse("2001:db8:a::10");
  private static final Ipv6Address B = Ipv6Address.parse("2001:db8:b::10");
  private static final String NAME = "mipd-2001:db8:1::100";
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
  private XfrmReply reply = XfrmReply.DONE;
  private KeyExchange exchange = exchange();

  private KeyExchange exchange() {
    var keys =
        new NegotiatedKeys(
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
    return new KeyExchange(ImmutableMap.of(HOME, keys), AGENT, false, () -> moves);
  }

  @BeforeEach
  void begin() {
    exchange.orders(
        new KeyExchange.Orders() {
          @Override
          public void order(String connection, CharonConfiguration.Command command) {
            assertThat(connection).isEqualTo(NAME);
            asked.add(
                command.name() + command.message().text("child").map(it -> " " + it).orElse(""));
          }

          @Override
          public void list(String connection, long number) {
            lists = number;
            asked.add("list");
          }
        });
    exchange.begin(
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
    exchange.connected(now);
    assertThat(asks()).containsExactly("load-shared", "list");
    listed();
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
    assertThat(exchange.admits(now, first)).isFalse();
    assertThat(asks())
        .containsExactly("terminate", "load-conn", "initiate signalling", "initiate payload");
    listed(ikeSa("1", A, BOTH));
    assertThat(sent).containsExactly(first);
    sent.clear();
  }

  @Test
  void anUpdateLeavesWhenItsAssociationsAreThere() {
    assertThat(exchange.admits(now, update(Optional.of(A)))).isFalse();
    asks();
    // A repetition takes the place of the first, and nothing is begun twice.
    NodeAction.SendMessage again = update(Optional.of(A));
    assertThat(exchange.admits(now, again)).isFalse();
    assertThat(asks()).isEmpty();
    listed(ikeSa("1", A, ImmutableSet.of("signalling")));
    assertThat(sent).isEmpty();
    listed(ikeSa("1", A, BOTH));
    assertThat(sent).containsExactly(again);
    assertThat(exchange.admits(now, update(Optional.of(A)))).isTrue();
    assertThat(exchange.nextDeadline()).isEmpty();
  }

  @Test
  void signallingDoesNotWaitLongForTheOthers() {
    NodeAction.SendMessage first = update(Optional.of(A));
    assertThat(exchange.admits(now, first)).isFalse();
    listed(ikeSa("1", A, ImmutableSet.of("signalling")));
    now = now.plus(KeyExchange.GRACE);
    exchange.turn(now);
    assertThat(sent).containsExactly(first);
  }

  @Test
  void anAttemptThatFailsIsBegunAnewMoreSlowly() {
    assertThat(exchange.admits(now, update(Optional.of(A)))).isFalse();
    asks();
    Duration wait = KeyExchange.FIRST_ATTEMPT;
    for (int i = 0; i < 6; i++) {
      assertThat(exchange.nextDeadline()).hasValue(now.plus(wait));
      now = now.plus(wait);
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
    assertThat(exchange.admits(now, update(Optional.of(B)))).isTrue();
    assertThat(asks()).containsExactly("load-conn");
    var move = new NodeAction.MoveTunnel(new HomeAddress(HOME), AGENT, A, B);
    assertThat(exchange.moving(move, ImmutableList.of(PAYLOAD))).containsExactly(PAYLOAD);
    exchange.moved(now, move);
    assertThat(told)
        .containsExactly(
            new XfrmCommand.TellKeyManager(Mode.TRANSPORT, SIGNALLING, B, AGENT),
            new XfrmCommand.TellKeyManager(Mode.TUNNEL, PAYLOAD, B, AGENT));
    assertThat(exchange.admits(now, update(Optional.of(B)))).isTrue();
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
    assertThat(exchange.nextDeadline()).isEmpty();
  }

  @Test
  void aMovementWithoutKNegotiatesAnew() {
    registered();
    NodeAction.SendMessage second = update(Optional.of(B));
    assertThat(exchange.admits(now, second)).isFalse();
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
    assertThat(exchange.admits(now, update(Optional.of(A)))).isFalse();
    listed(ikeSa("1", A, ImmutableSet.of("signalling")));
    now = now.plusMillis(500);
    NodeAction.SendMessage second = update(Optional.of(B));
    assertThat(exchange.admits(now, second)).isFalse();
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
    assertThat(exchange.admits(now, second)).isFalse();
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
    assertThat(exchange.admits(now, update(Optional.of(B)))).isTrue();
    asks();
    reply = new XfrmReply.Failed(XfrmError.NOT_FOUND, "no such process");
    exchange.moved(now, new NodeAction.MoveTunnel(new HomeAddress(HOME), AGENT, A, B));
    assertThat(asks()).contains("terminate", "initiate signalling", "initiate payload");
    assertThat(exchange.report().toString()).contains("negotiating");
  }

  @Test
  void theWayHomeNeedsNoNewAssociation() {
    registered();
    assertThat(exchange.admits(now, update(Optional.empty()))).isTrue();
    assertThat(asks()).isEmpty();
    // At home nobody misses what has gone.
    listed();
    assertThat(asks()).isEmpty();
  }

  @Test
  void whatHasGoneIsNegotiatedAnew() {
    registered();
    listed();
    assertThat(asks()).contains("initiate signalling");
    listed(ikeSa("2", A, BOTH));
    exchange.disconnected("no charon");
    // The kernel still has what charon has made.
    assertThat(exchange.admits(now, update(Optional.of(A)))).isTrue();
    exchange.connected(now);
    listed();
    assertThat(asks()).containsSubsequence("load-shared", "list", "load-conn", "initiate payload");
  }

  @Test
  void theStatusHasCharonsWords() {
    assertThat(KeyExchange.isProblem("received AUTHENTICATION_FAILED notify error")).isTrue();
    assertThat(KeyExchange.isProblem("IKE_SA established")).isFalse();
    exchange.logged(NAME, "received AUTHENTICATION_FAILED notify error");
    assertThat(exchange.report().toString()).contains("AUTHENTICATION_FAILED");
    registered();
    assertThat(exchange.report().toString()).contains("up").doesNotContain("AUTHENTICATION_FAILED");
  }
}

package io.mipd.daemon;

import static io.mipd.daemon.KernelLife.AGENT;
import static io.mipd.daemon.KernelLife.AT_A;
import static io.mipd.daemon.KernelLife.AT_B;
import static io.mipd.daemon.KernelLife.HOME;
import static io.mipd.daemon.KernelLife.PEER;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.WishOwner;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.linux.KernelBackend;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.SecurityPath;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is in the kernel when a daemon dies at any step, and what its successor makes of it. */
@Tag("kernel")
class KernelLedgerTest {
  private static final int MOVES = 300;
  private static final int MANY = 20_000;

  @TempDir private Path folder = Path.of("");
  private final String name = "mipd-t" + ProcessHandle.current().pid();

  @BeforeEach
  void build() throws Exception {
    renew();
  }

  private void renew() throws Exception {
    takeDown();
    assertThat(new ProcessBuilder("ip", "netns", "add", name).start().waitFor()).isZero();
  }

  @AfterEach
  void takeDown() throws Exception {
    new ProcessBuilder("ip", "netns", "del", name).start().waitFor();
  }

  private KernelLife life(int commands) throws Exception {
    return new KernelLife(name, folder, ImmutableList.of(), commands);
  }

  /** What a life that nothing disturbs leaves after so many stages. */
  private ImmutableList<String> undisturbed(int stages) throws Exception {
    renew();
    try (var life = life(Integer.MAX_VALUE)) {
      life.wanders(stages);
      life.ledger.dropSurvivors();
      return life.inKernel();
    }
  }

  @Test
  void aSuccessorTakesOverFromEveryStep() throws Exception {
    ImmutableList<String> atB = undisturbed(3);
    ImmutableList<String> atHome = undisturbed(4);
    int deaths = 0;
    for (int commands = 0; ; commands++) {
      renew();
      boolean died = false;
      try (var life = life(commands)) {
        try {
          life.wanders(4);
        } catch (Dying.Death e) {
          died = true;
        }
        if (died) {
          life.nothingInClear();
        }
      }
      if (!died) {
        break;
      }
      deaths++;
      try (var successor = life(Integer.MAX_VALUE)) {
        successor.nothingInClear();
        successor.wanders(3);
        successor.ledger.dropSurvivors();
        assertThat(successor.inKernel()).as("away, killed at command %s", commands).isEqualTo(atB);
        successor.wanders(4);
        assertThat(successor.inKernel())
            .as("at home, killed at command %s", commands)
            .isEqualTo(atHome);
        assertThat(successor.ledger.close()).isEmpty();
        assertThat(successor.kernel.policies()).isEmpty();
        assertThat(successor.kernel.ownAssociations()).isEmpty();
      }
    }
    assertThat(deaths).isGreaterThan(20);
  }

  /** The kernel is out of memory once, at every step in turn. */
  @Test
  void whatWasRefusedOnceIsInForceAfterTheNextTry() throws Exception {
    ImmutableList<String> atHome = undisturbed(4);
    int commands = 0;
    boolean refused = true;
    for (; refused; commands++) {
      renew();
      try (var life = life(Integer.MAX_VALUE)) {
        life.backend.refusesAt(commands);
        life.wishes();
        life.nothingInClear();
        assertThat(life.policies.retry()).isTrue();
        assertThat(life.inKernel()).as("refused at command %s", commands).isEqualTo(atHome);
        assertThat(life.ledger.close()).isEmpty();
        refused = life.backend.hasRefused();
      }
    }
    assertThat(commands).isGreaterThan(20);
  }

  /** With our own mark, which is for us alone. */
  @Test
  void aPolicyThatSomebodyElseHasPutInOurPlaceIsReplaced() throws Exception {
    ImmutableList<String> away = undisturbed(2);
    renew();
    try (var life = life(Integer.MAX_VALUE);
        KernelBackend somebody = life.within(KernelBackend::open)) {
      Policy theirs =
          Policy.allow(
              Selector.between(Ipv6Prefix.host(HOME.value()), Ipv6Prefix.ANY),
              Direction.OUT,
              1,
              Bundle.EMPTY);
      assertThat(somebody.apply(new XfrmCommand.AddPolicy(theirs))).isEqualTo(XfrmReply.DONE);
      life.wanders(2);
      assertThat(life.inKernel()).isEqualTo(away);
      assertThat(life.ledger.close()).isEmpty();
    }
  }

  /** What a message has come through is known only where our own policy decided. */
  @Test
  void believesNothingThatAnotherPolicyMayHaveLetThrough() throws Exception {
    Flow acknowledgement = Flow.of(AGENT, HOME.value(), IpProtocol.MOBILITY);
    try (var life = life(Integer.MAX_VALUE);
        KernelBackend somebody = life.within(KernelBackend::open)) {
      life.wanders(1);
      ReqId signalling = life.protection.signalling().reqId();
      assertThat(life.ledger.demanded(acknowledgement).passedThrough(signalling)).isTrue();

      sh("ip xfrm policy add src ::/0 dst 2001:db8:1::100 dir in priority 10 action allow");
      assertThat(life.ledger.repair().wasNeeded()).isTrue();
      assertThat(life.ledger.demanded(acknowledgement)).isEqualTo(SecurityPath.EMPTY);

      sh("ip xfrm policy delete src ::/0 dst 2001:db8:1::100 dir in");
      assertThat(life.ledger.repair().wasNeeded()).isTrue();
      assertThat(life.ledger.demanded(acknowledgement).passedThrough(signalling)).isTrue();

      // Ours is gone, and nobody has told yet.
      Policy ours =
          life.kernel.policies().stream()
              .filter(it -> it.direction() == Direction.IN)
              .filter(it -> it.selector().matches(acknowledgement))
              .min(Comparator.comparingInt(Policy::priority))
              .orElseThrow();
      assertThat(somebody.apply(new XfrmCommand.DeletePolicy(ours.id()))).isEqualTo(XfrmReply.DONE);
      assertThat(life.ledger.demanded(acknowledgement)).isEqualTo(SecurityPath.EMPTY);
      assertThat(life.ledger.repair().done()).hasSize(1);
      assertThat(life.ledger.demanded(acknowledgement).passedThrough(signalling)).isTrue();
      assertThat(life.ledger.repair().wasNeeded()).isFalse();
      assertThat(life.ledger.close()).isEmpty();
    }
  }

  /** Packets that find no association at a wrong moment make the kernel ask for one. */
  @Test
  void movesUnderTrafficAgainAndAgain() throws Exception {
    try (var life = life(Integer.MAX_VALUE)) {
      life.wanders(3);
      sh(
          """
          ip link set lo up
          ip link add d0 type dummy && ip link set d0 up && ip -6 route add default dev d0
          ip addr add 2001:db8:a::10/128 dev lo && ip addr add 2001:db8:b::10/128 dev lo
          ip addr add 2001:db8:1::100/128 dev d0 nodad
          """);
      Process traffic =
          life.within(
              () ->
                  new ProcessBuilder(
                          "ping", "-q", "-i", "0.002", "-I", HOME.value() + "", PEER + "")
                      .start());
      try {
        CareOfAddress at = AT_B;
        for (int i = 0; i < MOVES; i++) {
          CareOfAddress next = at.equals(AT_A) ? AT_B : AT_A;
          boolean moved =
              life.policies.move(
                  KernelLife.move(at.value(), next.value()).orElseThrow(), life.tunnels());
          assertThat(moved).as("move %s\n%s", i, life.words()).isTrue();
          assertThat(life.policies.want(WishOwner.of(HOME), life.planner.mobileNodeAway(next)))
              .isTrue();
          at = next;
        }
      } finally {
        traffic.destroyForcibly().waitFor();
      }
      assertThat(life.ledger.close()).isEmpty();
    }
  }

  /** As a home agent of thousands of mobile nodes has them: one for each of them and way. */
  @Test
  @Tag("long")
  void aStopWithTensOfThousandsOfAssociationsFitsIntoItsTime() throws Exception {
    try (var life = life(Integer.MAX_VALUE)) {
      SecurityAssociation pattern = life.associations().get(0);
      var associations = ImmutableList.<SecurityAssociation>builder();
      List<XfrmCommand> policies = new ArrayList<>();
      for (int i = 1; i <= MANY; i++) {
        var home = new Ipv6Address(HOME.value().high(), 0x1_0000 + i);
        var reqId = new ReqId(0x1_0000 + i);
        associations.add(
            SecurityAssociation.builder(
                    new AssociationId(AGENT, TransformProtocol.ESP, new Spi(0x1_0000 + i)),
                    home,
                    Mode.TRANSPORT)
                .reqId(reqId)
                .encryption(pattern.encryption(), pattern.encryptionKey())
                .integrity(pattern.integrity(), pattern.integrityKey())
                .replayWindow(pattern.replayWindow())
                .build());
        policies.add(
            new XfrmCommand.AddPolicy(
                Policy.allow(
                    Selector.between(home, AGENT),
                    Direction.IN,
                    i,
                    Bundle.of(Template.transport(TransformProtocol.ESP, reqId)))));
      }
      long start = System.nanoTime();
      life.ledger.establish(associations.build());
      long established = System.nanoTime();
      assertThat(life.ledger.applyAll(policies)).containsOnly(XfrmReply.DONE);
      long installed = System.nanoTime();
      assertThat(life.kernel.ownAssociations()).hasSizeGreaterThan(MANY);
      long before = System.nanoTime();

      assertThat(life.ledger.close()).isEmpty();

      long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - before);
      System.out.printf(
          "%d associations and as many policies: in %d and %d ms, out %d ms%n",
          MANY,
          TimeUnit.NANOSECONDS.toMillis(established - start),
          TimeUnit.NANOSECONDS.toMillis(installed - established),
          millis);
      assertThat(millis).isLessThan(Daemon.STOP_MILLIS);
      assertThat(life.kernel.ownAssociations()).isEmpty();
      assertThat(life.kernel.policies()).isEmpty();
    }
  }

  private void sh(String command) throws Exception {
    assertThat(
            new ProcessBuilder("ip", "netns", "exec", name, "sh", "-c", command)
                .inheritIO()
                .start()
                .waitFor())
        .as(command)
        .isZero();
  }
}

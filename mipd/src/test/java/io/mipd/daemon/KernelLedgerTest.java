package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmError;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.linux.KernelBackend;
import io.mipd.xfrm.linux.KernelSequences;
import io.mipd.xfrm.linux.NetworkNamespace;
import io.mipd.xfrm.linux.Rtnetlink;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.SecurityPath;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.netlink.KernelAssociation;
import io.mipd.xfrm.transform.FileSequenceStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is in the kernel when a daemon dies at any step, and what its successor makes of it. */
@Tag("kernel")
class KernelLedgerTest {
  private static final HomeAddress HOME = new HomeAddress(Ipv6Address.parse("2001:db8:1::100"));
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::c");
  private static final CareOfAddress AT_A = new CareOfAddress(Ipv6Address.parse("2001:db8:a::10"));
  private static final CareOfAddress AT_B = new CareOfAddress(Ipv6Address.parse("2001:db8:b::10"));

  private static final int MOVES = 300;

  @TempDir private Path folder = Path.of("");
  private final String name = "mipd-t" + ProcessHandle.current().pid();

  @BeforeEach
  void build() throws Exception {
    Path keys = folder.resolve("mobile-node-1.keys");
    Files.writeString(keys, TestNet.sampleKeys());
    Files.setPosixFilePermissions(keys, PosixFilePermissions.fromString("rw-------"));
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

  /** One life of a daemon, as far as its policies and states are concerned. */
  private final class Life implements AutoCloseable {
    final KernelBackend kernel;
    final Rtnetlink netlink;
    final KernelLedger ledger;
    final InstalledPolicies policies;
    final Dying backend;
    final Protection protection;
    final HomePolicies planner;

    Life(int commands) throws Exception {
      DaemonConfiguration configuration =
          DaemonConfiguration.read(
              Files.writeString(folder.resolve("mipd.conf"), TestNet.sample("mobile-node.conf")));
      protection =
          ((DaemonConfiguration.MobileNode) configuration.role()).protection().orElseThrow();
      planner = new HomePolicies(HOME, AGENT, tunnelProtection(protection));
      kernel = within(KernelBackend::open);
      netlink = within(Rtnetlink::open);
      var setup =
          new World.Setup(
              "mipd0",
              1400,
              false,
              ImmutableSet.of("eth0"),
              ImmutableSet.of(HOME.value()),
              ImmutableSet.of(),
              AGENT,
              Ipv6Prefix.parse("2001:db8:1::/64"),
              ImmutableSet.of());
      var store = new FileSequenceStore(folder.resolve("sequences"));
      ledger =
          new KernelLedger(
              kernel,
              new KernelSequences(kernel, store::ledger),
              new PlainTunnels(new SystemChanges(netlink, Journal.open(folder)), setup));
      backend = new Dying(ledger, commands);
      policies = new InstalledPolicies(backend);
      ledger.adopt();
      ledger.establish(associations());
    }

    private <T> T within(java.util.concurrent.Callable<T> work) throws Exception {
      return NetworkNamespace.within(NetworkNamespace.named(name), work);
    }

    ImmutableList<SecurityAssociation> associations() {
      return protection.associations(HOME.value(), AGENT);
    }

    ImmutableList<ReqId> tunnels() {
      return ImmutableList.of(
          protection.returnRoutability().orElseThrow().reqId(),
          protection.payload().orElseThrow().reqId());
    }

    /** What a mobile node does that registers at A, moves to B and comes home. */
    void wanders(int stages) {
      stage(stages > 0, planner.mobileNodeUnregistered(), Optional.empty());
      stage(stages > 1, planner.mobileNodeAway(AT_A), move(HOME.value(), AT_A.value()));
      stage(stages > 2, planner.mobileNodeAway(AT_B), move(AT_A.value(), AT_B.value()));
      stage(stages > 3, planner.mobileNodeAtHome(), move(AT_B.value(), HOME.value()));
    }

    /** The same, whatever comes of it. */
    void wishes() {
      policies.want(HOME, planner.mobileNodeUnregistered());
      policies.move(move(HOME.value(), AT_A.value()).orElseThrow(), tunnels());
      policies.want(HOME, planner.mobileNodeAway(AT_A));
      policies.move(move(AT_A.value(), AT_B.value()).orElseThrow(), tunnels());
      policies.want(HOME, planner.mobileNodeAway(AT_B));
      policies.move(move(AT_B.value(), HOME.value()).orElseThrow(), tunnels());
      policies.want(HOME, planner.mobileNodeAtHome());
    }

    private void stage(boolean reached, MobilityWish wish, Optional<NodeAction.MoveTunnel> move) {
      if (reached) {
        move.ifPresent(it -> assertThat(policies.move(it, tunnels())).isTrue());
        assertThat(policies.want(HOME, wish)).isTrue();
      }
    }

    private static Optional<NodeAction.MoveTunnel> move(Ipv6Address from, Ipv6Address to) {
      return Optional.of(new NodeAction.MoveTunnel(HOME, AGENT, from, to));
    }

    /** Everything of ours, in an order of its own. */
    ImmutableList<String> inKernel() throws IOException {
      var all = ImmutableList.<String>builder();
      kernel.policies().stream().map(Policy::toString).sorted().forEach(all::add);
      kernel.ownAssociations().stream().map(this::words).sorted().forEach(all::add);
      return all.build();
    }

    /** What the kernel has, for people. */
    String words() throws Exception {
      Process process =
          within(() -> new ProcessBuilder("ip", "-s", "xfrm", "state", "list", "nokeys").start());
      return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    private String words(KernelAssociation one) {
      return one.association(kernel.ours())
          .map(SecurityAssociation::toString)
          .orElseGet(
              () ->
                  one.info().source()
                      + " > "
                      + one.info().destination()
                      + " proto "
                      + one.info().protocol()
                      + " "
                      + one.routeOptimization());
    }

    /** As the kernel looks policies up. */
    void nothingInClear() throws IOException {
      Flow flow = Flow.withPorts(HOME.value(), PEER, IpProtocol.TCP, 1, 2);
      Optional<Policy> decides =
          kernel.policies().stream()
              .filter(it -> it.direction() == Direction.OUT && it.selector().matches(flow))
              .min(Comparator.comparingInt(Policy::priority));
      // Without a policy the device of the home address swallows it.
      assertThat(decides.filter(it -> it.action() == Policy.Action.ALLOW && it.bundle().isEmpty()))
          .isEmpty();
    }

    /** The end, as a process has it: what is in the kernel stays. */
    @Override
    public void close() {
      kernel.close();
      netlink.close();
    }
  }

  private static TunnelProtection tunnelProtection(Protection one) {
    return new TunnelProtection(
        Optional.of(one.signalling().reqId()),
        one.prefixDiscovery().map(Protection.Pair::reqId),
        one.returnRoutability().map(Protection.Pair::reqId),
        one.payload().map(Protection.Pair::reqId));
  }

  /** Ends the life of its daemon at some command, or refuses one. */
  private static final class Dying implements XfrmBackend {
    private final XfrmBackend backend;
    private int left;
    private int untilRefusal = Integer.MAX_VALUE;

    Dying(XfrmBackend backend, int commands) {
      this.backend = backend;
      left = commands;
    }

    @Override
    public XfrmReply apply(XfrmCommand command) {
      if (left-- == 0) {
        throw new Death();
      }
      return untilRefusal-- == 0
          ? new XfrmReply.Failed(XfrmError.NO_MEMORY, "refused by the test")
          : backend.apply(command);
    }

    void refusesAt(int commands) {
      untilRefusal = commands;
    }

    boolean hasRefused() {
      return untilRefusal < 0;
    }

    @Override
    public Limits limits() {
      return backend.limits();
    }
  }

  private static final class Death extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  /** What a life that nothing disturbs leaves after so many stages. */
  private ImmutableList<String> undisturbed(int stages) throws Exception {
    renew();
    try (var life = new Life(Integer.MAX_VALUE)) {
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
      try (var life = new Life(commands)) {
        try {
          life.wanders(4);
        } catch (Death e) {
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
      try (var successor = new Life(Integer.MAX_VALUE)) {
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
      try (var life = new Life(Integer.MAX_VALUE)) {
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
    try (var life = new Life(Integer.MAX_VALUE);
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
    try (var life = new Life(Integer.MAX_VALUE);
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
    try (var life = new Life(Integer.MAX_VALUE)) {
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
              life.policies.move(Life.move(at.value(), next.value()).orElseThrow(), life.tunnels());
          assertThat(moved).as("move %s\n%s", i, life.words()).isTrue();
          assertThat(life.policies.want(HOME, life.planner.mobileNodeAway(next))).isTrue();
          at = next;
        }
      } finally {
        traffic.destroyForcibly().waitFor();
      }
      assertThat(life.ledger.close()).isEmpty();
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

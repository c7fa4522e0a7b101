package io.mipd.proof;

import static io.mipd.proof.Case.leaves;
import static io.mipd.proof.Place.A;
import static io.mipd.proof.Place.C;
import static io.mipd.proof.Place.H;
import static io.mipd.proof.Place.HOME_AGENT;
import static io.mipd.proof.Place.MOBILE_NODE;
import static io.mipd.proof.Place.NEW_C;
import static io.mipd.proof.Place.P;
import static io.mipd.proof.Place.PEER;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.merger.plan.Plan;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.host.Datagram;
import io.mipd.xfrm.host.Dissection;
import io.mipd.xfrm.host.Host;
import io.mipd.xfrm.host.KernelHost;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A merged policy of two tunnels changes while a datagram is sent each millisecond: all that leaves
 * is looked at, none in clear, none with a layer less, none lost.
 */
@Tag("kernel")
class ChangeUnderTrafficKernelTest {
  private static final Pair USERS = Pair.tunnel(TransformProtocol.ESP, H, P, 0x1001);

  private static final String AT_C = "C>A ESP(0x2001) H>P ESP(0x1001) H>P UDP";
  private static final String AT_NEW_C = "C'>A ESP(0x2011) H>P ESP(0x1001) H>P UDP";
  private static final String MOVED = "C'>A ESP(0x2001) H>P ESP(0x1001) H>P UDP";
  private static final Datagram DATAGRAM = Datagram.udp(H, P, "numbered");
  private static final int CHANGES = 20;

  private final EngineWorld engines = new EngineWorld();
  private final KernelWorld kernels = new KernelWorld();
  private final Case row = at(Case.of("the user's tunnel in the reverse tunnel").away());
  private final Case elsewhere = at(Case.of("the same at the new care-of address").awayAt(NEW_C));
  private final ImmutableList<SecurityAssociation> associations =
      ImmutableList.<SecurityAssociation>builder()
          .addAll(row.associations())
          .addAll(TransactionUnderTraffic.NEW_TUNNEL.associations())
          .build();

  private static Case at(Case mobility) {
    return mobility
        .user(Selector.between(H, P), PEER, USERS)
        .packet(DATAGRAM, PEER, leaves(MOBILE_NODE, ""), leaves(HOME_AGENT, ""));
  }

  @BeforeEach
  void prepare() throws Exception {
    engines.prepare(row);
    kernels.prepare(row);
  }

  @AfterEach
  void close() {
    kernels.close();
  }

  /** Does something again and again while the flow goes; what has left, as its headers. */
  private List<String> leftWhile(Step step) throws Exception {
    KernelHost host = kernels.kernel(MOBILE_NODE);
    DatagramChannel socket = host.sender(DATAGRAM);
    var sending = new AtomicBoolean(true);
    var sent = new AtomicInteger();
    var flow =
        new Thread(
            () -> {
              byte[] text = DATAGRAM.text().getBytes(StandardCharsets.UTF_8);
              var to = new InetSocketAddress(P.toInetAddress(), Datagram.PORT);
              try {
                while (sending.get()) {
                  socket.send(ByteBuffer.wrap(text), to);
                  sent.incrementAndGet();
                  Thread.sleep(1);
                }
              } catch (IOException | InterruptedException e) {
                sent.set(-1);
              }
            });
    List<byte[]> left = new ArrayList<>();
    flow.start();
    for (int i = 0; i < CHANGES; i++) {
      for (int packets = left.size(); left.size() < packets + 5; ) {
        left.addAll(host.everythingThatLeft());
      }
      step.at(i);
    }
    sending.set(false);
    flow.join();
    left.addAll(host.everythingThatLeft());
    assertThat(left).as("all that was sent; %s", host.refusals()).hasSize(sent.get());
    return left.stream()
        .map(packet -> Dissection.of(packet, Place.NAMES, associations))
        .peek(seen -> assertThat(seen.isGenuine()).isTrue())
        .map(Dissection::chain)
        .toList();
  }

  private interface Step {
    void at(int number) throws Exception;
  }

  private static void carryOut(Host host, Plan plan) {
    plan.steps().forEach(step -> EngineWorld.done(host, step.command()));
  }

  @Test
  void aPlanChangesItInPlace() throws Exception {
    Host host = kernels.host(MOBILE_NODE);
    TransactionUnderTraffic.NEW_TUNNEL
        .associations()
        .forEach(one -> EngineWorld.done(host, new XfrmCommand.AddAssociation(one)));
    var here = row.merged(MOBILE_NODE).policies();
    var there = elsewhere.merged(MOBILE_NODE).policies();

    List<String> left =
        leftWhile(
            number ->
                carryOut(
                    host, number % 2 == 0 ? Plan.between(here, there) : Plan.between(there, here)));

    assertThat(left).containsOnly(AT_C, AT_NEW_C).contains(AT_C).contains(AT_NEW_C);
  }

  /** XFRM_MSG_MIGRATE on a policy of two templates: the outer moves, with its association. */
  @Test
  void oneOfTwoTemplatesMoves() throws Exception {
    Policy policy =
        row.merged(MOBILE_NODE)
            .decides(Direction.OUT, Flow.of(H, P, IpProtocol.UDP))
            .orElseThrow()
            .policy();
    Host host = kernels.host(MOBILE_NODE);

    List<String> left =
        leftWhile(
            number ->
                EngineWorld.done(
                    host, number % 2 == 0 ? move(policy, C, NEW_C) : move(policy, NEW_C, C)));

    assertThat(left).containsOnly(AT_C, MOVED).contains(AT_C).contains(MOVED);
  }

  private static XfrmCommand move(Policy policy, Ipv6Address from, Ipv6Address to) {
    return new XfrmCommand.Migrate(
        policy.id(),
        ImmutableList.of(
            new XfrmCommand.Move(
                TransformProtocol.ESP,
                Mode.TUNNEL,
                new ReqId(Case.PAYLOAD_TUNNEL.reqId()),
                from,
                A,
                to,
                A)));
  }

  /** Engine and kernel are left with the same policies and associations by the same moves. */
  @Test
  void bothWorldsMoveTheSame() throws Exception {
    Template tunnel = Case.PAYLOAD_TUNNEL.there();
    KernelHost kernel = kernels.kernel(MOBILE_NODE);
    for (Policy policy : row.merged(MOBILE_NODE).policies()) {
      if (policy.bundle().templates().contains(tunnel)) {
        EngineWorld.done(kernel, move(policy, C, NEW_C));
        EngineWorld.done(engines.host(MOBILE_NODE), move(policy, C, NEW_C));
      }
    }

    byte[] byKernel = kernel.sends(DATAGRAM).get(0);
    byte[] byEngine = engines.host(MOBILE_NODE).sends(DATAGRAM).get(0);
    Dissection seen = Dissection.of(byKernel, Place.NAMES, row.associations());
    assertThat(seen.chain()).isEqualTo(MOVED);
    assertThat(seen.isGenuine()).isTrue();
    assertThat(Dissection.of(byEngine, Place.NAMES, row.associations()).octets())
        .isEqualTo(seen.octets());
    assertThat(
            kernel.backend().policies().stream()
                .filter(one -> one.bundle().templates().contains(USERS.there())))
        .extracting(one -> one.bundle().templates())
        .containsExactly(ImmutableList.of(USERS.there(), tunnel.withAddresses(NEW_C, A)));
  }
}

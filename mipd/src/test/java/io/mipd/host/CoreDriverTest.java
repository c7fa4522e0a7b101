package io.mipd.host;

import static io.mipd.mobility.wire.BindingStatus.ACCEPTED;
import static io.mipd.mobility.wire.BindingStatus.NOT_HOME_AGENT_FOR_THIS_MOBILE_NODE;
import static io.mipd.mobility.wire.BindingStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.host.CoreDriver.Durability;
import io.mipd.mobility.MobilityNode;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What rests on something durable waits for it, and nothing overtakes it. */
class CoreDriverTest {
  private static final Instant NOW = Instant.EPOCH;
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::a");
  private static final HomeAddress HOME = new HomeAddress(Ipv6Address.parse("2001:db8:1::1"));

  private final Deque<ImmutableList<NodeAction>> answers = new ArrayDeque<>();
  private final List<String> done = new ArrayList<>();
  private final Map<Long, Durability> decided = new HashMap<>();
  private boolean full;
  private boolean proxyIsBehind;
  private long last;

  private final CoreDriver driver =
      new CoreDriver(
          new MobilityNode() {
            @Override
            public ImmutableList<NodeAction> handle(Instant now, NodeEvent event) {
              return answers.remove();
            }

            @Override
            public Optional<Instant> nextDeadline() {
              return Optional.empty();
            }
          },
          ImmutableMap.of(),
          new InstalledPolicies(new InstalledPoliciesTest.Backend(), ImmutableList.of()),
          new RoutesInUse(ImmutableMap::of),
          new CoreDriver.Hands() {
            @Override
            public long remember(NodeAction action) throws IOException {
              if (full) {
                throw new IOException("disk full");
              }
              done.add("remember " + ((NodeAction.ForgetBinding) action).sequence().value());
              return ++last;
            }

            @Override
            public Durability durability(long number) {
              return decided.getOrDefault(number, Durability.PENDING);
            }

            @Override
            public void perform(NodeAction action) {
              done.add(
                  action instanceof NodeAction.SendMessage send
                      ? "send " + ((BindingAcknowledgement) send.message()).status()
                      : ((NodeAction.Tell) action).words());
            }

            @Override
            public boolean isProxyBehind(Ipv6Address homeAddress) {
              return proxyIsBehind;
            }
          });

  private void answer(NodeAction... actions) {
    answers.add(ImmutableList.copyOf(actions));
    driver.handle(NOW, new NodeEvent.Started());
  }

  private static NodeAction forget(int sequence) {
    return new NodeAction.ForgetBinding(HOME, new SequenceNumber(sequence));
  }

  private static NodeAction tell(String words) {
    return new NodeAction.Tell(words);
  }

  private static NodeAction acknowledge(BindingStatus status) {
    return new NodeAction.SendMessage(
        new BindingAcknowledgement(
            status,
            /* keyManagement= */ false,
            new SequenceNumber(1),
            BindingLifetime.DEREGISTER,
            ImmutableList.of()),
        AGENT,
        HOME.value(),
        Optional.empty());
  }

  @Test
  void manyAreRememberedBeforeTheFirstIsDurable() {
    answer(tell("a"), forget(1), tell("b"));
    answer(tell("c"));
    answer(forget(2), tell("d"));
    assertThat(done).containsExactly("remember 1", "remember 2");

    decided.put(1L, Durability.DURABLE);
    driver.resume(NOW);
    assertThat(done).containsExactly("remember 1", "remember 2", "a", "b", "c");

    decided.put(2L, Durability.DURABLE);
    driver.resume(NOW);
    assertThat(done).endsWith("c", "d").hasSize(6);

    answer(tell("e"));
    assertThat(done).endsWith("e");
  }

  @Test
  void whatCouldNotBeRememberedIsDoneAndNotVouchedFor() {
    answer(forget(1), tell("a"), acknowledge(ACCEPTED), tell("b"));
    answer(tell("c"));
    decided.put(1L, Durability.FAILED);
    driver.resume(NOW);
    assertThat(done).containsExactly("remember 1", "a", "b", "c");

    full = true;
    answer(forget(2), tell("d"), acknowledge(ACCEPTED));
    assertThat(done).endsWith("c", "d");
  }

  @Test
  void thatThereIsNoBindingIsNotSaidBeforeItsEndIsStored() {
    answer(forget(1), acknowledge(ACCEPTED));
    decided.put(1L, Durability.FAILED);
    driver.resume(NOW);
    answer(acknowledge(NOT_HOME_AGENT_FOR_THIS_MOBILE_NODE));
    answer(acknowledge(SEQUENCE_NUMBER_OUT_OF_WINDOW));
    assertThat(done).containsExactly("remember 1", "send " + SEQUENCE_NUMBER_OUT_OF_WINDOW);

    decided.put(1L, Durability.DURABLE);
    answer(acknowledge(NOT_HOME_AGENT_FOR_THIS_MOBILE_NODE));
    assertThat(done).endsWith("send " + NOT_HOME_AGENT_FOR_THIS_MOBILE_NODE);
  }

  @Test
  void whoIsNotStoodInForIsNotToldThatHeIs() {
    proxyIsBehind = true;
    answer(acknowledge(ACCEPTED));
    assertThat(done).isEmpty();

    proxyIsBehind = false;
    answer(acknowledge(ACCEPTED));
    assertThat(done).containsExactly("send " + ACCEPTED);
  }
}

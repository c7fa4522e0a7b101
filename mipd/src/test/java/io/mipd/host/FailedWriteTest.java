package io.mipd.host;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.host.CoreDriver.Durability;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.ha.HomeAgent;
import io.mipd.mobility.ha.HomeAgentSettings;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.SecurityPath;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A home agent whose disk fails for a while: what it has acknowledged is stored and in force, and a
 * mobile node that it does not answer gets what it asks for in the end.
 */
class FailedWriteTest {
  private static final int ETH1 = 2;
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final HomeAddress HOME = new HomeAddress(Ipv6Address.parse("2001:db8:1::100"));
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:a::100");
  private static final BindingLifetime LIFETIME = new BindingLifetime(15);

  private Instant now = Instant.EPOCH;
  private boolean diskFails;

  /** Number of the first that was not written, and of the last. */
  private long failed = Long.MAX_VALUE;

  private long last;
  private final Set<Ipv6Address> proxied = new HashSet<>();
  private final List<BindingStatus> acknowledged = new ArrayList<>();

  private final CoreDriver driver =
      new CoreDriver(
          new HomeAgent(
              new HomeAgentSettings(
                  "eth1",
                  AGENT,
                  Ipv6Prefix.parse("2001:db8:1::/64"),
                  Duration.ofMinutes(7),
                  Optional.empty(),
                  ImmutableMap.of(HOME, TunnelProtection.NONE)),
              ImmutableList.of(),
              new Random(1)),
          ImmutableMap.of(),
          new InstalledPolicies(new InstalledPoliciesTest.Backend(), ImmutableList.of()),
          new RoutesInUse(ImmutableMap::of),
          new CoreDriver.Hands() {
            @Override
            public long remember(NodeAction action) {
              last++;
              failed = diskFails ? Math.min(failed, last) : Long.MAX_VALUE;
              return last;
            }

            /** What was not written is written with what comes next. */
            @Override
            public Durability durability(long number) {
              return number < failed ? Durability.DURABLE : Durability.FAILED;
            }

            @Override
            public void perform(NodeAction action) {
              if (action instanceof NodeAction.Proxy proxy && proxy.on()) {
                proxied.add(proxy.address().value());
              } else if (action instanceof NodeAction.Proxy proxy) {
                proxied.remove(proxy.address().value());
              } else if (action instanceof NodeAction.SendMessage send) {
                acknowledged.add(((BindingAcknowledgement) send.message()).status());
              }
            }
          });

  @BeforeEach
  void begin() {
    driver.handle(now, new NodeEvent.Started());
    driver.handle(now, new NodeEvent.LinkChanged(ETH1, "eth1", true, Optional.empty()));
  }

  private void updates(int sequence, BindingLifetime lifetime) {
    driver.handle(
        now,
        new NodeEvent.MobilityMessageArrived(
            new BindingUpdate(
                new SequenceNumber(sequence),
                ImmutableSet.of(BindingFlag.ACKNOWLEDGE, BindingFlag.HOME_REGISTRATION),
                lifetime,
                ImmutableList.of()),
            new Arrival(
                HOME.value(), AGENT, Optional.of(CARE_OF), false, SecurityPath.EMPTY, ETH1)));
  }

  private void registers(int sequence) {
    updates(sequence, LIFETIME);
    driver.handle(now, new NodeEvent.DadFinished(HOME, /* unique= */ true));
  }

  @Test
  void aRegistrationThatIsAskedForAgain() {
    diskFails = true;
    registers(1);
    assertThat(acknowledged).isEmpty();

    diskFails = false;
    updates(2, LIFETIME);
    assertThat(acknowledged).containsExactly(BindingStatus.ACCEPTED);
    assertThat(proxied).containsExactly(HOME.value());
  }

  @Test
  void aDeregistrationThatIsAskedForAgain() {
    registers(1);
    assertThat(proxied).containsExactly(HOME.value());

    diskFails = true;
    updates(2, BindingLifetime.DEREGISTER);
    assertThat(acknowledged).containsExactly(BindingStatus.ACCEPTED);
    assertThat(proxied).isEmpty();

    // It may not take the answer for the end of its binding: that is not stored yet.
    updates(3, BindingLifetime.DEREGISTER);
    assertThat(acknowledged).hasSize(1);

    diskFails = false;
    failed = Long.MAX_VALUE;
    updates(4, BindingLifetime.DEREGISTER);
    assertThat(acknowledged)
        .containsExactly(BindingStatus.ACCEPTED, BindingStatus.NOT_HOME_AGENT_FOR_THIS_MOBILE_NODE);
  }

  @Test
  void aBindingThatExpires() {
    registers(1);
    diskFails = true;
    now = now.plus(LIFETIME.asDuration());
    driver.turn(now);
    assertThat(proxied).isEmpty();
  }
}

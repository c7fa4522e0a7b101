package io.mipd.mobility;

import static io.mipd.mobility.Exchange.AGENT;
import static io.mipd.mobility.Exchange.COA_A;
import static io.mipd.mobility.Exchange.COA_B;
import static io.mipd.mobility.Exchange.HOME;
import static io.mipd.mobility.Exchange.HOME_PREFIX;
import static io.mipd.mobility.Exchange.LIFETIME;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.NodeAction.Refusal;
import io.mipd.mobility.cn.CorrespondentNode;
import io.mipd.mobility.cn.CorrespondentSettings;
import io.mipd.mobility.ha.HomeAgent;
import io.mipd.mobility.ha.HomeAgentSettings;
import io.mipd.mobility.mn.MobileNode;
import io.mipd.mobility.mn.MobileNodeSettings;
import io.mipd.mobility.node.Node;
import io.mipd.mobility.wire.BindingFlag;
import io.mipd.mobility.wire.BindingLifetime;
import io.mipd.mobility.wire.BindingStatus;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingAcknowledgement;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.MobilityMessage.CareOfTest;
import io.mipd.mobility.wire.MobilityMessage.CareOfTestInit;
import io.mipd.mobility.wire.MobilityMessage.HomeTest;
import io.mipd.mobility.wire.MobilityMessage.HomeTestInit;
import io.mipd.mobility.wire.MobilityOption;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.SecurityPath;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A correspondent within a mobile node or home agent: at which addresses it answers. */
class CorrespondentRolesTest {
  private static final Ipv6Address PEERS_HOME = Ipv6Address.parse("2001:db8:d::100");
  private static final Ipv6Address UPLINK = Ipv6Address.parse("2001:db8:f::1");

  private final Instant now = Instant.EPOCH.plusSeconds(1000);

  private static CorrespondentNode correspondent() {
    return new CorrespondentNode(CorrespondentSettings.DEFAULT, new Random(3));
  }

  private static Node mobileNode() {
    var settings =
        new MobileNodeSettings(
            HOME,
            HOME_PREFIX,
            AGENT,
            LIFETIME,
            ImmutableMap.of("eth0", 10),
            Exchange.ESP,
            Optional.empty(),
            /* corresponds= */ true);
    var core = new MobileNode(settings, false, new SequenceNumber(1), new Random(2));
    return new Node(
        Optional.of(new Node.Mobile(core, HOME, settings.policies())),
        Optional.empty(),
        Optional.of(new Node.Correspondent(correspondent(), Optional.empty())));
  }

  private static Node homeAgent() {
    var settings =
        new HomeAgentSettings(
            "eth1",
            AGENT,
            HOME_PREFIX,
            LIFETIME,
            Optional.empty(),
            ImmutableMap.of(HOME, Exchange.ESP));
    var core = new HomeAgent(settings, ImmutableList.of(), new Random(1));
    return new Node(
        Optional.empty(),
        Optional.of(core),
        Optional.of(new Node.Correspondent(correspondent(), Optional.of(Ipv6Prefix.host(AGENT)))));
  }

  private List<NodeAction> asks(
      Node node, MobilityMessage message, Ipv6Address source, Ipv6Address destination) {
    return node.handle(
        now,
        new NodeEvent.MobilityMessageArrived(
            message,
            new Arrival(source, destination, Optional.empty(), false, SecurityPath.EMPTY, 0)));
  }

  private void answersAt(Node node, Ipv6Address local) {
    assertThat(asks(node, new HomeTestInit(1, ImmutableList.of()), PEERS_HOME, local))
        .singleElement()
        .isInstanceOfSatisfying(
            NodeAction.SendMessage.class,
            send -> assertThat(send.message()).isInstanceOf(HomeTest.class));
    assertThat(asks(node, new CareOfTestInit(1, ImmutableList.of()), COA_B.value(), local))
        .singleElement()
        .isInstanceOfSatisfying(
            NodeAction.SendMessage.class,
            send -> assertThat(send.message()).isInstanceOf(CareOfTest.class));
  }

  private static BindingUpdate update(BindingFlag... flags) {
    return new BindingUpdate(
        new SequenceNumber(1),
        ImmutableSet.copyOf(flags),
        BindingLifetime.atMost(Duration.ofSeconds(100)),
        ImmutableList.of(new MobilityOption.NonceIndices(0, 0)));
  }

  private void isDeafAt(Node node, Ipv6Address local) {
    for (MobilityMessage message :
        List.of(
            new HomeTestInit(1, ImmutableList.of()),
            new CareOfTestInit(1, ImmutableList.of()),
            update())) {
      assertThat(asks(node, message, PEERS_HOME, local))
          .containsExactly(new NodeAction.Refuse(Refusal.WRONG_ADDRESS, PEERS_HOME));
    }
  }

  /** RFC 6275 section 5.2.9: a care-of address is nobody that a binding is made with. */
  @Test
  void aMobileNodeAnswersAtItsHomeAddress() {
    answersAt(mobileNode(), HOME.value());
    isDeafAt(mobileNode(), COA_A.value());
  }

  @Test
  void aHomeAgentAnswersAtTheAddressThatItsPoliciesAreFor() {
    answersAt(homeAgent(), AGENT);
    isDeafAt(homeAgent(), UPLINK);
  }

  /** Updates of mobile nodes that it serves are its own business, with or without the H flag. */
  @Test
  void aHomeAgentHasOneBindingOfThoseThatItServes() {
    assertThat(asks(homeAgent(), update(), HOME.value(), AGENT))
        .containsExactly(new NodeAction.Refuse(Refusal.UNPROTECTED, HOME.value()));
    assertThat(asks(homeAgent(), update(), PEERS_HOME, AGENT))
        .filteredOn(NodeAction.SendMessage.class::isInstance)
        .singleElement()
        .isInstanceOfSatisfying(
            NodeAction.SendMessage.class,
            send ->
                assertThat(((BindingAcknowledgement) send.message()).status())
                    .isEqualTo(BindingStatus.EXPIRED_HOME_NONCE_INDEX));
  }
}

package io.mipd.mobility;

import static io.mipd.mobility.Correspondence.LOCAL;
import static io.mipd.mobility.Exchange.COA_A;
import static io.mipd.mobility.Exchange.COA_B;
import static io.mipd.mobility.Exchange.HOME;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.mobility.NodeAction.Refusal;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage;
import io.mipd.mobility.wire.MobilityMessage.BindingUpdate;
import io.mipd.mobility.wire.MobilityMessage.CareOfTest;
import io.mipd.mobility.wire.MobilityMessage.CareOfTestInit;
import io.mipd.mobility.wire.MobilityMessage.HomeTest;
import io.mipd.mobility.wire.MobilityMessage.HomeTestInit;
import io.mipd.xfrm.engine.Arrival;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.SecurityPath;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** RFC 6275 sections 9.4.1 to 9.4.4. */
class ReturnRoutabilityTest {
  private static final HomeTestInit HOME_TEST_INIT = new HomeTestInit(1, ImmutableList.of());
  private static final CareOfTestInit CARE_OF_TEST_INIT = new CareOfTestInit(2, ImmutableList.of());

  private final Correspondence correspondence = new Correspondence();

  @Test
  void answersTestsWithTokens() {
    // Correspondence.tests checks addresses, cookies and the way back.
    HomeTest homeTest = correspondence.tests(HOME);
    CareOfTest careOfTest = correspondence.tests(COA_A);
    assertThat(careOfTest.nonceIndex()).isEqualTo(homeTest.nonceIndex());
    assertThat(careOfTest.token()).isNotEqualTo(homeTest.token());
    assertThat(correspondence.tests(HOME).token()).isEqualTo(homeTest.token());
    assertThat(correspondence.tests(COA_B).token()).isNotEqualTo(careOfTest.token());
  }

  /** A binding does not shorten the way of a Home Test: it is to prove the home address. */
  @Test
  void testsTheHomeAddressOfABoundNodeByWayOfItsHomeAgent() {
    correspondence.bind(HOME, COA_A, 1, 420);
    correspondence.tests(HOME);
  }

  @Test
  void ignoresTestsWithAHomeAddressOption() {
    for (MobilityMessage init : List.of(HOME_TEST_INIT, CARE_OF_TEST_INIT)) {
      correspondence.arrives(
          init,
          new Arrival(
              HOME.value(), LOCAL, Optional.of(COA_A.value()), false, SecurityPath.EMPTY, 0));
      correspondence.isSilent(Refusal.MALFORMED);
    }
  }

  /** RFC 6275 section 5.2.9: to the home address of a correspondent that is mobile itself. */
  @Test
  void ignoresTestsThatARoutingHeaderBrought() {
    for (MobilityMessage init : List.of(HOME_TEST_INIT, CARE_OF_TEST_INIT)) {
      correspondence.arrives(
          init, new Arrival(HOME.value(), LOCAL, Optional.empty(), true, SecurityPath.EMPTY, 0));
      correspondence.isSilent(Refusal.MALFORMED);
    }
  }

  @Test
  void ignoresTestsFromNobody() {
    for (String source : List.of("::", "::1", "fe80::1", "ff02::1", "ff0e::1", "2001:db8:c::c")) {
      for (MobilityMessage init : List.of(HOME_TEST_INIT, CARE_OF_TEST_INIT)) {
        correspondence.arrives(init, Correspondence.plainly(Ipv6Address.parse(source), LOCAL));
        correspondence.isSilent(Refusal.MALFORMED);
      }
    }
  }

  @Test
  void ignoresTestsToAnAddressThatHasNoBindings() {
    for (String local : List.of("ff02::1", "fe80::1")) {
      correspondence.arrives(
          HOME_TEST_INIT, Correspondence.plainly(HOME.value(), Ipv6Address.parse(local)));
      correspondence.isSilent(Refusal.WRONG_ADDRESS);
    }
  }

  @Test
  void takesNoMessagesThatItHasNotAskedFor() {
    HomeTest homeTest = correspondence.tests(HOME);
    CareOfTest careOfTest = correspondence.tests(COA_A);
    for (MobilityMessage message :
        List.of(
            homeTest,
            careOfTest,
            new MobilityMessage.BindingRefreshRequest(ImmutableList.of()),
            new MobilityMessage.BindingError(1, HOME.value(), ImmutableList.of()))) {
      correspondence.arrives(message, Correspondence.plainly(HOME.value(), LOCAL));
      correspondence.isSilent(Refusal.UNEXPECTED);
    }
  }

  /** The node keeps its nonces, of which there are eight at most, and nothing of who asked. */
  @Test
  @Tag("many")
  void keepsNothingOfAMillionTests() {
    long before = usedMemory();
    for (int i = 0; i < 1_000_000; i++) {
      var source = new Ipv6Address(0x2001_0db8_0000_0000L + i, i);
      // Sixteen minutes, so that nonces roll under way.
      correspondence.now = correspondence.now.plusMillis(1);
      correspondence.handle(
          new NodeEvent.MobilityMessageArrived(
              i % 2 == 0 ? HOME_TEST_INIT : CARE_OF_TEST_INIT,
              Correspondence.plainly(source, LOCAL)));
      assertThat(correspondence.sent()).hasSize(1);
    }
    assertThat(usedMemory() - before).as("octets kept").isLessThan(4_000_000);
    assertThat(correspondence.node().bindings()).isEmpty();
    correspondence.passes(ProtocolConstants.MAX_NONCE_LIFETIME);
    assertThat(correspondence.node().nextDeadline()).isEmpty();
  }

  private static long usedMemory() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  @Test
  void theTokensAreGoodForAnUpdate() {
    var tokens = correspondence.tests(HOME, COA_A);
    BindingUpdate update =
        tokens.authorized(Correspondence.update(7, 420, ImmutableList.of(tokens.indices())));
    correspondence.arrives(correspondence.away(tokens, update));
    assertThat(correspondence.route(HOME)).hasValue(COA_A);
    // Nobody asked for an acknowledgement.
    assertThat(correspondence.sent()).isEmpty();
  }

  @Test
  void tokensOfOthersAreGoodForNothing() {
    var ours = correspondence.tests(HOME, COA_A);
    var theirs =
        correspondence.tests(
            new HomeAddress(Ipv6Address.parse("2001:db8:66::1")),
            new CareOfAddress(Ipv6Address.parse("2001:db8:66::2")));
    // The attacker's own home address with the victim's care-of address, and the other way round.
    for (var tokens :
        List.of(
            new Correspondence.Tokens(HOME, COA_A, theirs.homeTest(), ours.careOfTest()),
            new Correspondence.Tokens(HOME, COA_A, ours.homeTest(), theirs.careOfTest()),
            new Correspondence.Tokens(
                HOME, theirs.careOf(), theirs.homeTest(), theirs.careOfTest()),
            new Correspondence.Tokens(
                theirs.home(), COA_A, theirs.homeTest(), theirs.careOfTest()))) {
      correspondence.arrives(correspondence.binding(tokens, 1, 420));
      correspondence.isSilent(Refusal.NOT_AUTHENTIC);
    }
    correspondence.arrives(
        correspondence.deletion(
            new Correspondence.Tokens(HOME, COA_A, theirs.homeTest(), theirs.careOfTest()), 1));
    correspondence.isSilent(Refusal.NOT_AUTHENTIC);
  }
}

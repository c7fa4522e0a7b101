package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.merger.source.PolicyWords;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Policy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalledPoliciesTest {
  private static final String PAYLOAD_WORDS =
      "src 2001:db8:1::100 dir out priority 2000000000 tmpl src 2001:db8:a::10 dst"
          + " 2001:db8:1::1 proto esp reqid 5 mode tunnel";
  private static final Policy PAYLOAD = PolicyWords.parse(PAYLOAD_WORDS);
  private static final Policy TYPED =
      PolicyWords.parse("src 2001:db8:1::100 proto mobility-header type 5 dir in action block");

  @TempDir private Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private JournalledPolicies policies;

  @BeforeEach
  void open() throws IOException {
    policies = new JournalledPolicies(Journal.open(folder));
  }

  private JournalledPolicies successor() throws IOException {
    return new JournalledPolicies(Journal.open(folder));
  }

  private static Policy withPriority(Policy policy, int priority) {
    return new Policy(
        policy.selector(), policy.direction(), priority, policy.action(), policy.bundle());
  }

  private static Policy withBundle(Policy policy, Bundle bundle) {
    return new Policy(
        policy.selector(), policy.direction(), policy.priority(), policy.action(), bundle);
  }

  @Test
  void aSuccessorKnowsWhatWasPut() throws IOException {
    for (Policy policy : List.of(PAYLOAD, TYPED)) {
      policies.coming(policy);
      policies.put(policy);
    }
    JournalledPolicies next = successor();
    next.adopt(List.of(PAYLOAD, TYPED));
    assertThat(next.contains(PAYLOAD.id())).isTrue();
    assertThat(next.contains(TYPED.id())).isTrue();
  }

  @Test
  void whatWasOnlyToComeIsForgottenUnlessItIsThere() throws IOException {
    policies.coming(PAYLOAD);
    JournalledPolicies next = successor();
    assertThat(next.contains(PAYLOAD.id())).isTrue();
    next.adopt(List.of());
    assertThat(next.contains(PAYLOAD.id())).isFalse();
  }

  @Test
  void anothersInItsPlaceIsNoneOfOurs() throws IOException {
    policies.coming(PAYLOAD);
    policies.put(PAYLOAD);
    JournalledPolicies next = successor();
    next.adopt(List.of(withPriority(PAYLOAD, 7)));
    assertThat(next.contains(PAYLOAD.id())).isFalse();
  }

  @Test
  void eitherOfTwoIsOursWhileOneTakesThePlaceOfTheOther() throws IOException {
    policies.coming(PAYLOAD);
    policies.put(PAYLOAD);
    Policy changed = withPriority(PAYLOAD, 7);
    policies.coming(changed);
    for (Policy there : List.of(PAYLOAD, changed)) {
      JournalledPolicies next = successor();
      next.adopt(List.of(there));
      assertThat(next.contains(PAYLOAD.id())).isTrue();
    }
    policies.put(changed);
    policies.coming(TYPED);
    JournalledPolicies next = successor();
    next.adopt(List.of(PAYLOAD));
    assertThat(next.contains(PAYLOAD.id())).as("with the priority that it had before").isFalse();
  }

  @Test
  void whatIsPutInItsPlaceWhileWeAreHereIsAnothers() throws IOException {
    policies.coming(PAYLOAD);
    policies.put(PAYLOAD);
    assertThat(policies.isAsPut(PAYLOAD)).isTrue();
    assertThat(policies.isAsPut(withPriority(PAYLOAD, 7))).isFalse();
    assertThat(policies.isAsPut(PolicyWords.parse(PAYLOAD_WORDS.replace("reqid 5", "reqid 6"))))
        .as("another's association")
        .isFalse();
    assertThat(policies.isAsPut(withBundle(PAYLOAD, Bundle.EMPTY))).isFalse();
    assertThat(policies.isAsPut(PolicyWords.parse(PAYLOAD_WORDS.replace(":a::10", ":b::10"))))
        .as("where a move has taken it")
        .isTrue();
    assertThat(policies.isAsPut(TYPED)).isFalse();
  }

  @Test
  void whatASuccessorHasFoundIsKnownFromAnothersAsWell() throws IOException {
    policies.coming(PAYLOAD);
    policies.put(PAYLOAD);
    JournalledPolicies next = successor();
    next.adopt(List.of(TYPED, PAYLOAD));
    assertThat(next.isAsPut(PAYLOAD)).isTrue();
    assertThat(next.isAsPut(withBundle(PAYLOAD, Bundle.EMPTY))).isFalse();
    assertThat(next.isAsPut(TYPED)).isFalse();
  }

  @Test
  void eitherContentIsOursWhileOneTakesThePlaceOfTheOther() throws IOException {
    policies.coming(PAYLOAD);
    policies.put(PAYLOAD);
    Policy changed = withBundle(PAYLOAD, Bundle.EMPTY);
    policies.coming(changed);
    assertThat(policies.isAsPut(PAYLOAD)).isTrue();
    assertThat(policies.isAsPut(changed)).isTrue();
    policies.put(changed);
    assertThat(policies.isAsPut(PAYLOAD)).isFalse();
    assertThat(policies.isAsPut(changed)).isTrue();
  }

  @Test
  void whatHasGoneIsForgotten() throws IOException {
    policies.coming(PAYLOAD);
    policies.put(PAYLOAD);
    policies.gone(PAYLOAD.id());
    assertThat(policies.contains(PAYLOAD.id())).isFalse();
    assertThat(policies.isAsPut(PAYLOAD)).isFalse();
    policies.coming(TYPED);
    assertThat(successor().contains(PAYLOAD.id())).isFalse();
  }
}

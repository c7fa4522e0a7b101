package io.mipd.sim.mobile;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.HomeLinkState;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.binding.HomeBinding;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** What a node has on its disk: it outlasts a crash. */
public final class Durable {
  private final LastingSequences sequences = new LastingSequences();
  private final Map<HomeAddress, Entry> entries = new LinkedHashMap<>();

  private HomeLinkState homeLink = HomeLinkState.NOTHING;

  private record Entry(SequenceNumber sequence, Optional<HomeBinding> binding) {}

  LastingSequences sequences() {
    return sequences;
  }

  /** Takes down what an action wants to last; others are none of its business. */
  void perform(Instant now, NodeAction action) {
    if (action instanceof NodeAction.RememberBinding it) {
      entries.put(
          it.homeAddress(),
          new Entry(
              it.sequence(),
              Optional.of(
                  new HomeBinding(
                      it.homeAddress(),
                      it.careOf(),
                      it.sequence(),
                      it.flags(),
                      now.plus(it.lifetime())))));
    } else if (action instanceof NodeAction.ForgetBinding it) {
      entries.put(it.homeAddress(), new Entry(it.sequence(), Optional.empty()));
    } else if (action instanceof NodeAction.RememberSequence it) {
      Entry before = entries.get(it.homeAddress());
      entries.put(
          it.homeAddress(),
          new Entry(it.sequence(), before == null ? Optional.empty() : before.binding()));
    } else if (action instanceof NodeAction.RememberHomeLink it) {
      homeLink = it.state();
    }
  }

  /** Bindings whose time is not over. */
  public ImmutableList<HomeBinding> bindings(Instant now) {
    return entries.values().stream()
        .flatMap(entry -> entry.binding().stream())
        .filter(binding -> !binding.isExpired(now))
        .collect(ImmutableList.toImmutableList());
  }

  /** Sequence numbers of bindings that are no more. */
  public ImmutableMap<HomeAddress, SequenceNumber> ended() {
    var ended = ImmutableMap.<HomeAddress, SequenceNumber>builder();
    entries.forEach(
        (home, entry) -> {
          if (entry.binding().isEmpty()) {
            ended.put(home, entry.sequence());
          }
        });
    return ended.buildOrThrow();
  }

  /** What was heard of the home link. */
  public HomeLinkState homeLink() {
    return homeLink;
  }

  /** The last that a mobile node has used. */
  public Optional<SequenceNumber> sequence(HomeAddress home) {
    return Optional.ofNullable(entries.get(home)).map(Entry::sequence);
  }
}

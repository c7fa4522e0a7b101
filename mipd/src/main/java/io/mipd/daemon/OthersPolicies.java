package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.linux.KernelBackend;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.netlink.KernelPolicy;
import io.mipd.xfrm.netlink.KernelSelector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The IPsec policies that the user, or a key manager of his, has put into the kernel. They stay
 * there, and ours, composed with them, come before them by their priorities. Where one leaves no
 * room ({@code ip xfrm policy add} gives priority 0 unless told otherwise) all of them step back by
 * the same, as soon as ours are in force and for as long as we are here; the journal knows which.
 */
final class OthersPolicies {
  private static final Logger log = LoggerFactory.getLogger(OthersPolicies.class);

  /** So much they step back; below are our priorities then. */
  private static final long STEP = 65_536;

  private static final long GREATEST = 0xffff_ffffL;

  private final KernelBackend kernel;
  private final Journal journal;
  private ImmutableList<Policy> policies = ImmutableList.of();

  /** Those that are to step back, in the order in which they may. */
  private ImmutableList<KernelPolicy> behind = ImmutableList.of();

  OthersPolicies(KernelBackend kernel, Journal journal) {
    this.kernel = kernel;
    this.journal = journal;
  }

  /**
   * Those that can be composed with mobility's, with the priorities that they have as soon as all
   * have stepped back; of equal priority in the kernel's order.
   */
  ImmutableList<Policy> policies() {
    return policies;
  }

  /**
   * Reads them again.
   *
   * @return whether they have changed, or one has to step back
   */
  boolean read() throws IOException {
    List<KernelPolicy> all = oldestFirst(kernel);
    Set<KernelPolicy> stepped = stepped(all, journal).keySet();
    boolean stepping = all.stream().anyMatch(one -> stepped.contains(one) || priority(one) < STEP);
    List<KernelPolicy> toStep = new ArrayList<>();
    var now = ImmutableList.<Policy>builder();
    for (KernelPolicy one : all) {
      boolean steps = stepping && !stepped.contains(one) && priority(one) <= GREATEST - STEP;
      if (steps) {
        toStep.add(one);
      }
      composable(steps ? one.withPriority((int) (priority(one) + STEP)) : one).ifPresent(now::add);
    }
    // Who is behind already is not passed by who steps back; a stable sort keeps equals' order.
    toStep.sort(Comparator.comparingLong(OthersPolicies::priority).reversed());
    behind = ImmutableList.copyOf(toStep);
    ImmutableList<Policy> before = policies;
    policies = now.build();
    return !policies.equals(before) || !behind.isEmpty();
  }

  private Optional<Policy> composable(KernelPolicy one) {
    Optional<Policy> policy = one.policy();
    // Linux takes a mark with bits beyond its mask, which then matches no packet.
    if (policy.isEmpty()
        || (policy.get().selector().mark().value() & ~policy.get().selector().mark().mask()) != 0) {
      return Optional.empty();
    }
    if (!kernel.canBear(policy.get().selector())) {
      if (!policies.contains(policy.get())) {
        log.warn(
            "not composed with mobility's, for the two highest bits of a mark are ours: {}",
            policy.get());
      }
      return Optional.empty();
    }
    return policy;
  }

  /** Ours are in force: those that leave no room before them step back. */
  void stepBack() throws IOException {
    if (behind.isEmpty()) {
      return;
    }
    List<Journal.Entry> entries = new ArrayList<>();
    List<KernelPolicy> changed = new ArrayList<>();
    // One that has gone while all was merged anew would be put back by the change.
    ImmutableSet<String> there =
        kernel.foreignPolicies().stream()
            .map(one -> priority(one) + " " + name(one))
            .collect(ImmutableSet.toImmutableSet());
    for (KernelPolicy one : behind) {
      if (!there.contains(priority(one) + " " + name(one))) {
        continue;
      }
      long now = priority(one) + STEP;
      entries.add(new Journal.Entry.PrioritySteppedBack(priority(one), now, name(one)));
      changed.add(one.withPriority((int) now));
    }
    journal.addAll(entries);
    require(kernel.changeOthers(changed));
    log.info("{} policies of others step back by {} while mipd runs", changed.size(), STEP);
    behind = ImmutableList.of();
  }

  private static void require(List<XfrmReply> replies) throws IOException {
    for (XfrmReply reply : replies) {
      if (reply instanceof XfrmReply.Failed failed) {
        throw new IOException("priorities of others' policies: " + failed.text());
      }
    }
  }

  /** Of hosts, for IPv6; the kernel lists the one that was put last first. */
  private static List<KernelPolicy> oldestFirst(KernelBackend kernel) throws IOException {
    return kernel.foreignPolicies().reverse().stream()
        .filter(one -> one.isMain() && one.info().directionOfHost().isPresent())
        .filter(one -> one.info().selector().family() != KernelSelector.AF_INET)
        .toList();
  }

  /** Those that are as the journal says, and what it says; of the others it forgets. */
  private static Map<KernelPolicy, Journal.Entry.PrioritySteppedBack> stepped(
      List<KernelPolicy> all, Journal journal) {
    Map<String, KernelPolicy> byName = new HashMap<>();
    all.forEach(one -> byName.put(name(one), one));
    Map<KernelPolicy, Journal.Entry.PrioritySteppedBack> stepped = new LinkedHashMap<>();
    for (Journal.Entry entry : journal.entries()) {
      if (entry instanceof Journal.Entry.PrioritySteppedBack one) {
        KernelPolicy there = byName.get(one.policy());
        if (there != null && priority(there) == one.now()) {
          stepped.put(there, one);
        } else {
          journal.removeLater(one);
        }
      }
    }
    return stepped;
  }

  private static long priority(KernelPolicy policy) {
    return Integer.toUnsignedLong(policy.info().priority());
  }

  /** What makes it one and the same to the kernel. */
  private static String name(KernelPolicy policy) {
    return policy
        .policy()
        .map(one -> one.id().toString())
        .orElseGet(
            () ->
                policy.info().selector()
                    + " dir "
                    + policy.info().direction()
                    + " mark "
                    + policy.mark()
                    + " if_id "
                    + policy.attributes().interfaceId());
  }

  /**
   * Gives all that have stepped back their priorities again; ours are no more by then.
   *
   * @return what was given back, in words
   */
  static ImmutableList<String> giveBack(Journal journal) throws IOException {
    try (KernelBackend kernel = KernelBackend.open()) {
      List<KernelPolicy> changed = new ArrayList<>();
      var done = ImmutableList.<String>builder();
      stepped(oldestFirst(kernel), journal)
          .forEach(
              (policy, entry) -> {
                changed.add(policy.withPriority((int) entry.original()));
                done.add("priority " + entry.original() + " of " + entry.policy());
              });
      changed.sort(Comparator.comparingLong(OthersPolicies::priority));
      require(kernel.changeOthers(changed));
      for (Journal.Entry entry : journal.entries()) {
        if (entry instanceof Journal.Entry.PrioritySteppedBack) {
          journal.removeLater(entry);
        }
      }
      journal.flush();
      return done.build();
    }
  }
}

package io.mipd.daemon;

import static com.google.common.collect.ImmutableList.toImmutableList;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.merger.index.SelectorIndex;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.linux.KernelBackend;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.netlink.KernelPolicy;
import io.mipd.xfrm.netlink.KernelSelector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The IPsec policies that the user, or a key manager of his, has put into the kernel. They stay
 * there, and ours, composed with them, come before them by their priorities. Where one leaves no
 * room ({@code ip xfrm policy add} gives priority 0 unless told otherwise) all of them step back,
 * as soon as ours are in force and for as long as we are here; the journal knows which.
 *
 * <p>Each has a priority of its own then. So whoever comes later can step back first, and no one is
 * passed at any moment by who came after it, which two of equal priority would be: what is given
 * the priority of another comes behind it.
 */
final class OthersPolicies {
  private static final Logger log = LoggerFactory.getLogger(OthersPolicies.class);

  /** So much they step back at least; below are our priorities then. */
  private static final long STEP = 65_536;

  private static final long GREATEST = 0xffff_ffffL;

  private final KernelBackend kernel;
  private final Journal journal;
  private ImmutableList<Policy> policies = ImmutableList.of();

  /** Those that are to step back, in the order in which they may. */
  private ImmutableList<Step> behind = ImmutableList.of();

  /** What was said of them when they were read last. */
  private Set<String> said = Set.of();

  /**
   * @param policy as it is
   * @param original the priority that it was given by whoever put it there
   * @param now the one that it is to have
   */
  private record Step(KernelPolicy policy, long original, long now) {
    boolean isDone() {
      return priority(policy) == now;
    }

    KernelPolicy done() {
      return policy.withPriority((int) now);
    }
  }

  OthersPolicies(KernelBackend kernel, Journal journal) {
    this.kernel = kernel;
    this.journal = journal;
  }

  /**
   * Those that can be composed with mobility's, with the priorities that they have as soon as all
   * have stepped back; of equal priority in the kernel's order. One with templates that cannot be
   * composed stands as a block: its flows are not to leave without them.
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
    List<KernelPolicy> foreign = ofHosts(kernel);
    List<Step> steps = steps(foreign);
    Set<String> words = new LinkedHashSet<>();
    foreign.stream()
        .filter(one -> !one.isMain())
        .forEach(
            one ->
                words.add("not composed with mobility's, for it is of the sub type: " + name(one)));
    Map<Policy, Long> originals = new LinkedHashMap<>();
    for (Step one : steps) {
      composable(one.done(), words).ifPresent(policy -> originals.put(policy, one.original()));
    }
    behind = steps.stream().filter(one -> !one.isDone()).collect(toImmutableList()).reverse();
    ImmutableList<Policy> before = policies;
    policies = ImmutableList.copyOf(originals.keySet());
    undecided(originals, words);
    words.stream().filter(one -> !said.contains(one)).forEach(one -> log.warn("{}", one));
    said = words;
    return !policies.equals(before) || !behind.isEmpty();
  }

  /**
   * By precedence: of equal priority in the order in which Linux 6.1 asks them, as far as it has
   * one. Who is for two hosts comes after who is not, and of the same addresses the older is first.
   * Its number tells how old it is: it stays when the policy is updated, as its place does, while a
   * dump has that at its head. Nobody steps forth, so that no step is in the way of another.
   */
  private List<Step> steps(List<KernelPolicy> foreign) {
    Map<KernelPolicy, Journal.Entry.PrioritySteppedBack> stepped = stepped(foreign, journal);
    List<Step> steps = new ArrayList<>();
    boolean stepping = false;
    for (KernelPolicy one : foreign) {
      if (one.isMain()) {
        Journal.Entry.PrioritySteppedBack entry = stepped.get(one);
        steps.add(new Step(one, entry == null ? priority(one) : entry.original(), priority(one)));
        stepping |= entry != null || priority(one) < STEP;
      }
    }
    steps.sort(
        Comparator.comparingLong(Step::original)
            .thenComparing(step -> step.policy().isBetweenHosts())
            .thenComparing(step -> step.policy().info().index(), Integer::compareUnsigned));
    if (stepping) {
      Map<Integer, Long> last = new HashMap<>();
      steps.replaceAll(
          step -> {
            long least = stepped.containsKey(step.policy()) ? step.now() : step.original() + STEP;
            int direction = step.policy().info().direction();
            long now = Math.max(least, last.getOrDefault(direction, -1L) + 1);
            if (now > GREATEST) {
              return step;
            }
            last.put(direction, now);
            return new Step(step.policy(), step.original(), now);
          });
    }
    return steps;
  }

  private Optional<Policy> composable(KernelPolicy one, Set<String> words) {
    Optional<Policy> policy = one.policy();
    if (policy.isEmpty()) {
      Optional<Policy> block = one.asBlock();
      words.add(
          block
              .map(
                  it ->
                      "blocked where mobility has a part, for its templates cannot be composed with"
                          + " mobility's: "
                          + it.selector()
                          + " "
                          + it.direction()
                          + " "
                          + one.attributes().templates())
              .orElse(
                  "not composed with mobility's, for it names a device, or ports of any protocol: "
                      + name(one)));
      policy = block;
    }
    if (policy.isEmpty()) {
      return policy;
    }
    // Linux takes a mark with bits beyond its mask, which then matches no packet.
    if ((policy.get().selector().mark().value() & ~policy.get().selector().mark().mask()) != 0) {
      return Optional.empty();
    }
    if (!kernel.canBear(policy.get().selector())) {
      words.add(
          "not composed with mobility's, for the two highest bits of a mark are ours: "
              + policy.get());
      return Optional.empty();
    }
    return policy;
  }

  /**
   * Which of two of equal priority comes first is not Linux's to say if their addresses differ: it
   * depends on the lengths of prefixes, on what else is there, and on the version.
   */
  private static void undecided(Map<Policy, Long> originals, Set<String> words) {
    Map<Tie, SelectorIndex<Policy>> before = new HashMap<>();
    originals.forEach(
        (one, original) -> {
          SelectorIndex<Policy> equals =
              before.computeIfAbsent(
                  new Tie(one.direction(), original), tie -> new SelectorIndex<>());
          equals.forEachMeeting(
              one.selector(),
              first -> {
                if (!haveSameAddresses(first, one) && !doSame(first, one)) {
                  words.add(
                      "both were given priority "
                          + original
                          + ", so that Linux may take either; mipd takes the first: "
                          + first
                          + "; "
                          + one);
                }
              });
          equals.add(one.selector(), one);
        });
  }

  private record Tie(Direction direction, long priority) {}

  private static boolean haveSameAddresses(Policy one, Policy other) {
    return one.selector().source().equals(other.selector().source())
        && one.selector().destination().equals(other.selector().destination());
  }

  private static boolean doSame(Policy one, Policy other) {
    return one.action() == other.action() && one.bundle().equals(other.bundle());
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
            .filter(KernelPolicy::isMain)
            .map(one -> priority(one) + " " + name(one))
            .collect(ImmutableSet.toImmutableSet());
    for (Step one : behind) {
      if (there.contains(priority(one.policy()) + " " + name(one.policy()))) {
        entries.add(
            new Journal.Entry.PrioritySteppedBack(one.original(), one.now(), name(one.policy())));
        changed.add(one.done());
      }
    }
    journal.addAll(entries);
    require(kernel.changeOthers(changed));
    if (!changed.isEmpty()) {
      log.info("{} policies of others step back while mipd runs", changed.size());
    }
    behind = ImmutableList.of();
  }

  private static void require(List<XfrmReply> replies) throws IOException {
    for (XfrmReply reply : replies) {
      if (reply instanceof XfrmReply.Failed failed) {
        throw new IOException("priorities of others' policies: " + failed.text());
      }
    }
  }

  /** None of sockets, and for IPv6. */
  private static List<KernelPolicy> ofHosts(KernelBackend kernel) throws IOException {
    return kernel.foreignPolicies().stream()
        .filter(one -> one.info().directionOfHost().isPresent())
        .filter(one -> one.info().selector().family() != KernelSelector.AF_INET)
        .toList();
  }

  /** Those that are as the journal says, and what it says; of the others it forgets. */
  private static Map<KernelPolicy, Journal.Entry.PrioritySteppedBack> stepped(
      List<KernelPolicy> all, Journal journal) {
    Map<String, KernelPolicy> byName = new HashMap<>();
    all.stream().filter(KernelPolicy::isMain).forEach(one -> byName.put(name(one), one));
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
      // Who comes first goes forth first, so that the next comes behind it.
      stepped(ofHosts(kernel), journal).entrySet().stream()
          .sorted(Comparator.comparingLong(one -> priority(one.getKey())))
          .forEach(
              one -> {
                changed.add(one.getKey().withPriority((int) one.getValue().original()));
                done.add(
                    "priority " + one.getValue().original() + " of " + one.getValue().policy());
              });
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

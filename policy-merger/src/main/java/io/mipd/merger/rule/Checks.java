package io.mipd.merger.rule;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.LinkedHashMultimap;
import com.google.common.collect.SetMultimap;
import io.mipd.merger.index.SelectorIndex;
import io.mipd.merger.source.MobilityPolicy;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What is to be said of the inputs as a whole, rather than of one outcome. */
final class Checks {
  private Checks() {}

  static ImmutableList<Finding> of(ImmutableMap<Direction, DirectionMerge> merges) {
    var findings = ImmutableList.<Finding>builder();
    merges.forEach(
        (direction, merge) -> {
          unreachable(merge, findings);
          impossibleMarks(merge, findings);
          sharedReqIds(merge, findings);
          if (direction == Direction.OUT) {
            homeAddressesOutside(merge, findings);
            skippedTunnels(merge, findings);
          }
        });
    return findings.build();
  }

  /** Those of the user's that no flow comes as far as. */
  private static void unreachable(DirectionMerge merge, ImmutableList.Builder<Finding> findings) {
    var before = new SelectorIndex<Selector>();
    for (Side.User user : merge.users()) {
      Selector selector = user.policy().selector();
      List<Selector> front = new ArrayList<>();
      before.forEachMeeting(selector, front::add);
      if (Search.firstFlow(selector, front).isEmpty()) {
        findings.add(
            new Finding(
                Finding.Kind.UNREACHABLE,
                "no flow reaches the user's " + user.policy() + ": others come before it",
                Region.witness(selector)));
      }
      before.add(selector, selector);
    }
  }

  /** Those of the user's that ask for bits of a mark that are the backend's own. */
  private static void impossibleMarks(
      DirectionMerge merge, ImmutableList.Builder<Finding> findings) {
    int reserved = merge.limits().reservedMarks();
    for (Side.User user : merge.users()) {
      Selector selector = user.policy().selector();
      if (merge.limits().isImpossible(selector.mark())) {
        findings.add(
            new Finding(
                Finding.Kind.NOT_EXPRESSIBLE,
                "the user's "
                    + user.policy()
                    + " asks for bits of a mark that no packet may have, for they are mipd's (0x"
                    + Integer.toHexString(reserved)
                    + "), and is left out: take a mark without them",
                Region.witness(selector)));
      }
    }
  }

  /** What a template finds an association by, beside the addresses. */
  private record Key(Template template, Ipv6Address source, Ipv6Address destination) {
    static Key of(Template template) {
      // In transport mode the addresses are the flow's; so it is known by its request id alone.
      return new Key(
          new Template(
              template.protocol(),
              template.mode(),
              Ipv6Address.UNSPECIFIED,
              Ipv6Address.UNSPECIFIED,
              template.reqId(),
              Spi.ANY,
              false),
          template.source(),
          template.destination());
    }
  }

  private static void sharedReqIds(DirectionMerge merge, ImmutableList.Builder<Finding> findings) {
    SetMultimap<Key, MobilityPolicy> mobilitys = LinkedHashMultimap.create();
    for (MobilityPolicy mobility : merge.mobility()) {
      ipsec(mobility.bundle()).forEach(template -> mobilitys.put(Key.of(template), mobility));
      ipsec(mobility.bundle())
          .forEach(template -> mobilitys.put(Key.of(withoutReqId(template)), mobility));
    }
    for (Side.User user : merge.users()) {
      for (Template template : ipsec(user.policy().bundle())) {
        sharing(user.policy(), template, mobilitys)
            .ifPresent(
                mobility ->
                    findings.add(
                        new Finding(
                            Finding.Kind.REQID_SHARED,
                            "["
                                + template
                                + "] of the user's "
                                + user.policy()
                                + " finds the same associations as what is for "
                                + mobility.reason(),
                            Region.witness(user.policy().selector()))));
      }
    }
  }

  private static Optional<MobilityPolicy> sharing(
      Policy user, Template template, SetMultimap<Key, MobilityPolicy> mobilitys) {
    return mobilitys.get(Key.of(template)).stream()
        .filter(
            mobility ->
                template.isTunnel()
                    || Region.withAddressesOf(user.selector(), mobility.selector()).isPresent())
        .findFirst();
  }

  private static Template withoutReqId(Template template) {
    return new Template(
        template.protocol(),
        template.mode(),
        template.source(),
        template.destination(),
        ReqId.ANY,
        template.spi(),
        template.optional());
  }

  private static List<Template> ipsec(Bundle bundle) {
    return bundle.templates().stream().filter(it -> it.protocol().isIpsec()).toList();
  }

  /** Where a user's policy takes packets of a home address that mobility then has no part in. */
  private static void homeAddressesOutside(
      DirectionMerge merge, ImmutableList.Builder<Finding> findings) {
    Set<Ipv6Prefix> homes = new LinkedHashSet<>();
    for (MobilityPolicy mobility : merge.mobility()) {
      if (mobility.kind().isPayload()
          && mobility.selector().source().isHost()
          && mobility.selector().destination().isAny()) {
        homes.add(mobility.selector().source());
      }
    }
    for (Ipv6Prefix home : homes) {
      for (Side.User user : merge.users()) {
        outside(merge, home, user.policy())
            .ifPresent(
                flow ->
                    findings.add(
                        new Finding(
                            Finding.Kind.HOME_ADDRESS_OUTSIDE,
                            "the user's "
                                + user.policy()
                                + " sends packets of home address "
                                + home.address()
                                + " that mobility has no part in",
                            flow)));
      }
    }
  }

  private static Optional<Flow> outside(DirectionMerge merge, Ipv6Prefix home, Policy user) {
    if (user.action() == Policy.Action.BLOCK) {
      return Optional.empty();
    }
    Selector its = Composition.leaving(user);
    if (!its.source().contains(home)) {
      return Optional.empty();
    }
    Selector fromHome = its.withAddresses(home, its.destination());
    List<Selector> mobilitys =
        merge.mobilityMeeting(fromHome).stream().map(MobilityPolicy::selector).toList();
    return Search.firstFlow(fromHome, mobilitys);
  }

  /**
   * A tunnel that is optional (iproute2: {@code level use}) is left out while it has no
   * association. What is around it then is still what mobility has for the tunnel, and that may not
   * be what it has for the flow within.
   */
  private static void skippedTunnels(
      DirectionMerge merge, ImmutableList.Builder<Finding> findings) {
    for (Side.User user : merge.users()) {
      Policy policy = user.policy();
      List<Template> kept =
          policy.bundle().templates().stream()
              .filter(it -> !(it.optional() && it.isTunnel()))
              .toList();
      if (policy.action() == Policy.Action.BLOCK
          || kept.size() == policy.bundle().templates().size()) {
        continue;
      }
      Policy without =
          Policy.allow(
              policy.selector(),
              policy.direction(),
              policy.priority(),
              new Bundle(ImmutableList.copyOf(kept)));
      otherwise(merge, Composition.leaving(policy), Composition.leaving(without))
          .ifPresent(
              flow ->
                  findings.add(
                      new Finding(
                          Finding.Kind.TUNNEL_SKIPPED,
                          "the tunnel of the user's "
                              + policy
                              + " is optional: without an association its packets go as mobility"
                              + " has it for the tunnel, not for themselves",
                          kept.isEmpty() ? flow : Region.witness(policy.selector()))));
    }
  }

  /** One of the flows for which mobility has something else than for {@code asked}. */
  private static Optional<Flow> otherwise(DirectionMerge merge, Selector asked, Selector flows) {
    Optional<MobilityPolicy> answer = payload(merge, asked).stream().findFirst();
    List<Selector> front = new ArrayList<>();
    for (MobilityPolicy other : payload(merge, flows)) {
      Optional<Flow> found =
          Region.common(flows, other.selector()).flatMap(part -> Search.firstFlow(part, front));
      if (found.isPresent() && !answer.map(one -> doSame(one, other)).orElse(false)) {
        return found;
      }
      front.add(other.selector());
    }
    return answer.isPresent() ? Search.firstFlow(flows, front) : Optional.empty();
  }

  private static List<MobilityPolicy> payload(DirectionMerge merge, Selector selector) {
    return merge.mobilityMeeting(selector).stream().filter(it -> it.kind().isPayload()).toList();
  }

  private static boolean doSame(MobilityPolicy one, MobilityPolicy other) {
    return one.action() == other.action() && one.bundle().equals(other.bundle());
  }
}

package io.mipd.host;

import static com.google.common.collect.ImmutableList.toImmutableList;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.merger.rule.Merged;
import io.mipd.merger.rule.StandingMerge;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.WishOwner;
import io.mipd.xfrm.backend.XfrmBackend;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.RouteOptimizationState;

/**
 * What is merged: the user's policies, and what each owner wishes for.
 *
 * @param user those of the configuration
 * @param others those that he, or a key manager of his, has put into the kernel
 * @param wishes in the order in which the owners came: who comes later yields to those before
 */
public record PolicyInputs(
    ImmutableList<Policy> user,
    ImmutableList<Policy> others,
    ImmutableMap<WishOwner, MobilityWish> wishes,
    XfrmBackend.Limits limits) {

  /** As the daemon does it. */
  public Merged merge() {
    return standing().merged();
  }

  /** Likewise, to be followed by {@link #follow}. */
  public StandingMerge<WishOwner> standing() {
    var merge = new StandingMerge<WishOwner>(limits);
    merge.users(user, others);
    wishes.forEach((owner, wish) -> merge.want(owner, wish.policies()));
    return merge;
  }

  /**
   * Lets a merge follow.
   *
   * @param before what it was made of
   */
  public void follow(StandingMerge<WishOwner> merge, PolicyInputs before) {
    merge.users(user, others);
    before.wishes.keySet().stream()
        .filter(owner -> !wishes.containsKey(owner))
        .forEach(owner -> merge.want(owner, ImmutableList.of()));
    wishes.forEach((owner, wish) -> merge.want(owner, wish.policies()));
  }

  public ImmutableList<RouteOptimizationState> states() {
    return wishes.values().stream()
        .flatMap(wish -> wish.states().stream())
        .collect(toImmutableList());
  }

  /** All that are not mobility's. */
  public ImmutableList<Policy> allUser() {
    return ImmutableList.<Policy>builder().addAll(user).addAll(others).build();
  }

  public PolicyInputs withUser(ImmutableList<Policy> policies) {
    return new PolicyInputs(policies, others, wishes, limits);
  }

  public PolicyInputs withWishes(ImmutableMap<WishOwner, MobilityWish> newWishes) {
    return new PolicyInputs(user, others, newWishes, limits);
  }

  /** Without those with this selector and direction. */
  public PolicyInputs without(Policy.Id id) {
    return new PolicyInputs(without(user, id), without(others, id), wishes, limits);
  }

  private static ImmutableList<Policy> without(ImmutableList<Policy> policies, Policy.Id id) {
    return policies.stream().filter(one -> !one.id().equals(id)).collect(toImmutableList());
  }
}

package io.mipd.xfrm.netlink;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import java.util.Optional;

/**
 * A policy as the kernel holds it: what the model says, and what it does not (index, counters,
 * lifetime, type, attributes unknown here).
 */
public record KernelPolicy(PolicyInfo info, XfrmAttributes attributes) {

  /**
   * A main policy to be installed.
   *
   * @param ours is asked for beside the policy's own mark, and tells the policies that we made
   */
  public static KernelPolicy of(Policy policy, Mark ours) {
    var info =
        new PolicyInfo(
            KernelSelector.of(policy.selector()),
            LifetimeLimits.NONE,
            LifetimeUse.NONE,
            policy.priority(),
            0,
            policy.direction().number(),
            policy.action() == Policy.Action.BLOCK ? PolicyInfo.BLOCK : PolicyInfo.ALLOW,
            0,
            0);
    var attributes = ImmutableList.<XfrmAttribute>builder();
    if (!policy.bundle().isEmpty()) {
      Bundle list = TemplateOrder.ofWork(asInstalled(policy).bundle(), policy.direction());
      var templates = ImmutableList.<KernelTemplate>builder();
      for (Template template : list.templates()) {
        templates.add(KernelTemplate.of(template));
      }
      attributes.add(new XfrmAttribute.Templates(templates.build()));
    }
    addKey(policy.selector(), ours, attributes);
    return new KernelPolicy(info, new XfrmAttributes(attributes.build()));
  }

  /**
   * The same with a number of its own, which makes it known as ours where the mark of its selector
   * hides that.
   *
   * @param number from 0 on; another for each
   */
  public KernelPolicy numbered(int number) {
    return new KernelPolicy(
        info.withIndex(PolicyMark.FIRST_INDEX + 8 * number + info.direction()), attributes);
  }

  /** The attributes that are part of the identity of a policy. */
  static XfrmAttributes key(Selector selector, Mark ours) {
    var attributes = ImmutableList.<XfrmAttribute>builder();
    addKey(selector, ours, attributes);
    return new XfrmAttributes(attributes.build());
  }

  private static void addKey(
      Selector selector, Mark ours, ImmutableList.Builder<XfrmAttribute> attributes) {
    Mark mark = PolicyMark.of(selector.mark(), ours);
    if (!mark.isAny()) {
      attributes.add(new XfrmAttribute.MarkValue(mark));
    }
    if (selector.interfaceId() != 0) {
      attributes.add(new XfrmAttribute.NumberValue(XfrmAttribute.IF_ID, selector.interfaceId()));
    }
  }

  /** Names the main policy of this identity. */
  public static XfrmMessage.PolicyNamed named(int type, Policy.Id id, Mark ours) {
    return new XfrmMessage.PolicyNamed(
        type,
        new PolicyName(KernelSelector.of(id.selector()), 0, id.direction().number()),
        key(id.selector(), ours));
  }

  /**
   * The policy as it comes back from the kernel. An optional Home Address option or routing header
   * of what arrives loses its addresses: only without them is a packet accepted for which nothing
   * but the wildcard state is there. So does a routing header that arrives beside a Home Address
   * option. Mobile IPv6's headers stand outside the other ones of their IPv6 header; in the
   * kernel's own list they may not ({@link TemplateOrder}).
   */
  public static Policy asInstalled(Policy policy) {
    var templates = ImmutableList.<Template>builder();
    for (Template template : policy.bundle().templates()) {
      templates.add(asInstalled(template, policy.direction()));
    }
    return new Policy(
        policy.selector(),
        policy.direction(),
        policy.priority(),
        policy.action(),
        TemplateOrder.withoutUnknowableSources(
            TemplateOrder.ofHeaders(new Bundle(templates.build())), policy.direction()));
  }

  /** Whether the kernel has no list for this bundle: AH around a header to bear an option. */
  public static boolean isInexpressible(Bundle bundle, Direction direction) {
    return direction == Direction.OUT && bundle.hasAhTunnelUnderOption();
  }

  private static Template asInstalled(Template template, Direction direction) {
    return direction != Direction.OUT
            && template.optional()
            && template.protocol().isRouteOptimization()
        ? template.withAddresses(Ipv6Address.UNSPECIFIED, Ipv6Address.UNSPECIFIED)
        : template;
  }

  public Mark mark() {
    return attributes.mark();
  }

  /** Whether it is one of those that we make. */
  public boolean isOurs(Mark ours) {
    return isMain() && PolicyMark.isOurs(mark(), info.index(), ours);
  }

  /** The bits of a mark that no packet may have, for ours are known by them. */
  public static int reservedMarks(Mark ours) {
    return PolicyMark.reserved(ours);
  }

  /** Whether a policy of ours can select by this mark and still be told from a user's. */
  public static boolean canBear(Mark mark, Mark ours) {
    return PolicyMark.canBear(mark, ours);
  }

  /** The same policy with another priority. */
  public KernelPolicy withPriority(int priority) {
    return new KernelPolicy(info.withPriority(priority), attributes);
  }

  public boolean isMain() {
    return attributes.policyType() == XfrmAttribute.PolicyType.MAIN;
  }

  /**
   * The policy in the model's terms, its mark without what {@code ours} added; empty if they cannot
   * say it: IPv4, a socket's, bound to an interface, a template that the model does not know.
   */
  public Optional<Policy> policy(Mark ours) {
    Mark mark = isOurs(ours) ? PolicyMark.selector(mark(), ours) : mark();
    var selector = info.selector().selector(mark, attributes.interfaceId());
    var direction = info.directionOfHost();
    if (selector.isEmpty() || direction.isEmpty()) {
      return Optional.empty();
    }
    if (info.action() == PolicyInfo.BLOCK) {
      return Optional.of(Policy.block(selector.get(), direction.get(), info.priority()));
    }
    var templates = ImmutableList.<Template>builder();
    for (KernelTemplate kernelTemplate : attributes.templates()) {
      var template = kernelTemplate.template();
      if (template.isEmpty()) {
        return Optional.empty();
      }
      templates.add(template.get());
    }
    return Optional.of(
        Policy.allow(
            selector.get(),
            direction.get(),
            info.priority(),
            TemplateOrder.read(new Bundle(templates.build()), direction.get())));
  }

  /**
   * A block in the place of a policy whose templates the model does not know, such as a tunnel over
   * IPv4; empty if it cannot say for which flows.
   */
  public Optional<Policy> asBlock() {
    return new KernelPolicy(info.withAction(PolicyInfo.BLOCK), attributes).policy();
  }

  /**
   * Whether the kernel finds it by its addresses: both are of hosts (the thresholds {@code ip xfrm
   * policy set hthresh6} are 128 unless somebody lowers them).
   */
  public boolean isBetweenHosts() {
    KernelSelector selector = info.selector();
    return selector.sourceLength() == Ipv6Address.BITS
        && selector.destinationLength() == Ipv6Address.BITS;
  }

  /** As {@link #policy(Mark)}, with the mark as it is. */
  public Optional<Policy> policy() {
    return policy(Mark.ANY);
  }
}

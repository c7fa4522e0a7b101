package io.mipd.xfrm.model;

import com.google.common.collect.ImmutableList;

/**
 * Templates by nesting, index 0 innermost, as the kernel applies them, and what they make of a
 * flow.
 */
public record Bundle(ImmutableList<Template> templates) {
  public static final Bundle EMPTY = new Bundle(ImmutableList.of());

  public static Bundle of(Template... templates) {
    return new Bundle(ImmutableList.copyOf(templates));
  }

  public boolean isEmpty() {
    return templates.isEmpty();
  }

  public Bundle followedBy(Bundle outer) {
    return new Bundle(
        ImmutableList.<Template>builder().addAll(templates).addAll(outer.templates).build());
  }

  /** The same templates, all of them {@code level use}. */
  public Bundle asOptional() {
    return new Bundle(
        templates.stream().map(Template::asOptional).collect(ImmutableList.toImmutableList()));
  }

  /** The flow that leaves this bundle. */
  public Flow outermost(Flow flow) {
    for (Template template : templates) {
      flow = template.seenFromOutside(flow);
    }
    return flow;
  }

  /**
   * Whether AH in tunnel mode makes a header that is to bear an option of Mobile IPv6, which AH has
   * to cover (RFC 6275 sections 9.3.1 and 9.3.2).
   */
  public boolean hasAhTunnelUnderOption() {
    boolean inAhTunnel = false;
    for (Template template : templates) {
      if (template.isTunnel()) {
        inAhTunnel = template.protocol() == TransformProtocol.AH;
      } else if (inAhTunnel && template.mode() == Mode.ROUTE_OPTIMIZATION) {
        return true;
      }
    }
    return false;
  }

  @Override
  public String toString() {
    var text = new StringBuilder();
    for (Template template : templates) {
      text.append('[').append(template).append(']');
    }
    return text.length() == 0 ? "[]" : text.toString();
  }
}

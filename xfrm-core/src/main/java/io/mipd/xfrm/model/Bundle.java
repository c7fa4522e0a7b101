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

  /** The flow that leaves this bundle. */
  public Flow outermost(Flow flow) {
    for (Template template : templates) {
      flow = template.seenFromOutside(flow);
    }
    return flow;
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

package io.mipd.xfrm.netlink;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.ArrayList;
import java.util.List;

/**
 * Between the order of headers, in which our bundles stand (index 0 innermost), and the order in
 * which Linux works (index 0 first). They are the same but for AH in transport mode beside a Home
 * Address option or type 2 routing header in one IPv6 header: its value covers these, so on the way
 * out they must be in place before (RFC 6275 sections 9.3.1 and 9.3.2). What arrives is compared in
 * the order of headers.
 *
 * <pre>
 *   header                         bundle                 Linux, out
 *   DSTOPT(HAO) AH payload         [AH][HAO]              [HAO][AH]
 *   RH2 DSTOPT(HAO) AH ESP ...     [ESP][AH][HAO][RH2]    [ESP][HAO][RH2][AH]
 * </pre>
 *
 * Measured on Linux 6.1 (docs/linux.md).
 */
final class TemplateOrder {
  private TemplateOrder() {}

  /** The bundle with Mobile IPv6's headers where they stand on the wire: outside, RH2 outermost. */
  static Bundle ofHeaders(Bundle bundle) {
    return rearranged(bundle, TemplateOrder::optionsLast);
  }

  /** A bundle in the order of headers, as Linux's list. */
  static Bundle ofWork(Bundle bundle, Direction direction) {
    return direction == Direction.OUT ? rearranged(bundle, TemplateOrder::optionsBeforeAh) : bundle;
  }

  /** What {@link #ofWork} made, in the order of headers again; a list without AH as it is. */
  static Bundle read(Bundle list, Direction direction) {
    return direction == Direction.OUT
        ? rearranged(list, header -> hasAh(header) ? optionsLast(header) : header)
        : list;
  }

  /**
   * Both peers are mobile: the kernel meets the routing header first, and looks for its state by
   * the source on the wire, a care-of address that no template knows. So it finds the wildcard
   * state, and that has no addresses.
   */
  static Bundle withoutUnknowableSources(Bundle bundle, Direction direction) {
    if (direction == Direction.OUT) {
      return bundle;
    }
    return rearranged(
        bundle,
        header -> {
          if (header.stream().noneMatch(one -> one.protocol() == TransformProtocol.HAO)) {
            return header;
          }
          List<Template> changed = new ArrayList<>(header);
          changed.replaceAll(
              one ->
                  one.protocol() == TransformProtocol.ROUTE2
                      ? one.withAddresses(Ipv6Address.UNSPECIFIED, Ipv6Address.UNSPECIFIED)
                      : one);
          return changed;
        });
  }

  private interface Rearrangement {
    /** The templates of one IPv6 header, its tunnel apart. */
    List<Template> of(List<Template> header);
  }

  private static Bundle rearranged(Bundle bundle, Rearrangement rearrangement) {
    var templates = ImmutableList.<Template>builder();
    List<Template> header = new ArrayList<>();
    for (Template template : bundle.templates()) {
      if (template.isTunnel()) {
        templates.addAll(rearrangement.of(header)).add(template);
        header.clear();
      } else {
        header.add(template);
      }
    }
    return new Bundle(templates.addAll(rearrangement.of(header)).build());
  }

  private static List<Template> optionsLast(List<Template> header) {
    List<Template> ordered = new ArrayList<>();
    header.stream().filter(one -> !isOption(one)).forEach(ordered::add);
    header.stream()
        .filter(one -> isOption(one) && one.protocol() == TransformProtocol.HAO)
        .forEach(ordered::add);
    header.stream()
        .filter(one -> isOption(one) && one.protocol() == TransformProtocol.ROUTE2)
        .forEach(ordered::add);
    return ordered;
  }

  private static List<Template> optionsBeforeAh(List<Template> header) {
    if (!hasAh(header)) {
      return header;
    }
    List<Template> ordered = new ArrayList<>();
    boolean placed = false;
    for (Template template : header) {
      if (template.protocol() == TransformProtocol.AH && !placed) {
        header.stream().filter(TemplateOrder::isOption).forEach(ordered::add);
        placed = true;
      }
      if (!isOption(template)) {
        ordered.add(template);
      }
    }
    return ordered;
  }

  private static boolean hasAh(List<Template> header) {
    return header.stream().anyMatch(one -> one.protocol() == TransformProtocol.AH);
  }

  /** A trigger only asks, and has no place in a header. */
  private static boolean isOption(Template template) {
    return template.mode() == Mode.ROUTE_OPTIMIZATION;
  }
}

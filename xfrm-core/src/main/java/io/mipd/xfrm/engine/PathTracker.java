package io.mipd.xfrm.engine;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.SecurityPath;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.transform.Discard;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The security path of the packet at hand while it grows: what has been undone so far, outermost
 * first. Used again from packet to packet; becomes a {@link SecurityPath} only for those who keep
 * it.
 */
final class PathTracker {
  /** More transforms on one packet than any policy could expect. */
  static final int MAX_STEPS = 2 * EngineSettings.MAX_TEMPLATES;

  private static final class Step {
    TransformProtocol protocol = TransformProtocol.IPV6;
    Mode mode = Mode.TUNNEL;
    Ipv6Address source = Ipv6Address.UNSPECIFIED;
    Ipv6Address destination = Ipv6Address.UNSPECIFIED;
    ReqId reqId = ReqId.ANY;
    Spi spi = Spi.ANY;
    @Nullable SecurityAssociation association;
    int layer;
    boolean selectorKnown;
    boolean selectorMatches;
  }

  /** As many as a path has had so far. */
  private Step[] steps = {};

  private int count;
  private int layerStart;

  /** Which IPv6 header we are behind, counted from the outermost. */
  private int layer;

  void clear() {
    count = 0;
    layerStart = 0;
    layer = 0;
  }

  boolean isEmpty() {
    return count == 0;
  }

  /**
   * Whether the packet at hand was within another, and that one did not come directly: a tunnel of
   * the user's is nobody's detour.
   */
  boolean cameByDetour() {
    return layer > 0 && !has(TransformProtocol.ROUTE2);
  }

  private boolean has(TransformProtocol protocol) {
    for (int i = 0; i < count; i++) {
      if (steps[i].protocol == protocol) {
        return true;
      }
    }
    return false;
  }

  boolean isFull() {
    return count == MAX_STEPS;
  }

  /** What is added from here on stands behind another IPv6 header. */
  void beginLayer() {
    layerStart = count;
    layer++;
  }

  /** Whether ESP or AH has been undone behind the present IPv6 header. */
  boolean isLayerProtected() {
    for (int i = layerStart; i < count; i++) {
      if (steps[i].protocol.isIpsec()) {
        return true;
      }
    }
    return false;
  }

  void add(SecurityAssociation association, Ipv6Address source, Ipv6Address destination) {
    Step step = next(association.id().protocol(), association.mode(), source, destination);
    step.reqId = association.reqId();
    step.spi = association.id().spi();
    step.association = association;
  }

  void addTunnel(Ipv6Address source, Ipv6Address destination) {
    next(TransformProtocol.IPV6, Mode.TUNNEL, source, destination);
  }

  /**
   * Home Address option or type 2 routing header, with the stable addresses. A routing header
   * stands before the option, so only that tells from whom it is.
   */
  void addRouteOptimization(
      TransformProtocol protocol, Ipv6Address source, Ipv6Address destination) {
    if (protocol == TransformProtocol.HAO) {
      for (int i = layerStart; i < count; i++) {
        if (steps[i].protocol == TransformProtocol.ROUTE2) {
          steps[i].source = source;
        }
      }
    }
    next(protocol, Mode.ROUTE_OPTIMIZATION, source, destination);
  }

  private Step next(
      TransformProtocol protocol, Mode mode, Ipv6Address source, Ipv6Address destination) {
    if (count == steps.length) {
      steps = Arrays.copyOf(steps, count + 1);
      steps[count] = new Step();
    }
    Step step = steps[count++];
    step.layer = layer;
    step.protocol = protocol;
    step.mode = mode;
    step.source = source;
    step.destination = destination;
    step.reqId = ReqId.ANY;
    step.spi = Spi.ANY;
    step.association = null;
    step.selectorKnown = true;
    step.selectorMatches = true;
    if (protocol.isIpsec()) {
      step.selectorKnown = false;
    }
    return step;
  }

  /** Compares the selectors of the associations that were undone last with what was within them. */
  void checkSelectors(FlowKey flow, Ipv6Address source, Ipv6Address destination) {
    for (int i = count - 1; i >= 0 && !steps[i].selectorKnown; i--) {
      SecurityAssociation association = steps[i].association;
      steps[i].selectorKnown = true;
      steps[i].selectorMatches =
          association != null && flow.isIn(association.selector(), source, destination);
    }
  }

  /**
   * Whether every association admits what it carried (RFC 4301 section 5.2 step 4): the packet
   * directly within, or, for selectors written as Linux reads them, the innermost one.
   */
  boolean selectorsAdmit(FlowKey innermost, Ipv6Address source, Ipv6Address destination) {
    for (int i = 0; i < count; i++) {
      Step step = steps[i];
      SecurityAssociation association = step.association;
      if (association != null
          && !step.selectorMatches
          && !innermost.isIn(association.selector(), source, destination)) {
        return false;
      }
    }
    return true;
  }

  /** Whether a tunnel or IPsec is in the path: what no packet may bring unless a policy says so. */
  boolean needsPolicy() {
    for (int i = 0; i < count; i++) {
      if (!steps[i].protocol.isRouteOptimization()) {
        return true;
      }
    }
    return false;
  }

  /**
   * Compares the path with the templates of the policy found for the packet, both innermost first
   * (RFC 4301 section 5.2). ESP, AH and tunnels must be those of the policy, no fewer and no more,
   * end points included. Mobile IPv6's headers have passed their own check at the doorway; the
   * policy may demand them of the IPv6 header that they stand beside in its list. Their place
   * within that header is not compared, since with AH the order of work and the order of headers
   * differ (RFC 6275 section 9.3.1).
   */
  @Nullable Discard compare(Policy policy) {
    List<Template> templates = policy.bundle().templates();
    int at = previous(count);
    int header = layer;
    for (int i = 0; i < templates.size(); i++) {
      Template template = templates.get(i);
      if (template.protocol().isRouteOptimization()) {
        if (!template.optional() && !hasRouteOptimization(template, header)) {
          return Discard.IN_TEMPLATE_MISMATCH;
        }
      } else if (at >= 0 && matches(template, steps[at])) {
        header = template.isTunnel() ? steps[at].layer : header;
        at = previous(at);
      } else if (!template.optional()) {
        return at >= 0 && differsInSourceOnly(template, steps[at])
            ? Discard.TUNNEL_SOURCE_MISMATCH
            : Discard.IN_TEMPLATE_MISMATCH;
      }
    }
    return at >= 0 ? Discard.IN_TEMPLATE_MISMATCH : null;
  }

  /** The next step inward that is ESP, AH or a tunnel; -1 if there is none. */
  private int previous(int before) {
    int at = before - 1;
    while (at >= 0 && steps[at].protocol.isRouteOptimization()) {
      at--;
    }
    return at;
  }

  private boolean hasRouteOptimization(Template template, int header) {
    for (int i = 0; i < count; i++) {
      Step step = steps[i];
      if (step.layer == header
          && step.protocol == template.protocol()
          && isOrAny(template.source(), step.source)
          && isOrAny(template.destination(), step.destination)) {
        return true;
      }
    }
    return false;
  }

  private static boolean matches(Template template, Step step) {
    return matchesButSource(template, step)
        && (!template.isTunnel() || isOrAny(template.source(), step.source));
  }

  private static boolean differsInSourceOnly(Template template, Step step) {
    return template.isTunnel() && matchesButSource(template, step);
  }

  private static boolean matchesButSource(Template template, Step step) {
    return step.protocol == template.protocol()
        && step.mode == template.mode()
        && (template.reqId().isAny() || template.reqId().equals(step.reqId))
        && (template.spi().isAny() || template.spi().equals(step.spi))
        && (!template.isTunnel() || isOrAny(template.destination(), step.destination));
  }

  private static boolean isOrAny(Ipv6Address wanted, Ipv6Address found) {
    return wanted.isUnspecified() || wanted.equals(found);
  }

  SecurityPath toSecurityPath() {
    if (count == 0) {
      return SecurityPath.EMPTY;
    }
    var path = ImmutableList.<SecurityPath.Step>builder();
    for (int i = count - 1; i >= 0; i--) {
      Step step = steps[i];
      path.add(
          new SecurityPath.Step(
              step.protocol, step.mode, step.source, step.destination, step.reqId, step.spi));
    }
    return new SecurityPath(path.build());
  }

  /**
   * A number for the path, so that fragments are joined only with those that came the same way.
   * Depends on a secret, so that nobody can find two paths of one number.
   */
  long fingerprint(long seed) {
    long hash = seed;
    for (int i = 0; i < count; i++) {
      Step step = steps[i];
      hash = mix(hash ^ step.protocol.number());
      hash = mix(hash ^ step.source.high());
      hash = mix(hash ^ step.source.low());
      hash = mix(hash ^ step.destination.high());
      hash = mix(hash ^ step.destination.low());
      hash = mix(hash ^ step.spi.value());
    }
    return hash;
  }

  private static long mix(long word) {
    long mixed = (word ^ (word >>> 32)) * 0xd6e8_feb8_6659_fd93L;
    mixed = (mixed ^ (mixed >>> 32)) * 0xd6e8_feb8_6659_fd93L;
    return mixed ^ (mixed >>> 32);
  }
}

package io.mipd.xfrm.engine;

import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.engine.OutboundPath.Step;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.transform.Discard;
import io.mipd.xfrm.transform.OutboundTransform;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** From a flow to what is to be done to its packets: one policy look-up, then its templates. */
final class PathResolver {
  private final Databases databases;
  private final LocalAddresses local;
  private final TransformFactory transforms;

  PathResolver(Databases databases, LocalAddresses local, TransformFactory transforms) {
    this.databases = databases;
    this.local = local;
    this.transforms = transforms;
  }

  /**
   * @param careOf what Home Address option and type 2 routing header are to bear; null for what the
   *     route optimization states say
   */
  OutboundPath resolve(FlowKey key, @Nullable Ipv6Address careOf) {
    Flow flow = key.toFlow();
    Policy policy = databases.lookUp(Direction.OUT, key, flow.source(), flow.destination());
    long generation = databases.generation();
    if (policy == null) {
      return mayPassUnprotected(flow)
          ? OutboundPath.unprotected(generation, flow.source(), flow.destination())
          : OutboundPath.refused(generation, Discard.OUT_NO_POLICY, null);
    }
    if (policy.action() == Policy.Action.BLOCK) {
      return OutboundPath.refused(generation, Discard.OUT_POLICY_BLOCK, null);
    }
    return new Resolution(policy, flow, careOf).resolve(generation);
  }

  /**
   * Home addresses never travel without a policy: what is to protect them may be about to be
   * installed. Our own addresses on links may, and what we forward.
   */
  private boolean mayPassUnprotected(Flow flow) {
    Role destination = local.roleOf(flow.destination());
    return local.roleOf(flow.source()) != Role.HOME
        && destination != Role.HOME
        && destination != Role.SERVED;
  }

  /** One resolution under way: the flow as each layer sees it, and the addresses on the wire. */
  private final class Resolution {
    private final Policy policy;
    private final Flow innermost;
    private final @Nullable Ipv6Address explicitCareOf;
    private final List<Step> done = new ArrayList<>();

    // Of the present IPv6 header: what makes it, Mobile IPv6's headers, ESP and AH.
    private final List<Step> mobility = new ArrayList<>();
    private final List<Step> protection = new ArrayList<>();
    private boolean hasAh;
    private boolean startsInTransportMode;
    private boolean startsWithHeader;
    private boolean inTunnel;
    private boolean lacksNumbers;
    private @Nullable Template ahTunnel;
    private @Nullable LiveAssociation ahTunnelAssociation;

    private Flow current;
    private Ipv6Address wireSource;
    private Ipv6Address wireDestination;

    Resolution(Policy policy, Flow flow, @Nullable Ipv6Address careOf) {
      this.policy = policy;
      innermost = flow;
      current = flow;
      explicitCareOf = careOf;
      wireSource = flow.source();
      wireDestination = flow.destination();
    }

    OutboundPath resolve(long generation) {
      for (Template template : policy.bundle().templates()) {
        if (!resolve(template)) {
          var missing = new XfrmNotice.Acquire(innermost, policy.id(), template);
          return OutboundPath.refused(generation, Discard.OUT_NO_STATES, missing);
        }
      }
      finishHeader();
      if (lacksNumbers) {
        return OutboundPath.refused(generation, Discard.OUT_STATE_SEQ_ERROR, null);
      }
      return OutboundPath.through(
          generation,
          done,
          startsInTransportMode,
          /* startsWithTunnel= */ inTunnel && !startsInTransportMode && !startsWithHeader,
          wireSource,
          wireDestination);
    }

    /** Returns whether what the template needs is there, or it can do without. */
    private boolean resolve(Template template) {
      if (template.protocol().isRouteOptimization()) {
        return routeOptimization(template);
      }
      if (template.protocol() == TransformProtocol.IPV6) {
        finishHeader();
        done.add(new Step(transforms.tunnel(template.source(), template.destination()), null));
        enterTunnel(template);
        return true;
      }
      Optional<LiveAssociation> found =
          databases.associations().outbound(template, current, innermost);
      if (found.isEmpty()) {
        return template.optional();
      }
      LiveAssociation live = found.get();
      boolean ah = template.protocol() == TransformProtocol.AH;
      if (template.isTunnel()) {
        finishHeader();
        if (ah) {
          ahTunnel = template;
          ahTunnelAssociation = live;
        } else {
          addTo(done, live.outbound(transforms), live);
        }
        enterTunnel(template);
      } else {
        hasAh |= ah;
        startsInTransportMode |= !inTunnel;
        addTo(protection, live.outbound(transforms), live);
        current = template.seenFromOutside(current);
      }
      return true;
    }

    private void addTo(
        List<Step> steps, @Nullable OutboundTransform transform, LiveAssociation live) {
      if (transform == null) {
        lacksNumbers = true;
      } else {
        steps.add(new Step(transform, live));
      }
    }

    private void enterTunnel(Template template) {
      inTunnel = true;
      current = template.seenFromOutside(current);
      wireSource = current.source();
      wireDestination = current.destination();
    }

    private boolean routeOptimization(Template template) {
      boolean homeAddressOption = template.protocol() == TransformProtocol.HAO;
      Ipv6Address home = homeAddressOption ? current.source() : current.destination();
      Ipv6Address careOf = explicitCareOf;
      LiveRoute route = null;
      if (careOf == null) {
        route =
            databases
                .associations()
                .routeOptimization(template.protocol(), current.source(), current.destination());
        if (route == null) {
          return template.optional();
        }
        careOf = route.state().careOf();
      }
      // At home the address on the wire is the home address, and neither header is used.
      if (careOf.equals(home)) {
        return true;
      }
      startsWithHeader |= !inTunnel;
      if (homeAddressOption) {
        mobility.add(0, new Step(transforms.homeAddressOption(careOf), null, route));
        wireSource = careOf;
      } else {
        // The routing header comes first on the wire, so it is put in last (RFC 6275 section 6.3).
        mobility.add(new Step(transforms.routingHeader(careOf), null, route));
        wireDestination = careOf;
      }
      return true;
    }

    /**
     * An AH covers its IP header as the receiver sees it after Home Address option and routing
     * header, so these are put in first (RFC 6275 sections 9.3.1, 9.3.2). ESP covers none of it and
     * stands behind them, so it is put in first.
     */
    private void finishHeader() {
      LiveAssociation live = ahTunnelAssociation;
      Template tunnel = ahTunnel;
      if (live != null && tunnel != null) {
        if (mobility.isEmpty()) {
          addTo(done, live.outbound(transforms), live);
        } else {
          done.add(new Step(transforms.tunnel(tunnel.source(), tunnel.destination()), null));
          hasAh = true;
          List<Step> innermostFirst = new ArrayList<>();
          addTo(innermostFirst, live.outboundWithoutTunnel(transforms), live);
          innermostFirst.addAll(protection);
          protection.clear();
          protection.addAll(innermostFirst);
        }
      }
      done.addAll(hasAh ? mobility : protection);
      done.addAll(hasAh ? protection : mobility);
      mobility.clear();
      protection.clear();
      hasAh = false;
      ahTunnel = null;
      ahTunnelAssociation = null;
    }
  }
}

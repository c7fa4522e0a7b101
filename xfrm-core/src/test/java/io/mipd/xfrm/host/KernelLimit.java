package io.mipd.xfrm.host;

import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.transform.Discard;
import java.util.Arrays;
import java.util.Optional;

/**
 * What Linux does otherwise than our engine; docs/linux.md has each with its reason. Each explains
 * one way in which the two may differ: that one of them refuses, never that what both take is not
 * the same, but where another policy decides.
 */
enum KernelLimit {
  /** Its association vouches for a packet of a tunnel, wherever it seems to come from. */
  OUTER_SOURCE_NOT_COMPARED {
    @Override
    boolean explains(Setting setting, HostPair pair) {
      return pair.reasons().contains(Discard.TUNNEL_SOURCE_MISMATCH) && !pair.kernelRefuses();
    }
  },
  /** AH is computed with a Fragment header in front that holds all of the packet. */
  ATOMIC_FRAGMENT_UNDER_AH {
    @Override
    boolean explains(Setting setting, HostPair pair) {
      WireView wire = pair.wire();
      return wire.fragment() && wire.upper() == IpProtocol.AH && pair.kernelAloneRefuses();
    }
  },
  /** Behind a Fragment header that holds all of the packet ports and types are not read. */
  ATOMIC_FRAGMENT_HIDES_PORTS {
    @Override
    boolean explains(Setting setting, HostPair pair) {
      return pair.hasArrived()
          && pair.wire().atomic()
          && (pair.kernelAloneRefuses() || pair.engineAloneRefuses())
          && setting.hasInwards(KernelLimit::namesPorts);
    }
  },
  /** A Home Address option or routing header is refused where no template names it. */
  UNNAMED_OPTION {
    @Override
    boolean explains(Setting setting, HostPair pair) {
      WireView wire = pair.wire();
      TransformProtocol header = wire.option() ? TransformProtocol.HAO : TransformProtocol.ROUTE2;
      return (wire.option() || wire.routing())
          && (setting.outermost(header).isEmpty()
              || setting.hasInwards(
                  it -> it.action() == Policy.Action.ALLOW && !isNamed(header, it)))
          && pair.kernelAloneRefuses();
    }
  },
  /**
   * One that stands inside of a tunnel that it should be outside of is refused, optional or not.
   */
  OPTION_INSIDE_OF_TUNNEL {
    @Override
    boolean explains(Setting setting, HostPair pair) {
      return pair.hasArrived()
          && pair.kernelAloneRefuses()
          && hasInside(pair.layers(), setting.bundle(setting.kind().there()));
    }
  },
  /** With an optional template a Home Address option may come from any care-of address. */
  OPTIONAL_OPTION_FROM_ANYWHERE {
    @Override
    boolean explains(Setting setting, HostPair pair) {
      return pair.reasons().contains(Discard.HAO_WITHOUT_BINDING)
          && setting.outermost(TransformProtocol.HAO).filter(Template::optional).isPresent()
          && !pair.kernelRefuses();
    }
  },
  /**
   * Where one is demanded the care-of address is compared, even where ESP or AH vouches, or a
   * Mobility Header message says who sends it.
   */
  CARE_OF_ADDRESS_COMPARED {
    @Override
    boolean explains(Setting setting, HostPair pair) {
      WireView wire = pair.wire();
      boolean fromElsewhere =
          wire.option()
              && (wire.isProtected() || wire.upper() == IpProtocol.MOBILITY)
              && !wire.source().equals(Setting.C);
      boolean toElsewhere = wire.routing() && !wire.destination().equals(Setting.C);
      return (fromElsewhere || toElsewhere) && pair.kernelAloneRefuses();
    }
  },
  /** Padding of options that is not zero is refused. */
  PADDING_READ {
    @Override
    boolean explains(Setting setting, HostPair pair) {
      return pair.wire().paddingSpeaks() && pair.kernelAloneRefuses();
    }
  },
  /** ESP or AH in transport mode is let through where the policy asks for none. */
  MORE_PROTECTION_THAN_ASKED {
    @Override
    boolean explains(Setting setting, HostPair pair) {
      return pair.reasons().contains(Discard.IN_TEMPLATE_MISMATCH)
          && setting.hasInwards(it -> it.action() == Policy.Action.ALLOW && it.bundle().isEmpty())
          && !pair.kernelRefuses();
    }
  },
  /** The type of a Mobility Header message that arrives or is forwarded is read behind it. */
  MOBILITY_TYPE_MISREAD {
    @Override
    boolean explains(Setting setting, HostPair pair) {
      if (pair.within().protocol() != IpProtocol.MOBILITY) {
        return false;
      }
      return pair.hasArrived()
          ? (pair.kernelAloneRefuses() || pair.engineAloneRefuses())
              && setting.hasInwards(it -> namesTypeOf(it, IpProtocol.MOBILITY))
          : setting.kind().forwards()
              && setting.hasOutwards(it -> namesTypeOf(it, IpProtocol.MOBILITY));
    }
  },
  /** Behind a Home Address option or routing header that of ICMPv6 is, too. */
  ICMPV6_TYPE_MISREAD {
    @Override
    boolean explains(Setting setting, HostPair pair) {
      return pair.hasArrived()
          && (pair.kernelAloneRefuses() || pair.engineAloneRefuses())
          && pair.within().protocol() == IpProtocol.ICMPV6
          && (pair.wire().option() || pair.wire().routing())
          && setting.hasInwards(it -> namesTypeOf(it, IpProtocol.ICMPV6));
    }
  },
  /** Behind a Home Address option or routing header the ports are misread, too. */
  PORTS_MISREAD {
    @Override
    boolean explains(Setting setting, HostPair pair) {
      return pair.hasArrived()
          && (pair.kernelAloneRefuses() || pair.engineAloneRefuses())
          && pair.within().isUdp()
          && setting.hasInwards(KernelLimit::namesMobility)
          && setting.hasInwards(it -> it.selector().protocol() == IpProtocol.UDP && namesPorts(it));
    }
  },
  /** A type 2 routing header takes a hop, though it leads no further. */
  HOP_FOR_ROUTING_HEADER {
    @Override
    boolean explains(Setting setting, HostPair pair) {
      return pair.wire().routing() && pair.wire().hopLimit() <= 1 && pair.kernelAloneRefuses();
    }
  },
  /**
   * The source that an association in transport mode is from is not compared: who puts another into
   * a packet on its way has its number taken, and the window moved.
   */
  NUMBER_TAKEN_BY_STRANGER {
    @Override
    boolean explains(Setting setting, HostPair pair) {
      return pair.isLate() && pair.hasRefusedStrangers() && pair.kernelAloneRefuses();
    }
  },
  /** Mobile IPv6's headers are taken behind a Fragment header too. */
  OPTION_IN_FRAGMENT {
    @Override
    boolean explains(Setting setting, HostPair pair) {
      return pair.wire().optionInFragment() && pair.engineAloneRefuses();
    }
  };

  private static boolean namesTypeOf(Policy policy, int protocol) {
    return policy.selector().protocol() == protocol && policy.selector().namesType();
  }

  private static boolean namesPorts(Policy policy) {
    Selector selector = policy.selector();
    return !selector.sourcePort().isAny() || !selector.destinationPort().isAny();
  }

  private static boolean namesMobility(Policy policy) {
    return isNamed(TransformProtocol.HAO, policy) || isNamed(TransformProtocol.ROUTE2, policy);
  }

  private static boolean isNamed(TransformProtocol protocol, Policy policy) {
    return policy.bundle().templates().stream().anyMatch(it -> it.protocol() == protocol);
  }

  /** Whether a header of Mobile IPv6's is inside of a tunnel that it is outside of in the other. */
  private static boolean hasInside(Bundle sent, Bundle demanded) {
    return sent.templates().stream()
        .filter(it -> it.protocol().isRouteOptimization())
        .anyMatch(
            header ->
                sent.templates().stream()
                    .filter(Template::isTunnel)
                    .anyMatch(
                        tunnel ->
                            isInside(sent, header, tunnel) && isInside(demanded, tunnel, header)));
  }

  private static boolean isInside(Bundle bundle, Template inner, Template outer) {
    return bundle.templates().indexOf(inner) < bundle.templates().indexOf(outer);
  }

  abstract boolean explains(Setting setting, HostPair pair);

  static Optional<KernelLimit> of(Setting setting, HostPair pair) {
    return Arrays.stream(values()).filter(limit -> limit.explains(setting, pair)).findFirst();
  }
}

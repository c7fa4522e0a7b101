package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Iterables;
import io.mipd.host.HomeAssociations;
import io.mipd.merger.source.PolicyWords;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.PortMatch;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The user's own IPsec, in the terms of {@code ip xfrm}.
 *
 * @param associations for worlds that have no others; an IKE daemon's are the kernel's
 */
public record UserIpsec(
    ImmutableList<Policy> policies, ImmutableList<SecurityAssociation> associations) {
  static final UserIpsec NONE = new UserIpsec(ImmutableList.of(), ImmutableList.of());

  /** What mipd keeps for itself of the mark. */
  private static final int OWN_MARK = 0x8000_0000;

  /** In {@code dir}: what goes out, and its mirror image where it comes in. */
  private static final String BOTH = "both";

  private static final ImmutableMap<String, Policy.Action> ACTIONS =
      ImmutableMap.of("allow", Policy.Action.ALLOW, "block", Policy.Action.BLOCK);
  private static final ImmutableMap<String, TransformProtocol> PROTOCOLS =
      ImmutableMap.of(
          "esp",
          TransformProtocol.ESP,
          "ah",
          TransformProtocol.AH,
          "comp",
          TransformProtocol.IPCOMP);
  private static final ImmutableMap<String, Mode> MODES =
      ImmutableMap.of("transport", Mode.TRANSPORT, "tunnel", Mode.TUNNEL);

  /**
   * @param mobilitys whose associations a user's policy must not find by accident
   */
  static UserIpsec read(Section section, ImmutableList<Protection> mobilitys)
      throws ConfigurationException {
    Set<ReqId> reqIds = new HashSet<>();
    Set<Spi> spis = new HashSet<>();
    for (Protection protection : mobilitys) {
      reqIds.addAll(protection.tunnel().reqIds());
      for (HomeAssociations.Pair pair : protection.pairs()) {
        spis.add(pair.toHomeAgent());
        spis.add(pair.toMobileNode());
      }
    }
    var policies = ImmutableList.<Policy>builder();
    Map<Policy.Id, Integer> seen = new HashMap<>();
    int number = 0;
    for (Section one : section.optionalSections("policies")) {
      for (Policy policy : policies(one, reqIds)) {
        Integer first = seen.putIfAbsent(policy.id(), number);
        if (first != null) {
          throw one.wrong(
              "dir",
              policy.id() + " is that of policies[" + first + "], too",
              "each selector once in a direction");
        }
        policies.add(policy);
      }
      number++;
    }
    ImmutableList<Section> associations = section.optionalSections("associations");
    var read = ImmutableList.<SecurityAssociation>builder();
    if (!associations.isEmpty()) {
      KeyFile keys = section.keyFile("keys");
      Set<AssociationId> ids = new HashSet<>();
      for (Section one : associations) {
        SecurityAssociation association = association(one, section, keys, reqIds);
        if (spis.contains(association.id().spi()) || !ids.add(association.id())) {
          throw one.wrong(
              "spi",
              association.id() + " is taken",
              "an SPI that neither mobility nor another association to there has");
        }
        read.add(association);
      }
    } else if (section.has("keys")) {
      throw section.wrong("keys", "given without associations", "associations, or no keys");
    }
    section.finish();
    return new UserIpsec(policies.build(), read.build());
  }

  /**
   * Reads one entry of {@code policies}: the policies of the directions that it names.
   *
   * @param taken request ids of mobility's associations, which a user's policy must not find by
   *     accident
   * @throws ConfigurationException with file, line, key, what is wrong and what is allowed
   */
  public static ImmutableList<Policy> policies(Section section, Set<ReqId> taken)
      throws ConfigurationException {
    Selector selector = selector(section);
    String directions = "both, out, in, fwd";
    String dir = section.string("dir", BOTH, directions);
    int priority = section.integer("priority", 0, 0, Integer.MAX_VALUE);
    Policy.Action action = section.choice("action", "allow", ACTIONS);
    List<Template> templates = new ArrayList<>();
    for (Section one : section.optionalSections("templates")) {
      templates.add(template(one, dir.equals(BOTH), taken));
    }
    if (action == Policy.Action.BLOCK && !templates.isEmpty()) {
      throw section.wrong("templates", "given although action is block", "no templates");
    }
    section.finish();
    var bundle = new Bundle(ImmutableList.copyOf(templates));
    if (!dir.equals(BOTH)) {
      return ImmutableList.of(
          new Policy(selector, direction(section, dir), priority, action, bundle));
    }
    Bundle mirrored =
        new Bundle(
            ImmutableList.copyOf(
                Iterables.transform(
                    templates,
                    one ->
                        one.withAddresses(
                            /* newSource= */ one.destination(),
                            /* newDestination= */ one.source()))));
    var both = ImmutableList.<Policy>builder();
    both.add(new Policy(selector, Direction.OUT, priority, action, bundle));
    both.add(new Policy(selector.reversed(), Direction.IN, priority, action, mirrored));
    if (templates.isEmpty() || templates.stream().anyMatch(Template::isTunnel)) {
      // What comes out of a tunnel, or needs none, may be for somebody behind us.
      both.add(new Policy(selector.reversed(), Direction.FWD, priority, action, mirrored));
    }
    return both.build();
  }

  private static Direction direction(Section section, String dir) throws ConfigurationException {
    for (Direction one : Direction.values()) {
      if (one.kernelName().equals(dir)) {
        return one;
      }
    }
    throw section.wrong("dir", "unknown: \"" + dir + "\"", "both, out, in, fwd");
  }

  private static Selector selector(Section section) throws ConfigurationException {
    String prefix = "an IPv6 prefix or address in quotes, such as \"2001:db8:1::/64\"";
    Ipv6Prefix source = section.parsed("src", Ipv6Prefix.ANY, prefix, Ipv6Prefix::parse);
    Ipv6Prefix destination = section.parsed("dst", Ipv6Prefix.ANY, prefix, Ipv6Prefix::parse);
    int protocol =
        section.parsed(
            "proto",
            IpProtocol.ANY,
            "any, tcp, udp, ipv6-icmp, mobility-header, esp, ... or a number up to 255",
            PolicyWords::protocol);
    boolean ports = IpProtocol.hasPorts(protocol);
    boolean typed = protocol == IpProtocol.ICMPV6 || protocol == IpProtocol.MOBILITY;
    PortMatch first =
        either(
            port(section, "sport", ports, "a proto that has ports: tcp, udp, sctp, dccp, udplite"),
            port(section, "type", typed, "proto = ipv6-icmp or mobility-header"));
    PortMatch second =
        either(
            port(section, "dport", ports, "a proto that has ports: tcp, udp, sctp, dccp, udplite"),
            port(section, "code", protocol == IpProtocol.ICMPV6, "proto = ipv6-icmp"));
    String marks =
        "\"VALUE/MASK\" or a VALUE; not bit 0x80000000, which is mipd's own of the packet mark";
    Mark mark = section.parsed("mark", Mark.ANY, marks, UserIpsec::mark);
    int interfaceId = section.integer("if_id", 0, 0, Integer.MAX_VALUE);
    return new Selector(source, destination, protocol, first, second, mark, interfaceId);
  }

  private static PortMatch either(Optional<PortMatch> one, Optional<PortMatch> two) {
    return one.or(() -> two).orElse(PortMatch.ANY);
  }

  private static Optional<PortMatch> port(Section section, String key, boolean fits, String needs)
      throws ConfigurationException {
    if (!section.has(key)) {
      return Optional.empty();
    }
    if (!fits) {
      throw section.wrong(key, "given without a protocol that has it", needs);
    }
    return Optional.of(
        section.parsed(key, "a number from 0 to 65535, or \"N/MASK\"", PolicyWords::port));
  }

  private static Mark mark(String text) {
    Mark mark =
        text.contains("/")
            ? PolicyWords.mark(text)
            : new Mark(PolicyWords.mark(text).value(), ~OWN_MARK);
    if (((mark.mask() | mark.value()) & OWN_MARK) != 0) {
      throw new IllegalArgumentException("it asks for bit 0x80000000");
    }
    return mark;
  }

  private static Template template(Section section, boolean mirrored, Set<ReqId> taken)
      throws ConfigurationException {
    TransformProtocol protocol = section.choice("proto", PROTOCOLS);
    Mode mode = section.choice("mode", "transport", MODES);
    Ipv6Address source = Ipv6Address.UNSPECIFIED;
    Ipv6Address destination = Ipv6Address.UNSPECIFIED;
    if (mode == Mode.TUNNEL) {
      source = section.globalAddress("src");
      destination = section.globalAddress("dst");
    } else if (section.has("src") || section.has("dst")) {
      throw section.wrong(
          section.has("src") ? "src" : "dst",
          "given although mode is transport",
          "mode = tunnel, or neither: the packet's own addresses count");
    }
    ReqId reqId = reqId(section, taken);
    Spi spi = section.has("spi") ? section.spi("spi") : Spi.ANY;
    if (mirrored && !spi.isAny()) {
      throw section.wrong(
          "spi", "one SPI for both directions", "dir = out, in or fwd, or no spi: reqid will do");
    }
    boolean optional =
        section.choice("level", "required", ImmutableMap.of("required", false, "use", true));
    section.finish();
    return new Template(protocol, mode, source, destination, reqId, spi, optional);
  }

  private static ReqId reqId(Section section, Set<ReqId> taken) throws ConfigurationException {
    String allowed =
        "a whole number from 1 to 2147483647 that ties policies to their associations, and is"
            + " none of mobility's";
    section.string("reqid", allowed);
    var reqId = new ReqId(section.integer("reqid", 0, 1, Integer.MAX_VALUE));
    if (taken.contains(reqId)) {
      throw section.wrong("reqid", reqId + " is one of mobility's own", allowed);
    }
    return reqId;
  }

  private static SecurityAssociation association(
      Section section, Section whole, KeyFile keyFile, Set<ReqId> taken)
      throws ConfigurationException {
    Ipv6Address source = section.globalAddress("src");
    Ipv6Address destination = section.globalAddress("dst");
    TransformProtocol protocol =
        section.choice(
            "proto", ImmutableMap.of("esp", TransformProtocol.ESP, "ah", TransformProtocol.AH));
    Mode mode = section.choice("mode", "transport", MODES);
    Spi spi = section.spi("spi");
    ReqId reqId = reqId(section, taken);
    EncryptionAlgorithm encryption = EncryptionAlgorithm.NULL;
    if (protocol == TransformProtocol.ESP) {
      encryption = ConfiguredKeys.encryption(section);
    } else if (section.has("encryption")) {
      throw section.wrong("encryption", "given although AH does not encrypt", "proto = esp");
    }
    IntegrityAlgorithm integrity =
        section.choice("integrity", "hmac-sha2-256-128", ConfiguredKeys.INTEGRITIES);
    int window = section.integer("replay-window", 128, 0, SecurityAssociation.MAX_REPLAY_WINDOW);
    boolean extended = section.flag("extended-sequence-numbers", false);
    if (extended && window == 0) {
      throw section.wrong(
          "extended-sequence-numbers",
          "on without anti-replay (RFC 4303 section 2.2.1)",
          "a replay-window above 0, or false");
    }
    section.finish();
    KeyFile.Keys keys = ConfiguredKeys.keysFor(whole, keyFile, spi, encryption, integrity);
    return SecurityAssociation.builder(new AssociationId(destination, protocol, spi), source, mode)
        .reqId(reqId)
        .encryption(encryption, keys.encryption())
        .integrity(integrity, keys.integrity())
        .replayWindow(window)
        .extendedSequenceNumbers(extended)
        .build();
  }
}

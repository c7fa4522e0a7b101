package io.mipd.xfrm.host;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.engine.LocalAddresses.Role;
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
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;

/**
 * Policies and states of a host under test and of who talks to it, drawn at random. Packets go
 * between H, a home address whose node is at C, and P.
 *
 * @param layers what protects a packet, innermost first
 */
record Setting(
    Kind kind,
    ImmutableList<Layer> layers,
    ImmutableList<SecurityAssociation> associations,
    ImmutableList<Policy> policies) {
  static final Ipv6Address H = Ipv6Address.parse("2001:db8:1::10");
  static final Ipv6Address C = Ipv6Address.parse("2001:db8:a::10");
  static final Ipv6Address P = Ipv6Address.parse("2001:db8:2::20");
  static final Ipv6Address A = Ipv6Address.parse("2001:db8:1::1");

  /** Somebody of whom nobody knows. */
  static final Ipv6Address X = Ipv6Address.parse("2001:db8:f::66");

  static final ImmutableMap<Ipv6Address, String> NAMES =
      ImmutableMap.of(H, "H", C, "C", P, "P", A, "A", X, "X");

  /** What policies ask for; packets have one of {@link #PACKET_MARKS}. */
  private static final ImmutableList<Mark> MARKS =
      ImmutableList.of(
          new Mark(0, 1), new Mark(1, 1), new Mark(2, 0xf), new Mark(3, -1), new Mark(0, -1));

  static final ImmutableList<Integer> PACKET_MARKS = ImmutableList.of(1, 2, 3, 0x10);

  private static final ImmutableList<Kind> KINDS = ImmutableList.copyOf(Kind.values());

  /** The host under test. */
  enum Kind {
    /** Has the home address and is away. */
    MOBILE,
    /** To whom the home address talks. */
    PEER,
    /** Forwards between its tunnels and P. */
    HOME_AGENT;

    ImmutableMap<Ipv6Address, Role> roles() {
      return switch (this) {
        case MOBILE -> ImmutableMap.of(H, Role.HOME, C, Role.LINK);
        case PEER -> ImmutableMap.of(P, Role.LINK, A, Role.LINK);
        case HOME_AGENT -> ImmutableMap.of(A, Role.LINK, H, Role.SERVED);
      };
    }

    /** Where it is reached. */
    Ipv6Address link() {
      return switch (this) {
        case MOBILE -> C;
        case PEER -> P;
        case HOME_AGENT -> A;
      };
    }

    boolean forwards() {
      return this == HOME_AGENT;
    }

    /** From whom what the host sends or forwards is. */
    Ipv6Address here() {
      return this == MOBILE ? H : P;
    }

    Ipv6Address there() {
      return this == MOBILE ? P : H;
    }

    /** Who talks to the host under test. */
    ImmutableMap<Ipv6Address, Role> remoteRoles() {
      return (this == MOBILE ? PEER : MOBILE).roles();
    }
  }

  /** One header and its like on the way back. */
  record Layer(Template fromHome, Template toHome) {
    Template leaving(Ipv6Address source) {
      return source.equals(H) ? fromHome : toHome;
    }
  }

  static Setting draw(RandomGenerator random) {
    Kind kind = KINDS.get(random.nextInt(KINDS.size()));
    var draft = new Draft(random);
    do {
      draft.layers(kind);
    } while (draft.isInexpressible());
    return new Setting(
        kind,
        ImmutableList.copyOf(draft.layers),
        ImmutableList.copyOf(draft.associations),
        policies(random, kind, draft.layers));
  }

  Bundle bundle(Ipv6Address source) {
    return bundle(layers, source);
  }

  /** The template of that kind for the outermost header of what arrives. */
  Optional<Template> outermost(TransformProtocol protocol) {
    for (Template template : bundle(kind.there()).templates().reverse()) {
      if (template.protocol() == protocol) {
        return Optional.of(template);
      } else if (template.isTunnel()) {
        return Optional.empty();
      }
    }
    return Optional.empty();
  }

  /** Whether some policy for what arrives is so. */
  boolean hasInwards(Predicate<Policy> condition) {
    return policies.stream()
        .filter(policy -> policy.direction() != Direction.OUT)
        .anyMatch(condition);
  }

  /** Whether some policy for what leaves is so. */
  boolean hasOutwards(Predicate<Policy> condition) {
    return policies.stream()
        .filter(policy -> policy.direction() == Direction.OUT)
        .anyMatch(condition);
  }

  private static Bundle bundle(List<Layer> layers, Ipv6Address source) {
    return new Bundle(
        layers.stream()
            .map(layer -> layer.leaving(source))
            .collect(ImmutableList.toImmutableList()));
  }

  /** What the host under test is told. */
  ImmutableList<XfrmCommand> commands() {
    var commands = ImmutableList.<XfrmCommand>builder();
    associations.forEach(one -> commands.add(new XfrmCommand.AddAssociation(one)));
    commands.addAll(routes());
    policies.forEach(policy -> commands.add(new XfrmCommand.AddPolicy(policy)));
    return commands.build();
  }

  /** What the one that talks to it is told; it protects everything. */
  ImmutableList<XfrmCommand> remoteCommands() {
    var commands = ImmutableList.<XfrmCommand>builder();
    associations.forEach(
        // Who attacks keeps to no selector.
        one ->
            commands.add(
                new XfrmCommand.AddAssociation(one.toBuilder().selector(Selector.ANY).build())));
    commands.addAll(routes());
    return commands.build();
  }

  private ImmutableList<XfrmCommand> routes() {
    return ImmutableList.of(
        new XfrmCommand.PutRouteOptimization(RouteOptimizationState.homeAddressOption(H, P, C)),
        new XfrmCommand.PutRouteOptimization(RouteOptimizationState.routingHeader(P, H, C)));
  }

  /** Everything through these layers. */
  Policy everything(List<Layer> chosen) {
    return Policy.allow(Selector.ANY, Direction.OUT, 1, bundle(chosen, kind.there()));
  }

  private static ImmutableList<Policy> policies(
      RandomGenerator random, Kind kind, List<Layer> layers) {
    var policies = new ArrayList<Policy>();
    Direction inwards = kind.forwards() ? Direction.FWD : Direction.IN;
    Bundle out = bundle(layers, kind.here());
    Bundle in = bundle(layers, kind.there());
    Selector flows = Selector.between(kind.here(), kind.there());
    policies.add(Policy.allow(flows, Direction.OUT, 1000, out));
    policies.add(Policy.allow(flows.reversed(), inwards, 1000, in));
    int extra = random.nextInt(4);
    for (int i = 0; i < extra; i++) {
      Direction direction = random.nextBoolean() ? Direction.OUT : inwards;
      Selector selector = narrower(random, direction == Direction.OUT ? flows : flows.reversed());
      int priority = 100 + 10 * i + (random.nextInt(4) == 0 ? 1000 : 0);
      boolean taken =
          policies.stream().anyMatch(it -> it.id().equals(new Policy.Id(selector, direction)));
      if (!taken) {
        policies.add(
            random.nextInt(5) < 2
                ? Policy.block(selector, direction, priority)
                : Policy.allow(
                    selector,
                    direction,
                    priority,
                    random.nextBoolean() ? Bundle.EMPTY : direction == Direction.OUT ? out : in));
      }
    }
    // What the home address sends has a policy in every world.
    policies.add(
        Policy.block(
            Selector.between(Ipv6Prefix.host(kind.here()), Ipv6Prefix.ANY), Direction.OUT, 5000));
    return ImmutableList.copyOf(policies);
  }

  private static Selector narrower(RandomGenerator random, Selector flows) {
    Selector within =
        random.nextInt(3) == 0
            ? Selector.between(
                Ipv6Prefix.of(flows.source().address(), 48 + random.nextInt(81)),
                Ipv6Prefix.of(flows.destination().address(), 48 + random.nextInt(81)))
            : flows;
    within =
        switch (random.nextInt(8)) {
          case 0, 1 -> within.withMark(MARKS.get(random.nextInt(MARKS.size())));
          case 2 -> withInterface(within, 1 + random.nextInt(2));
          default -> within;
        };
    return switch (random.nextInt(8)) {
      case 0 -> within;
      case 1 -> within.withProtocol(IpProtocol.UDP);
      case 2 ->
          within
              .withProtocol(IpProtocol.UDP)
              .withPorts(PortMatch.ANY, PortMatch.exactly(Datagram.KEY_EXCHANGE));
      case 3 ->
          within
              .withProtocol(IpProtocol.UDP)
              .withPorts(PortMatch.exactly(Datagram.OWN_PORT), PortMatch.ANY);
      case 4 -> within.withType(IpProtocol.MOBILITY, 1 + random.nextInt(6));
      case 5 -> within.withProtocol(IpProtocol.ICMPV6).withPorts(type(random), code(random));
      case 6 -> within.withProtocol(IpProtocol.ICMPV6);
      default -> within.withProtocol(IpProtocol.MOBILITY);
    };
  }

  /** Which only what passes an xfrm interface can have. */
  private static Selector withInterface(Selector selector, int interfaceId) {
    return new Selector(
        selector.source(),
        selector.destination(),
        selector.protocol(),
        selector.sourcePort(),
        selector.destinationPort(),
        selector.mark(),
        interfaceId);
  }

  /** One of {@link Datagram}'s, or several. */
  private static PortMatch type(RandomGenerator random) {
    int type = DifferentialKernelTest.FIRST_ICMPV6_TYPE + random.nextInt(4);
    return random.nextInt(4) == 0 ? new PortMatch(type & 0xfe, 0xfe) : PortMatch.exactly(type);
  }

  private static PortMatch code(RandomGenerator random) {
    return random.nextBoolean() ? PortMatch.ANY : PortMatch.exactly(random.nextInt(2));
  }

  @Override
  public String toString() {
    var text = new StringBuilder(kind.name());
    policies.forEach(policy -> text.append("\n  ").append(policy));
    associations.forEach(
        one -> text.append("\n  ").append(one).append(" sel ").append(one.selector()));
    return text.toString();
  }

  private static final class Draft {
    private final RandomGenerator random;
    private final List<Layer> layers = new ArrayList<>();
    private final List<SecurityAssociation> associations = new ArrayList<>();

    Draft(RandomGenerator random) {
      this.random = random;
    }

    boolean isInexpressible() {
      return bundle(layers, H).hasAhTunnelUnderOption() || layers.isEmpty();
    }

    void layers(Kind kind) {
      layers.clear();
      associations.clear();
      if (!kind.forwards()) {
        if (random.nextInt(2) == 0) {
          protect(TransformProtocol.ESP, Mode.TRANSPORT, H, P);
        }
        if (random.nextInt(4) == 0) {
          protect(TransformProtocol.AH, Mode.TRANSPORT, H, P);
        }
        if (random.nextInt(4) == 0) {
          protect(tunnelProtocol(), Mode.TUNNEL, H, P);
        }
        if (random.nextInt(2) == 0) {
          layers.add(
              random.nextInt(3) == 0
                  ? new Layer(
                      Template.homeAddressOption(H, P).asOptional(),
                      Template.routingHeader(P, H).asOptional())
                  : new Layer(Template.homeAddressOption(H, P), Template.routingHeader(P, H)));
        }
      }
      if (kind.forwards() || random.nextInt(3) == 0) {
        protect(tunnelProtocol(), Mode.TUNNEL, C, A);
      }
    }

    private TransformProtocol tunnelProtocol() {
      return random.nextInt(4) == 0 ? TransformProtocol.AH : TransformProtocol.ESP;
    }

    private void protect(
        TransformProtocol protocol, Mode mode, Ipv6Address one, Ipv6Address other) {
      var reqId = new ReqId(1 + layers.size());
      layers.add(
          mode == Mode.TUNNEL
              ? new Layer(
                  Template.tunnel(protocol, one, other, reqId),
                  Template.tunnel(protocol, other, one, reqId))
              : new Layer(
                  Template.transport(protocol, reqId), Template.transport(protocol, reqId)));
      int spi = (layers.size() << 12) + 1;
      boolean selective = random.nextInt(4) == 0;
      SecurityAssociation there =
          association(protocol, mode, one, other, spi, reqId)
              .selector(selective ? selector(H, P) : Selector.ANY)
              .build();
      associations.add(there);
      associations.add(
          keyed(
                  SecurityAssociation.builder(
                          new AssociationId(one, protocol, Spi.ofAssociation(spi + 1)), other, mode)
                      .reqId(reqId)
                      .replayWindow(there.replayWindow())
                      .extendedSequenceNumbers(there.extendedSequenceNumbers()),
                  there.encryption(),
                  there.encryptionKey().length(),
                  there.integrity())
              .selector(selective ? selector(P, H) : Selector.ANY)
              .build());
    }

    private Selector selector(Ipv6Address source, Ipv6Address destination) {
      Selector all = Selector.between(source, destination);
      return random.nextInt(3) == 0 ? all.withProtocol(IpProtocol.UDP) : all;
    }

    private SecurityAssociation.Builder association(
        TransformProtocol protocol,
        Mode mode,
        Ipv6Address from,
        Ipv6Address to,
        int spi,
        ReqId reqId) {
      int[] windows = {0, 1, 32, 33, 64, 128, 1000};
      int window = windows[random.nextInt(windows.length)];
      var builder =
          SecurityAssociation.builder(
                  new AssociationId(to, protocol, Spi.ofAssociation(spi)), from, mode)
              .reqId(reqId)
              .replayWindow(window)
              .extendedSequenceNumbers(window > 0 && random.nextInt(3) == 0);
      var integrity =
          random.nextBoolean()
              ? IntegrityAlgorithm.HMAC_SHA1_96
              : IntegrityAlgorithm.HMAC_SHA2_256_128;
      if (protocol == TransformProtocol.AH) {
        return keyed(builder, EncryptionAlgorithm.NULL, 0, integrity);
      }
      return switch (random.nextInt(4)) {
        case 0 -> keyed(builder, EncryptionAlgorithm.NULL, 0, integrity);
        case 1 ->
            keyed(
                builder,
                EncryptionAlgorithm.AES_GCM_16,
                EncryptionAlgorithm.SALT_LENGTH + (random.nextBoolean() ? 16 : 32),
                IntegrityAlgorithm.NONE);
        default ->
            keyed(builder, EncryptionAlgorithm.AES_CBC, 16 + 8 * random.nextInt(3), integrity);
      };
    }

    private SecurityAssociation.Builder keyed(
        SecurityAssociation.Builder builder,
        EncryptionAlgorithm encryption,
        int keyLength,
        IntegrityAlgorithm integrity) {
      return builder
          .encryption(encryption, key(keyLength))
          .integrity(integrity, key(integrity.keyLength()));
    }

    private KeyMaterial key(int length) {
      if (length == 0) {
        return KeyMaterial.EMPTY;
      }
      byte[] key = new byte[length];
      random.nextBytes(key);
      return KeyMaterial.copyOf(key);
    }
  }
}

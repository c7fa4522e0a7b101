package io.mipd.xfrm.netlink;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import com.google.common.primitives.ImmutableIntArray;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.Arrays;
import java.util.Optional;

/**
 * A state as the kernel holds it: a security association or a route optimization state in the
 * model's terms, and what they do not say (counters, sequence numbers, attributes unknown here).
 * Its keys never print.
 */
public record KernelAssociation(AssociationInfo info, XfrmAttributes attributes) {
  /** What the kernel's own replay window and bitmap hold. */
  private static final int SMALL_WINDOW = 32;

  private static final int ALL_TAKEN = -1;
  private static final long LOW = 0xffff_ffffL;

  /**
   * A security association to be installed.
   *
   * @param ours is asked for beside the mark of its selector, and tells what we made
   * @param position its numbers go on behind these
   * @param noticeEvery packets after which the kernel tells the position; 0 for its own default
   */
  public static KernelAssociation of(
      SecurityAssociation wanted, Mark ours, SequencePosition position, int noticeEvery) {
    SecurityAssociation association = asKept(wanted);
    boolean large = isLarge(association);
    var info =
        new AssociationInfo(
            KernelSelector.of(association.selector()),
            association.destination(),
            association.id().spi(),
            association.id().protocol().number(),
            association.source(),
            LifetimeLimits.of(association.lifetime()),
            LifetimeUse.NONE,
            0,
            0,
            0,
            0,
            association.reqId(),
            KernelSelector.AF_INET6,
            association.mode().number(),
            large ? 0 : association.replayWindow(),
            association.extendedSequenceNumbers() ? AssociationInfo.ESN : 0);
    var attributes = ImmutableList.<XfrmAttribute>builder();
    addAlgorithms(association, attributes);
    if (large) {
      attributes.add(extendedReplay(association, position));
    } else if (!position.equals(SequencePosition.START)) {
      attributes.add(replay(position));
    }
    if (noticeEvery > 0) {
      attributes.add(new XfrmAttribute.NumberValue(XfrmAttribute.REPLAY_THRESH, noticeEvery));
    }
    addKey(association.selector().mark().and(ours), association.selector(), attributes);
    return new KernelAssociation(info, new XfrmAttributes(attributes.build()));
  }

  /**
   * What the kernel is given: where its anti-replay window has to be in an attribute, the next
   * power of two. The kernel takes the place of a number in its bitmap modulo the window, and for
   * the very first packet modulo 2^32 too: where the one does not divide the other it notes that
   * packet at a wrong place, and takes it twice.
   */
  public static SecurityAssociation asKept(SecurityAssociation association) {
    int window = association.replayWindow();
    return isLarge(association) && Integer.bitCount(window) > 1
        ? association.toBuilder().replayWindow(2 * Integer.highestOneBit(window)).build()
        : association;
  }

  private static boolean isLarge(SecurityAssociation association) {
    return association.extendedSequenceNumbers() || association.replayWindow() > SMALL_WINDOW;
  }

  /** Numbers of 32 bits that go on behind these, with a window of 32 packets at most. */
  public static XfrmAttribute replay(SequencePosition position) {
    checkArgument(
        position.outbound() <= LOW && position.inbound() <= LOW, "not 32 bits: %s", position);
    return new XfrmAttribute.Replay(
        (int) position.outbound(),
        (int) position.inbound(),
        position.inbound() == 0 ? 0 : ALL_TAKEN);
  }

  private static void addAlgorithms(
      SecurityAssociation association, ImmutableList.Builder<XfrmAttribute> attributes) {
    EncryptionAlgorithm encryption = association.encryption();
    IntegrityAlgorithm integrity = association.integrity();
    if (encryption.isCombined()) {
      attributes.add(
          new XfrmAttribute.Algorithm(
              XfrmAttribute.ALG_AEAD,
              encryption.kernelName(),
              association.encryptionKey(),
              GCM_CHECK_BITS));
    } else if (association.id().protocol() == TransformProtocol.ESP) {
      attributes.add(
          new XfrmAttribute.Algorithm(
              XfrmAttribute.ALG_CRYPT, encryption.kernelName(), association.encryptionKey(), 0));
    }
    if (integrity != IntegrityAlgorithm.NONE) {
      attributes.add(
          new XfrmAttribute.Algorithm(
              XfrmAttribute.ALG_AUTH_TRUNC,
              integrity.kernelName(),
              association.integrityKey(),
              integrity.icvLength() * 8));
    }
  }

  /** Of AES-GCM with a 16-octet ICV, the only one that the model has. */
  private static final int GCM_CHECK_BITS = 128;

  private static XfrmAttribute extendedReplay(
      SecurityAssociation association, SequencePosition position) {
    var bitmap = new int[(association.replayWindow() + 31) / 32];
    Arrays.fill(bitmap, position.inbound() == 0 ? 0 : ALL_TAKEN);
    return new XfrmAttribute.ExtendedReplay(
        position.outbound(),
        position.inbound(),
        association.replayWindow(),
        ImmutableIntArray.copyOf(bitmap));
  }

  private static void addKey(
      Mark mark, Selector selector, ImmutableList.Builder<XfrmAttribute> attributes) {
    if (!mark.isAny()) {
      attributes.add(new XfrmAttribute.MarkValue(mark));
    }
    if (selector.interfaceId() != 0) {
      attributes.add(new XfrmAttribute.NumberValue(XfrmAttribute.IF_ID, selector.interfaceId()));
    }
  }

  /**
   * A route optimization state to be installed, for all packets between its two addresses. It has
   * no selector: the kernel compares that with the innermost flow, which behind a tunnel of the
   * user's between the two is another.
   */
  public static KernelAssociation of(RouteOptimizationState state, Mark ours) {
    return routeOptimization(state.id(), KernelSelector.of(Selector.ANY), state.careOf(), 0, ours);
  }

  /**
   * The state that accepts a Home Address option or routing header for which there is no other; the
   * policy then decides.
   */
  public static KernelAssociation wildcard(TransformProtocol protocol, Mark ours) {
    return routeOptimization(
        wildcardId(protocol),
        KernelSelector.of(Selector.ANY),
        Ipv6Address.UNSPECIFIED,
        AssociationInfo.WILDRECV,
        ours);
  }

  public static RouteOptimizationState.Id wildcardId(TransformProtocol protocol) {
    return new RouteOptimizationState.Id(
        protocol, Ipv6Address.UNSPECIFIED, Ipv6Address.UNSPECIFIED);
  }

  private static KernelAssociation routeOptimization(
      RouteOptimizationState.Id id,
      KernelSelector selector,
      Ipv6Address careOf,
      int flags,
      Mark ours) {
    var info =
        new AssociationInfo(
            selector,
            id.destination(),
            Spi.ANY,
            id.protocol().number(),
            id.source(),
            LifetimeLimits.NONE,
            LifetimeUse.NONE,
            0,
            0,
            0,
            0,
            ReqId.ANY,
            KernelSelector.AF_INET6,
            Mode.ROUTE_OPTIMIZATION.number(),
            0,
            flags);
    var attributes = ImmutableList.<XfrmAttribute>builder();
    attributes.add(new XfrmAttribute.Address(XfrmAttribute.COADDR, careOf));
    addKey(ours, Selector.ANY, attributes);
    return new KernelAssociation(info, new XfrmAttributes(attributes.build()));
  }

  /** Names the association of this identity. */
  public static XfrmMessage.AssociationNamed named(int type, AssociationId id, Mark ours) {
    var attributes = ImmutableList.<XfrmAttribute>builder();
    addKey(ours, Selector.ANY, attributes);
    return new XfrmMessage.AssociationNamed(type, name(id), new XfrmAttributes(attributes.build()));
  }

  public static AssociationName name(AssociationId id) {
    return new AssociationName(
        id.destination(), id.spi(), KernelSelector.AF_INET6, id.protocol().number());
  }

  /** Names the state of this identity: without an SPI the source address is part of it. */
  public static XfrmMessage.AssociationNamed named(
      int type, RouteOptimizationState.Id id, Mark ours) {
    var attributes = ImmutableList.<XfrmAttribute>builder();
    attributes.add(new XfrmAttribute.Address(XfrmAttribute.SRCADDR, id.source()));
    addKey(ours, Selector.ANY, attributes);
    return new XfrmMessage.AssociationNamed(
        type,
        new AssociationName(
            id.destination(), Spi.ANY, KernelSelector.AF_INET6, id.protocol().number()),
        new XfrmAttributes(attributes.build()));
  }

  public Mark mark() {
    return attributes.mark();
  }

  /** The identity of an ESP or AH state; empty for others and for one without an SPI yet. */
  public Optional<AssociationId> id() {
    var protocol = TransformProtocol.ofNumber(info.protocol());
    boolean known =
        info.family() == KernelSelector.AF_INET6
            && (protocol.equals(Optional.of(TransformProtocol.ESP))
                || protocol.equals(Optional.of(TransformProtocol.AH)))
            && !info.spi().isAny();
    return known
        ? Optional.of(new AssociationId(info.destination(), protocol.orElseThrow(), info.spi()))
        : Optional.empty();
  }

  /** The identity of a Mobile IPv6 state; the wildcards' is {@link #wildcardId}. */
  public Optional<RouteOptimizationState.Id> routeOptimizationId() {
    return TransformProtocol.ofNumber(info.protocol())
        .filter(TransformProtocol::isRouteOptimization)
        .map(
            protocol -> new RouteOptimizationState.Id(protocol, info.source(), info.destination()));
  }

  /** Empty for others, wildcards, and one that only an acquire has made. */
  public Optional<RouteOptimizationState> routeOptimization() {
    var careOf = attributes.address(XfrmAttribute.COADDR);
    return isWildcard() || careOf.isEmpty()
        ? Optional.empty()
        : routeOptimizationId().map(id -> new RouteOptimizationState(id, careOf.get()));
  }

  public boolean isWildcard() {
    return (info.flags() & AssociationInfo.WILDRECV) != 0;
  }

  public SequencePosition position() {
    return attributes.position().orElse(SequencePosition.START);
  }

  /**
   * The security association in the model's terms, its mark without what {@code ours} added; empty
   * if they cannot say it: another mode or algorithm, IPv4, ESP in UDP.
   */
  public Optional<SecurityAssociation> association(Mark ours) {
    Mark mark = mark().includes(ours) ? mark().without(ours) : mark();
    var id = id();
    var selector = info.selector().selector(mark, attributes.interfaceId());
    var mode = Mode.ofNumber(info.mode());
    var encryption = encryption();
    if (id.isEmpty()
        || selector.isEmpty()
        || mode.isEmpty()
        || encryption.isEmpty()
        || attributes.find(XfrmAttribute.Encapsulation.class).isPresent()) {
      return Optional.empty();
    }
    var integrity =
        encryption.get().isCombined() ? Optional.of(IntegrityAlgorithm.NONE) : integrity();
    if (integrity.isEmpty()) {
      return Optional.empty();
    }
    boolean extended = (info.flags() & AssociationInfo.ESN) != 0;
    int window =
        attributes
            .find(XfrmAttribute.ExtendedReplay.class)
            .map(XfrmAttribute.ExtendedReplay::window)
            .orElse(info.replayWindow());
    try {
      return Optional.of(
          SecurityAssociation.builder(id.get(), info.source(), mode.get())
              .reqId(info.reqId())
              .selector(selector.get())
              .encryption(encryption.get(), encryptionKey())
              .integrity(integrity.get(), integrityKey())
              .replayWindow(window)
              .extendedSequenceNumbers(extended)
              .lifetime(info.limits().lifetime())
              .build());
    } catch (IllegalArgumentException e) {
      return Optional.empty(); // Somebody else's, with parts that the model does not put together.
    }
  }

  private Optional<EncryptionAlgorithm> encryption() {
    var aead = attributes.algorithm(XfrmAttribute.ALG_AEAD);
    var crypt = attributes.algorithm(XfrmAttribute.ALG_CRYPT);
    if (aead.isEmpty() && crypt.isEmpty()) {
      return info.protocol() == TransformProtocol.AH.number()
          ? Optional.of(EncryptionAlgorithm.NULL)
          : Optional.empty();
    }
    if (aead.isPresent() && aead.get().checkBits() != GCM_CHECK_BITS) {
      return Optional.empty();
    }
    String name = aead.or(() -> crypt).orElseThrow().name();
    for (EncryptionAlgorithm algorithm : EncryptionAlgorithm.values()) {
      if (algorithm.isCombined() == aead.isPresent() && algorithm.kernelName().equals(name)) {
        return Optional.of(algorithm);
      }
    }
    return Optional.empty();
  }

  private KeyMaterial encryptionKey() {
    return attributes
        .algorithm(XfrmAttribute.ALG_AEAD)
        .or(() -> attributes.algorithm(XfrmAttribute.ALG_CRYPT))
        .map(XfrmAttribute.Algorithm::key)
        .orElse(KeyMaterial.EMPTY);
  }

  private Optional<IntegrityAlgorithm> integrity() {
    var truncated = attributes.algorithm(XfrmAttribute.ALG_AUTH_TRUNC);
    for (IntegrityAlgorithm algorithm : IntegrityAlgorithm.values()) {
      if (truncated.isPresent()
          && algorithm.kernelName().equals(truncated.get().name())
          && algorithm.icvLength() * 8 == truncated.get().checkBits()) {
        return Optional.of(algorithm);
      }
    }
    return Optional.empty();
  }

  private KeyMaterial integrityKey() {
    return attributes
        .algorithm(XfrmAttribute.ALG_AUTH_TRUNC)
        .map(XfrmAttribute.Algorithm::key)
        .orElse(KeyMaterial.EMPTY);
  }
}

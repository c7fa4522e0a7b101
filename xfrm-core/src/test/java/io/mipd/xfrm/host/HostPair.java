package io.mipd.xfrm.host;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.transform.Discard;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/** The host under test, once with our engine and once with Linux. */
final class HostPair {
  /**
   * What does not fit and is sent here: our engine tells the stack, which divides it; Linux divides
   * it itself, inside of a tunnel and outside of transport mode.
   */
  private static final String IN_PIECES = "in pieces";

  private static final String TOO_BIG = "too big for ";
  private static final int LINK_MTU = 1500;

  /**
   * What a packet was before it was protected.
   *
   * @param layers what protects it, innermost first
   */
  record Origin(Datagram datagram, Bundle layers) {}

  private final Setting setting;
  private final EngineHost engine;
  private final KernelHost kernel;
  private byte[] packet = new byte[0];
  private Origin origin = new Origin(Datagram.udp(Setting.H, Setting.P, ""), Bundle.EMPTY);
  private boolean refusedStrangers;
  private boolean arrived;
  private boolean late;
  private Map<Discard, Long> before = Map.of();
  private String byEngine = "";
  private String byKernel = "";

  HostPair(Setting setting, EngineHost engine, KernelHost kernel) {
    this.setting = setting;
    this.engine = engine;
    this.kernel = kernel;
  }

  /**
   * Sends, or has it forwarded; returns whether the engine lets it out.
   *
   * @param mark of what is sent by UDP
   */
  boolean leaving(Datagram datagram, int mark) throws Exception {
    packet = datagram.octets();
    origin = new Origin(datagram, setting.bundle(setting.kind().here()));
    arrived = false;
    before = Map.copyOf(engine.discards());
    ImmutableList<byte[]> left;
    if (setting.kind().forwards()) {
      byEngine = forwarded(engine.receives(packet).left());
      left = byEngine.isEmpty() ? kernel.refuses(packet).left() : kernel.receives(packet).left();
      byKernel = forwarded(left);
    } else {
      byEngine = dissected(engine.sends(datagram, mark));
      left = mark == 0 ? kernel.sends(datagram) : kernel.sends(datagram, mark);
      boolean fits = engine.tooBig().isEmpty();
      byEngine = fits ? byEngine : IN_PIECES;
      byKernel = !fits && isInPieces(left) ? IN_PIECES : dissected(left);
    }
    return !byEngine.isEmpty();
  }

  /**
   * Whether a packet is the stack's in the engine world: it bears none of the engine's headers, and
   * the engine does not see it.
   */
  boolean isTheStacks(byte[] octets) {
    return !engine.claims(octets) && WireView.of(octets).isInClear();
  }

  /** Returns whether the engine accepts it. */
  boolean arriving(byte[] octets, Origin whence) throws Exception {
    refusedStrangers |= reasons().contains(Discard.IN_STATE_MISMATCH);
    packet = octets;
    origin = whence;
    arrived = true;
    before = Map.copyOf(engine.discards());
    byEngine = outcome(engine.receives(octets.clone()));
    byKernel = outcome(kernel.refuses(octets));
    if (kernelAloneRefuses() && KernelLimit.of(setting, this).isEmpty()) {
      byKernel = outcome(kernel.afterAll());
    }
    return !byEngine.isEmpty();
  }

  /** The latest packet. */
  WireView wire() {
    return WireView.of(packet);
  }

  /** Whether the latest packet arrived; else it was to leave. */
  boolean hasArrived() {
    return arrived;
  }

  /** Whether others of its associations' packets have come before the latest one. */
  boolean isLate() {
    return late;
  }

  /** It was overtaken by others. Returns whether the engine accepts it. */
  boolean arrivingLate(byte[] octets, Origin whence) throws Exception {
    late = true;
    return arriving(octets, whence);
  }

  /** What the latest packet was before it was protected. */
  Datagram within() {
    return origin.datagram();
  }

  /** What protected the latest packet, innermost first. */
  Bundle layers() {
    return origin.layers();
  }

  /** Whether the engine has refused one before the latest for not being of its association. */
  boolean hasRefusedStrangers() {
    return refusedStrangers;
  }

  boolean kernelAloneRefuses() {
    return kernelRefuses() && !byEngine.isEmpty();
  }

  boolean engineAloneRefuses() {
    return byEngine.isEmpty() && !kernelRefuses();
  }

  boolean kernelRefuses() {
    return byKernel.isEmpty();
  }

  /** Why the engine has refused the latest packet; empty if it has not, or has not seen it. */
  ImmutableSet<Discard> reasons() {
    return engine.discards().entrySet().stream()
        .filter(it -> it.getValue() > before.getOrDefault(it.getKey(), 0L))
        .map(Map.Entry::getKey)
        .collect(ImmutableSet.toImmutableSet());
  }

  /** What differs in what came of the latest packet. */
  Optional<String> difference() {
    return byEngine.equals(byKernel) ? Optional.empty() : Optional.of(toString());
  }

  /** Each of them fits into the link. */
  private static boolean isInPieces(List<byte[]> packets) {
    return packets.size() > 1 && packets.stream().allMatch(one -> one.length <= LINK_MTU);
  }

  /** Of a router: what it makes of the packet, or what it tells its sender that would fit. */
  private String forwarded(List<byte[]> packets) {
    var tooBig =
        packets.stream().map(Datagram::tooBig).flatMapToInt(OptionalInt::stream).findFirst();
    return tooBig.isPresent()
        ? TOO_BIG + tooBig.getAsInt()
        : dissected(packets.stream().filter(one -> !Datagram.isErrorOfTheStack(one)).toList());
  }

  /** Whether the latest packet did not fit into the link with all that is put around it. */
  boolean isTooBig() {
    return byEngine.equals(IN_PIECES) || byEngine.startsWith(TOO_BIG);
  }

  private String dissected(List<byte[]> packets) {
    return packets.stream()
        .map(one -> Dissection.of(one, Setting.NAMES, setting.associations()))
        .map(it -> it.chain() + " " + it.octets())
        .collect(Collectors.joining(", "));
  }

  /** What applications get; of a router what it forwards, without what it says itself. */
  private String outcome(Host.Outcome outcome) {
    if (setting.kind().forwards()) {
      return outcome.left().stream()
          .filter(one -> Ipv6Address.read(one, 24).equals(setting.kind().here()))
          .map(HexFormat.of()::formatHex)
          .collect(Collectors.joining(", "));
    }
    return outcome
        .delivered()
        .map(
            it ->
                String.format(
                    "%s protocol %d %d > %d %s",
                    it.source(), it.protocol(), it.number(), it.port(), it.text()))
        .orElse("");
  }

  @Override
  public String toString() {
    return "engine: " + byEngine + reasons() + "\nkernel: " + byKernel;
  }
}

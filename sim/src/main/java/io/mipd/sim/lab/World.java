package io.mipd.sim.lab;

import com.google.common.collect.ImmutableSet;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** Who transforms packets at which node, and so which kernel the node needs. */
@SuppressWarnings("ImmutableEnumChecker") // ImmutableSet of strings
enum World {
  /** The engine at all; this machine's kernel. */
  ENGINE(),
  /** The kernel at all; the whole lab is in one guest. */
  KERNEL("ha", "mn", "cn"),
  /** The home agent has a guest of its own; everything else is on this machine. */
  MIXED_HA_KERNEL("ha"),
  /** The mobile node has a guest of its own. */
  MIXED_MN_KERNEL("mn");

  private final ImmutableSet<String> kernelNodes;

  World(String... kernelNodes) {
    this.kernelNodes = ImmutableSet.copyOf(kernelNodes);
  }

  static Optional<World> named(String word) {
    return Arrays.stream(values()).filter(world -> world.toString().equals(word)).findFirst();
  }

  /** What {@link #named} takes. */
  static String words() {
    return Arrays.stream(values()).map(World::toString).collect(Collectors.joining(", "));
  }

  /** The word for a node's configuration. */
  String of(String node) {
    return kernelNodes.contains(node) ? "kernel" : "engine";
  }

  /** The node that is in a guest of its own. */
  Optional<String> guestNode() {
    return kernelNodes.size() == 1 ? Optional.of(kernelNodes.asList().get(0)) : Optional.empty();
  }

  /** Whether the lab itself must run in a guest. */
  boolean isWhollyInGuest() {
    return this == KERNEL;
  }

  /** How much longer everything may take than on this machine alone: a guest is slow. */
  int patience() {
    return switch (this) {
      case ENGINE -> 1;
      case MIXED_HA_KERNEL, MIXED_MN_KERNEL -> 2;
      case KERNEL -> 4;
    };
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}

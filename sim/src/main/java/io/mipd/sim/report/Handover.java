package io.mipd.sim.report;

import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.wire.MobilityMessage;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * A movement and its parts, in nanoseconds; empty if they did not happen.
 *
 * @param first whether it is the first time away from home
 * @param layer2 from the old carrier to the new one
 * @param router from there to the first router advertisement
 * @param address from there until an address may be used
 * @param update from there until the Binding Update to the home agent left
 * @param acknowledgement from there until its acknowledgement came
 * @param careOfTest from the Care-of Test Init to the Care-of Test
 * @param correspondentUpdate from there until the Binding Update to the correspondent left
 * @param direct from there until the first datagram left the direct way
 */
public record Handover(
    String node,
    boolean first,
    HandoverRow row,
    OptionalLong layer2,
    OptionalLong router,
    OptionalLong address,
    OptionalLong update,
    OptionalLong acknowledgement,
    OptionalLong careOfTest,
    OptionalLong correspondentUpdate,
    OptionalLong direct) {

  /**
   * Takes a movement apart.
   *
   * @param began when the old link was lost
   * @param carrier when the new one was there; empty if it never was
   * @param own link address of the node's interface
   * @param frames that the interface has sent and received, in order of time
   */
  public static Handover of(
      String node,
      boolean first,
      HandoverRow row,
      long began,
      OptionalLong carrier,
      String own,
      Endpoints ends,
      List<CapturedFrame> frames) {
    Movement movement = row.movement();
    Predicate<CapturedFrame> sent = frame -> frame.etherSource().equals(own);
    OptionalLong asked =
        Movement.first(frames, movement.start(), sent.and(has(MobilityMessage.CARE_OF_TEST_INIT)));
    OptionalLong answered =
        asked.isEmpty()
            ? OptionalLong.empty()
            : Movement.first(
                frames, asked.getAsLong(), sent.negate().and(has(MobilityMessage.CARE_OF_TEST)));
    OptionalLong told =
        answered.isEmpty()
            ? OptionalLong.empty()
            : Movement.first(
                frames,
                answered.getAsLong(),
                sent.and(has(MobilityMessage.BINDING_UPDATE))
                    .and(frame -> !frame.destinations().get(0).equals(ends.homeAgent())));
    return new Handover(
        node,
        first,
        row,
        between(OptionalLong.of(began), carrier),
        between(carrier, movement.router()),
        between(movement.router(), movement.address()),
        between(movement.address(), movement.update()),
        between(movement.update(), movement.acknowledgement()),
        between(asked, answered),
        between(answered, told),
        between(told, movement.directOut()));
  }

  private static Predicate<CapturedFrame> has(int type) {
    return frame -> frame.mobilityTypes().contains(type);
  }

  private static OptionalLong between(OptionalLong from, OptionalLong to) {
    return from.isEmpty() || to.isEmpty()
        ? OptionalLong.empty()
        : OptionalLong.of(to.getAsLong() - from.getAsLong());
  }

  /** The parts, by the names of their columns. */
  public static ImmutableMap<String, Function<Handover, OptionalLong>> parts() {
    return ImmutableMap.<String, Function<Handover, OptionalLong>>builder()
        .put("layer2_ms", Handover::layer2)
        .put("router_ms", Handover::router)
        .put("address_ms", Handover::address)
        .put("update_ms", Handover::update)
        .put("acknowledgement_ms", Handover::acknowledgement)
        .put("care_of_test_ms", Handover::careOfTest)
        .put("correspondent_update_ms", Handover::correspondentUpdate)
        .put("direct_ms", Handover::direct)
        .buildOrThrow();
  }
}

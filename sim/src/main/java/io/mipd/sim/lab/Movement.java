package io.mipd.sim.lab;

import java.util.List;
import java.util.OptionalLong;
import java.util.function.Predicate;

/**
 * When what happened after a change of link, in nanoseconds since the epoch, taken from the mobile
 * node's capture. A step that did not happen is empty.
 *
 * @param start the new link came up
 * @param router the first router advertisement arrived
 * @param address the care-of address could be used; at home any address of the home link
 * @param update the first Binding Update left
 * @param acknowledgement the first accepting Binding Acknowledgement arrived after it
 * @param payloadOut the first datagram of the outward flow left over the new link
 * @param payloadIn the first datagram of the inward flow arrived over the new link
 */
record Movement(
    long start,
    OptionalLong router,
    OptionalLong address,
    OptionalLong update,
    OptionalLong acknowledgement,
    OptionalLong payloadOut,
    OptionalLong payloadIn) {
  /** ICMPv6 Router Advertisement (RFC 4861 section 4.2). */
  private static final int ROUTER_ADVERTISEMENT = 134;

  /** Mobility Header types (RFC 6275 sections 6.1.7 and 6.1.8). */
  private static final int BINDING_UPDATE = 5;

  private static final int BINDING_ACKNOWLEDGEMENT = 6;

  /** A status below it accepts (RFC 6275 section 6.1.8). */
  private static final int FIRST_REJECTION = 128;

  /**
   * @param own link address of the interface of the new link
   * @param link the new link
   * @param noticed when the kernel reported a usable address of the new link
   * @param frames of the mobile node, in order of time
   */
  static Movement of(
      long start, String own, Link link, OptionalLong noticed, List<CapturedFrame> frames) {
    Predicate<CapturedFrame> in = frame -> !frame.etherSource().equals(own);
    Predicate<CapturedFrame> out = frame -> frame.etherSource().equals(own);
    Predicate<CapturedFrame> fromNewLink =
        out.and(frame -> !frame.sources().isEmpty() && link.contains(frame.sources().get(0)));
    OptionalLong sourced = first(frames, start, fromNewLink);
    OptionalLong update =
        first(frames, start, out.and(frame -> frame.mobilityTypes().contains(BINDING_UPDATE)));
    OptionalLong acknowledgement =
        update.isEmpty()
            ? OptionalLong.empty()
            : first(
                frames,
                update.getAsLong(),
                in.and(frame -> frame.mobilityTypes().contains(BINDING_ACKNOWLEDGEMENT))
                    .and(
                        frame ->
                            frame.bindingStatuses().stream()
                                .allMatch(status -> status < FIRST_REJECTION)));
    return new Movement(
        start,
        first(frames, start, in.and(frame -> frame.icmpTypes().contains(ROUTER_ADVERTISEMENT))),
        earlier(noticed, sourced),
        update,
        acknowledgement,
        first(frames, start, fromNewLink.and(frame -> frame.udpPorts().contains(Traffic.PORT_OUT))),
        first(frames, start, in.and(frame -> frame.udpPorts().contains(Traffic.PORT_IN))));
  }

  private static OptionalLong first(
      List<CapturedFrame> frames, long from, Predicate<CapturedFrame> wanted) {
    return frames.stream()
        .filter(frame -> frame.nanos() >= from)
        .filter(wanted)
        .mapToLong(CapturedFrame::nanos)
        .min();
  }

  private static OptionalLong earlier(OptionalLong one, OptionalLong other) {
    if (one.isEmpty() || other.isEmpty()) {
      return one.isPresent() ? one : other;
    }
    return OptionalLong.of(Math.min(one.getAsLong(), other.getAsLong()));
  }
}

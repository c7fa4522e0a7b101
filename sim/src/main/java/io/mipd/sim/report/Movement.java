package io.mipd.sim.report;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
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
 * @param update the first Binding Update left for the home agent
 * @param acknowledgement the first accepting Binding Acknowledgement came from there after it
 * @param payloadOut the first datagram of the outward flow left over the new link
 * @param payloadIn the first datagram of the inward flow arrived over the new link
 * @param directOut the first datagram of the outward flow left for the correspondent itself
 * @param directIn the first datagram of the inward flow came from the correspondent itself
 */
public record Movement(
    long start,
    OptionalLong router,
    OptionalLong address,
    OptionalLong update,
    OptionalLong acknowledgement,
    OptionalLong payloadOut,
    OptionalLong payloadIn,
    OptionalLong directOut,
    OptionalLong directIn) {
  /** ICMPv6 Router Advertisement (RFC 4861 section 4.2). */
  private static final int ROUTER_ADVERTISEMENT = 134;

  /** Mobility Header types (RFC 6275 sections 6.1.7 and 6.1.8). */
  private static final int BINDING_UPDATE = 5;

  private static final int BINDING_ACKNOWLEDGEMENT = 6;

  /** A status below it accepts (RFC 6275 section 6.1.8). */
  private static final int FIRST_REJECTION = 128;

  /**
   * @param own link address of the interface of the new link
   * @param link prefix of the new link
   * @param noticed when the kernel reported a usable address of the new link
   * @param frames of the mobile node, in order of time
   */
  public static Movement of(
      long start,
      String own,
      Ipv6Prefix link,
      OptionalLong noticed,
      Endpoints ends,
      List<CapturedFrame> frames) {
    Predicate<CapturedFrame> in = frame -> !frame.etherSource().equals(own);
    Predicate<CapturedFrame> out = frame -> frame.etherSource().equals(own);
    Predicate<CapturedFrame> fromNewLink =
        out.and(frame -> !frame.sources().isEmpty() && isOf(link, frame.sources().get(0)));
    OptionalLong sourced = first(frames, start, fromNewLink);
    OptionalLong update =
        first(
            frames,
            start,
            out.and(frame -> frame.mobilityTypes().contains(BINDING_UPDATE))
                .and(frame -> frame.destinations().get(0).equals(ends.homeAgent())));
    OptionalLong acknowledgement =
        update.isEmpty()
            ? OptionalLong.empty()
            : first(
                frames,
                update.getAsLong(),
                in.and(frame -> frame.mobilityTypes().contains(BINDING_ACKNOWLEDGEMENT))
                    .and(frame -> frame.sources().get(0).equals(ends.homeAgent()))
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
        first(frames, start, fromNewLink.and(frame -> frame.udpPorts().contains(ends.portOut()))),
        first(frames, start, in.and(frame -> frame.udpPorts().contains(ends.portIn()))),
        first(
            frames,
            start,
            fromNewLink
                .and(frame -> frame.udpPorts().contains(ends.portOut()))
                .and(frame -> frame.destinations().get(0).equals(ends.correspondent()))),
        first(
            frames,
            start,
            in.and(frame -> frame.udpPorts().contains(ends.portIn()))
                .and(frame -> !frame.destinations().get(0).equals(ends.homeAddress()))
                .and(frame -> frame.sources().get(0).equals(ends.correspondent()))));
  }

  private static boolean isOf(Ipv6Prefix link, String address) {
    return link.contains(Ipv6Address.parse(address));
  }

  /** When the first of those from a time on comes that is wanted; empty if none does. */
  static OptionalLong first(
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

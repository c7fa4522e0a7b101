package io.mipd.sim.lab;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class MovementTest {
  private static final String OWN = "02:00:00:00:00:aa";
  private static final String ROUTER = "02:00:00:00:00:01";
  private static final String CARE_OF = "2001:db8:a::ff:fe00:aa";

  private static CapturedFrame frame(
      int micros, String ether, String source, Map<String, String> f) {
    return CapturedFrame.parse(
        String.format(
            "1700000000.%06d000\t%s\t%s\t2001:db8:1::1\t%s\t%s\t%s\t%s",
            micros,
            ether,
            source,
            f.getOrDefault("icmp", ""),
            f.getOrDefault("mh", ""),
            f.getOrDefault("status", ""),
            f.getOrDefault("udp", "")));
  }

  private static long at(int micros) {
    return 1_700_000_000_000_000_000L + micros * 1000L;
  }

  private static final ImmutableList<CapturedFrame> HANDOVER =
      ImmutableList.of(
          // Before the link came up: does not count.
          frame(10, ROUTER, "fe80::1", ImmutableMap.of("icmp", "134")),
          frame(20, OWN, CARE_OF, ImmutableMap.of("mh", "5")),
          frame(120, ROUTER, "fe80::1", ImmutableMap.of("icmp", "134")),
          frame(140, OWN, CARE_OF, ImmutableMap.of("mh", "5")),
          // From the old care-of address: not over the new link.
          frame(150, OWN, "2001:db8:b::1,2001:db8:1::100", ImmutableMap.of("udp", "5001")),
          frame(190, ROUTER, "2001:db8:1::1", ImmutableMap.of("mh", "6", "status", "133")),
          frame(200, ROUTER, "2001:db8:1::1", ImmutableMap.of("mh", "6", "status", "0")),
          frame(210, OWN, CARE_OF + ",2001:db8:1::100", ImmutableMap.of("udp", "5001")),
          frame(220, ROUTER, "2001:db8:1::1,2001:db8:c::c", ImmutableMap.of("udp", "5002")));

  @Test
  void findsTheFirstOfEachStepAfterTheLinkCameUp() {
    Movement movement = Movement.of(at(100), OWN, Link.A, OptionalLong.of(at(130)), HANDOVER);
    assertThat(movement.router()).hasValue(at(120));
    assertThat(movement.address()).hasValue(at(130));
    assertThat(movement.update()).hasValue(at(140));
    assertThat(movement.acknowledgement()).hasValue(at(200));
    assertThat(movement.payloadOut()).hasValue(at(210));
    assertThat(movement.payloadIn()).hasValue(at(220));
  }

  @Test
  void anAddressThatIsUsedIsUsableEvenIfTheKernelDidNotSay() {
    Movement movement = Movement.of(at(100), OWN, Link.A, OptionalLong.empty(), HANDOVER);
    assertThat(movement.address()).hasValue(at(140));
  }

  @Test
  void whatDidNotHappenIsEmpty() {
    Movement movement =
        Movement.of(at(100), OWN, Link.A, OptionalLong.empty(), HANDOVER.subList(0, 3));
    assertThat(movement.update()).isEmpty();
    assertThat(movement.acknowledgement()).isEmpty();
    assertThat(movement.payloadIn()).isEmpty();
  }

  @Test
  void aRowIsWrittenAsPinned() {
    var row =
        new HandoverRow(
            3,
            Link.B,
            Link.HOME,
            new Movement(
                at(0),
                OptionalLong.of(at(23_140)),
                OptionalLong.empty(),
                OptionalLong.of(at(25_000)),
                OptionalLong.of(at(76_000)),
                OptionalLong.of(at(77_000)),
                OptionalLong.of(at(80_000))),
            new FlowRecord.Outcome(500, 9, OptionalLong.of(100_000_000), 0),
            new FlowRecord.Outcome(500, 8, OptionalLong.empty(), 0));
    assertThat(row.toCsv()).isEqualTo("3,B,home,23.1,,25.0,76.0,77.0,80.0,9,8,100.0,");
    assertThat(HandoverRow.HEADER)
        .isEqualTo(
            "n,from,to,ra_ms,address_ms,bu_ms,ba_ms,payload_out_ms,payload_in_ms,lost_out,lost_in,outage_out_ms,outage_in_ms");
    assertThat(row.isComplete()).isTrue();
  }
}

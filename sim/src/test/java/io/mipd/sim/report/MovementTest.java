package io.mipd.sim.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.model.Ipv6Prefix;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class MovementTest {
  private static final String OWN = "02:00:00:00:00:aa";
  private static final String ROUTER = "02:00:00:00:00:01";
  private static final String CARE_OF = "2001:db8:a::ff:fe00:aa";

  private static final Ipv6Prefix A = Ipv6Prefix.parse("2001:db8:a::/64");
  private static final Endpoints ENDS =
      new Endpoints("2001:db8:1::1", "2001:db8:1::100", "2001:db8:c::c", 5001, 5002);

  private static CapturedFrame frame(
      int micros, String ether, String source, Map<String, String> f) {
    return CapturedFrame.parse(
        String.format(
            "1700000000.%06d000\t%s\t%s\t%s\t%s\t%s\t%s\t%s",
            micros,
            ether,
            source,
            f.getOrDefault("to", "2001:db8:1::1"),
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
    Movement movement = Movement.of(at(100), OWN, A, OptionalLong.of(at(130)), ENDS, HANDOVER);
    assertThat(movement.router()).hasValue(at(120));
    assertThat(movement.address()).hasValue(at(130));
    assertThat(movement.update()).hasValue(at(140));
    assertThat(movement.acknowledgement()).hasValue(at(200));
    assertThat(movement.payloadOut()).hasValue(at(210));
    assertThat(movement.payloadIn()).hasValue(at(220));
  }

  @Test
  void tellsTheDirectWayFromTheTunnel() {
    Movement tunnelled = Movement.of(at(100), OWN, A, OptionalLong.empty(), ENDS, HANDOVER);
    assertThat(tunnelled.directOut()).isEmpty();
    assertThat(tunnelled.directIn()).isEmpty();
    var frames =
        ImmutableList.<CapturedFrame>builder()
            .addAll(HANDOVER)
            .add(frame(230, OWN, CARE_OF, ImmutableMap.of("udp", "5001", "to", "2001:db8:c::c")))
            .add(
                frame(
                    240,
                    ROUTER,
                    "2001:db8:c::c",
                    ImmutableMap.of("udp", "5002", "to", CARE_OF + ",2001:db8:1::100")))
            .build();
    Movement direct = Movement.of(at(100), OWN, A, OptionalLong.empty(), ENDS, frames);
    assertThat(direct.directOut()).hasValue(at(230));
    assertThat(direct.directIn()).hasValue(at(240));
  }

  @Test
  void anAddressThatIsUsedIsUsableEvenIfTheKernelDidNotSay() {
    Movement movement = Movement.of(at(100), OWN, A, OptionalLong.empty(), ENDS, HANDOVER);
    assertThat(movement.address()).hasValue(at(140));
  }

  @Test
  void whatDidNotHappenIsEmpty() {
    Movement movement =
        Movement.of(at(100), OWN, A, OptionalLong.empty(), ENDS, HANDOVER.subList(0, 3));
    assertThat(movement.update()).isEmpty();
    assertThat(movement.acknowledgement()).isEmpty();
    assertThat(movement.payloadIn()).isEmpty();
  }

  @Test
  void aRowIsWrittenAsPinned() {
    var row =
        new HandoverRow(
            3,
            "B",
            "home",
            new Movement(
                at(0),
                OptionalLong.of(at(23_140)),
                OptionalLong.empty(),
                OptionalLong.of(at(25_000)),
                OptionalLong.of(at(76_000)),
                OptionalLong.of(at(77_000)),
                OptionalLong.of(at(80_000)),
                OptionalLong.of(at(95_000)),
                OptionalLong.empty()),
            new FlowRecord.Outcome(500, 9, OptionalLong.of(100_000_000), 0),
            new FlowRecord.Outcome(500, 8, OptionalLong.empty(), 0));
    assertThat(row.toCsv()).isEqualTo("3,B,home,23.1,,25.0,76.0,77.0,80.0,9,8,100.0,");
    assertThat(HandoverRow.HEADER)
        .isEqualTo(
            "n,from,to,ra_ms,address_ms,bu_ms,ba_ms,payload_out_ms,payload_in_ms,lost_out,lost_in,outage_out_ms,outage_in_ms");
    assertThat(row.isComplete()).isTrue();
    assertThat(row.toRouteCsv()).isEqualTo("3,B,home,95.0,");
    assertThat(row.isDirect()).isFalse();
  }
}

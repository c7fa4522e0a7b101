package io.mipd.daemon;

import static java.util.stream.Collectors.toCollection;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.daemon.Series.Family;
import io.mipd.daemon.Series.Kind;
import io.mipd.xfrm.engine.EngineCounters;
import io.mipd.xfrm.linux.Poller;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What monitoring reads, and docs/metrics.md, which tells what it is. */
class MetricsTest {
  private static final Path DOCUMENT = Path.of("../docs/metrics.md");

  /** The objects of RFC 4295 whose syntax is Counter32 or Counter64. */
  private static final ImmutableSet<String> RFC_4295 =
      ImmutableSet.copyOf(
          Splitter.onPattern("\\s+")
              .omitEmptyStrings()
              .split(
                  """
                  mip6CnBRsSent mip6CnBUAcksSent mip6CnBURequestsAccepted
                  mip6CnBURequestsRejected mip6CnBUsAccepted mip6CnBUsRecd
                  mip6CnBUsRejected mip6CnBindingErrors
                  mip6CnCareOfTestInitsRecd mip6CnCareOfTestsSent
                  mip6CnExpiredCareOfNonceIndex mip6CnExpiredHomeNonceIndex
                  mip6CnExpiredNonce mip6CnHomeRegnNotSupported
                  mip6CnHomeTestInitsRecd mip6CnHomeTestsSent
                  mip6CnInsufficientResource mip6CnReasonUnspecified
                  mip6CnRegTypeChangeDisallowed mip6CnSeqNumberOutOfWindow
                  mip6HCInOctets mip6HCInPkts mip6HCNodeInOctets
                  mip6HCNodeInPkts mip6HCNodeOutOctets mip6HCNodeOutPkts
                  mip6HCOutOctets mip6HCOutPkts mip6HaAdmProhibited
                  mip6HaAdvsRecd mip6HaAdvsSent mip6HaBRAdviceSent
                  mip6HaBUAcksSent mip6HaBURequestsAccepted
                  mip6HaBURequestsDenied mip6HaBUsAccepted mip6HaBUsRecd
                  mip6HaDupAddrDetectionFailed mip6HaExpiredHomeNonceIndex
                  mip6HaHomeRegnNotSupported mip6HaHomeTestInitsRecd
                  mip6HaHomeTestsSent mip6HaInsufficientResource
                  mip6HaNotHomeAgentForThisMN mip6HaNotHomeSubnet
                  mip6HaPrefDiscoverReqd mip6HaReasonUnspecified
                  mip6HaRegTypeChangeDisallowed mip6HaSeqNumberOutOfWindow
                  mip6InOctets mip6InPkts mip6MnBRRequestsRecd
                  mip6MnBUAcksFromCN mip6MnBUAcksFromHA mip6MnBUsToCN
                  mip6MnBUsToHA mip6MnBindingErrorsFromCN mip6MnDiscoveryReplies
                  mip6MnDiscoveryRequests mip6MnDiscoveryTimeouts
                  mip6MnICMPErrorsRecd mip6MnMobilityMessagesRecd
                  mip6MnMobilityMessagesSent mip6MnMovedToFN mip6MnMovedToHN
                  mip6MnPrefixAdvsIgnored mip6MnPrefixAdvsRecd
                  mip6MnPrefixSolicitationsSent mip6NodeInOctets mip6NodeInPkts
                  mip6NodeOutOctets mip6NodeOutPkts mip6OutOctets mip6OutPkts
                  """));

  /** A metric with some of its labels, as Prometheus selects it. */
  private static final Pattern SELECTOR = Pattern.compile("`(mipd_[a-z0-9_]+)(?:\\{(.*?)\\})?`");

  private static final Pattern LABEL = Pattern.compile("([a-z]+)=\"([^\"]*)\"");

  /** The cells of the lines of a table that begin like that. */
  private static List<List<String>> table(String start) throws Exception {
    List<List<String>> rows = new ArrayList<>();
    for (String line : Files.readAllLines(DOCUMENT)) {
      if (line.startsWith(start)) {
        rows.add(Splitter.on('|').trimResults().splitToList(line).subList(1, 4));
      }
    }
    return rows;
  }

  /** Those that are always there, and those of the worlds. */
  private static List<Series> series() {
    return Stream.concat(
            new MessageCounts(Optional.empty(), false).all().keySet().stream(),
            Metrics.WORLD.values().stream())
        .toList();
  }

  @Test
  void eachMetricIsInTheDocumentAndNoOther() throws Exception {
    Set<String> told =
        table("| `mipd_").stream()
            .map(row -> row.get(0).replace("`", ""))
            .collect(toCollection(TreeSet::new));
    Set<String> exposed =
        Stream.of(Family.values()).map(Family::exposed).collect(toCollection(TreeSet::new));
    assertThat(told).isEqualTo(exposed);
  }

  @Test
  void eachCounterOfRfc4295HasItsEquivalentOrAReason() throws Exception {
    Set<String> told = new TreeSet<>();
    String reason = "";
    for (List<String> row : table("| mip6")) {
      assertThat(told.add(row.get(0))).as("twice: %s", row).isTrue();
      reason = row.get(2).isEmpty() ? reason : row.get(2);
      if (row.get(1).equals("none")) {
        assertThat(reason).as("%s", row).isNotEmpty();
      } else {
        Matcher selector = SELECTOR.matcher(row.get(1));
        assertThat(selector.matches()).as("%s", row).isTrue();
        assertThat(series())
            .as("%s", row)
            .anyMatch(
                one ->
                    one.family().exposed().equals(selector.group(1))
                        && one.family().kind() == Kind.COUNTER
                        && one.labels().entrySet().containsAll(labels(selector.group(2))));
      }
    }
    assertThat(told).isEqualTo(new TreeSet<>(RFC_4295));
  }

  private static Set<Map.Entry<String, String>> labels(String text) {
    return text == null
        ? ImmutableSet.of()
        : LABEL
            .matcher(text)
            .results()
            .collect(ImmutableMap.toImmutableMap(found -> found.group(1), found -> found.group(2)))
            .entrySet();
  }

  @Test
  void allThatTheEngineCountsIsThere() {
    for (EngineCounters.Traffic kind : EngineCounters.Traffic.values()) {
      assertThat(Metrics.WORLD).containsKey(StatusReport.key(kind.name()));
    }
  }

  @Test
  void theTextIsPrometheus() throws Exception {
    try (var poller = Poller.open();
        var metrics = new Metrics(new EventLoop(poller), ImmutableMap::of, () -> false)) {
      var numbers = ImmutableMap.<Series, Double>builder();
      series().forEach(one -> numbers.put(one, 3.0));
      numbers.put(Family.LOOP_WAIT.series(), 0.25);
      String text = metrics.text(numbers.buildOrThrow());
      assertThat(text)
          .contains(
              "# HELP mipd_movements_total Links that the mobile node has moved to\n",
              "# TYPE mipd_movements_total counter\n",
              "mipd_movements_total{to=\"foreign\"} 3.0\n",
              "# TYPE mipd_loop_wait_seconds gauge\n",
              "mipd_loop_wait_seconds 0.25\n",
              "mipd_engine_traffic_bytes_total{at=\"input\"} 3.0\n",
              "process_uptime_seconds ");
      for (Series one : series()) {
        assertThat(text)
            .contains("\n" + one.family().exposed() + (one.labels().isEmpty() ? " " : "{"));
      }
      // What there is no more is none, and a counter goes on.
      text = metrics.text(ImmutableMap.of(Family.MOVEMENTS.series("to", "foreign"), 4.0));
      assertThat(text)
          .contains("mipd_movements_total{to=\"foreign\"} 4.0\n", "mipd_loop_wait_seconds 0.0\n");
      assertThat(lines(text))
          .allMatch(line -> line.matches("(# .*|[a-z_0-9]+(\\{.*\\})? [-+.0-9A-Za-z]+)"));
    }
  }

  private static ImmutableList<String> lines(String text) {
    return ImmutableList.copyOf(text.lines().iterator());
  }
}

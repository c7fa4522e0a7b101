package io.mipd.sim.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import io.mipd.daemon.ConfigurationException;
import io.mipd.sim.link.Line;
import io.mipd.sim.scenario.Scenario.Fault;
import io.mipd.sim.scenario.Scenario.Move;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class ScenarioReaderTest {
  private static final String SMALL =
      """
      title = "small"
      duration = 20s
      links {
        home { prefix = "2001:db8:1::/64" }
        a { prefix = "2001:db8:a::/64", delay = 5ms, rate = 1e6, loss = 0.1 }
      }
      routers { r { links = [home, a], advertise { a { max-interval = 100ms } } } }
      home-agents { ha { home-link = home, links = [home], address = "2001:db8:1::1" } }
      mobile-nodes { mn { home-agent = ha, home-address = "2001:db8:1::100", count = 3 } }
      hosts { cn { link = a, address = "2001:db8:a::c" } }
      movement = [ { node = mn, at = 5s, along = [a, home], every = 2s, times = 3, spread = 1s } ]
      traffic = [ { kind = echo, from = mn, to = cn } ]
      faults = [ { kind = crash, at = 8s, node = ha, for = 2s } ]
      """;

  private static Scenario read(String text) throws ConfigurationException {
    return ScenarioReader.read("small", Path.of("small.conf"), text);
  }

  private static Line line(Scenario scenario, String link) {
    return Objects.requireNonNull(scenario.links().get(link)).line();
  }

  @Test
  void aScenarioIsWhole() {
    assertThatThrownBy(() -> read(SMALL + "include \"more.conf\"\n"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "small.conf:14: include \"more.conf\": other files belong to no scenario;"
                + " allowed: all in this file");
  }

  static Iterable<String> names() {
    return Library.NAMES;
  }

  @ParameterizedTest
  @MethodSource("names")
  void readyScenariosCanBeRead(String name) throws Exception {
    assertThat(Library.find(name).read().title()).isNotBlank();
  }

  @Test
  void readsTopologyMovementAndFaults() throws Exception {
    Scenario scenario = read(SMALL);
    assertThat(line(scenario, "a").delay()).isEqualTo(Duration.ofMillis(5));
    assertThat(line(scenario, "a").rate()).hasValue(1_000_000);
    assertThat(scenario.nodesOf("mn")).containsExactly("mn-1", "mn-2", "mn-3");
    assertThat(scenario.moves())
        .extracting(Move::at, Move::to)
        .containsExactly(
            tuple(Duration.ofSeconds(5), Optional.of("a")),
            tuple(Duration.ofSeconds(7), Optional.of("home")),
            tuple(Duration.ofSeconds(9), Optional.of("a")));
    assertThat(scenario.faults())
        .containsExactly(new Fault.Crash(Duration.ofSeconds(8), "ha", Duration.ofSeconds(2)));
  }

  @Test
  void aValueCanBeReplaced() throws Exception {
    Library.Source source = Library.find("handover").with("links.wan.delay", "25ms");
    assertThat(line(source.read(), "wan").delay()).isEqualTo(Duration.ofMillis(25));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          duration = 20s                | duration = 20        | small.conf:2: duration: a time without unit
          links = [home, a]             | links = [home, b]    | small.conf:7: routers.r.links: there is no link "b"
          home-agent = ha               | home-agent = hb      | small.conf:9: mobile-nodes.mn.home-agent: there is none of that name
          "2001:db8:1::100"             | "2001:db8:2::100"    | small.conf:9: mobile-nodes.mn.home-address: not of link home
          node = mn,                    | node = cn,           | small.conf:11: movement[0].node: it does not move
          kind = echo                   | kind = ehco          | small.conf:12: traffic[0].kind: unknown
          kind = echo                   | kind = tcp, size = 9 | small.conf:12: traffic[0].size: unknown
          kind = echo                   | kind = tcp, segment = 9 | small.conf:12: traffic[0].segment: out of range
          from = mn,                    | form = mn,           | small.conf:12: traffic[0].from: missing
          loss = 0.1                    | loss = 1.5           | small.conf:5: links.a.loss: out of range
          max-interval = 100ms          | max-interval = 10ms  | small.conf:7: routers.r.advertise.a.max-interval: out of range
          kind = crash                  | kind = crush         | small.conf:13: faults[0].kind: unknown
          title = "small"               | titel = "small"      | small.conf:1: title: missing
          """)
  void saysWhereAndWhatIsWrong(String right, String wrong, String message) {
    assertThat(SMALL).contains(right);
    assertThatThrownBy(() -> read(SMALL.replaceFirst(Pattern.quote(right), wrong)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(message)
        .hasMessageContaining("; allowed: ");
  }

  @Test
  void faultsOfSomebodyWhoListens() throws Exception {
    Scenario scenario =
        read(
            SMALL.replaceFirst(
                "faults = .*",
                "faults = [ { kind = repeat, at = 1s, from = mn, count = 3, after = 2s },"
                    + " { kind = forgery, at = 4s, from = mn } ]"));
    assertThat(scenario.faults())
        .containsExactly(
            new Fault.Repeat(
                Duration.ofSeconds(1), "mn", OptionalInt.empty(), 3, Duration.ofSeconds(2)),
            new Fault.Forgery(Duration.ofSeconds(4), "mn", 1));
  }

  @Test
  void aRandomScenarioIsTheSameEachTime() throws Exception {
    assertThat(Library.find("random-7").read()).isEqualTo(Library.find("random-7").read());
    assertThat(Library.find("random-7").read()).isNotEqualTo(Library.find("random-8").read());
  }

  @Test
  void aKeyTwiceIsAnError() {
    assertThatThrownBy(() -> read(SMALL + "title = \"again\"\n"))
        .hasMessageContaining("title: given twice, first in line 1");
  }

  @Test
  void whatOthersReferToIsReplacedWhereTheyDo() throws Exception {
    Scenario scenario = Library.find("handover-latency").with("values.ra-interval", "300ms").read();

    assertThat(scenario.router("ara").advertises().values())
        .extracting(it -> it.maxRtrAdvInterval())
        .containsExactly(Duration.ofMillis(300));
  }

  @Test
  void aValueOfAListIsReplacedByItsNumber() throws Exception {
    Scenario pingPong = Library.find("ping-pong").with("movement.0.along.1", "home").read();
    assertThat(pingPong.moves().subList(0, 3))
        .extracting(move -> move.to().orElse("none"))
        .containsExactly("a", "home", "a");

    // What the element is put together of stays so, and can be replaced itself.
    Library.Source put = Library.find("ten-thousand").with("movement.1.attach-delay", "70ms");
    Move second = put.with("values.arrival.spread", "4s").read().moves().get(1);
    assertThat(second.node()).isEqualTo("mn-b");
    assertThat(second.attaching()).isEqualTo(Duration.ofMillis(70));
    assertThat(second.spread()).isEqualTo(Duration.ofSeconds(4));
    assertThat(put.command()).isEqualTo("ten-thousand --set 'movement.1.attach-delay=70ms'");
  }

  @Test
  void aNumberThatNoElementHasIsTold() throws Exception {
    Library.Source source = Library.find("ping-pong");
    for (String path : List.of("movement.1.at", "movement.first.at", "movement.-1.at")) {
      assertThatThrownBy(() -> source.with(path, "1s"))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining(path)
          .hasMessageContaining("allowed: 0 to 0");
    }
  }
}

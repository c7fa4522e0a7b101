package io.mipd.sim.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSortedMap;
import io.mipd.daemon.ConfigurationException;
import io.mipd.sim.scenario.Scenario.Move;
import io.mipd.sim.scenario.Walk.Step;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two cells of 100 m, their centres 150 m apart, and a third far away. */
class WalkTest {
  private static final ImmutableSortedMap<String, Cell> CELLS =
      ImmutableSortedMap.of(
          "a", new Cell(0, 0, 100), "b", new Cell(150, 0, 100), "c", new Cell(1000, 0, 100));

  private static final String SCENARIO =
      """
      title = "a walk"
      links {
        home { prefix = "2001:db8:1::/64" }
        a { prefix = "2001:db8:a::/64" }
        b { prefix = "2001:db8:b::/64" }
      }
      cells { a { x = 0, radius = 100 }, b { x = 150, radius = 100 } }
      home-agents { ha { home-link = home, links = [home], address = "2001:db8:1::1" } }
      mobile-nodes { mn { home-agent = ha, home-address = "2001:db8:1::100", count = 2 } }
      movement = [ MOVEMENT ]
      """;

  @TempDir private Path folder = Path.of("");

  private static Step step(double at, String to) {
    return new Step(at, Optional.of(to).filter(it -> !it.equals("none")));
  }

  private static void assertSteps(ImmutableList<Step> found, Step... expected) {
    assertThat(found).hasSize(expected.length);
    for (int i = 0; i < expected.length; i++) {
      assertThat(found.get(i).at()).isCloseTo(expected[i].at(), within(1e-5));
      assertThat(found.get(i).to()).isEqualTo(expected[i].to());
    }
  }

  @Test
  void aCellIsKeptUntilItIsLeft() {
    var walk = new Walk(5, 0, 0);
    walk.goTo(1050, 0, 10);
    assertSteps(
        walk.steps(CELLS),
        step(5, "a"),
        // Not at 75 m, where b is as near.
        step(15, "b"),
        step(30, "none"),
        step(95, "c"));
  }

  @Test
  void theNearestOfThoseThatCoverThePlaceIsTaken() {
    var walk = new Walk(0, 80, 0);
    walk.stayUntil(3);
    assertSteps(walk.steps(CELLS), step(0, "b"));
  }

  @Test
  void aWalkThatIsBrokenOffTurnsWhereItIs() {
    var walk = new Walk(0, 0, 0);
    walk.goTo(1000, 0, 10);
    // At 90 m, still in a.
    walk.breakOffAt(9);
    walk.goTo(90, 1000, 10);
    // Out of a, where b covers the place: at a height of sqrt(100^2 - 90^2) = 43.6 m.
    assertSteps(
        walk.steps(CELLS),
        step(0, "a"),
        step(9 + Math.sqrt(1900) / 10, "b"),
        step(9 + Math.sqrt(6400) / 10, "none"));
  }

  private Scenario read(String movement) throws Exception {
    String text = SCENARIO.replace("MOVEMENT", movement);
    return ScenarioReader.read("walk", folder.resolve("walk.conf"), text);
  }

  @Test
  void waypointsAreStepsInTheEnd() throws Exception {
    Scenario scenario =
        read(
            "{ node = mn, at = 2s, attach-delay = 30ms, waypoints = ["
                + "{ x = 0, pause = 3s }, { x = 150, speed = 10 } ] }");
    Duration delay = Duration.ofMillis(30);
    assertThat(scenario.moves())
        .containsExactly(
            new Move("mn", Duration.ofSeconds(2), Optional.of("a"), delay, Duration.ZERO),
            new Move("mn", Duration.ofSeconds(15), Optional.of("b"), delay, Duration.ZERO));
  }

  @Test
  void aMovementFileOfNs2IsRead() throws Exception {
    Files.writeString(
        folder.resolve("walk.tcl"),
        """
        # nodes: 2, max time: 100.00
        $node_(4) set X_ 0.0
        $node_(4) set Y_ 0.0
        $node_(4) set Z_ 0.000000000000
        $node_(5) set X_ 150.0
        $node_(5) set Y_ 0.0
        $god_ set-dist 4 5 1
        $ns_ at 10.0 "$node_(4) setdest 1000.0 0.0 10.0"
        $ns_ at 20.0 "$node_(4) setdest 100.0 0.0 0.0"
        """);
    Scenario scenario = read("{ node = mn, trace = walk.tcl, first = 4 }");
    assertThat(scenario.moves())
        .extracting(it -> it.node() + " " + it.at().toMillis() + " " + it.to().orElse("none"))
        .containsExactly("mn-1 0 a", "mn-1 20000 b", "mn-2 0 b");
  }

  @Test
  void whatIsWrongWithAMovementFileIsToldWithItsLine() throws Exception {
    Files.writeString(folder.resolve("walk.tcl"), "\n$node_(0) set X_ far\n");
    assertThatThrownBy(() -> read("{ node = mn, trace = walk.tcl }"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("walk.tcl:2: ")
        .hasMessageContaining("not understood")
        .hasMessageContaining("allowed: $node_(N) set X_ METRES");
  }
}

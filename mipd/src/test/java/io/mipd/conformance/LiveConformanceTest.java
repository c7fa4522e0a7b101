package io.mipd.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.common.collect.ImmutableList;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Cases of the suite against a daemon that lives: those of the correspondent that leave nothing
 * behind in it, and wait for nothing but answers; and, each with a daemon of its own, those of the
 * home agent's registrations that need no clock.
 */
@Tag("root")
class LiveConformanceTest {
  private static final Map<String, List<String>> MACROS = Suite.macros();

  @TempDir private static Path folder = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private static LiveNode node;

  @BeforeAll
  static void start() throws Exception {
    boolean possible =
        System.getProperty("user.name", "").equals("root")
            && Files.exists(Path.of("/dev/net/tun"))
            && Files.isExecutable(Path.of("/usr/sbin/sysctl"));
    if (!possible) {
      System.err.println("SKIPPED: it needs root, /dev/net/tun and sysctl");
      assertThat(System.getenv("CI")).isNotEqualTo("true");
    }
    assumeTrue(possible, "it needs root, /dev/net/tun and sysctl");
    node = LiveNode.start(folder);
  }

  @AfterAll
  static void stop() throws Exception {
    if (node != null) {
      node.close();
    }
  }

  private static ImmutableList<String> expanded(List<String> steps) {
    return steps.stream()
        .flatMap(
            step ->
                MACROS.containsKey(step)
                    ? expanded(MACROS.getOrDefault(step, List.of())).stream()
                    : Stream.of(step))
        .collect(ImmutableList.toImmutableList());
  }

  private static boolean isLive(Suite.Case one) {
    List<String> steps = expanded(one.steps());
    return steps.get(0).equals("cn")
        && steps.stream()
            .skip(1)
            .allMatch(it -> it.startsWith("> ") || it.startsWith("< ") || it.equals("nothing"))
        // No Binding Update, of which something would stay, and no payload, to which the kernel
        // has answers of its own.
        && steps.stream().noneMatch(it -> it.matches(".* (bu|udp) .*"));
  }

  @TestFactory
  Stream<DynamicTest> rfc6275() {
    List<Suite.Case> live = Suite.cases().stream().filter(LiveConformanceTest::isLive).toList();
    assertThat(live).hasSizeGreaterThan(30);
    return live.stream()
        .map(
            one ->
                DynamicTest.dynamicTest(
                    one.name(), () -> new Script(MACROS, kind -> node.anew()).run(one.steps())));
  }

  /**
   * Steps without those that a live link does not show when they are due: what is announced on the
   * home link, three times at intervals of a second, and the wait until that is over.
   */
  private static ImmutableList<String> unannounced(List<String> steps) {
    return steps.stream()
        .filter(it -> !it.matches("< \\S+>all na .*") && !it.equals("wait 3s"))
        .collect(ImmutableList.toImmutableList());
  }

  /** A lifetime that is short runs down while an address is being checked. */
  private static boolean isRunningDown(String step) {
    return step.matches(".* pio\\(\\S+ .*valid \\d{1,3} .*");
  }

  /** Of messages that arrive and of registrations; not of payload that is passed on. */
  private static boolean isLiveAtHomeAgent(Suite.Case one) {
    List<String> steps = expanded(one.steps());
    return one.requirements().get(0).matches("10\\.(2|3\\.1)-.*")
        && steps.get(0).equals("ha")
        // When one of two addresses has been checked is not ours to say.
        && !steps.contains("dad hlocal unique")
        && steps.stream().noneMatch(LiveConformanceTest::isRunningDown)
        && unannounced(steps).stream()
            .skip(1)
            .allMatch(
                it ->
                    it.matches("(>|<|nothing|whatever|bound|unbound|checks|unchecked|dad)( .*)?")
                        || it.matches("(proxied|unproxied) .*"));
  }

  @Tag("long")
  @TestFactory
  Stream<DynamicTest> rfc6275OfTheHomeAgent() {
    List<Suite.Case> live =
        Suite.cases().stream().filter(LiveConformanceTest::isLiveAtHomeAgent).toList();
    assertThat(live).hasSizeGreaterThan(25);
    return live.stream().map(one -> DynamicTest.dynamicTest(one.name(), () -> atHomeAgent(one)));
  }

  private static void atHomeAgent(Suite.Case one) throws Exception {
    try (var agent = new LiveHomeAgent(Files.createTempDirectory(folder, "ha"))) {
      new Script(Map.of(), kind -> agent).run(unannounced(expanded(one.steps())));
    }
  }

  /** Likewise; and what is left of a lifetime is less by what has passed. */
  private static ImmutableList<String> atAnyPace(List<String> steps) {
    return unannounced(steps).stream()
        .map(
            it ->
                it.matches("< .* bu .* nonces .*")
                    ? it.replaceAll("lifetime [1-9]\\d*", "lifetime *")
                    : it)
        .collect(ImmutableList.toImmutableList());
  }

  /** Of messages and payload, where the mobile node is and as it moves, without a wait. */
  private static boolean isLiveAtMobileNode(Suite.Case one) {
    List<String> steps = atAnyPace(expanded(one.steps()));
    return ImmutableList.of("mn", "mn cn").contains(steps.get(0))
        && steps.stream().noneMatch(LiveConformanceTest::isRunningDown)
        // Neighbour Discovery is the kernel's, and so is payload at home.
        && steps.stream().noneMatch(it -> it.matches("< \\S+ (ns|na) .*|< H>P udp .*"))
        // Where its sequence numbers begin is not ours to say.
        && steps.stream().noneMatch(it -> it.matches("> P.* ba status 135 .*"))
        && steps.stream()
            .skip(1)
            .allMatch(
                it ->
                    it.matches("(>|<|nothing|whatever|gets|placed|checks|unchecked|dad)( .*)?")
                        || it.matches("app H>(P|Q|H2) udp .*|link eth0 .*")
                        || it.matches("address [CD] (usable|gone)"));
  }

  @Tag("long")
  @TestFactory
  Stream<DynamicTest> rfc6275OfTheMobileNode() {
    List<Suite.Case> live =
        Suite.cases().stream().filter(LiveConformanceTest::isLiveAtMobileNode).toList();
    assertThat(live).hasSizeGreaterThan(25);
    return live.stream().map(one -> DynamicTest.dynamicTest(one.name(), () -> atMobileNode(one)));
  }

  private static void atMobileNode(Suite.Case one) throws Exception {
    List<String> steps = atAnyPace(expanded(one.steps()));
    boolean corresponds = steps.get(0).equals("mn cn");
    try (var mobile = new LiveMobileNode(corresponds, Files.createTempDirectory(folder, "mn"))) {
      new Script(Map.of(), kind -> mobile).run(steps);
    }
  }
}

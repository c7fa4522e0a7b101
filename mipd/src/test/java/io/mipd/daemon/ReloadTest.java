package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.daemon.Reload.Effect;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What of another configuration is taken over, and what needs a restart. */
class ReloadTest {
  private static final Path SAMPLES = Path.of("src/main/dist/etc");

  @TempDir private Path folder = Path.of("");

  @BeforeEach
  void keys() throws IOException {
    Path keys = folder.resolve("mobile-node-1.keys");
    Files.copy(SAMPLES.resolve("mobile-node-1.keys.sample"), keys);
    Files.setPosixFilePermissions(keys, PosixFilePermissions.fromString("rw-------"));
  }

  /** The sample with pairs of a text and what is there instead. */
  private DaemonConfiguration with(String sample, String... changes) throws Exception {
    String text = Files.readString(SAMPLES.resolve(sample));
    for (int i = 0; i < changes.length; i += 2) {
      assertThat(text).contains(changes[i]);
      text = text.replace(changes[i], changes[i + 1]);
    }
    Path file = folder.resolve("mipd.conf");
    Files.writeString(file, text);
    return DaemonConfiguration.read(file);
  }

  private static ImmutableList<String> effects(Reload reload) {
    return reload.changes().stream()
        .map(it -> it.key() + " " + it.effect())
        .collect(ImmutableList.toImmutableList());
  }

  @Test
  void theSameFileChangesNothing() throws Exception {
    for (String sample :
        ImmutableList.of("home-agent.conf", "mobile-node.conf", "correspondent.conf")) {
      Reload reload = Reload.of(with(sample), with(sample));
      assertThat(reload.changes()).isEmpty();
      assertThat(reload.needsRestart()).isFalse();
      assertThat(reload.then()).isEqualTo(with(sample));
    }
  }

  @Test
  void aHomeAgentsRulesAreTakenOver() throws Exception {
    DaemonConfiguration now = with("home-agent.conf");
    Reload reload =
        Reload.of(
            now,
            with(
                "home-agent.conf",
                "maximum-lifetime = 420s",
                "maximum-lifetime = 60s, care-of-addresses = [ { prefix = \"::/0\" } ]"));
    assertThat(effects(reload))
        .containsExactly(
            "home-agent.care-of-addresses[0].prefix APPLIED",
            "home-agent.maximum-lifetime APPLIED");
    var then = (DaemonConfiguration.HomeAgent) reload.then().role();
    assertThat(then.lifetime()).isEqualTo(Duration.ofMinutes(1));
    assertThat(then.careOfAddresses()).hasSize(1);

    Reload back = Reload.of(reload.then(), now);
    assertThat(effects(back)).hasSize(2).allMatch(it -> it.endsWith(" APPLIED"));
    assertThat(back.then()).isEqualTo(now);
  }

  @Test
  void aHomeAgentIsRenumbered() throws Exception {
    String coming =
        "further-home-prefixes = [ { prefix = \"2001:db8:9::/64\", valid-lifetime = %s } ]\n";
    DaemonConfiguration now =
        with("home-agent.conf", "home-agent {", "home-agent {\n" + coming.formatted("0s"));
    Reload reload =
        Reload.of(
            now,
            with(
                "home-agent.conf",
                "home-agent {",
                "home-agent {\n" + coming.formatted("1h"),
                "    interval = 3s ",
                "    interval = 2s, preferred-lifetime = 0s, "));
    assertThat(effects(reload))
        .containsExactly(
            "home-agent.further-home-prefixes[0].valid-lifetime APPLIED",
            "home-agent.router-advertisements.interval RESTART",
            "home-agent.router-advertisements.preferred-lifetime APPLIED");
    var then = (DaemonConfiguration.HomeAgent) reload.then().role();
    assertThat(then.furtherPrefixes().get(0).valid()).isEqualTo(Duration.ofHours(1));
    assertThat(then.advertisements().preferred()).isZero();
    assertThat(then.advertisements().interval()).isEqualTo(Duration.ofSeconds(3));
  }

  @Test
  void whatNeedsARestartStaysAsItIsAndIsToldAgain() throws Exception {
    DaemonConfiguration now = with("mobile-node.conf");
    DaemonConfiguration next =
        with(
            "mobile-node.conf",
            "lifetime = 420s",
            "lifetime = 60s",
            "replay-window = 128",
            "replay-window = 64");
    Reload first = Reload.of(now, next);
    assertThat(effects(first))
        .containsExactly(
            "mobile-node.lifetime APPLIED", "mobile-node.protection.replay-window RESTART");
    Reload again = Reload.of(first.then(), next);
    assertThat(effects(again)).containsExactly("mobile-node.protection.replay-window RESTART");
    assertThat(again.then()).isEqualTo(first.then());
  }

  @Test
  void preferencesAreTakenOverAndOtherInterfacesAreNot() throws Exception {
    DaemonConfiguration now = with("mobile-node.conf");
    assertThat(
            effects(Reload.of(now, with("mobile-node.conf", "preference = 10", "preference = 7"))))
        .containsExactly("mobile-node.interfaces[0].preference APPLIED");
    assertThat(effects(Reload.of(now, with("mobile-node.conf", "name = eth0", "name = eth1"))))
        .containsExactly("mobile-node.interfaces[0].name RESTART");
  }

  @Test
  void routeOptimizationIsNotSwitchedButItsRulesAreTakenOver() throws Exception {
    String on = "mobile-node {\n  route-optimization { maximum-peers = 8 }\n";
    String other = "mobile-node {\n  route-optimization { maximum-peers = 9 }\n";
    assertThat(
            effects(
                Reload.of(with("mobile-node.conf"), with("mobile-node.conf", "mobile-node {", on))))
        .containsExactly("mobile-node.route-optimization.maximum-peers RESTART");
    assertThat(
            effects(
                Reload.of(
                    with("mobile-node.conf", "mobile-node {", on),
                    with("mobile-node.conf", "mobile-node {", other))))
        .containsExactly("mobile-node.route-optimization.maximum-peers APPLIED");
  }

  @Test
  void theSameInOtherWordsIsNoChange() throws Exception {
    Reload reload =
        Reload.of(
            with("mobile-node.conf"),
            with(
                "mobile-node.conf",
                "lifetime = 420s",
                "lifetime = 7 minutes",
                "tunnel-mtu = 1400",
                ""));
    assertThat(reload.changes()).extracting(Reload.Change::effect).containsOnly(Effect.NONE);
    assertThat(reload.needsRestart()).isFalse();
  }

  @Test
  void otherKeysInTheSameFileNeedARestartAndAreNotTold() throws Exception {
    DaemonConfiguration now = with("mobile-node.conf");
    Path keys = folder.resolve("mobile-node-1.keys");
    String text = Files.readString(keys);
    String flipped = text.replace("0x1001 0f0e", "0x1001 0f0f");
    assertThat(flipped).isNotEqualTo(text);
    Files.writeString(keys, flipped);
    Reload reload = Reload.of(now, with("mobile-node.conf"));
    assertThat(reload.changes())
        .containsExactly(
            new Reload.Change("keys", Optional.empty(), Optional.empty(), Effect.RESTART));
  }
}

package io.mipd.sim.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.ImmutableList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LabOptionsTest {
  private static LabOptions parse(String... words) {
    return LabOptions.parse(ImmutableList.copyOf(words));
  }

  @Test
  void runsTheWalkHomeABAHomeProtectedUnlessToldOtherwise() {
    LabOptions options = parse();
    assertThat(options.command()).isEqualTo(LabOptions.Command.RUN);
    assertThat(options.handovers()).isEmpty();
    assertThat(options.ipsec()).isTrue();
    assertThat(options.payloadIpsec()).isTrue();
    assertThat(options.interfaces()).isEqualTo(1);
    assertThat(options.daemons()).isTrue();
  }

  @Test
  void takesWhatTheInterfacesPin() {
    LabOptions options =
        parse(
            "--out",
            "/x/../y",
            "--world",
            "engine",
            "--handovers",
            "20",
            "--delay",
            "25",
            "--payload-ipsec",
            "off",
            "--interfaces",
            "2",
            "--keep",
            "--seed",
            "7");
    assertThat(options.out().orElseThrow().toString()).isEqualTo("/y");
    assertThat(options.handovers()).hasValue(20);
    assertThat(options.delayMillis()).isEqualTo(25);
    assertThat(options.ipsec()).isTrue();
    assertThat(options.payloadIpsec()).isFalse();
    assertThat(options.interfaces()).isEqualTo(2);
    assertThat(options.keep()).isTrue();
    assertThat(options.seed()).hasValue(7);
  }

  @Test
  void withoutIpsecThereIsNonePayloadIncluded() {
    assertThat(parse("--no-ipsec").payloadIpsec()).isFalse();
  }

  @Test
  void keysAreNegotiatedInTheKernelWorld() {
    assertThat(parse("--ike", "--world", "kernel").ike()).isTrue();
    assertThatThrownBy(() -> parse("--ike"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("--world kernel");
    assertThatThrownBy(() -> parse("--ike", "--world", "kernel", "--no-ipsec"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no keys");
  }

  @ParameterizedTest
  @CsvSource({
    "engine, engine, engine",
    "kernel, kernel, kernel",
    "mixed-ha-kernel, kernel, engine",
    "mixed-mn-kernel, engine, kernel"
  })
  void theWorldSaysWhoTransformsPacketsWhere(String word, String agent, String mobile) {
    World world = parse("--world", word).world();
    assertThat(world.toString()).isEqualTo(word);
    assertThat(world.of("ha")).isEqualTo(agent);
    assertThat(world.of("mn")).isEqualTo(mobile);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--handovers 0",
        "--handovers many",
        "--handovers",
        "--delay -1",
        "--delay 1001",
        "--interfaces 3",
        "--payload-ipsec maybe",
        "--loss 51",
        "--world moon",
        "--world kernel --keep",
        "--compare",
        "--scenario lab-handover --delay 5",
        "--what"
      })
  void refusesWhatMakesNoSense(String line) {
    assertThatThrownBy(() -> parse(line.split(" ", -1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void theHelpNamesEveryOption() {
    assertThat(LabOptions.USAGE)
        .contains(
            "--out",
            "--world",
            "--handovers",
            "--delay",
            "--loss",
            "--no-ipsec",
            "--payload-ipsec",
            "--interfaces",
            "--seed",
            "--keep",
            "--no-daemons",
            "--scenario",
            "--compare",
            "--cleanup");
  }
}

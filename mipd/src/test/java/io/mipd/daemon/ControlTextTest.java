package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.control.Json;
import org.junit.jupiter.api.Test;

/** What people read. */
class ControlTextTest {
  private static String status(int expired) {
    return status(expired, "");
  }

  private static String status(int expired, String more) {
    return ControlText.status(
        Json.parse(
            """
            {"role": "home-agent", "world": "engine", "pid": 1, "uptime-seconds": 2,
             "counts": {"associations": 8, "expired-associations": %d, "policies": 3%s},
             "associations": [], "policies": [], "interfaces": [], "counters": {}}
            """
                .formatted(expired, more)));
  }

  /** As {@code --watch} asks, with no list of them. */
  @Test
  void expiredAssociationsAreCountedWithoutBeingListed() {
    assertThat(status(2)).contains("associations  8, 2 expired\n");
    assertThat(status(0)).contains("associations  8\n");
  }

  @Test
  void policiesThatNoPacketHasNeededAreTold() {
    assertThat(status(0)).contains("policies      3\n");
    assertThat(status(0, ", \"asleep\": 500"))
        .contains("policies      3; no packet has needed those of 500 home addresses yet\n");
  }
}

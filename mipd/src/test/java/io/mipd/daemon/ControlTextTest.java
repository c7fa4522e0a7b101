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

  @Test
  void tellsWhatKeyExchangeHasAndWhatIsWrongWithIt() {
    String text =
        ControlText.status(
            Json.parse(
                """
                {"role": "home-agent", "world": "kernel", "pid": 1, "uptime-seconds": 2,
                 "counts": {"associations": 0, "expired-associations": 0, "policies": 3},
                 "associations": [], "policies": [], "interfaces": [], "counters": {},
                 "key-exchange": {
                   "charon": "connected",
                   "problem": "no matching peer config found",
                   "connections": [
                     {"home-address": "2001:db8:1::100", "connection": "mipd-2001:db8:1::100",
                      "peer": "mn.example.org", "state": "up", "to": "2001:db8:a::10",
                      "ike-sa": "1:2", "associations": ["signalling", "payload"]},
                     {"home-address": "2001:db8:1::101", "connection": "mipd-2001:db8:1::101",
                      "peer": "other.example.org", "state": "up", "to": "2001:db8:a::11",
                      "ike-sa": "3:4", "associations": ["signalling"],
                      "problem": "received TS_UNACCEPTABLE notify, no CHILD_SA built"},
                     {"home-address": "2001:db8:1::102", "connection": "mipd-2001:db8:1::102",
                      "peer": "third.example.org", "state": "waiting", "associations": []}]}}
                """));
    assertThat(text)
        .contains(
            """
            charon        connected
            charon        problem: no matching peer config found
            keys          2001:db8:1::100 with mn.example.org: up to 2001:db8:a::10, signalling, payload
            keys          2001:db8:1::101 with other.example.org: up to 2001:db8:a::11, signalling; \
            received TS_UNACCEPTABLE notify, no CHILD_SA built
            keys          2001:db8:1::102 with third.example.org: waiting
            """);
  }
}

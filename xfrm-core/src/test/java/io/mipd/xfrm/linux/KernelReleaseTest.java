package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class KernelReleaseTest {
  @Test
  void portsBehindOptionsAreSeenFrom67On() {
    for (String text : new String[] {"6.7.0", "6.18.5-amd64", "7.0-rc1", "10.1"}) {
      assertThat(KernelRelease.of(text).seesPortsBehindOptions()).as(text).isTrue();
    }
    for (String text : new String[] {"6.1.0-41-amd64", "6.6.99", "5.10.0", "", "null"}) {
      assertThat(KernelRelease.of(text).seesPortsBehindOptions()).as(text).isFalse();
    }
  }
}

package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class SysctlTest {
  @Test
  void aValueIsReadWhole() throws Exception {
    for (String key : List.of("kernel/pid_max", "kernel/osrelease", "net/ipv6/conf/lo/mtu")) {
      Process cat = new ProcessBuilder("cat", "/proc/sys/" + key).start();
      String said = new String(cat.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(cat.waitFor()).isZero();
      assertThat(said.strip()).hasSizeGreaterThan(1);
      assertThat(Sysctl.read(key)).hasValue(said.strip());
    }
  }

  @Test
  void aParameterThatIsNotThereHasNoValue() throws Exception {
    assertThat(Sysctl.read("net/ipv6/conf/no-such-interface/mtu")).isEmpty();
  }
}

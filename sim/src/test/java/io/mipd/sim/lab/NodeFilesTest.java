package io.mipd.sim.lab;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import com.typesafe.config.ConfigFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NodeFilesTest {
  private static NodeFiles written(Path folder, String... options) throws Exception {
    var files =
        new NodeFiles(folder, Path.of("/run/x"), LabOptions.parse(ImmutableList.copyOf(options)));
    files.write();
    return files;
  }

  @Test
  void bothEndsHaveTheSameKeysAndNobodyElseReadsThem(@TempDir Path folder) throws Exception {
    NodeFiles files = written(folder);
    Path home = files.homeAgentConfiguration().resolveSibling("mobile-node-1.keys");
    Path mobile = files.mobileNodeConfiguration().resolveSibling("mobile-node-1.keys");
    assertThat(Files.readString(home)).isEqualTo(Files.readString(mobile)).contains("0x1001 ");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(mobile)))
        .isEqualTo("rw-------");
  }

  @Test
  void theProfileHasEveryKeyOfTheKeyFile(@TempDir Path folder) throws Exception {
    NodeFiles files = written(folder, "--seed", "3");
    String profile = Files.readString(files.profile().resolve("esp_sa"));
    List<String> lines =
        Files.readAllLines(files.mobileNodeConfiguration().resolveSibling("mobile-node-1.keys"));
    assertThat(lines).hasSize(9);
    for (String line : lines.subList(1, lines.size())) {
      for (String word : Splitter.on(' ').split(line)) {
        assertThat(profile).contains(word);
      }
    }
  }

  @Test
  void keysDependOnTheSeed(@TempDir Path one, @TempDir Path other) throws Exception {
    assertThat(Files.readString(written(one, "--seed", "1").profile().resolve("esp_sa")))
        .isNotEqualTo(Files.readString(written(other, "--seed", "2").profile().resolve("esp_sa")));
  }

  @Test
  void payloadIsProtectedOnlyWhenAskedFor(@TempDir Path folder) throws Exception {
    NodeFiles with = written(folder.resolve("with"));
    NodeFiles without = written(folder.resolve("without"), "--payload-ipsec", "off");
    NodeFiles none = written(folder.resolve("none"), "--no-ipsec", "--interfaces", "2");
    String key = "mobile-node.protection.payload.to-home-agent";
    assertThat(parse(with).hasPath(key)).isTrue();
    assertThat(parse(without).hasPath(key)).isFalse();
    assertThat(parse(without).hasPath("mobile-node.protection.signalling")).isTrue();
    assertThat(parse(none).getString("mobile-node.ipsec")).isEqualTo("off");
    assertThat(parse(none).getConfigList("mobile-node.interfaces")).hasSize(2);
    assertThat(Files.readString(none.profile().resolve("esp_sa"))).isEmpty();
  }

  @Test
  void whatIsNegotiatedComesIntoTheProfile(@TempDir Path folder) throws Exception {
    NodeFiles files = written(folder, "--ike", "--world", "kernel");
    assertThat(parse(files).getString("mobile-node.protection.keying")).isEqualTo("ike");
    Path secret = files.mobileNodeConfiguration().resolveSibling("ike.secret");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(secret)))
        .isEqualTo("rw-------");
    // ip xfrm state, iproute2 6.1; the second one has no keys of ours.
    files.negotiated(
        """
        src 2001:db8:a::1 dst 2001:db8:1::1
        \tproto esp spi 0xc1c2c3c4 reqid 5004 mode tunnel
        \treplay-window 0 flag af-unspec
        \tauth-trunc hmac(sha256) 0x%s 128
        \tenc cbc(aes) 0x%s
        \tanti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000
        src 2001:db8:1::1 dst 2001:db8:1::100
        \tproto route2 reqid 0 mode ro
        """
            .formatted("0a".repeat(32), "0b".repeat(16)));
    assertThat(Files.readAllLines(files.profile().resolve("esp_sa")))
        .singleElement()
        .asString()
        .contains("0xc1c2c3c4", "0x" + "0a".repeat(32), "0x" + "0b".repeat(16));
  }

  private static com.typesafe.config.Config parse(NodeFiles files) {
    return ConfigFactory.parseFile(files.mobileNodeConfiguration().toFile());
  }
}

package io.mipd.xfrm.transform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.SecurityAssociation;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What tshark reads in packets of ours, with the keys. */
public final class Tshark {
  private Tshark() {}

  /** Leaves a test out where tshark is missing; with CI=true that is a failure. */
  public static void assumeInstalled() {
    boolean found =
        Path.of("/usr/bin/tshark").toFile().canExecute()
            || Path.of("/usr/local/bin/tshark").toFile().canExecute();
    assertThat(found || !"true".equals(System.getenv("CI"))).as("tshark, with CI=true").isTrue();
    assumeTrue(found, "LEFT OUT: tshark is not installed (bin/check installs it)");
  }

  /** A line of these fields for each packet. */
  public static List<String> read(
      Path directory,
      List<byte[]> packets,
      List<SecurityAssociation> associations,
      String... fields)
      throws IOException, InterruptedException {
    Path capture = directory.resolve("sealed.pcap");
    var keys = new StringBuilder();
    for (SecurityAssociation association : associations) {
      keys.append(keys(association)).append('\n');
    }
    Files.writeString(directory.resolve("esp_sa"), keys);
    write(capture, packets);
    var command =
        ImmutableList.<String>builder()
            .add("tshark", "-n", "-r", capture.toString())
            .add("-o", "esp.enable_encryption_decode:TRUE")
            .add("-o", "esp.enable_authentication_check:TRUE")
            .add("-o", "udp.check_checksum:TRUE")
            .add("-T", "fields", "-E", "separator=/t", "-E", "occurrence=a");
    for (String field : fields) {
      command.add("-e", field);
    }
    var builder =
        new ProcessBuilder(command.build()).redirectError(directory.resolve("errors").toFile());
    builder.environment().put("WIRESHARK_CONFIG_DIR", directory.toString());
    Process process = builder.start();
    String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(directory.resolve("errors"))).isZero();
    return answer.lines().toList();
  }

  private static String keys(SecurityAssociation association) {
    String encryption =
        switch (association.encryption()) {
          case NULL -> "NULL";
          case AES_CBC -> "AES-CBC [RFC3602]";
          case AES_GCM_16 -> "AES-GCM with 16 octet ICV [RFC4106]";
        };
    String integrity =
        switch (association.integrity()) {
          case NONE -> "NULL";
          case HMAC_SHA1_96 -> "HMAC-SHA-1-96 [RFC2404]";
          case HMAC_SHA2_256_128 -> "HMAC-SHA-256-128 [RFC4868]";
        };
    return "\"IPv6\",\"*\",\"*\",\"0x%08x\",\"%s\",\"%s\",\"%s\",\"%s\""
        .formatted(
            association.id().spi().value(),
            encryption,
            hex(association.encryptionKey()),
            integrity,
            hex(association.integrityKey()));
  }

  private static String hex(KeyMaterial key) {
    return key.length() == 0 ? "" : "0x" + HexFormat.of().formatHex(key.reveal());
  }

  /** A pcap file of link type 229, IPv6 without a link header. */
  private static void write(Path file, List<byte[]> packets) throws IOException {
    try (OutputStream out = Files.newOutputStream(file)) {
      var header = ByteBuffer.allocate(24);
      header.putInt(0xa1b2c3d4).putShort((short) 2).putShort((short) 4).putInt(0).putInt(0);
      out.write(header.putInt(0xffff).putInt(229).array());
      for (byte[] packet : packets) {
        var record = ByteBuffer.allocate(16).putInt(0).putInt(0);
        out.write(record.putInt(packet.length).putInt(packet.length).array());
        out.write(packet);
      }
    }
  }
}

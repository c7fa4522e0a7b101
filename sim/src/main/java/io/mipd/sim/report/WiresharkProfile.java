package io.mipd.sim.report;

import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/** A folder for {@code WIRESHARK_CONFIG_DIR}, with which tshark and Wireshark decrypt a capture. */
public final class WiresharkProfile {
  /**
   * AES-CBC with HMAC-SHA-256-128.
   *
   * @param spi as tshark wants it, 0x and hexadecimal digits
   * @param encryptionKey in hexadecimal
   * @param integrityKey in hexadecimal
   */
  public record EspKeys(String spi, String encryptionKey, String integrityKey) {
    private static final Pattern STATE =
        Pattern.compile(
            "proto esp spi (0x[0-9a-f]+) [^\\n]*\\n"
                + "(?:(?!src )[^\\n]*\\n)*?\\s*auth-trunc hmac\\(sha256\\) 0x([0-9a-f]+) 128\\s*\\n"
                + "(?:(?!src )[^\\n]*\\n)*?\\s*enc cbc\\(aes\\) 0x([0-9a-f]+)");

    /**
     * Those of these algorithms among a kernel's associations.
     *
     * @param states what {@code ip xfrm state} says
     */
    public static ImmutableList<EspKeys> of(String states) {
      return STATE
          .matcher(states)
          .results()
          .map(one -> new EspKeys(one.group(1), one.group(3), one.group(2)))
          .collect(ImmutableList.toImmutableList());
    }
  }

  private WiresharkProfile() {}

  /** Writes it into a folder that is there. */
  public static void write(Path folder, List<EspKeys> associations) throws IOException {
    Files.writeString(
        folder.resolve("preferences"),
        """
        esp.enable_encryption_decode: TRUE
        esp.enable_authentication_check: TRUE
        tcp.check_checksum: TRUE
        udp.check_checksum: TRUE
        tcp.desegment_tcp_streams: FALSE
        """);
    // Random octets may look like it, and its dissector then gives up the frame.
    Files.writeString(folder.resolve("disabled_protos"), "thrift\n");
    var lines = new StringBuilder();
    for (EspKeys one : associations) {
      // By SPI alone: in a signalling packet the addresses that tshark sees are not the
      // association's.
      lines.append(
          "\"IPv6\",\"*\",\"*\",\""
              + one.spi()
              + "\",\"AES-CBC [RFC3602]\",\"0x"
              + one.encryptionKey()
              + "\",\"HMAC-SHA-256-128 [RFC4868]\",\"0x"
              + one.integrityKey()
              + "\"\n");
    }
    Files.writeString(folder.resolve("esp_sa"), lines.toString());
  }
}

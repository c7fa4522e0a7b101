package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableMap;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Captures of key exchange and what it protects, decrypted by tshark with what charon has logged of
 * its first IKE_SA's keys (level 4) and with the kernel's keys of associations. AES-CBC-128 with
 * HMAC-SHA-256-128.
 */
final class IkeDecryption {
  /** RFC 7296 section 2.14: the keys of encryption and integrity, initiator's and responder's. */
  private static final Pattern KEY = Pattern.compile("\\[IKE\\] (Sk_[ae][ir]) secret => .*");

  private static final Pattern OCTETS =
      Pattern.compile("\\[IKE\\] +\\d+: ((?:[0-9A-F]{2} ?)+?) {2}.*");

  private static final Pattern ASSOCIATION =
      Pattern.compile(
          "proto esp spi (0x[0-9a-f]+)(?s:.*?)auth-trunc hmac\\(sha256\\) (0x[0-9a-f]+) 128"
              + "(?s:.*?)enc cbc\\(aes\\) (0x[0-9a-f]+)");

  private final Path profile;
  private final Set<String> associations = new LinkedHashSet<>();

  /**
   * @param folder a new folder is made there
   */
  IkeDecryption(Path folder) throws IOException {
    profile = Files.createDirectory(folder.resolve("wireshark"));
    Files.writeString(
        profile.resolve("preferences"),
        "esp.enable_encryption_decode: TRUE\nesp.enable_authentication_check: TRUE\n");
  }

  /**
   * Takes the keys of an IKE_SA.
   *
   * @param capture it is the first one there
   * @param log of the initiator's charon
   */
  void ikeSa(Path capture, String log) throws Exception {
    String spis =
        tshark(
                capture,
                "-Y",
                "isakmp.exchangetype == 34 && isakmp.flag_r == 1",
                "-T",
                "fields",
                "-E",
                "separator=,",
                "-e",
                "isakmp.ispi",
                "-e",
                "isakmp.rspi")
            .lines()
            .findFirst()
            .orElseThrow(() -> new AssertionError("no IKE_SA_INIT in " + capture));
    ImmutableMap<String, String> keys = keys(log);
    assertThat(keys).containsOnlyKeys("Sk_ai", "Sk_ar", "Sk_ei", "Sk_er");
    // SPIs and keys are hexadecimal without quotes; the names of algorithms are Wireshark's own.
    Files.writeString(
        profile.resolve("ikev2_decryption_table"),
        "%s,%s,%s,\"AES-CBC-128 [RFC3602]\",%s,%s,\"HMAC_SHA2_256_128 [RFC4868]\"\n"
            .formatted(
                spis, keys.get("Sk_ei"), keys.get("Sk_er"), keys.get("Sk_ai"), keys.get("Sk_ar")));
  }

  /**
   * Takes the keys of associations, beside those that it has.
   *
   * @param states what {@code ip xfrm state} says
   */
  void associations(String states) throws IOException {
    for (Matcher one = ASSOCIATION.matcher(states); one.find(); ) {
      associations.add(
          "\"IPv6\",\"*\",\"*\",\"%s\",\"AES-CBC [RFC3602]\",\"%s\",\"HMAC-SHA-256-128 [RFC4868]\",\"%s\"\n"
              .formatted(one.group(1), one.group(3), one.group(2)));
    }
    Files.writeString(profile.resolve("esp_sa"), String.join("", associations));
  }

  /** By their names, the first of each; in hexadecimal. */
  private static ImmutableMap<String, String> keys(String log) {
    Map<String, StringBuilder> keys = new LinkedHashMap<>();
    StringBuilder current = null;
    for (String line : log.split("\n", -1)) {
      Matcher key = KEY.matcher(line.substring(Math.max(0, line.indexOf('['))));
      Matcher octets = OCTETS.matcher(line.substring(Math.max(0, line.indexOf('['))));
      if (key.matches()) {
        current = new StringBuilder();
        keys.putIfAbsent(key.group(1), current);
      } else if (octets.matches() && current != null) {
        current.append(octets.group(1).replace(" ", "").toLowerCase(Locale.ROOT));
      } else {
        current = null;
      }
    }
    var all = ImmutableMap.<String, String>builder();
    keys.forEach((name, octets) -> all.put(name, octets.toString()));
    return all.buildOrThrow();
  }

  /** What tshark says of a capture. */
  String tshark(Path capture, String... options) throws IOException, InterruptedException {
    var builder = new ProcessBuilder("tshark", "-n", "-r", capture.toString());
    builder.command().addAll(List.of(options));
    builder.environment().put("WIRESHARK_CONFIG_DIR", profile.toString());
    Path complaints = profile.resolveSibling("tshark.err");
    Process process = builder.redirectError(complaints.toFile()).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(Files.readString(complaints)).isZero();
    return said;
  }
}

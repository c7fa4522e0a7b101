package io.mipd.sim.lab;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** Reads captures with tshark and the profile of the results, so decrypted. */
final class Tshark {
  /**
   * What tshark finds wrong in a capture.
   *
   * @param frames how many it has
   * @param malformed frames that tshark cannot read
   * @param badChecksums of TCP, UDP or ICMPv6
   * @param badIntegrity ESP whose integrity check value is wrong or not checked
   * @param unreadable ESP that it cannot decrypt
   */
  record Findings(int frames, int malformed, int badChecksums, int badIntegrity, int unreadable) {
    boolean clean() {
      return frames > 0 && malformed + badChecksums + badIntegrity + unreadable == 0;
    }

    @Override
    public String toString() {
      return frames
          + " frames, malformed "
          + malformed
          + ", bad checksums "
          + badChecksums
          + ", ESP not authentic "
          + badIntegrity
          + ", ESP not readable "
          + unreadable;
    }
  }

  private static final ImmutableList<String> CHECKSUMS =
      ImmutableList.of("tcp.checksum.status", "udp.checksum.status", "icmpv6.checksum.status");
  private static final String CHECKSUM_BAD = "0";

  private final Path profile;

  Tshark(Path profile) {
    this.profile = profile;
  }

  /** The given fields of all frames that pass a display filter, tab separated, a line each. */
  List<String> fields(Path capture, String filter, List<String> fields) throws IOException {
    var command = ImmutableList.<String>builder().add("tshark", "-n", "-r", capture.toString());
    if (!filter.isEmpty()) {
      command.add("-Y", filter);
    }
    command.add("-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=,");
    fields.forEach(field -> command.add("-e", field));
    ProcessBuilder builder =
        new ProcessBuilder(command.build()).redirectError(ProcessBuilder.Redirect.DISCARD);
    builder.environment().put("WIRESHARK_CONFIG_DIR", profile.toString());
    Process process = builder.start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (process.waitFor() != 0) {
        throw new IOException("tshark cannot read " + capture);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
    return Splitter.on('\n').omitEmptyStrings().splitToList(output);
  }

  /** The frames that tell how a handover went. */
  ImmutableList<CapturedFrame> frames(Path capture) throws IOException {
    return fields(
            capture,
            "ipv6 && (icmpv6.type == 134 || mip6.mhtype || udp.dstport == "
                + Traffic.PORT_OUT
                + " || udp.dstport == "
                + Traffic.PORT_IN
                + ")",
            CapturedFrame.FIELDS)
        .stream()
        .map(CapturedFrame::parse)
        .collect(ImmutableList.toImmutableList());
  }

  /** Looks through a whole capture for what should not be there. */
  Findings findings(Path capture) throws IOException {
    ImmutableList<String> fields =
        ImmutableList.<String>builder()
            .add("frame.number", "_ws.malformed", "esp.spi", "esp.icv_good", "esp.protocol")
            .addAll(CHECKSUMS)
            .build();
    int frames = 0;
    int malformed = 0;
    int badChecksums = 0;
    int badIntegrity = 0;
    int unreadable = 0;
    for (String line : fields(capture, "", fields)) {
      List<String> words = Splitter.on('\t').splitToList(line);
      frames++;
      if (!words.get(1).isEmpty()) {
        malformed++;
      }
      if (!words.get(2).isEmpty()) {
        if (!words.get(3).startsWith("1")) {
          badIntegrity++;
        }
        if (words.get(4).isEmpty()) {
          unreadable++;
        }
      }
      for (int i = 0; i < CHECKSUMS.size(); i++) {
        if (Splitter.on(',').splitToList(words.get(5 + i)).contains(CHECKSUM_BAD)) {
          badChecksums++;
        }
      }
    }
    return new Findings(frames, malformed, badChecksums, badIntegrity, unreadable);
  }
}

package io.mipd.sim.report;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;

/** Reads captures with tshark and the profile of the results, so decrypted. */
public final class Tshark {
  /**
   * What tshark finds wrong in a capture.
   *
   * @param frames how many it has
   * @param malformed frames that tshark cannot read
   * @param badChecksums of TCP, UDP or ICMPv6
   * @param badIntegrity ESP whose integrity check value is wrong or not checked
   * @param unreadable ESP that it cannot decrypt
   */
  public record Findings(
      int frames, int malformed, int badChecksums, int badIntegrity, int unreadable) {
    public boolean clean() {
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

  /** ICMPv6 first: an error message quotes a part of a packet, whose own checksum is not ours. */
  private static final ImmutableList<String> CHECKSUMS =
      ImmutableList.of("icmpv6.checksum.status", "udp.checksum.status", "tcp.checksum.status");

  /** Where they are among the fields that are asked for, after those they are judged by. */
  private static final int FIRST_STATUS = 8;

  private static final String CHECKSUM_BAD = "0";
  private static final int FIRST_INFORMATIONAL = 128;

  private final Path profile;

  public Tshark(Path profile) {
    this.profile = profile;
  }

  /** The given fields of all frames that pass a display filter, tab separated, a line each. */
  public List<String> fields(Path capture, String filter, List<String> fields) throws IOException {
    var command = ImmutableList.<String>builder();
    // What is still measured meanwhile comes first.
    command.add("nice", "-n", "19", "tshark", "-n", "-r", capture.toString());
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
  public ImmutableList<CapturedFrame> frames(Path capture, Endpoints ends) throws IOException {
    return fields(
            capture,
            "ipv6 && (icmpv6.type == 134 || mip6.mhtype || udp.dstport == "
                + ends.portOut()
                + " || udp.dstport == "
                + ends.portIn()
                + ")",
            CapturedFrame.FIELDS)
        .stream()
        .map(CapturedFrame::parse)
        .collect(ImmutableList.toImmutableList());
  }

  /** The frames with messages of Mobile IPv6, in order of time. */
  public ImmutableList<CapturedFrame> messages(Path capture) throws IOException {
    return fields(capture, "ipv6 && mip6.mhtype", CapturedFrame.FIELDS).stream()
        .map(CapturedFrame::parse)
        .sorted(Comparator.comparingLong(CapturedFrame::nanos))
        .collect(ImmutableList.toImmutableList());
  }

  /** Looks through a whole capture for what should not be there. */
  public Findings findings(Path capture) throws IOException {
    ImmutableList<String> fields =
        ImmutableList.<String>builder()
            .add("frame.number", "_ws.malformed", "esp.spi", "esp.icv_good", "esp.protocol")
            .add("icmpv6.type", "tcp.checksum", "tcp.checksum_calculated")
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
      // What an error quotes is cut off, and may be encrypted: it looks like anything.
      if (!words.get(1).isEmpty() && !isError(words.get(FIRST_STATUS - 3))) {
        malformed++;
      }
      // Of a quoted packet there may be no more than its beginning: it cannot be checked.
      if (!words.get(2).isEmpty() && !isError(words.get(FIRST_STATUS - 3))) {
        if (!words.get(3).startsWith("1")) {
          badIntegrity++;
        }
        if (words.get(4).isEmpty()) {
          unreadable++;
        }
      }
      if (hasBadChecksum(words)) {
        badChecksums++;
      }
    }
    return new Findings(frames, malformed, badChecksums, badIntegrity, unreadable);
  }

  private static boolean hasBadChecksum(List<String> words) {
    List<List<String>> statuses =
        words.subList(FIRST_STATUS, FIRST_STATUS + CHECKSUMS.size()).stream()
            .map(word -> Splitter.on(',').splitToList(word))
            .toList();
    if (isError(words.get(FIRST_STATUS - 3))) {
      return statuses.get(0).get(0).equals(CHECKSUM_BAD);
    }
    // Linux writes the other zero in TCP, too, which tshark does not like though it is the same.
    boolean otherZero =
        words.get(FIRST_STATUS - 2).equals("0xffff")
            && words.get(FIRST_STATUS - 1).equals("0x0000");
    return statuses.stream()
        .limit(otherZero ? CHECKSUMS.size() - 1 : CHECKSUMS.size())
        .anyMatch(it -> it.contains(CHECKSUM_BAD));
  }

  /** Whether the first ICMPv6 message is one of error (RFC 4443 section 2.1: below 128). */
  private static boolean isError(String types) {
    return !types.isEmpty()
        && Integer.parseInt(Splitter.on(',').splitToList(types).get(0)) < FIRST_INFORMATIONAL;
  }
}

package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A small text file that is replaced whole: a title line, lines, and a last line with their number,
 * so that half a file is not taken for one. What cannot be read is kept beside under another name.
 */
final class StateFile {
  private static final Logger log = LoggerFactory.getLogger(StateFile.class);

  private final Path path;
  private final String title;

  /**
   * @param title names contents and version; another one is not understood
   */
  StateFile(Path path, String title) {
    this.path = path;
    this.title = title;
  }

  /** Reads one line. */
  interface Parser<T> {
    /**
     * @throws IllegalArgumentException if the line is not understood
     */
    T parse(String line);
  }

  Path path() {
    return path;
  }

  /**
   * Reads all lines. A file that is not understood is logged, put aside, and counts as empty.
   *
   * @throws IOException if it cannot be read or put aside
   */
  <T> ImmutableList<T> read(Parser<T> parser) throws IOException {
    List<String> lines;
    try {
      lines = List.of(Files.readString(path, StandardCharsets.ISO_8859_1).split("\n", -1));
    } catch (NoSuchFileException e) {
      return ImmutableList.of();
    }
    var found = ImmutableList.<T>builder();
    try {
      if (!lines.get(0).equals(title)) {
        throw new IllegalArgumentException("line 1 is not \"" + title + "\"");
      }
      int last = lines.size() - 2;
      if (last < 1 || !lines.get(last).equals("end " + (last - 1))) {
        throw new IllegalArgumentException("it is cut off");
      }
      for (int i = 1; i < last; i++) {
        try {
          found.add(parser.parse(lines.get(i)));
        } catch (IllegalArgumentException e) {
          throw new IllegalArgumentException("line " + (i + 1) + ": " + e.getMessage(), e);
        }
      }
      return found.build();
    } catch (IllegalArgumentException e) {
      putAside(path, e.getMessage());
      return ImmutableList.of();
    }
  }

  /** Keeps what is not understood under another name, and says so. */
  static void putAside(Path path, @Nullable String why) throws IOException {
    Path aside = path.resolveSibling(path.getFileName() + ".bad-" + Instant.now().getEpochSecond());
    Files.move(path, aside, StandardCopyOption.REPLACE_EXISTING);
    log.error("{} is not understood: {}; kept as {}", path, why, aside);
  }

  /** Replaces the file; when this returns, the new one survives a power cut. */
  void write(Iterable<String> lines) throws IOException {
    List<String> all = new ArrayList<>();
    all.add(title);
    lines.forEach(all::add);
    all.add("end " + (all.size() - 1));
    byte[] octets = (String.join("\n", all) + "\n").getBytes(StandardCharsets.ISO_8859_1);
    Path fresh = path.resolveSibling(path.getFileName() + ".new");
    try (var channel =
        FileChannel.open(
            fresh,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rw-------"));
      var buffer = ByteBuffer.wrap(octets);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      channel.force(true);
    }
    Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    forceFolder();
  }

  void delete() throws IOException {
    Files.deleteIfExists(path);
  }

  /** A rename is durable when its folder is. */
  private void forceFolder() throws IOException {
    Path folder = path.toAbsolutePath().getParent();
    if (folder != null) {
      try (var channel = FileChannel.open(folder, StandardOpenOption.READ)) {
        channel.force(true);
      }
    }
  }
}

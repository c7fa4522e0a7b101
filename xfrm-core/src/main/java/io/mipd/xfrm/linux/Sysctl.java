package io.mipd.xfrm.linux;

import static com.google.common.base.Preconditions.checkArgument;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/** The kernel's parameters under {@code /proc/sys}, of the calling thread's network namespace. */
public final class Sysctl {
  private static final Path ROOT = Path.of("/proc/sys");

  /** Octets of a value; the kernel's own limit for most. */
  private static final int LONGEST = 4096;

  private Sysctl() {}

  /**
   * @param key with slashes, as interface names may hold dots: {@code
   *     net/ipv6/conf/eth0/forwarding}
   * @return its value without the line's end; empty if this kernel has no such parameter
   */
  public static Optional<String> read(String key) throws SystemCallException {
    try {
      return Optional.of(contents(path(key)));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw failure("read", key, e);
    }
  }

  /**
   * In large pieces: these files claim to be empty, so that {@link Files#readString} asks for one
   * octet first, and of a number the kernel gives nothing more to whoever comes back for the rest.
   */
  private static String contents(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      ByteBuffer octets = ByteBuffer.allocate(LONGEST);
      while (octets.hasRemaining() && channel.read(octets) >= 0) {
        // Until its end.
      }
      return new String(octets.array(), 0, octets.position(), StandardCharsets.UTF_8).strip();
    }
  }

  /**
   * @return the value it had before; writing that restores it
   */
  public static String write(String key, String value) throws SystemCallException {
    String before =
        read(key)
            .orElseThrow(
                () -> new SystemCallException("open", key, "ENOENT", "no such parameter here"));
    try {
      Files.writeString(path(key), value);
      return before;
    } catch (IOException e) {
      throw failure("write", key, e);
    }
  }

  private static Path path(String key) {
    var path = ROOT.resolve(key).normalize();
    checkArgument(path.startsWith(ROOT) && !path.equals(ROOT), "not a parameter: %s", key);
    return path;
  }

  private static SystemCallException failure(String call, String key, IOException cause) {
    String message = cause.getMessage() == null ? "" : cause.getMessage();
    String errno;
    if (cause instanceof AccessDeniedException) {
      errno = "EACCES";
    } else if (message.contains("Invalid argument")) {
      errno = "EINVAL";
    } else if (message.contains("Read-only")) {
      errno = "EROFS";
    } else if (message.contains("not permitted")) {
      errno = "EPERM";
    } else {
      errno = "EIO";
    }
    var failure = new SystemCallException(call, key, errno, message);
    failure.initCause(cause);
    return failure;
  }
}

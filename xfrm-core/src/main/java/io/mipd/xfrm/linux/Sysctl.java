package io.mipd.xfrm.linux;

import static com.google.common.base.Preconditions.checkArgument;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/** The kernel's parameters under {@code /proc/sys}, of the calling thread's network namespace. */
public final class Sysctl {
  private static final Path ROOT = Path.of("/proc/sys");

  private Sysctl() {}

  /**
   * @param key with slashes, as interface names may hold dots: {@code
   *     net/ipv6/conf/eth0/forwarding}
   * @return its value without the line's end; empty if this kernel has no such parameter
   */
  public static Optional<String> read(String key) throws SystemCallException {
    try {
      return Optional.of(Files.readString(path(key)).strip());
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw failure("read", key, e);
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

package io.mipd.daemon;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;

/** Where a daemon keeps what must survive it; one daemon at a time. */
final class StateDirectory {
  private final Path path;

  StateDirectory(Path path) {
    this.path = path;
  }

  /** Held by the one daemon; the kernel frees it when the process dies. */
  record Lock(Path path, FileChannel channel) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  /**
   * Makes the directory if need be, readable by its owner alone, and takes it.
   *
   * @throws IOException if another process has it
   */
  Lock lock() throws IOException {
    if (!Files.isDirectory(path)) {
      Files.createDirectories(path);
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx------"));
    }
    var channel =
        FileChannel.open(path.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock lock;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      lock = null;
    }
    if (lock == null) {
      channel.close();
      throw new IOException("another mipd uses " + path);
    }
    return new Lock(path, channel);
  }
}

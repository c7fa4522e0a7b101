package io.mipd.xfrm.linux;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** Network namespaces other than the process's own. */
public final class NetworkNamespace {
  private static final int O_CLOEXEC = 0x80000;
  private static final int CLONE_NEWNET = 0x4000_0000;

  private NetworkNamespace() {}

  /** Where {@code ip netns} keeps a namespace. */
  public static Path named(String name) {
    return Path.of("/run/netns", name);
  }

  /**
   * Does something inside a namespace, on a thread of its own, and waits for it. Sockets opened
   * there stay in the namespace and can be used by any thread; so do processes started there.
   *
   * @throws SystemCallException if the namespace cannot be entered
   * @throws Exception what {@code work} throws
   */
  public static <T> T within(Path namespace, Callable<T> work) throws Exception {
    // The thread ends with the work, so none is ever left in a namespace that others do not expect.
    var task =
        new FutureTask<T>(
            () -> {
              enter(namespace);
              return work.call();
            });
    var thread = new Thread(task, "in " + namespace);
    thread.setDaemon(true);
    thread.start();
    try {
      return task.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Exception cause) {
        throw cause;
      }
      throw e;
    }
  }

  private static void enter(Path namespace) throws SystemCallException {
    int fd = Native.check(Native.C.open(namespace.toString(), O_CLOEXEC), "open", namespace);
    try (var descriptor = new FileDescriptor(fd, namespace.toString())) {
      Native.check(Native.C.setns(descriptor.number(), CLONE_NEWNET), "setns", namespace);
    }
  }
}

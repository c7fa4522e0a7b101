package io.mipd.xfrm.linux;

import java.nio.file.Path;
import java.util.concurrent.Callable;

/** Network namespaces other than the process's own. */
@SuppressWarnings("DoNotCallSuggester") // no bodies yet
public final class NetworkNamespace {
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
    throw new UnsupportedOperationException();
  }
}

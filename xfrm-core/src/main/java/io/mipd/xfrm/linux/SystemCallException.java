package io.mipd.xfrm.linux;

import java.io.IOException;

/**
 * A system call failed: {@code setns(/run/netns/mn): EPERM (Operation not permitted)}. The name and
 * not the number of the error is what callers compare.
 */
public class SystemCallException extends IOException {
  private final String call;
  private final String object;
  private final String errno;

  /**
   * @param call the system call
   * @param object what it was about: an interface, a path, an address
   * @param errno the symbolic name of the error, such as {@code EPERM}
   * @param text the error in words
   */
  public SystemCallException(String call, String object, String errno, String text) {
    super(call + "(" + object + "): " + errno + (text.isEmpty() ? "" : " (" + text + ")"));
    this.call = call;
    this.object = object;
    this.errno = errno;
  }

  public String call() {
    return call;
  }

  public String object() {
    return object;
  }

  /** The symbolic name of the error, such as {@code EPERM}. */
  public String errno() {
    return errno;
  }

  public boolean is(String name) {
    return errno.equals(name);
  }
}

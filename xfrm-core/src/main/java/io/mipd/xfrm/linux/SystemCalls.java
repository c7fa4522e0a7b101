package io.mipd.xfrm.linux;

/** The way to the C library. */
public final class SystemCalls {
  private SystemCalls() {}

  /**
   * Has it made, which takes some tenths of a second, while the caller does something else. Who
   * needs it before it is there waits.
   */
  public static void prepare() {
    var thread = new Thread(Native::runtime, "system calls");
    thread.setDaemon(true);
    thread.start();
  }
}

package io.mipd.xfrm.linux;

import static com.google.common.base.Preconditions.checkArgument;

import java.lang.ref.Reference;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Waits for any of several descriptors to be readable ({@code epoll}, level triggered) and runs
 * what was registered with each. One thread polls; {@link #wakeUp} may be called by any.
 */
public final class Poller implements AutoCloseable {
  private static final int EPOLL_CLOEXEC = 0x80000;
  private static final int EPOLL_CTL_ADD = 1;
  private static final int EPOLL_CTL_DEL = 2;
  private static final int EPOLLIN = 1;
  private static final int EFD_CLOEXEC = 0x80000;
  private static final int EFD_NONBLOCK = 0x800;
  private static final int EVENTS = 64;

  // struct epoll_event is packed on x86-64 and nowhere else: events, then 64 bits of data.
  private static final boolean PACKED = System.getProperty("os.arch", "").equals("amd64");
  private static final int EVENT_SIZE = PACKED ? 12 : 16;
  private static final int EVENT_DATA = PACKED ? 4 : 8;

  private final FileDescriptor epoll;
  private final FileDescriptor wake;
  private final NativeMemory events = new NativeMemory(EVENTS * EVENT_SIZE);
  private final NativeMemory one = new NativeMemory(8);
  private final NativeMemory drained = new NativeMemory(8);
  private final Object wakeLock = new Object();
  private @Nullable Runnable[] handlers = new Runnable[64];
  private boolean closed;

  private Poller(FileDescriptor epoll, FileDescriptor wake) {
    this.epoll = epoll;
    this.wake = wake;
    one.buffer().putLong(0, 1);
  }

  public static Poller open() throws SystemCallException {
    int epollFd = Native.check(Native.C.epoll_create1(EPOLL_CLOEXEC), "epoll_create1", "poller");
    var epoll = new FileDescriptor(epollFd, "poller");
    try {
      int wakeFd =
          Native.check(Native.C.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd", "poller");
      var poller = new Poller(epoll, new FileDescriptor(wakeFd, "poller"));
      poller.add(wakeFd, poller::drain);
      return poller;
    } catch (SystemCallException e) {
      epoll.close();
      throw e;
    }
  }

  /** Runs {@code onReadable} in {@link #poll} whenever {@code fd} is readable or broken. */
  public void add(int fd, Runnable onReadable) throws SystemCallException {
    checkArgument(fd >= 0, "not a descriptor: %s", fd);
    var event = new NativeMemory(EVENT_SIZE);
    event.buffer().putInt(0, EPOLLIN);
    event.buffer().putInt(EVENT_DATA, fd);
    try {
      Native.check(
          Native.C.epoll_ctl(epoll.number(), EPOLL_CTL_ADD, fd, event.address()), "epoll_ctl", fd);
    } finally {
      Reference.reachabilityFence(event);
    }
    if (fd >= handlers.length) {
      handlers = Arrays.copyOf(handlers, Math.max(fd + 1, handlers.length * 2));
    }
    handlers[fd] = onReadable;
  }

  /** Forgets a descriptor; to be called before it is closed. Unknown ones are ignored. */
  public void remove(int fd) {
    if (fd >= 0 && fd < handlers.length && handlers[fd] != null) {
      handlers[fd] = null;
      Native.C.epoll_ctl(epoll.number(), EPOLL_CTL_DEL, fd, events.address());
    }
  }

  /**
   * Waits, and runs what there is to run.
   *
   * @param timeoutMillis how long at most; 0 not at all, -1 without end
   * @return how many descriptors were readable
   */
  public int poll(int timeoutMillis) throws SystemCallException {
    int count = Native.C.epoll_wait(epoll.number(), events.address(), EVENTS, timeoutMillis);
    if (count < 0) {
      if (Native.errno() == Errno.EINTR) {
        return 0;
      }
      throw Native.failure("epoll_wait", "poller");
    }
    for (int i = 0; i < count; i++) {
      int fd = events.buffer().getInt(i * EVENT_SIZE + EVENT_DATA);
      // What ran before it in this round may have removed it.
      Runnable handler = handlers[fd];
      if (handler != null) {
        handler.run();
      }
    }
    return count;
  }

  /** Makes the {@link #poll} that waits, or else the next one, return at once. */
  public void wakeUp() {
    synchronized (wakeLock) {
      // Never into a descriptor that was closed and has since become something else.
      if (!closed) {
        Native.C.write(wake.number(), one.address(), 8);
      }
    }
  }

  private void drain() {
    Native.C.read(wake.number(), drained.address(), 8);
  }

  @Override
  public void close() {
    synchronized (wakeLock) {
      closed = true;
      wake.close();
    }
    epoll.close();
  }
}

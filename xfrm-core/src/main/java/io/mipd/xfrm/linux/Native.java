package io.mipd.xfrm.linux;

import static com.google.common.base.Preconditions.checkState;

import java.nio.ByteOrder;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Runtime;

/** The loaded C library, and its last error in words. */
final class Native {
  static final LibC C = LibraryLoader.create(LibC.class).load("c");
  private static final Runtime RUNTIME = Runtime.getRuntime(C);

  static {
    // The layouts in this package and the netlink codecs are written for these.
    checkState(ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN, "needs a little-endian machine");
    checkState(RUNTIME.addressSize() == 8, "needs a 64-bit machine");
  }

  private Native() {}

  static Runtime runtime() {
    return RUNTIME;
  }

  /** The calling thread's {@code errno} after the last call, which must have failed. */
  static int errno() {
    return RUNTIME.getLastError();
  }

  /** The failure of the call just made. */
  static SystemCallException failure(String call, Object object) {
    return failure(call, object, errno());
  }

  static SystemCallException failure(String call, Object object, int errno) {
    return new SystemCallException(call, object.toString(), Errno.name(errno), C.strerror(errno));
  }

  /** Gives {@code result} back unless it says that the call failed. */
  static int check(int result, String call, Object object) throws SystemCallException {
    if (result < 0) {
      throw failure(call, object);
    }
    return result;
  }
}

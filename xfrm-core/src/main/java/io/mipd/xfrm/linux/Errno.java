package io.mipd.xfrm.linux;

import com.google.common.collect.ImmutableMap;

/** Error numbers of {@code asm-generic/errno.h} and their names. */
final class Errno {
  static final int ENOENT = 2;
  static final int ESRCH = 3;
  static final int EINTR = 4;
  static final int EIO = 5;
  static final int EAGAIN = 11;
  static final int ENOMEM = 12;
  static final int EEXIST = 17;
  static final int ENODEV = 19;
  static final int EINVAL = 22;
  static final int EMSGSIZE = 90;
  static final int EADDRNOTAVAIL = 99;
  static final int ENETDOWN = 100;
  static final int ENOBUFS = 105;

  private static final ImmutableMap<Integer, String> NAMES =
      ImmutableMap.<Integer, String>builder()
          .put(1, "EPERM")
          .put(ENOENT, "ENOENT")
          .put(ESRCH, "ESRCH")
          .put(EINTR, "EINTR")
          .put(EIO, "EIO")
          .put(6, "ENXIO")
          .put(7, "E2BIG")
          .put(9, "EBADF")
          .put(EAGAIN, "EAGAIN")
          .put(ENOMEM, "ENOMEM")
          .put(13, "EACCES")
          .put(14, "EFAULT")
          .put(16, "EBUSY")
          .put(EEXIST, "EEXIST")
          .put(18, "EXDEV")
          .put(ENODEV, "ENODEV")
          .put(20, "ENOTDIR")
          .put(21, "EISDIR")
          .put(EINVAL, "EINVAL")
          .put(23, "ENFILE")
          .put(24, "EMFILE")
          .put(25, "ENOTTY")
          .put(28, "ENOSPC")
          .put(30, "EROFS")
          .put(32, "EPIPE")
          .put(34, "ERANGE")
          .put(36, "ENAMETOOLONG")
          .put(38, "ENOSYS")
          .put(40, "ELOOP")
          .put(61, "ENODATA")
          .put(71, "EPROTO")
          .put(75, "EOVERFLOW")
          .put(77, "EBADFD")
          .put(88, "ENOTSOCK")
          .put(89, "EDESTADDRREQ")
          .put(EMSGSIZE, "EMSGSIZE")
          .put(91, "EPROTOTYPE")
          .put(92, "ENOPROTOOPT")
          .put(93, "EPROTONOSUPPORT")
          .put(94, "ESOCKTNOSUPPORT")
          .put(95, "EOPNOTSUPP")
          .put(96, "EPFNOSUPPORT")
          .put(97, "EAFNOSUPPORT")
          .put(98, "EADDRINUSE")
          .put(EADDRNOTAVAIL, "EADDRNOTAVAIL")
          .put(ENETDOWN, "ENETDOWN")
          .put(101, "ENETUNREACH")
          .put(102, "ENETRESET")
          .put(103, "ECONNABORTED")
          .put(104, "ECONNRESET")
          .put(ENOBUFS, "ENOBUFS")
          .put(106, "EISCONN")
          .put(107, "ENOTCONN")
          .put(110, "ETIMEDOUT")
          .put(111, "ECONNREFUSED")
          .put(112, "EHOSTDOWN")
          .put(113, "EHOSTUNREACH")
          .put(114, "EALREADY")
          .put(115, "EINPROGRESS")
          .buildOrThrow();

  private Errno() {}

  static String name(int errno) {
    return NAMES.getOrDefault(errno, "errno " + errno);
  }

  /** Whether a packet was refused for what the moment or the packet is; the next one may pass. */
  static boolean isTransient(int errno) {
    return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || errno == EINTR;
  }
}

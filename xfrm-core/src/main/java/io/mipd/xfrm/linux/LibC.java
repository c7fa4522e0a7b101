package io.mipd.xfrm.linux;

import jnr.ffi.types.intptr_t;
import jnr.ffi.types.size_t;
import jnr.ffi.types.ssize_t;

/**
 * The C library's functions as they are. Addresses are passed as numbers: that costs the least.
 * Public only because the class that jnr-ffi makes of it lives elsewhere; {@link Native} is the way
 * to it.
 */
public interface LibC {
  int open(String path, int flags);

  int close(int fd);

  int ioctl(int fd, @size_t long request, @intptr_t long argument);

  @ssize_t
  long read(int fd, @intptr_t long buffer, @size_t long length);

  @ssize_t
  long write(int fd, @intptr_t long buffer, @size_t long length);

  int socket(int domain, int type, int protocol);

  int bind(int fd, @intptr_t long address, int length);

  int connect(int fd, @intptr_t long address, int length);

  int getsockname(int fd, @intptr_t long address, @intptr_t long length);

  int setsockopt(int fd, int level, int name, @intptr_t long value, int length);

  int getsockopt(int fd, int level, int name, @intptr_t long value, @intptr_t long length);

  @ssize_t
  long send(int fd, @intptr_t long buffer, @size_t long length, int flags);

  @ssize_t
  long recv(int fd, @intptr_t long buffer, @size_t long length, int flags);

  @ssize_t
  long sendmsg(int fd, @intptr_t long message, int flags);

  int sendmmsg(int fd, @intptr_t long messages, int count, int flags);

  int recvmmsg(int fd, @intptr_t long messages, int count, int flags, @intptr_t long timeout);

  int epoll_create1(int flags);

  int epoll_ctl(int epoll, int operation, int fd, @intptr_t long event);

  int epoll_wait(int epoll, @intptr_t long events, int count, int timeoutMillis);

  int eventfd(int initial, int flags);

  int setns(int fd, int type);

  int if_nametoindex(String name);

  @intptr_t
  long if_indextoname(int index, @intptr_t long name);

  String strerror(int errno);
}

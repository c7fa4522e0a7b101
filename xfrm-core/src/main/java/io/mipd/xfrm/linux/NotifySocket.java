package io.mipd.xfrm.linux;

import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;

/**
 * Datagrams to a service manager's Unix domain socket, as {@code sd_notify(3)} sends them.
 *
 * <pre>
 *  0            2
 *  +------------+------------------------------------+
 *  | sun_family | sun_path, 108 octets at most       |   struct sockaddr_un, unix(7)
 *  +------------+------------------------------------+
 * </pre>
 */
public final class NotifySocket implements AutoCloseable {
  private static final int AF_UNIX = 1;
  private static final int SOCK_DGRAM = 2;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int LONGEST_PATH = 108;

  private final FileDescriptor descriptor;

  private NotifySocket(FileDescriptor descriptor) {
    this.descriptor = descriptor;
  }

  /**
   * @param path of the file, or {@code @} and a name of the abstract space
   * @throws SystemCallException if nobody listens there
   * @throws IllegalArgumentException if it is empty or longer than 108 octets
   */
  public static NotifySocket connect(String path) throws SystemCallException {
    byte[] octets = path.getBytes(StandardCharsets.UTF_8);
    if (octets.length == 0 || octets.length > LONGEST_PATH) {
      throw new IllegalArgumentException("no path of a socket, 1 to 108 octets: " + path);
    }
    boolean isAbstract = octets[0] == '@';
    if (isAbstract) {
      octets[0] = 0;
    }
    var descriptor = FileDescriptor.socket(AF_UNIX, SOCK_DGRAM, 0, path);
    // A path ends with a zero, if there is room for it; an abstract name by its length alone.
    int length = 2 + octets.length + (isAbstract || octets.length == LONGEST_PATH ? 0 : 1);
    var address = new NativeMemory(2 + LONGEST_PATH);
    address.buffer().putShort(0, (short) AF_UNIX);
    address.buffer().put(2, octets);
    try {
      Native.check(
          Native.C.connect(descriptor.number(), address.address(), length), "connect", path);
    } catch (SystemCallException e) {
      descriptor.close();
      throw e;
    } finally {
      Reference.reachabilityFence(address);
    }
    return new NotifySocket(descriptor);
  }

  /** Sends a text, as one datagram. */
  public void send(String text) throws SystemCallException {
    byte[] octets = text.getBytes(StandardCharsets.UTF_8);
    var memory = new NativeMemory(octets.length);
    memory.buffer().put(0, octets);
    try {
      Native.check(
          (int) Native.C.send(descriptor.number(), memory.address(), octets.length, MSG_NOSIGNAL),
          "send",
          descriptor.object());
    } finally {
      Reference.reachabilityFence(memory);
    }
  }

  @Override
  public void close() {
    descriptor.close();
  }
}

package io.mipd.xfrm.linux;

/**
 * Messages for {@code recvmmsg} and {@code sendmmsg}: headers, names, control data and octets in
 * native memory that is used again and again.
 *
 * <pre>
 * struct mmsghdr, 64 bits:
 *  0          8             16        24           32            40               48         56
 *  +----------+-------------+---------+------------+-------------+----------------+----------+---------+
 *  | msg_name | msg_namelen | msg_iov | msg_iovlen | msg_control | msg_controllen | msg_flags| msg_len |
 *  +----------+-------------+---------+------------+-------------+----------------+----------+---------+
 * struct iovec:  iov_base, iov_len
 * </pre>
 */
final class MessageBatch {
  private static final int HEADER_SIZE = 64;
  private static final int NAME = 0;
  private static final int NAME_LENGTH = 8;
  private static final int VECTOR = 16;
  private static final int VECTOR_LENGTH = 24;
  private static final int CONTROL = 32;
  private static final int CONTROL_LENGTH = 40;
  private static final int FLAGS = 48;
  private static final int LENGTH = 56;
  private static final int VECTOR_SIZE = 16;
  private static final int MSG_TRUNC = 0x20;
  private static final int MSG_DONTWAIT = 0x40;

  private final int capacity;
  private final int nameSize;
  private final int controlSize;
  private final NativeMemory headers;
  private final NativeMemory vectors;
  private final NativeMemory names;
  private final NativeMemory controls;
  private final NativeMemory octets;

  /**
   * @param capacity messages
   * @param octetsSize octets for all messages together
   * @param nameSize octets of each address, a multiple of 4
   * @param controlSize octets of each message's control data, a multiple of 8; may be 0
   */
  MessageBatch(int capacity, int octetsSize, int nameSize, int controlSize) {
    this.capacity = capacity;
    this.nameSize = nameSize;
    this.controlSize = controlSize;
    headers = new NativeMemory(capacity * HEADER_SIZE);
    vectors = new NativeMemory(capacity * VECTOR_SIZE);
    names = new NativeMemory(capacity * nameSize);
    controls = new NativeMemory(Math.max(8, capacity * controlSize));
    octets = new NativeMemory(octetsSize);
    for (int i = 0; i < capacity; i++) {
      var memory = headers.buffer();
      int at = i * HEADER_SIZE;
      memory.putLong(at + NAME, names.address(i * nameSize));
      memory.putLong(at + VECTOR, vectors.address(i * VECTOR_SIZE));
      memory.putLong(at + VECTOR_LENGTH, 1);
      memory.putLong(at + CONTROL, controlSize == 0 ? 0 : controls.address(i * controlSize));
    }
  }

  /** A batch in which each message has the same share of the octets, to be received into. */
  static MessageBatch forReceiving(int capacity, int messageSize, int nameSize, int controlSize) {
    var batch = new MessageBatch(capacity, capacity * messageSize, nameSize, controlSize);
    for (int i = 0; i < capacity; i++) {
      batch.place(i, i * messageSize, messageSize);
    }
    return batch;
  }

  /** Message {@code i} stands at {@code offset} of the octets. */
  void place(int i, int offset, int length) {
    vectors.buffer().putLong(i * VECTOR_SIZE, octets.address(offset));
    vectors.buffer().putLong(i * VECTOR_SIZE + 8, length);
  }

  NativeMemory octets() {
    return octets;
  }

  NativeMemory names() {
    return names;
  }

  NativeMemory controls() {
    return controls;
  }

  /** Octets of message {@code i} after it was received. */
  int length(int i) {
    return headers.buffer().getInt(i * HEADER_SIZE + LENGTH);
  }

  int controlLength(int i) {
    return (int) headers.buffer().getLong(i * HEADER_SIZE + CONTROL_LENGTH);
  }

  /** Whether message {@code i} was longer than its room. */
  boolean isTruncated(int i) {
    return (headers.buffer().getInt(i * HEADER_SIZE + FLAGS) & MSG_TRUNC) != 0;
  }

  /**
   * Receives what there is, without waiting.
   *
   * @return how many messages; negative for {@code -errno}
   */
  int receive(int fd, int limit) {
    int count = Math.min(limit, capacity);
    var memory = headers.buffer();
    for (int i = 0; i < count; i++) {
      int at = i * HEADER_SIZE;
      memory.putInt(at + NAME_LENGTH, nameSize);
      memory.putLong(at + CONTROL_LENGTH, controlSize);
      memory.putInt(at + FLAGS, 0);
    }
    int received = Native.C.recvmmsg(fd, headers.address(), count, MSG_DONTWAIT, 0);
    return received >= 0 ? received : -Native.errno();
  }

  /**
   * Sends messages without waiting.
   *
   * @return how many, from {@code first}; negative for {@code -errno} of the first
   */
  int send(int fd, int first, int count) {
    var memory = headers.buffer();
    for (int i = first; i < first + count; i++) {
      memory.putInt(i * HEADER_SIZE + NAME_LENGTH, nameSize);
    }
    int sent = Native.C.sendmmsg(fd, headers.address(first * HEADER_SIZE), count, MSG_DONTWAIT);
    return sent >= 0 ? sent : -Native.errno();
  }
}

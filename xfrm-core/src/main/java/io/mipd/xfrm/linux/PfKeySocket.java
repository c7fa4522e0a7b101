package io.mipd.xfrm.linux;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.mipd.xfrm.pfkey.PfKeyCodec;
import io.mipd.xfrm.pfkey.PfKeyMessage;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * A socket of Linux's {@code af_key}. Everything that anybody changes is told to every such socket,
 * so what is not the answer is passed over.
 */
final class PfKeySocket implements AutoCloseable {
  private static final int PF_KEY = 15;
  private static final int SOCK_RAW = 3;
  private static final int PF_KEY_V2 = 2;
  private static final int SOL_SOCKET = 1;
  private static final int SO_RCVTIMEO = 20;
  private static final int MSG_DONTWAIT = 0x40;

  /** Offset of sadb_msg_pid (RFC 2367 section 2.3.1). */
  private static final int PROCESS = 12;

  private static final int QUEUE = 4 << 20;
  private static final int BUFFER = 64 << 10;
  private static final int ANSWER_SECONDS = 5;

  /** Messages that are read at once at most: a kernel that talks faster is not waited for. */
  private static final int MAX_QUEUED = 1 << 16;

  private final FileDescriptor descriptor;
  private final int process;
  private final NativeMemory memory = new NativeMemory(BUFFER);
  private final byte[] octets = new byte[BUFFER];
  private final ByteBuf request = Unpooled.buffer(4096);
  private int sequence;

  private PfKeySocket(FileDescriptor descriptor, int process) {
    this.descriptor = descriptor;
    this.process = process;
  }

  /**
   * @param process by which answers to us are known, and by which the kernel tells listeners of
   *     netlink whose doing a change is
   * @throws SystemCallException with EAFNOSUPPORT where the kernel has no {@code af_key}
   */
  static PfKeySocket open(int process) throws SystemCallException {
    var descriptor = FileDescriptor.blockingSocket(PF_KEY, SOCK_RAW, PF_KEY_V2, "pf_key");
    try {
      // struct timeval
      var timeout = new NativeMemory(16);
      timeout.buffer().putLong(0, ANSWER_SECONDS);
      descriptor.setOption(SOL_SOCKET, SO_RCVTIMEO, timeout);
      descriptor.setQueues(QUEUE);
      return new PfKeySocket(descriptor, process);
    } catch (SystemCallException e) {
      descriptor.close();
      throw e;
    }
  }

  /**
   * Has a request carried out.
   *
   * @param object what it is about, for failures
   */
  void request(String name, PfKeyMessage message, Object object) throws SystemCallException {
    PfKeyMessage sent = send(name, message, object);
    await(name, object, answer -> isAnswer(answer, sent));
  }

  /**
   * Has a request carried out that the kernel answers by telling everybody what has been done.
   *
   * @param done whether a message tells that
   */
  void request(String name, PfKeyMessage message, Object object, Predicate<PfKeyMessage> done)
      throws SystemCallException {
    PfKeyMessage sent = send(name, message, object);
    await(
        name,
        object,
        answer ->
            isAnswer(answer, sent)
                || (answer.type() == message.type() && answer.errno() == 0 && done.test(answer)));
  }

  /** What a request lists; nothing if the kernel has none of it. */
  ImmutableList<PfKeyMessage> list(String name, PfKeyMessage message) throws SystemCallException {
    PfKeyMessage sent = send(name, message, "");
    var all = ImmutableList.<PfKeyMessage>builder();
    while (true) {
      // In a list the sequence counts down to 0.
      PfKeyMessage next =
          receive(
              name,
              "",
              answer -> answer.type() == sent.type() && answer.process() == sent.process());
      if (next.errno() == Errno.ENOENT) {
        return ImmutableList.of();
      }
      check(name, "", next);
      all.add(next);
      if (next.sequence() == 0) {
        return all.build();
      }
    }
  }

  private PfKeyMessage send(String name, PfKeyMessage message, Object object)
      throws SystemCallException {
    hear();
    PfKeyMessage numbered = message.numbered(++sequence, process);
    request.clear();
    PfKeyCodec.encode(numbered, request);
    int length = request.readableBytes();
    memory.buffer().put(0, request.array(), request.arrayOffset(), length);
    long sent = Native.C.send(descriptor.number(), memory.address(), length, 0);
    int errno = sent < 0 ? Native.errno() : 0;
    // Keys may have been among it.
    memory.buffer().put(0, new byte[length]);
    request.setZero(0, length);
    if (errno != 0) {
      throw Native.failure(name, object, errno);
    }
    return numbered;
  }

  private static boolean isAnswer(PfKeyMessage answer, PfKeyMessage sent) {
    return answer.type() == sent.type()
        && answer.sequence() == sent.sequence()
        && answer.process() == sent.process();
  }

  private void await(String name, Object object, Predicate<PfKeyMessage> isIt)
      throws SystemCallException {
    check(name, object, receive(name, object, isIt));
  }

  private static void check(String name, Object object, PfKeyMessage answer)
      throws SystemCallException {
    if (answer.errno() != 0) {
      throw Native.failure(name, object, answer.errno());
    }
  }

  private PfKeyMessage receive(String name, Object object, Predicate<PfKeyMessage> isIt)
      throws SystemCallException {
    long deadline = System.nanoTime() + ANSWER_SECONDS * 1_000_000_000L;
    while (true) {
      Optional<PfKeyMessage> message = receive(name, object, 0);
      if (message.isPresent() && isIt.test(message.get())) {
        return message.get();
      }
      if (System.nanoTime() - deadline > 0) {
        throw unanswered(name, object);
      }
    }
  }

  /** Empty if the call was interrupted, or somebody else's message cannot be read. */
  private Optional<PfKeyMessage> receive(String name, Object object, int flags)
      throws SystemCallException {
    long length = Native.C.recv(descriptor.number(), memory.address(), BUFFER, flags);
    if (length < 0) {
      int errno = Native.errno();
      if (errno == Errno.EINTR) {
        return Optional.empty();
      }
      throw errno == Errno.EAGAIN ? unanswered(name, object) : Native.failure(name, object, errno);
    }
    memory.buffer().get(0, octets, 0, (int) length);
    try {
      return Optional.of(PfKeyCodec.decode(Unpooled.wrappedBuffer(octets, 0, (int) length)));
    } catch (MalformedPacketException e) {
      if (!isOurs((int) length)) {
        return Optional.empty();
      }
      var failure =
          new SystemCallException(
              name, object.toString(), "EBADMSG", String.valueOf(e.getMessage()));
      failure.initCause(e);
      throw failure;
    }
  }

  /** Whether what has come is about a request of ours: everybody hears what others are told. */
  private boolean isOurs(int length) {
    return length >= PROCESS + Integer.BYTES
        && ByteBuffer.wrap(octets).order(ByteOrder.nativeOrder()).getInt(PROCESS) == process;
  }

  private static SystemCallException unanswered(String name, Object object) {
    return new SystemCallException(
        name, object.toString(), "ETIMEDOUT", "no answer in " + ANSWER_SECONDS + " s");
  }

  /** What everybody has been told meanwhile, without waiting. */
  ImmutableList<PfKeyMessage> hear() throws SystemCallException {
    var all = ImmutableList.<PfKeyMessage>builder();
    for (int i = 0; i < MAX_QUEUED; i++) {
      Optional<PfKeyMessage> message;
      try {
        message = receive("recv", descriptor.object(), MSG_DONTWAIT);
      } catch (SystemCallException e) {
        if (e.is("ETIMEDOUT")) {
          break;
        }
        throw e;
      }
      message.ifPresent(all::add);
    }
    return all.build();
  }

  @Override
  public void close() {
    descriptor.close();
  }
}

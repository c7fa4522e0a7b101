package io.mipd.xfrm.linux;

import static io.mipd.xfrm.netlink.NetlinkMessage.NLMSG_DONE;
import static io.mipd.xfrm.netlink.NetlinkMessage.NLMSG_ERROR;
import static io.mipd.xfrm.netlink.NetlinkMessage.NLM_F_ACK;
import static io.mipd.xfrm.netlink.NetlinkMessage.NLM_F_DUMP;
import static io.mipd.xfrm.netlink.NetlinkMessage.NLM_F_DUMP_INTR;
import static io.mipd.xfrm.netlink.NetlinkMessage.NLM_F_REQUEST;
import static io.mipd.xfrm.packet.MalformedPacketException.Reason.BAD_VALUE;

import io.mipd.xfrm.netlink.NetlinkMessage;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A netlink socket: one request at a time and its answer, or a listener to groups. */
final class NetlinkSocket implements AutoCloseable {
  static final int NETLINK_ROUTE = 0;
  static final int NETLINK_XFRM = 6;

  /** Messages of a batch that go into one datagram at most. */
  static final int BATCH = 256;

  private static final int MAX_QUEUED = 1 << 20;
  private static final int AF_NETLINK = 16;
  private static final int SOCK_RAW = 3;
  private static final int SOL_SOCKET = 1;
  private static final int SO_RCVTIMEO = 20;
  private static final int SOL_NETLINK = 270;
  private static final int NETLINK_ADD_MEMBERSHIP = 1;
  private static final int NETLINK_DROP_MEMBERSHIP = 2;
  private static final int NETLINK_CAP_ACK = 10;
  private static final int NETLINK_EXT_ACK = 11;
  private static final int NETLINK_GET_STRICT_CHK = 12;
  private static final int MSG_TRUNC = 0x20;

  private static final int SOCKADDR_NL = 12;
  private static final int QUEUE = 4 << 20;
  private static final int BUFFER = 256 << 10;

  /** Answers read at a time, and their octets: a header, the request's header, an explanation. */
  private static final int ANSWERS = 64;

  private static final int ANSWER = 1024;

  // Offsets in a message: nlmsg_type, nlmsg_seq, and the error of an NLMSG_ERROR.
  private static final int TYPE = 4;
  private static final int SEQUENCE = 8;
  private static final int ERROR = NetlinkMessage.HEADER;

  private static final int ANSWER_SECONDS = 5;
  private static final int LIST_ATTEMPTS = 20;

  /** Reads a message's payload. */
  interface Decoder {
    void decode(NetlinkMessage message) throws MalformedPacketException;
  }

  private final FileDescriptor descriptor;
  private final NativeMemory memory = new NativeMemory(BUFFER);
  private final byte[] octets = new byte[BUFFER];
  private final ByteBuf received = Unpooled.wrappedBuffer(octets);
  private final ByteBuf request = Unpooled.buffer(4096);
  private final int port;
  private @Nullable MessageBatch answers;
  private int sequence;

  private NetlinkSocket(FileDescriptor descriptor, int port) {
    this.descriptor = descriptor;
    this.port = port;
  }

  /** A socket for requests; it waits for answers. */
  static NetlinkSocket forRequests(int protocol, String object) throws SystemCallException {
    var descriptor = FileDescriptor.blockingSocket(AF_NETLINK, SOCK_RAW, protocol, object);
    try {
      descriptor.setOption(SOL_NETLINK, NETLINK_EXT_ACK, 1);
      descriptor.setOption(SOL_NETLINK, NETLINK_CAP_ACK, 1);
      descriptor.setOption(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
      // struct timeval
      var timeout = new NativeMemory(16);
      timeout.buffer().putLong(0, ANSWER_SECONDS);
      descriptor.setOption(SOL_SOCKET, SO_RCVTIMEO, timeout);
      // Room for a batch, and for the answers to it, which wait until the whole of it is done.
      descriptor.setQueues(QUEUE);
      return bound(descriptor, 0);
    } catch (SystemCallException e) {
      descriptor.close();
      throw e;
    }
  }

  /**
   * A socket that hears what the kernel tells groups; it never waits.
   *
   * @param groups bit n-1 for group n
   */
  static NetlinkSocket forGroups(int protocol, int groups, String object)
      throws SystemCallException {
    var descriptor = FileDescriptor.socket(AF_NETLINK, SOCK_RAW, protocol, object);
    try {
      descriptor.setQueues(QUEUE);
      return bound(descriptor, groups);
    } catch (SystemCallException e) {
      descriptor.close();
      throw e;
    }
  }

  /** {@code struct sockaddr_nl}: nl_family (2), pad (2), nl_pid (4), nl_groups (4). */
  private static NetlinkSocket bound(FileDescriptor descriptor, int groups)
      throws SystemCallException {
    var address = new NativeMemory(SOCKADDR_NL);
    address.buffer().putShort(0, (short) AF_NETLINK);
    address.buffer().putInt(8, groups);
    descriptor.bind(address);
    var length = new NativeMemory(4);
    length.buffer().putInt(0, SOCKADDR_NL);
    try {
      Native.check(
          Native.C.getsockname(descriptor.number(), address.address(), length.address()),
          "getsockname",
          descriptor.object());
    } finally {
      Reference.reachabilityFence(length);
    }
    return new NetlinkSocket(descriptor, address.buffer().getInt(4));
  }

  /** Hears one more group. */
  void join(int group) throws SystemCallException {
    descriptor.setOption(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
  }

  /** Does not hear of what the requests of this port have changed. */
  void ignore(int otherPort) throws SystemCallException {
    PacketOptions.attachFilter(descriptor, SocketFilter.netlinkNotOf(otherPort));
  }

  /** Hears a group no more. */
  void leave(int group) throws SystemCallException {
    descriptor.setOption(SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, group);
  }

  /** What its requests are known by: notices of what they change carry it. */
  int port() {
    return port;
  }

  int fd() {
    return descriptor.number();
  }

  /** Sends a request and waits until it is acknowledged. */
  void request(String name, int type, int flags, Object object, Consumer<ByteBuf> body)
      throws SystemCallException {
    query(name, type, flags, object, body, message -> {});
  }

  /** Sends a request, hands over what is answered, and waits until it is acknowledged. */
  void query(
      String name, int type, int flags, Object object, Consumer<ByteBuf> body, Decoder decoder)
      throws SystemCallException {
    send(name, type, NLM_F_REQUEST | NLM_F_ACK | flags, object, body);
    collect(name, object, decoder);
  }

  /**
   * Lists objects. A list that changed while it was made is made again.
   *
   * @param element reads one object, or nothing if it is of no interest
   */
  <T> List<T> list(String name, int type, Consumer<ByteBuf> body, ListDecoder<T> element)
      throws SystemCallException {
    for (int attempt = 0; attempt < LIST_ATTEMPTS; attempt++) {
      List<T> elements = new ArrayList<>();
      send(name, type, NLM_F_REQUEST | NLM_F_DUMP, "list", body);
      if (collect(name, "list", message -> element.decode(message, elements))) {
        return elements;
      }
    }
    throw new SystemCallException(
        name, "list", "EINTR", "it changed each of " + LIST_ATTEMPTS + " times it was read");
  }

  /** Reads what one message of a list says. */
  interface ListDecoder<T> {
    void decode(NetlinkMessage message, List<T> elements) throws MalformedPacketException;
  }

  private void send(String name, int type, int flags, Object object, Consumer<ByteBuf> body)
      throws SystemCallException {
    sequence++;
    request.clear();
    int start = NetlinkMessage.begin(request, type, flags, sequence, port);
    body.accept(request);
    NetlinkMessage.end(request, start);
    sendRequest(name, object);
  }

  private void sendRequest(String name, Object object) throws SystemCallException {
    int length = request.readableBytes();
    memory.buffer().put(0, request.array(), request.arrayOffset(), length);
    if (Native.C.send(descriptor.number(), memory.address(), length, 0) < 0) {
      throw Native.failure(name, object);
    }
  }

  /** One message of a batch. */
  record Request(String name, int type, int flags, Object object, Consumer<ByteBuf> body) {}

  /**
   * Carries out requests in their order, many in one datagram. One that fails does not keep those
   * behind it from being carried out. Failures are answered in any case, and before the answer that
   * the last asks for: what is not answered by then is done.
   *
   * @return for each what went wrong, if anything did
   */
  List<Optional<SystemCallException>> batch(List<Request> requests) {
    List<Optional<SystemCallException>> outcomes = new ArrayList<>(requests.size());
    int next = 0;
    while (next < requests.size()) {
      int first = next;
      int firstSequence = sequence + 1;
      int last = 0;
      request.clear();
      while (next < requests.size() && next - first < BATCH) {
        int mark = request.writerIndex();
        var one = requests.get(next);
        int start =
            NetlinkMessage.begin(
                request, one.type(), NLM_F_REQUEST | one.flags(), sequence + 1, port);
        one.body().accept(request);
        NetlinkMessage.end(request, start);
        if (request.writerIndex() > BUFFER && next > first) {
          request.writerIndex(mark);
          break;
        }
        sequence++;
        next++;
        last = start;
      }
      NetlinkMessage.flag(
          request, last, NLM_F_REQUEST | NLM_F_ACK | requests.get(next - 1).flags());
      outcomes.addAll(acknowledged(requests.subList(first, next), firstSequence));
    }
    return outcomes;
  }

  private List<Optional<SystemCallException>> acknowledged(List<Request> sent, int firstSequence) {
    var outcomes = new SystemCallException[sent.size()];
    var answered = new boolean[sent.size()];
    try {
      sendRequest(sent.get(0).name(), sent.get(0).object());
      collectAcknowledgements(sent, firstSequence, outcomes, answered);
    } catch (SystemCallException e) {
      for (int i = 0; i < outcomes.length; i++) {
        outcomes[i] = answered[i] ? outcomes[i] : e;
      }
    }
    return Arrays.stream(outcomes).map(Optional::ofNullable).toList();
  }

  private void collectAcknowledgements(
      List<Request> sent, int firstSequence, SystemCallException[] outcomes, boolean[] answered)
      throws SystemCallException {
    if (answers == null) {
      answers = MessageBatch.forReceiving(ANSWERS, ANSWER, SOCKADDR_NL, 0);
    }
    var first = sent.get(0);
    while (!answered[sent.size() - 1]) {
      // All of the batch has been done when sending it returns, so the answers are there.
      int count = answers.receive(descriptor.number(), ANSWERS);
      if (count == -Errno.EINTR) {
        continue;
      }
      if (count == -Errno.EAGAIN) {
        throw new SystemCallException(
            first.name(),
            first.object().toString(),
            "ENOBUFS",
            "an answer was lost: of some of "
                + sent.size()
                + " requests it is not known whether"
                + " they were done");
      }
      if (count < 0) {
        throw Native.failure(first.name(), first.object(), -count);
      }
      for (int i = 0; i < count; i++) {
        int at = i * ANSWER;
        var memory = answers.octets().buffer();
        int index = memory.getInt(at + SEQUENCE) - firstSequence;
        if (answers.length(i) >= ERROR + 4
            && memory.getShort(at + TYPE) == NLMSG_ERROR
            && index >= 0
            && index < answered.length
            && !answered[index]) {
          answered[index] = true;
          if (memory.getInt(at + ERROR) != 0) {
            outcomes[index] = failure(memory, at, answers.length(i), sent.get(index));
          }
        }
      }
    }
  }

  private SystemCallException failure(ByteBuffer memory, int at, int length, Request request) {
    memory.get(at, octets, 0, length);
    received.setIndex(0, length);
    try {
      var message = NetlinkMessage.read(received);
      var failure =
          message.isEmpty()
              ? null
              : failure(message.get().answer(), request.name(), request.object());
      return failure != null
          ? failure
          : malformed(request.name(), request.object(), new MalformedPacketException(BAD_VALUE, 0));
    } catch (MalformedPacketException e) {
      return malformed(request.name(), request.object(), e);
    }
  }

  private static SystemCallException noAnswer(String name, Object object, int errno) {
    return errno == Errno.EAGAIN
        ? new SystemCallException(
            name, object.toString(), "ETIMEDOUT", "no answer in " + ANSWER_SECONDS + " s")
        : Native.failure(name, object, errno);
  }

  /**
   * Receives until the answer to the last request is complete.
   *
   * @return false if a list was changed, or parts of it lost, meanwhile
   */
  private boolean collect(String name, Object object, Decoder decoder) throws SystemCallException {
    boolean consistent = true;
    while (true) {
      int errno = receive(0);
      if (errno == Errno.ENOBUFS) {
        consistent = false;
        continue;
      }
      if (errno == Errno.EINTR) {
        continue;
      }
      if (errno != 0) {
        throw noAnswer(name, object, errno);
      }
      try {
        Optional<NetlinkMessage> next = NetlinkMessage.read(received);
        while (next.isPresent()) {
          var message = next.get();
          if (message.sequence() == sequence) {
            if (message.has(NLM_F_DUMP_INTR)) {
              consistent = false;
            }
            if (message.type() == NLMSG_ERROR || message.type() == NLMSG_DONE) {
              var failure = failure(message.answer(), name, object);
              if (failure != null) {
                throw failure;
              }
              return consistent;
            }
            decoder.decode(message);
          }
          next = NetlinkMessage.read(received);
        }
      } catch (MalformedPacketException e) {
        throw malformed(name, object, e);
      }
    }
  }

  private static @Nullable NetlinkException failure(
      NetlinkMessage.Answer answer, String name, Object object) {
    int errno = answer.errno();
    return errno == 0
        ? null
        : new NetlinkException(
            name, object.toString(), Errno.name(errno), Native.C.strerror(errno), answer.text());
  }

  private static SystemCallException malformed(
      String name, Object object, MalformedPacketException cause) {
    var failure =
        new SystemCallException(name, object.toString(), "EBADMSG", cause.getMessage() + "");
    failure.initCause(cause);
    return failure;
  }

  /**
   * Reads all that groups were told, without waiting, at most {@code limit} datagrams.
   *
   * @return false if something was lost since the last time
   */
  boolean hear(int limit, Decoder decoder) throws SystemCallException {
    boolean complete = true;
    for (int i = 0; i < limit; i++) {
      int errno = receive(0);
      if (errno == Errno.EAGAIN) {
        return complete;
      }
      if (errno == Errno.ENOBUFS) {
        complete = false;
      } else if (errno != 0 && errno != Errno.EINTR) {
        throw Native.failure("recv", descriptor.object(), errno);
      }
      try {
        Optional<NetlinkMessage> next =
            errno == 0 ? NetlinkMessage.read(received) : Optional.empty();
        while (next.isPresent()) {
          decoder.decode(next.get());
          next = NetlinkMessage.read(received);
        }
      } catch (MalformedPacketException e) {
        throw malformed("recv", descriptor.object(), e);
      }
    }
    return complete;
  }

  /** Throws away what is waiting: it is older than what is asked for after this call. */
  void drain() throws SystemCallException {
    // A queue holds fewer datagrams than this; a kernel that talks faster than we read is not
    // waited for.
    for (int i = 0; i < MAX_QUEUED; i++) {
      int errno = receive(0);
      if (errno == Errno.EAGAIN) {
        return;
      }
      if (errno != 0 && errno != Errno.EINTR && errno != Errno.ENOBUFS) {
        throw Native.failure("recv", descriptor.object(), errno);
      }
    }
  }

  /** Receives one datagram; returns 0 or the error's number. */
  private int receive(int flags) {
    long length = Native.C.recv(descriptor.number(), memory.address(), BUFFER, flags | MSG_TRUNC);
    if (length < 0) {
      return Native.errno();
    }
    // Longer than anything that rtnetlink sends in one datagram: as good as lost.
    if (length > BUFFER) {
      return Errno.ENOBUFS;
    }
    memory.buffer().get(0, octets, 0, (int) length);
    received.setIndex(0, (int) length);
    return 0;
  }

  @Override
  public void close() {
    descriptor.close();
  }
}

package io.mipd.xfrm.netlink;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.BAD_LENGTH;
import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import java.util.Optional;

/**
 * One netlink message: its header's fields, and what follows the header.
 *
 * <pre>
 *  0            4            6             8           12          16
 *  +------------+------------+-------------+-----------+-----------+-------------------
 *  | nlmsg_len  | nlmsg_type | nlmsg_flags | nlmsg_seq | nlmsg_pid | payload ...
 *  +------------+------------+-------------+-----------+-----------+-------------------
 * </pre>
 *
 * <p>{@code struct nlmsghdr} of {@code linux/netlink.h}. Netlink is in the host's byte order; the
 * codecs of this package are for little-endian hosts. Messages begin at multiples of four octets.
 */
public final class NetlinkMessage {
  public static final int HEADER = 16;

  public static final int NLMSG_NOOP = 1;
  public static final int NLMSG_ERROR = 2;
  public static final int NLMSG_DONE = 3;
  public static final int NLMSG_OVERRUN = 4;

  public static final int NLM_F_REQUEST = 0x01;
  public static final int NLM_F_MULTI = 0x02;
  public static final int NLM_F_ACK = 0x04;

  /** What was listed changed meanwhile: the list may have gaps. */
  public static final int NLM_F_DUMP_INTR = 0x10;

  public static final int NLM_F_REPLACE = 0x100;
  public static final int NLM_F_EXCL = 0x200;
  public static final int NLM_F_DUMP = 0x300;
  public static final int NLM_F_CREATE = 0x400;

  /** An error message has attributes that explain it. */
  static final int NLM_F_ACK_TLVS = 0x200;

  /** An error message quotes the header of the request alone. */
  static final int NLM_F_CAPPED = 0x100;

  private static final int NLMSGERR_ATTR_MSG = 1;

  /** Where nlmsg_flags is. */
  private static final int FLAGS = 6;

  private final int type;
  private final int flags;
  private final int sequence;
  private final int port;
  private final ByteBuf payload;

  private NetlinkMessage(int type, int flags, int sequence, int port, ByteBuf payload) {
    this.type = type;
    this.flags = flags;
    this.sequence = sequence;
    this.port = port;
    this.payload = payload;
  }

  /**
   * Begins a message; its length is written by {@link #end}.
   *
   * @return where it begins
   */
  public static int begin(ByteBuf out, int type, int flags, int sequence) {
    return begin(out, type, flags, sequence, 0);
  }

  /**
   * As {@link #begin(ByteBuf, int, int, int)}.
   *
   * @param port of the socket that sends it: the notice of what it changes carries it back
   */
  public static int begin(ByteBuf out, int type, int flags, int sequence, int port) {
    int start = out.writerIndex();
    out.writeIntLE(0);
    out.writeShortLE(type);
    out.writeShortLE(flags);
    out.writeIntLE(sequence);
    out.writeIntLE(port);
    return start;
  }

  /** Sets the flags of the message that {@link #begin} began at {@code start}. */
  public static void flag(ByteBuf out, int start, int flags) {
    out.setShortLE(start + FLAGS, flags);
  }

  /** Completes the message that {@link #begin} began at {@code start}. */
  public static void end(ByteBuf out, int start) {
    out.setIntLE(start, out.writerIndex() - start);
    NetlinkAttribute.pad(out);
  }

  /**
   * Reads the next message of a datagram, which moves past it.
   *
   * @return empty at the end of the datagram; the payload is a view of {@code in}
   */
  public static Optional<NetlinkMessage> read(ByteBuf in) throws MalformedPacketException {
    int start = in.readerIndex();
    if (in.readableBytes() == 0) {
      return Optional.empty();
    }
    if (in.readableBytes() < HEADER) {
      throw new MalformedPacketException(TRUNCATED, start);
    }
    int length = in.readIntLE();
    int type = in.readUnsignedShortLE();
    int flags = in.readUnsignedShortLE();
    int sequence = in.readIntLE();
    int port = in.readIntLE();
    if (length < HEADER || length - HEADER > in.readableBytes()) {
      throw new MalformedPacketException(BAD_LENGTH, start);
    }
    var payload = in.readSlice(length - HEADER);
    in.skipBytes(Math.min(in.readableBytes(), -length & 3));
    return Optional.of(new NetlinkMessage(type, flags, sequence, port, payload));
  }

  public int type() {
    return type;
  }

  public boolean has(int flag) {
    return (flags & flag) != 0;
  }

  /** Whether a request asks for a list. */
  public boolean isDump() {
    return (flags & NLM_F_DUMP) == NLM_F_DUMP;
  }

  public int sequence() {
    return sequence;
  }

  /** The netlink port of the socket whose request caused it; 0 for the kernel's own doing. */
  public int port() {
    return port;
  }

  /** What follows the header; a view, so valid as long as the datagram's octets are. */
  public ByteBuf payload() {
    return payload;
  }

  /**
   * The answer in an NLMSG_ERROR (or in the end of a list).
   *
   * @param errno positive; 0 for success
   * @param text the kernel's explanation (extended acknowledgement), or empty
   */
  public record Answer(int errno, String text) {}

  /**
   * Reads an NLMSG_ERROR or NLMSG_DONE.
   *
   * <pre>
   * NLMSG_ERROR:  error (4), nlmsghdr of the request (16) [its payload unless NLM_F_CAPPED], attributes
   * NLMSG_DONE:   error (4), attributes
   * </pre>
   */
  public Answer answer() throws MalformedPacketException {
    var in = payload.duplicate();
    if (type == NLMSG_DONE && in.readableBytes() < 4) {
      return new Answer(0, "");
    }
    if (in.readableBytes() < 4) {
      throw new MalformedPacketException(TRUNCATED, 0);
    }
    int errno = -in.readIntLE();
    if (!has(NLM_F_ACK_TLVS)) {
      return new Answer(errno, "");
    }
    if (type == NLMSG_ERROR) {
      if (in.readableBytes() < HEADER) {
        throw new MalformedPacketException(TRUNCATED, 4);
      }
      int quoted = has(NLM_F_CAPPED) ? HEADER : in.getIntLE(in.readerIndex());
      int aligned = quoted + 3 & ~3;
      if (quoted < HEADER || aligned > in.readableBytes()) {
        throw new MalformedPacketException(BAD_LENGTH, 4);
      }
      in.skipBytes(aligned);
    }
    String text = "";
    for (var attribute = NetlinkAttribute.read(in);
        attribute != null;
        attribute = NetlinkAttribute.read(in)) {
      if (attribute.type() == NLMSGERR_ATTR_MSG) {
        text = attribute.asString();
      }
    }
    return new Answer(errno, text);
  }
}

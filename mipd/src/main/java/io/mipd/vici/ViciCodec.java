package io.mipd.vici;

import static io.mipd.xfrm.packet.MalformedPacketException.Reason.BAD_LENGTH;
import static io.mipd.xfrm.packet.MalformedPacketException.Reason.BAD_VALUE;
import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TOO_MANY;
import static io.mipd.xfrm.packet.MalformedPacketException.Reason.TRUNCATED;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

// A packet, as the README.md of strongSwan's plugin vici has it:
//
//  +-------------------------------+---------+---------+--------------+---------------- - -
//  |      length of what follows   |  type   | length  |     name     |  message
//  +-------------------------------+---------+---------+--------------+---------------- - -
//    4 octets                        1         1         of commands and events only
//
// A message is a sequence of elements. Each begins with an octet that tells its kind:
//
//  section start  1 | length (1) | name         list start  4 | length (1) | name
//  section end    2                             list item   5 | length (2) | value
//  key value      3 | length (1) | name         list end    6
//                   | length (2) | value

/** Packets of vici from and to octets. */
final class ViciCodec {
  /** Octets behind the length field (VICI_MESSAGE_SIZE_MAX). */
  static final int MAX_LENGTH = 512 * 1024;

  /** Sections within sections; charon's own have four. */
  private static final int MAX_DEPTH = 16;

  private static final int COMMAND_REQUEST = 0;
  private static final int COMMAND_RESPONSE = 1;
  private static final int COMMAND_UNKNOWN = 2;
  private static final int EVENT_REGISTER = 3;
  private static final int EVENT_UNREGISTER = 4;
  private static final int EVENT_CONFIRM = 5;
  private static final int EVENT_UNKNOWN = 6;
  private static final int EVENT = 7;

  private static final int SECTION_START = 1;
  private static final int SECTION_END = 2;
  private static final int KEY_VALUE = 3;
  private static final int LIST_START = 4;
  private static final int LIST_ITEM = 5;
  private static final int LIST_END = 6;

  private ViciCodec() {}

  /**
   * @param in one packet from its type on, without the length
   */
  static ViciPacket decode(ByteBuf in) throws MalformedPacketException {
    int type = octet(in);
    ViciPacket packet =
        switch (type) {
          case COMMAND_REQUEST -> new ViciPacket.CommandRequest(name(in), message(in));
          case COMMAND_RESPONSE -> new ViciPacket.CommandResponse(message(in));
          case COMMAND_UNKNOWN -> new ViciPacket.CommandUnknown();
          case EVENT_REGISTER -> new ViciPacket.EventRegister(name(in));
          case EVENT_UNREGISTER -> new ViciPacket.EventUnregister(name(in));
          case EVENT_CONFIRM -> new ViciPacket.EventConfirm();
          case EVENT_UNKNOWN -> new ViciPacket.EventUnknown();
          case EVENT -> new ViciPacket.Event(name(in), message(in));
          default -> throw new MalformedPacketException(BAD_VALUE, in.readerIndex() - 1);
        };
    if (in.isReadable()) {
      throw new MalformedPacketException(BAD_LENGTH, in.readerIndex());
    }
    return packet;
  }

  private static ViciMessage message(ByteBuf in) throws MalformedPacketException {
    return section(in, 0);
  }

  private static ViciMessage section(ByteBuf in, int depth) throws MalformedPacketException {
    if (depth > MAX_DEPTH) {
      throw new MalformedPacketException(TOO_MANY, in.readerIndex());
    }
    Map<String, ViciElement> elements = new LinkedHashMap<>();
    while (in.isReadable()) {
      int at = in.readerIndex();
      int kind = octet(in);
      if (kind == SECTION_END && depth > 0) {
        return new ViciMessage(ImmutableMap.copyOf(elements));
      }
      // charon itself gives a name twice now and then (local-id with several rounds): the last
      // holds.
      String name = name(in);
      elements.put(
          name,
          switch (kind) {
            case SECTION_START -> section(in, depth + 1);
            case KEY_VALUE -> value(in);
            case LIST_START -> list(in);
            default -> throw new MalformedPacketException(BAD_VALUE, at);
          });
    }
    if (depth > 0) {
      throw new MalformedPacketException(TRUNCATED, in.readerIndex());
    }
    return new ViciMessage(ImmutableMap.copyOf(elements));
  }

  private static ViciElement.Values list(ByteBuf in) throws MalformedPacketException {
    var all = ImmutableList.<ViciElement.Value>builder();
    while (true) {
      int at = in.readerIndex();
      switch (octet(in)) {
        case LIST_ITEM -> all.add(value(in));
        case LIST_END -> {
          return new ViciElement.Values(all.build());
        }
        default -> throw new MalformedPacketException(BAD_VALUE, at);
      }
    }
  }

  private static ViciElement.Value value(ByteBuf in) throws MalformedPacketException {
    require(in, 2);
    int length = in.readUnsignedShort();
    require(in, length);
    return new ViciElement.Value(Octets.read(in, length));
  }

  private static String name(ByteBuf in) throws MalformedPacketException {
    int length = octet(in);
    require(in, length);
    return in.readCharSequence(length, StandardCharsets.UTF_8).toString();
  }

  private static int octet(ByteBuf in) throws MalformedPacketException {
    require(in, 1);
    return in.readUnsignedByte();
  }

  private static void require(ByteBuf in, int octets) throws MalformedPacketException {
    if (in.readableBytes() < octets) {
      throw new MalformedPacketException(TRUNCATED, in.readerIndex());
    }
  }

  /** The packet with its length before it. */
  static void encode(ViciPacket packet, ByteBuf out) {
    int at = out.writerIndex();
    out.writeInt(0);
    if (packet instanceof ViciPacket.CommandRequest request) {
      out.writeByte(COMMAND_REQUEST);
      name(request.command(), out);
      elements(request.message(), out);
    } else if (packet instanceof ViciPacket.CommandResponse response) {
      out.writeByte(COMMAND_RESPONSE);
      elements(response.message(), out);
    } else if (packet instanceof ViciPacket.CommandUnknown) {
      out.writeByte(COMMAND_UNKNOWN);
    } else if (packet instanceof ViciPacket.EventRegister register) {
      out.writeByte(EVENT_REGISTER);
      name(register.event(), out);
    } else if (packet instanceof ViciPacket.EventUnregister unregister) {
      out.writeByte(EVENT_UNREGISTER);
      name(unregister.event(), out);
    } else if (packet instanceof ViciPacket.EventConfirm) {
      out.writeByte(EVENT_CONFIRM);
    } else if (packet instanceof ViciPacket.EventUnknown) {
      out.writeByte(EVENT_UNKNOWN);
    } else if (packet instanceof ViciPacket.Event event) {
      out.writeByte(EVENT);
      name(event.event(), out);
      elements(event.message(), out);
    }
    out.setInt(at, out.writerIndex() - at - Integer.BYTES);
  }

  private static void elements(ViciMessage message, ByteBuf out) {
    message
        .elements()
        .forEach(
            (name, element) -> {
              if (element instanceof ViciMessage section) {
                out.writeByte(SECTION_START);
                name(name, out);
                elements(section, out);
                out.writeByte(SECTION_END);
              } else if (element instanceof ViciElement.Value value) {
                out.writeByte(KEY_VALUE);
                name(name, out);
                value(value, out);
              } else if (element instanceof ViciElement.Values values) {
                out.writeByte(LIST_START);
                name(name, out);
                for (ViciElement.Value value : values.all()) {
                  out.writeByte(LIST_ITEM);
                  value(value, out);
                }
                out.writeByte(LIST_END);
              }
            });
  }

  private static void name(String name, ByteBuf out) {
    byte[] octets = name.getBytes(StandardCharsets.UTF_8);
    out.writeByte(octets.length).writeBytes(octets);
  }

  private static void value(ViciElement.Value value, ByteBuf out) {
    out.writeShort(value.octets().length());
    value.octets().writeTo(out);
  }
}

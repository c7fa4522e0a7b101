package io.mipd.xfrm.linux;

import io.mipd.xfrm.transform.PacketBuffer;
import io.mipd.xfrm.transform.PacketBuffer.Segmentation;
import java.nio.ByteBuffer;

/**
 * What a TUN device or packet socket says of the packet behind it ({@code linux/virtio_net.h}, in
 * the machine's byte order).
 *
 * <pre>
 *  0        1          2         4          6            8             10
 *  +--------+----------+---------+----------+------------+-------------+
 *  | flags  | gso_type | hdr_len | gso_size | csum_start | csum_offset |
 *  +--------+----------+---------+----------+------------+-------------+
 * </pre>
 */
final class VirtioHeader {
  static final int LENGTH = 10;

  private static final int FLAGS = 0;
  private static final int GSO_TYPE = 1;
  private static final int HEADER_LENGTH = 2;
  private static final int GSO_SIZE = 4;
  private static final int CHECKSUM_START = 6;
  private static final int CHECKSUM_OFFSET = 8;

  private static final int NEEDS_CHECKSUM = 1;
  private static final int GSO_TCPV6 = 4;
  private static final int GSO_UDP_L4 = 5;
  private static final int GSO_ECN = 0x80;
  private static final int UDP_HEADER = 8;

  private VirtioHeader() {}

  /**
   * Tells a packet's buffer what the header says.
   *
   * @param linkHeader octets between the header and the packet, which the kernel counts in
   */
  static void read(ByteBuffer memory, int at, int linkHeader, PacketBuffer packet) {
    if ((memory.get(at + FLAGS) & NEEDS_CHECKSUM) != 0) {
      packet.setPartialChecksum(
          (memory.getShort(at + CHECKSUM_START) & 0xffff) - linkHeader,
          memory.getShort(at + CHECKSUM_OFFSET) & 0xffff);
    }
    int segmentSize = memory.getShort(at + GSO_SIZE) & 0xffff;
    int kind = memory.get(at + GSO_TYPE) & 0xff & ~GSO_ECN;
    if (kind == GSO_TCPV6) {
      packet.setSegmentation(Segmentation.TCP, segmentSize);
    } else if (kind == GSO_UDP_L4) {
      packet.setSegmentation(Segmentation.UDP, segmentSize);
    }
  }

  /** Writes what is known of a packet that begins right behind the header. */
  static void write(ByteBuffer memory, int at, PacketBuffer packet) {
    memory.putLong(at, 0);
    memory.putShort(at + 8, (short) 0);
    if (!packet.isChecksumPartial()) {
      return;
    }
    memory.put(at + FLAGS, (byte) NEEDS_CHECKSUM);
    memory.putShort(at + CHECKSUM_START, (short) packet.checksumStart());
    memory.putShort(at + CHECKSUM_OFFSET, (short) packet.checksumOffset());
    if (packet.segmentation() == Segmentation.NONE) {
      return;
    }
    boolean tcp = packet.segmentation() == Segmentation.TCP;
    // Where the payload begins: Data Offset is the upper half of octet 12 (RFC 9293 section 3.1).
    int dataOffset = packet.start() + packet.checksumStart() + 12;
    int transport =
        tcp && dataOffset < packet.end()
            ? ((packet.array()[dataOffset] & 0xf0) >>> 4) * 4
            : UDP_HEADER;
    memory.put(at + GSO_TYPE, (byte) (tcp ? GSO_TCPV6 : GSO_UDP_L4));
    memory.putShort(at + HEADER_LENGTH, (short) (packet.checksumStart() + transport));
    memory.putShort(at + GSO_SIZE, (short) packet.segmentSize());
  }
}

package io.mipd.xfrm.packet;

import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.MalformedPacketException.Reason;
import io.netty.buffer.ByteBuf;

/** What every codec of ours does with a buffer. */
public final class Wire {
  private Wire() {}

  /**
   * @throws MalformedPacketException if fewer octets are left
   */
  public static void require(ByteBuf in, int octets) throws MalformedPacketException {
    if (in.readableBytes() < octets) {
      throw new MalformedPacketException(Reason.TRUNCATED, in.readerIndex());
    }
  }

  /** The buffer must have the sixteen octets. */
  public static Ipv6Address readAddress(ByteBuf in) {
    long high = in.readLong();
    return new Ipv6Address(high, in.readLong());
  }

  public static void write(ByteBuf out, Ipv6Address address) {
    out.writeLong(address.high()).writeLong(address.low());
  }
}

package io.mipd.mobility.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.packet.Ipv6Packet;
import io.mipd.xfrm.packet.Ipv6PacketCodec;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;

/** The captures of the test resources; their README says where they are from. */
public final class Captures {
  private static final int ETHERNET = 14;

  private Captures() {}

  /** The packets of a capture file (the classic format, either octet order), Ethernet taken off. */
  public static ImmutableList<ByteBuf> packets(String name) throws IOException {
    byte[] file;
    try (InputStream in = Captures.class.getResourceAsStream("/captures/" + name + ".pcap")) {
      file = Objects.requireNonNull(in, name).readAllBytes();
    }
    ByteBuf in = Unpooled.wrappedBuffer(file);
    boolean little = in.readInt() == 0xd4c3b2a1;
    in.skipBytes(16);
    int linkType = little ? in.readIntLE() : in.readInt();
    assertThat(linkType).as("Ethernet").isEqualTo(1);
    var packets = ImmutableList.<ByteBuf>builder();
    while (in.isReadable()) {
      in.skipBytes(8);
      int length = little ? in.readIntLE() : in.readInt();
      in.skipBytes(4);
      packets.add(in.readSlice(length).skipBytes(ETHERNET).slice());
    }
    return packets.build();
  }

  /** A Mobility Header as it was captured. */
  public record Captured(MobilityMessage message, Ipv6Packet packet) {}

  /** The Mobility Headers of a capture file that are in no ESP. */
  public static ImmutableList<Captured> mobility(String name)
      throws IOException, MalformedPacketException {
    var all = ImmutableList.<Captured>builder();
    for (ByteBuf octets : packets(name)) {
      Ipv6Packet packet = Ipv6PacketCodec.decode(octets);
      if (packet.protocol() == IpProtocol.MOBILITY) {
        all.add(
            new Captured(
                MobilityCodec.decode(
                    Unpooled.wrappedBuffer(packet.payload().toArray()),
                    packet.stableSource(),
                    packet.stableDestination()),
                packet));
      }
    }
    return all.build();
  }

  /** The first message of a kind. */
  public static Captured first(String name, Class<? extends MobilityMessage> kind)
      throws IOException, MalformedPacketException {
    return mobility(name).stream()
        .filter(it -> kind.isInstance(it.message()))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + kind.getSimpleName() + " in " + name));
  }
}

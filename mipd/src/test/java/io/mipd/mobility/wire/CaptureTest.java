package io.mipd.mobility.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.google.common.base.Splitter;
import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Checksum;
import io.mipd.xfrm.packet.ExtensionHeader;
import io.mipd.xfrm.packet.Icmpv6Codec;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.Ipv6Packet;
import io.mipd.xfrm.packet.Ipv6PacketCodec;
import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets of another implementation, as described in the captures' README. */
class CaptureTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "plain-home-registration-mn",
        "plain-home-registration-core",
        "rr-and-route-optimization-mn",
        "rr-and-route-optimization-ha",
        "rr-and-route-optimization-cn",
        "esp-registration-rr-core"
      })
  void encodesBackToTheSameOctets(String name) throws Exception {
    for (ByteBuf octets : Captures.packets(name)) {
      Ipv6Packet packet = Ipv6PacketCodec.decode(octets.duplicate());
      assertThat(hex(encoded(packet))).as("%s", packet).isEqualTo(hex(octets));
      upperLayer(packet);
    }
  }

  /** What is inside, down to what ESP hides, comes back octet for octet. */
  private static void upperLayer(Ipv6Packet packet) throws MalformedPacketException {
    ByteBuf payload = Unpooled.wrappedBuffer(packet.payload().toArray());
    Ipv6Address source = packet.stableSource();
    Ipv6Address destination = packet.stableDestination();
    ByteBuf again = Unpooled.buffer();
    switch (packet.protocol()) {
      case IpProtocol.MOBILITY ->
          MobilityCodec.encode(
              MobilityCodec.decode(payload.duplicate(), source, destination),
              source,
              destination,
              again);
      case IpProtocol.ICMPV6 -> {
        if (hasBadChecksum(packet, payload)) {
          again.writeBytes(payload.duplicate());
        } else {
          Icmpv6Codec.encode(
              Icmpv6Codec.decode(payload.duplicate(), source, destination),
              source,
              destination,
              again);
        }
      }
      case IpProtocol.IPV6 -> {
        Ipv6Packet inner = Ipv6PacketCodec.decode(payload.duplicate());
        Ipv6PacketCodec.encode(inner, again);
        upperLayer(inner);
      }
      default -> again.writeBytes(payload.duplicate());
    }
    assertThat(hex(again)).as("%s", packet).isEqualTo(hex(payload));
  }

  /** One router solicitation was captured before its checksum was complete. */
  private static boolean hasBadChecksum(Ipv6Packet packet, ByteBuf payload) {
    return packet.source().isUnspecified()
        && Checksum.of(
                packet.source(), packet.destination(), IpProtocol.ICMPV6, payload.duplicate())
            != 0;
  }

  private static ByteBuf encoded(Ipv6Packet packet) {
    ByteBuf out = Unpooled.buffer();
    Ipv6PacketCodec.encode(packet, out);
    return out;
  }

  private static String hex(ByteBuf octets) {
    return ByteBufUtil.hexDump(octets);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "plain-home-registration-mn",
        "rr-and-route-optimization-mn",
        "rr-and-route-optimization-ha",
        "rr-and-route-optimization-cn",
        "esp-registration-rr-core"
      })
  void readsWhatTsharkReads(String name) throws Exception {
    boolean there = Files.isExecutable(Path.of("/usr/bin/tshark"));
    if (System.getenv("CI") != null) {
      assertThat(there).as("tshark is missing").isTrue();
    }
    assumeThat(there).as("tshark is missing: nothing to compare with").isTrue();

    Path capture = Files.createTempFile("mipd", ".pcap");
    List<String> lines;
    try {
      try (InputStream in = CaptureTest.class.getResourceAsStream("/captures/" + name + ".pcap")) {
        Files.write(capture, Objects.requireNonNull(in, name).readAllBytes());
      }
      lines = tshark(capture);
    } finally {
      Files.delete(capture);
    }
    ImmutableList<ByteBuf> packets = Captures.packets(name);
    assertThat(lines).hasSameSizeAs(packets);
    for (int i = 0; i < packets.size(); i++) {
      Ipv6Packet packet = Ipv6PacketCodec.decode(packets.get(i).duplicate());
      assertThat(ours(packet)).as("packet %s: %s", i + 1, packet).isEqualTo(lines.get(i));
    }
  }

  private static final ImmutableList<String> FIELDS =
      ImmutableList.of(
          "ipv6.src",
          "ipv6.dst",
          "ipv6.hlim",
          "ipv6.opt.mipv6.home_address",
          "ipv6.routing.mipv6.home_address",
          "esp.spi",
          "mip6.mhtype",
          "mip6.bu.seqnr",
          "mip6.bu.lifetime",
          "mip6.bu.a_flag",
          "mip6.bu.h_flag",
          "mip6.acoa.acoa",
          "mip6.ba.status",
          "mip6.ba.seqnr",
          "mip6.ba.lifetime",
          "mip6.hoti.cookie",
          "mip6.coti.cookie",
          "icmpv6.type",
          "icmpv6.checksum.status");

  private static List<String> tshark(Path capture) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                "tshark",
                "-r",
                capture.toString(),
                "-T",
                "fields",
                "-E",
                "occurrence=f",
                "-E",
                "separator=|"));
    for (String field : FIELDS) {
      command.add("-e");
      command.add(field);
    }
    var process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    return Splitter.on('\n').omitEmptyStrings().splitToList(text);
  }

  /** The same fields in the same form. */
  private static String ours(Ipv6Packet packet) throws MalformedPacketException {
    List<String> fields = new ArrayList<>();
    fields.add("" + packet.source());
    fields.add("" + packet.destination());
    fields.add("" + packet.hopLimit());
    fields.add(
        packet
            .extension(ExtensionHeader.DestinationOptions.class)
            .flatMap(ExtensionHeader.DestinationOptions::homeAddress)
            .map(Ipv6Address::toString)
            .orElse(""));
    fields.add(
        packet
            .extension(ExtensionHeader.Type2Routing.class)
            .map(header -> "" + header.homeAddress())
            .orElse(""));
    Ipv6Packet inner = packet;
    while (inner.protocol() == IpProtocol.IPV6) {
      inner = Ipv6PacketCodec.decode(Unpooled.wrappedBuffer(inner.payload().toArray()));
    }
    ByteBuf payload = Unpooled.wrappedBuffer(inner.payload().toArray());
    fields.add(inner.protocol() == IpProtocol.ESP ? "0x%08x".formatted(payload.getInt(0)) : "");
    fields.addAll(mobility(inner, payload));
    fields.add(icmpv6Type(inner, payload));
    return String.join("|", fields);
  }

  private static List<String> mobility(Ipv6Packet packet, ByteBuf payload)
      throws MalformedPacketException {
    if (packet.protocol() != IpProtocol.MOBILITY) {
      return List.of("", "", "", "", "", "", "", "", "", "", "");
    }
    var message = MobilityCodec.decode(payload, packet.stableSource(), packet.stableDestination());
    String type = "" + message.type();
    if (message instanceof MobilityMessage.BindingUpdate it) {
      return List.of(
          type,
          "" + it.sequence(),
          "" + it.lifetime().units(),
          it.has(BindingFlag.ACKNOWLEDGE) ? "1" : "0",
          it.has(BindingFlag.HOME_REGISTRATION) ? "1" : "0",
          it.alternateCareOfAddress().map(CareOfAddress::toString).orElse(""),
          "",
          "",
          "",
          "",
          "");
    } else if (message instanceof MobilityMessage.BindingAcknowledgement it) {
      return List.of(
          type,
          "",
          "",
          "",
          "",
          "",
          "" + it.status().code(),
          "" + it.sequence(),
          "" + it.lifetime().units(),
          "",
          "");
    }
    String homeCookie =
        message instanceof MobilityMessage.HomeTestInit it ? cookie(it.cookie()) : "";
    String careOfCookie =
        message instanceof MobilityMessage.CareOfTestInit it ? cookie(it.cookie()) : "";
    return List.of(type, "", "", "", "", "", "", "", "", homeCookie, careOfCookie);
  }

  private static String cookie(long value) {
    return "0x%016x".formatted(value);
  }

  private static String icmpv6Type(Ipv6Packet packet, ByteBuf payload)
      throws MalformedPacketException {
    if (packet.protocol() != IpProtocol.ICMPV6) {
      return "|";
    }
    int type = payload.getUnsignedByte(payload.readerIndex());
    if (hasBadChecksum(packet, payload)) {
      return type + "|0";
    }
    Icmpv6Message message =
        Icmpv6Codec.decode(payload, packet.stableSource(), packet.stableDestination());
    return message.type() + "|1";
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain-home-registration-mn", "rr-and-route-optimization-mn"})
  void survivesTruncationsAndMutations(String name) throws Exception {
    long seed = 6275;
    var random = new Random(seed);
    ImmutableList<ByteBuf> packets = Captures.packets(name);
    int refused = 0;
    for (ByteBuf packet : packets) {
      for (int length = 0; length < packet.readableBytes(); length++) {
        assertThat(decodes(packet.slice(0, length))).as("cut to %s", length).isFalse();
      }
    }
    for (int i = 0; i < 500_000; i++) {
      ByteBuf packet = packets.get(i % packets.size()).copy();
      for (int k = random.nextInt(4); k >= 0; k--) {
        packet.setByte(random.nextInt(packet.readableBytes()), random.nextInt());
      }
      refused += decodes(packet) ? 0 : 1;
    }
    assertThat(refused).as("seed %s", seed).isGreaterThan(100_000);
  }

  private static boolean decodes(ByteBuf octets) {
    try {
      upperLayerOf(Ipv6PacketCodec.decode(octets));
      return true;
    } catch (MalformedPacketException e) {
      return false;
    }
  }

  private static void upperLayerOf(Ipv6Packet packet) throws MalformedPacketException {
    ByteBuf payload = Unpooled.wrappedBuffer(packet.payload().toArray());
    if (packet.protocol() == IpProtocol.MOBILITY) {
      MobilityCodec.decode(payload, packet.stableSource(), packet.stableDestination());
    } else if (packet.protocol() == IpProtocol.ICMPV6) {
      Icmpv6Codec.decode(payload, packet.stableSource(), packet.stableDestination());
    } else if (packet.protocol() == IpProtocol.IPV6) {
      upperLayerOf(Ipv6PacketCodec.decode(payload));
    }
  }
}

package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.HomeLinkState;
import io.mipd.mobility.HomeLinkState.Agent;
import io.mipd.mobility.HomeLinkState.Prefix;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.packet.NdOption.PrefixInformation;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * What was heard of the home link, as octets for a store:
 *
 * <pre>
 *   format (8) = 1 | interface, as of DataOutput | length (8), address (128) of the home prefix
 *   number (16) of home agents:
 *     router (128) | preference (16) | expiry (64) | number (16) of: address (128) | valid until (64)
 *   number (16) of prefixes:
 *     length (8) | address (128) | flags (8): on-link 1, autonomous 2, router address 4
 *     | valid lifetime (32) | preferred lifetime (32) | heard at (64) | ends (8): 0 or 1 [ | end (64) ]
 * </pre>
 *
 * <p>Lifetimes in seconds, times in milliseconds since the epoch, with the greatest for never.
 */
final class HomeLinkCodec {
  private static final int FORMAT = 1;
  private static final int ON_LINK = 1;
  private static final int AUTONOMOUS = 2;
  private static final int ROUTER_ADDRESS = 4;

  private HomeLinkCodec() {}

  static byte[] encode(HomeLinkState state) {
    var octets = new ByteArrayOutputStream();
    try {
      var out = new DataOutputStream(octets);
      out.writeByte(FORMAT);
      out.writeUTF(state.homeInterface());
      out.writeByte(state.homePrefix().length());
      out.write(state.homePrefix().address().toOctets());
      out.writeShort(state.agents().size());
      for (Agent agent : state.agents()) {
        out.write(agent.router().toOctets());
        out.writeShort(agent.preference());
        out.writeLong(millis(agent.expiry()));
        out.writeShort(agent.addresses().size());
        for (Map.Entry<Ipv6Address, Instant> one : agent.addresses().entrySet()) {
          out.write(one.getKey().toOctets());
          out.writeLong(millis(one.getValue()));
        }
      }
      out.writeShort(state.prefixes().size());
      for (Prefix prefix : state.prefixes()) {
        encode(prefix, out);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("in memory", e);
    }
    return octets.toByteArray();
  }

  private static void encode(Prefix prefix, DataOutputStream out) throws IOException {
    PrefixInformation information = prefix.information();
    out.writeByte(information.prefixLength());
    out.write(information.address().toOctets());
    out.writeByte(
        (information.onLink() ? ON_LINK : 0)
            | (information.autonomous() ? AUTONOMOUS : 0)
            | (information.routerAddress() ? ROUTER_ADDRESS : 0));
    out.writeInt((int) information.validLifetime());
    out.writeInt((int) information.preferredLifetime());
    out.writeLong(millis(prefix.heardAt()));
    out.writeBoolean(prefix.end().isPresent());
    if (prefix.end().isPresent()) {
      out.writeLong(millis(prefix.end().get()));
    }
  }

  /**
   * @throws IOException if these are other octets
   */
  static HomeLinkState decode(byte[] octets) throws IOException {
    var in = new DataInputStream(new ByteArrayInputStream(octets));
    if (in.readUnsignedByte() != FORMAT) {
      throw new IOException("home-link has another format than " + FORMAT);
    }
    String homeInterface = in.readUTF();
    int length = length(in);
    Ipv6Prefix homePrefix = Ipv6Prefix.of(address(in), length);
    var agents = ImmutableList.<Agent>builder();
    for (int left = in.readUnsignedShort(); left > 0; left--) {
      Ipv6Address router = address(in);
      int preference = in.readShort();
      Instant expiry = instant(in.readLong());
      var addresses = ImmutableMap.<Ipv6Address, Instant>builder();
      for (int more = in.readUnsignedShort(); more > 0; more--) {
        addresses.put(address(in), instant(in.readLong()));
      }
      agents.add(new Agent(router, preference, expiry, addresses.buildKeepingLast()));
    }
    var prefixes = ImmutableList.<Prefix>builder();
    for (int left = in.readUnsignedShort(); left > 0; left--) {
      prefixes.add(prefix(in));
    }
    if (in.read() >= 0) {
      throw new IOException("home-link is too long");
    }
    return new HomeLinkState(homeInterface, homePrefix, agents.build(), prefixes.build());
  }

  private static Prefix prefix(DataInputStream in) throws IOException {
    int length = length(in);
    Ipv6Address address = address(in);
    int flags = in.readUnsignedByte();
    var information =
        new PrefixInformation(
            length,
            address,
            (flags & ON_LINK) != 0,
            (flags & AUTONOMOUS) != 0,
            (flags & ROUTER_ADDRESS) != 0,
            Integer.toUnsignedLong(in.readInt()),
            Integer.toUnsignedLong(in.readInt()));
    Instant heardAt = instant(in.readLong());
    return new Prefix(
        information,
        heardAt,
        in.readBoolean() ? Optional.of(instant(in.readLong())) : Optional.empty());
  }

  private static int length(DataInputStream in) throws IOException {
    int length = in.readUnsignedByte();
    if (length > Ipv6Address.BITS) {
      throw new IOException("home-link has a prefix of " + length + " bits");
    }
    return length;
  }

  private static Ipv6Address address(DataInputStream in) throws IOException {
    byte[] octets = new byte[Ipv6Address.LENGTH];
    in.readFully(octets);
    return Ipv6Address.read(octets, 0);
  }

  private static long millis(Instant time) {
    return time.equals(Instant.MAX) ? Long.MAX_VALUE : time.toEpochMilli();
  }

  private static Instant instant(long millis) {
    return millis == Long.MAX_VALUE ? Instant.MAX : Instant.ofEpochMilli(millis);
  }
}

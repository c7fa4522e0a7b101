package io.mipd.xfrm.host;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.SecurityAssociation;
import java.io.ByteArrayOutputStream;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * A packet taken apart with the keys, by nothing but the RFCs: the headers from the outside in, and
 * its octets in clear. Shares no code with engine and transforms.
 *
 * <p>Two packets with the same {@link #octets} are the same in every octet but for: flow labels,
 * which each sender may choose for its tunnel headers (RFC 6438); integrity check values, which
 * cover those and are checked here instead; initialization vectors; what pads AH, which its sender
 * may choose (RFC 4302 section 3.3.3.2.1).
 */
public final class Dissection {
  private static final int HEADER = 40;
  private static final int PAYLOAD_LENGTH = 4;
  private static final int NEXT_HEADER = 6;
  private static final int HOME_ADDRESS_OPTION = 201;

  private final ImmutableMap<Ipv6Address, String> names;
  private final ImmutableList<SecurityAssociation> associations;
  private final StringBuilder chain = new StringBuilder();
  private final ByteArrayOutputStream clear = new ByteArrayOutputStream();
  private boolean genuine = true;

  private Dissection(
      ImmutableMap<Ipv6Address, String> names, ImmutableList<SecurityAssociation> associations) {
    this.names = names;
    this.associations = associations;
  }

  /**
   * @param names how addresses are to be called
   */
  public static Dissection of(
      byte[] packet,
      ImmutableMap<Ipv6Address, String> names,
      ImmutableList<SecurityAssociation> associations) {
    var dissection = new Dissection(names, associations);
    try {
      dissection.header(packet);
    } catch (GeneralSecurityException | DataFormatException e) {
      throw new AssertionError(HexFormat.of().formatHex(packet), e);
    }
    return dissection;
  }

  /** Such as {@code C>A ESP(0x2001) H>P DSTOPT(H) ESP(0x1001) UDP}. */
  public String chain() {
    return chain.toString();
  }

  public String octets() {
    return HexFormat.of().formatHex(clear.toByteArray());
  }

  /** Whether each integrity check value is right. */
  public boolean isGenuine() {
    return genuine;
  }

  private void say(String word) {
    chain.append(chain.length() == 0 ? "" : " ").append(word);
  }

  private String name(byte[] packet, int at) {
    var address = Ipv6Address.read(packet, at);
    String name = names.get(address);
    return name == null ? address.toString() : name;
  }

  private void header(byte[] packet) throws GeneralSecurityException, DataFormatException {
    say(name(packet, 8) + ">" + name(packet, 24));
    byte[] header = Arrays.copyOf(packet, HEADER);
    header[1] &= (byte) 0xf0;
    header[2] = 0;
    header[3] = 0;
    clear.writeBytes(header);
    extensions(packet);
  }

  /** An IPsec header taken off, what was in it is a packet again, as it was before. */
  private void extensions(byte[] whole) throws GeneralSecurityException, DataFormatException {
    byte[] packet = whole;
    int nextHeader = NEXT_HEADER;
    int at = HEADER;
    while (true) {
      int protocol = packet[nextHeader] & 0xff;
      switch (protocol) {
        case IpProtocol.DESTINATION_OPTIONS, IpProtocol.ROUTING -> {
          int end = at + 8 + 8 * (packet[at + 1] & 0xff);
          say(
              protocol == IpProtocol.ROUTING
                  ? "RH" + packet[at + 2] + "(" + name(packet, at + 8) + ")"
                  : "DSTOPT(" + name(packet, homeAddress(packet, at, end)) + ")");
          clear.write(packet, at, end - at);
          nextHeader = at;
          at = end;
        }
        case IpProtocol.AH -> {
          ah(packet, at);
          int end = at + 4 * ((packet[at + 1] & 0xff) + 2);
          var within = new Within(packet[at], Arrays.copyOfRange(packet, end, packet.length));
          packet = within.behind(Arrays.copyOf(packet, at), nextHeader);
        }
        case IpProtocol.ESP ->
            packet = esp(packet, at).behind(Arrays.copyOf(packet, at), nextHeader);
        case IpProtocol.IPV6 -> {
          header(Arrays.copyOfRange(packet, at, packet.length));
          return;
        }
        default -> {
          upper(protocol, Arrays.copyOfRange(packet, at, packet.length));
          return;
        }
      }
    }
  }

  /** What an IPsec header had within. */
  private static final class Within {
    private final byte protocol;
    private final byte[] octets;

    Within(byte protocol, byte[] octets) {
      this.protocol = protocol;
      this.octets = octets;
    }

    /**
     * The packet that these follow.
     *
     * @param nextHeader where its last header tells what follows
     */
    byte[] behind(byte[] headers, int nextHeader) {
      byte[] packet = Arrays.copyOf(headers, headers.length + octets.length);
      System.arraycopy(octets, 0, packet, headers.length, octets.length);
      int length = packet.length - HEADER;
      packet[nextHeader] = protocol;
      packet[PAYLOAD_LENGTH] = (byte) (length >>> 8);
      packet[PAYLOAD_LENGTH + 1] = (byte) length;
      return packet;
    }
  }

  private void upper(int protocol, byte[] payload)
      throws GeneralSecurityException, DataFormatException {
    switch (protocol) {
      case IpProtocol.IPV6 -> {
        header(payload);
        return;
      }
      case IpProtocol.IPCOMP -> {
        say("COMP");
        clear.write(payload, 0, 4);
        upper(payload[0] & 0xff, inflated(payload));
        return;
      }
      case IpProtocol.UDP -> say("UDP");
      case IpProtocol.TCP -> say("TCP");
      case IpProtocol.MOBILITY -> say("MH(" + payload[2] + ")");
      case IpProtocol.ICMPV6 -> say("ICMPV6(" + (payload[0] & 0xff) + ")");
      default -> say("protocol " + protocol);
    }
    clear.writeBytes(payload);
  }

  /** RFC 3173 section 2 and RFC 2394: DEFLATE behind four octets. */
  private static byte[] inflated(byte[] payload) throws DataFormatException {
    var inflater = new Inflater(/* nowrap= */ true);
    try {
      inflater.setInput(payload, 4, payload.length - 4);
      byte[] octets = new byte[1 << 16];
      return Arrays.copyOf(octets, inflater.inflate(octets));
    } finally {
      inflater.end();
    }
  }

  private static int homeAddress(byte[] packet, int header, int end) {
    int at = header + 2;
    while (at < end) {
      int type = packet[at] & 0xff;
      if (type == HOME_ADDRESS_OPTION) {
        return at + 2;
      }
      at += type == 0 ? 1 : 2 + (packet[at + 1] & 0xff);
    }
    throw new AssertionError("destination options without a home address");
  }

  private SecurityAssociation association(int spi) {
    return associations.stream()
        .filter(one -> one.id().spi().value() == spi)
        .findFirst()
        .orElseThrow(() -> new AssertionError("no association 0x" + Integer.toHexString(spi)));
  }

  private static Mac mac(SecurityAssociation association) throws GeneralSecurityException {
    String name =
        switch (association.integrity()) {
          case HMAC_SHA1_96 -> "HmacSHA1";
          case HMAC_SHA2_256_128 -> "HmacSHA256";
          case NONE -> throw new AssertionError("no integrity: " + association);
        };
    var mac = Mac.getInstance(name);
    mac.init(new SecretKeySpec(association.integrityKey().reveal(), name));
    return mac;
  }

  private void check(Mac mac, byte[] packet, int icv, int length) {
    byte[] right = Arrays.copyOf(mac.doFinal(), length);
    boolean same = Arrays.equals(right, Arrays.copyOfRange(packet, icv, icv + length));
    genuine &= same;
    if (!same) {
      chain.append('!');
    }
  }

  /** RFC 4303 section 2: from the SPI to the Next Header. */
  private Within esp(byte[] packet, int at) throws GeneralSecurityException {
    int spi = word(packet, at);
    SecurityAssociation association = association(spi);
    say("ESP(0x" + Integer.toHexString(spi) + ")");
    if (association.encryption() == EncryptionAlgorithm.AES_GCM_16) {
      return within(packet, at, opened(association, packet, at));
    }
    int icvLength = association.integrity().icvLength();
    int icv = packet.length - icvLength;
    Mac mac = mac(association);
    mac.update(packet, at, icv - at);
    mac.update(highOrder(association));
    check(mac, packet, icv, icvLength);
    byte[] content = Arrays.copyOfRange(packet, at + 8, icv);
    if (association.encryption() == EncryptionAlgorithm.AES_CBC) {
      var cipher = Cipher.getInstance("AES/CBC/NoPadding");
      cipher.init(
          Cipher.DECRYPT_MODE,
          new SecretKeySpec(association.encryptionKey().reveal(), "AES"),
          new IvParameterSpec(content, 0, 16));
      content = cipher.doFinal(content, 16, content.length - 16);
    }
    return within(packet, at, content);
  }

  /** Of a sequence number that has not passed 2^32 yet (RFC 4303 section 2.2.1). */
  private static byte[] highOrder(SecurityAssociation association) {
    return new byte[association.extendedSequenceNumbers() ? 4 : 0];
  }

  /** RFC 4106: the salt ends the key, the tag is 16 octets. */
  private byte[] opened(SecurityAssociation association, byte[] packet, int at)
      throws GeneralSecurityException {
    byte[] key = association.encryptionKey().reveal();
    int salt = key.length - EncryptionAlgorithm.SALT_LENGTH;
    byte[] nonce = Arrays.copyOfRange(key, salt, key.length + 8);
    System.arraycopy(packet, at + 8, nonce, EncryptionAlgorithm.SALT_LENGTH, 8);
    var cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(
        Cipher.DECRYPT_MODE,
        new SecretKeySpec(key, 0, salt, "AES"),
        new GCMParameterSpec(128, nonce));
    cipher.updateAAD(packet, at, 4);
    cipher.updateAAD(highOrder(association));
    cipher.updateAAD(packet, at + 4, 4);
    return cipher.doFinal(packet, at + 16, packet.length - at - 16);
  }

  private Within within(byte[] packet, int at, byte[] content) {
    int end = content.length - 2 - (content[content.length - 2] & 0xff);
    clear.write(packet, at, 8);
    clear.write(content, end, content.length - end);
    return new Within(content[content.length - 1], Arrays.copyOf(content, end));
  }

  /**
   * RFC 4302 section 3.3.3, and RFC 6275 sections 9.3.1 and 9.3.2: as if the source were the home
   * address and the option held the care-of address; or the destination the home address, the
   * routing header the care-of address, and no segment left.
   */
  private void ah(byte[] packet, int at) throws GeneralSecurityException {
    int spi = word(packet, at + 4);
    SecurityAssociation association = association(spi);
    say("AH(0x" + Integer.toHexString(spi) + ")");
    byte[] before = Arrays.copyOf(packet, at);
    before[0] = 0x60;
    before[1] = 0;
    before[2] = 0;
    before[3] = 0;
    before[7] = 0;
    int protocol = packet[6] & 0xff;
    for (int header = HEADER; header < at; ) {
      int next = header + 8 + 8 * (packet[header + 1] & 0xff);
      if (protocol == IpProtocol.ROUTING) {
        exchange(before, 24, header + 8);
        before[header + 3] = 0;
      } else {
        exchange(before, 8, homeAddress(packet, header, next));
      }
      protocol = packet[header] & 0xff;
      header = next;
    }
    int icvLength = association.integrity().icvLength();
    Mac mac = mac(association);
    mac.update(before);
    mac.update(packet, at, 12);
    mac.update(new byte[icvLength]);
    mac.update(packet, at + 12 + icvLength, packet.length - at - 12 - icvLength);
    mac.update(highOrder(association));
    check(mac, packet, at + 12, icvLength);
    clear.write(packet, at, 12);
  }

  private static void exchange(byte[] octets, int one, int other) {
    byte[] kept = Arrays.copyOfRange(octets, one, one + 16);
    System.arraycopy(octets, other, octets, one, 16);
    System.arraycopy(kept, 0, octets, other, 16);
  }

  private static int word(byte[] octets, int at) {
    return (octets[at] & 0xff) << 24
        | (octets[at + 1] & 0xff) << 16
        | (octets[at + 2] & 0xff) << 8
        | (octets[at + 3] & 0xff);
  }
}

package io.mipd.xfrm.host;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** What may happen to a packet on its way to a host, drawn at random. */
enum Tampering {
  /** Nothing. */
  VALID {
    @Override
    List<byte[]> of(byte[] packet, Random random) {
      return List.of(packet);
    }
  },
  REPLAYED {
    @Override
    List<byte[]> of(byte[] packet, Random random) {
      return List.of(packet, packet.clone());
    }
  },
  /** Not the version: a TUN device looks at that, and takes no packet without one that it knows. */
  FLIPPED {
    @Override
    List<byte[]> of(byte[] packet, Random random) {
      byte[] changed = packet.clone();
      int at = random.nextInt(packet.length);
      int bit = random.nextInt(8);
      changed[at] ^= (byte) (1 << (at == 0 ? bit % 4 : bit));
      return List.of(changed);
    }
  },
  /** Behind the IPv6 header, where headers and security parameters are. */
  FLIPPED_IN_FRONT {
    @Override
    List<byte[]> of(byte[] packet, Random random) {
      byte[] changed = packet.clone();
      int at = HEADER + random.nextInt(Math.min(32, packet.length - HEADER));
      changed[at] ^= (byte) (1 << random.nextInt(8));
      return List.of(changed);
    }
  },
  CUT {
    @Override
    List<byte[]> of(byte[] packet, Random random) {
      byte[] cut = Arrays.copyOf(packet, HEADER + random.nextInt(packet.length - HEADER));
      if (random.nextInt(4) != 0) {
        putShort(cut, PAYLOAD_LENGTH, cut.length - HEADER);
      }
      return List.of(cut);
    }
  },
  LENGTHENED {
    @Override
    List<byte[]> of(byte[] packet, Random random) {
      byte[] longer = Arrays.copyOf(packet, packet.length + 1 + random.nextInt(40));
      if (random.nextBoolean()) {
        putShort(longer, PAYLOAD_LENGTH, longer.length - HEADER);
      }
      return List.of(longer);
    }
  },
  OTHER_SOURCE {
    @Override
    List<byte[]> of(byte[] packet, Random random) {
      return List.of(withAddress(packet, SOURCE, random));
    }
  },
  OTHER_DESTINATION {
    @Override
    List<byte[]> of(byte[] packet, Random random) {
      return List.of(withAddress(packet, DESTINATION, random));
    }
  },
  /** In any order, one may be missing or come twice. */
  FRAGMENTED {
    @Override
    List<byte[]> of(byte[] packet, Random random) {
      List<byte[]> fragments = new ArrayList<>();
      int front = random.nextInt(8) == 0 ? HEADER : perFragment(packet);
      int payload = packet.length - front;
      int id = random.nextInt();
      int most = random.nextBoolean() ? 10 : 180;
      for (int from = 0; from < payload; ) {
        int to = Math.min(payload, from + 8 * (1 + random.nextInt(most)));
        fragments.add(fragment(packet, front, id, from, to));
        from = to;
      }
      if (random.nextInt(3) == 0) {
        Collections.shuffle(fragments, random);
      }
      switch (random.nextInt(6)) {
        case 0 -> fragments.remove(random.nextInt(fragments.size()));
        case 1 -> fragments.add(random.nextInt(fragments.size()), fragments.get(0).clone());
        default -> {
          // All of them, once.
        }
      }
      return fragments;
    }
  },
  /** The second begins in the first: refused whole (RFC 8200 section 4.5). */
  OVERLAPPING {
    @Override
    List<byte[]> of(byte[] packet, Random random) {
      int front = perFragment(packet);
      int payload = packet.length - front;
      int middle = Math.max(16, payload / 2 / 8 * 8);
      if (middle >= payload) {
        return List.of(packet);
      }
      int id = random.nextInt();
      return List.of(
          fragment(packet, front, id, 0, middle),
          fragment(packet, front, id, middle - 8, payload),
          fragment(packet, front, id, middle, payload));
    }
  },
  /** All of it in one fragment (RFC 6946). */
  ATOMIC {
    @Override
    List<byte[]> of(byte[] packet, Random random) {
      int front = perFragment(packet);
      return List.of(fragment(packet, front, random.nextInt(), 0, packet.length - front));
    }
  },
  /** An extension header in front, of an option that is known or not. */
  EXTENDED {
    @Override
    List<byte[]> of(byte[] packet, Random random) {
      int[] options = {1, 0x04, 0x1e, 0x5e, 0x9e, 0xde};
      byte[] header = {0, 0, (byte) options[random.nextInt(options.length)], 4, 0, 0, 0, 0};
      int type = random.nextBoolean() ? IpProtocol.DESTINATION_OPTIONS : IpProtocol.HOP_BY_HOP;
      return List.of(extended(packet, type, header));
    }
  },
  /** A Home Address option or type 2 routing header that nobody has put there. */
  MOBILITY_HEADER_ADDED {
    @Override
    List<byte[]> of(byte[] packet, Random random) {
      var address = CANDIDATES.get(random.nextInt(CANDIDATES.size()));
      byte[] header = new byte[24];
      header[1] = 2;
      header[2] = random.nextBoolean() ? (byte) 2 : (byte) 1;
      header[3] = (byte) random.nextInt(3);
      boolean option = random.nextBoolean();
      if (option) {
        header[2] = 1;
        header[3] = 2;
        header[6] = (byte) 201;
        header[7] = 16;
      }
      address.write(header, 8);
      return List.of(
          extended(packet, option ? IpProtocol.DESTINATION_OPTIONS : IpProtocol.ROUTING, header));
    }
  },
  NOISE {
    @Override
    List<byte[]> of(byte[] packet, Random random) {
      byte[] noise = packet.clone();
      int from = HEADER + 8 + random.nextInt(Math.max(1, packet.length - HEADER - 8));
      for (int i = Math.min(from, packet.length); i < packet.length; i++) {
        noise[i] = (byte) random.nextInt();
      }
      return List.of(noise);
    }
  };

  private static final int HEADER = 40;
  private static final int PAYLOAD_LENGTH = 4;
  private static final int NEXT_HEADER = 6;
  private static final int SOURCE = 8;
  private static final int DESTINATION = 24;
  private static final ImmutableList<Ipv6Address> CANDIDATES =
      ImmutableList.of(Setting.H, Setting.C, Setting.P, Setting.A, Setting.X);

  /** What then arrives, in this order. */
  abstract List<byte[]> of(byte[] packet, Random random);

  private static byte[] withAddress(byte[] packet, int at, Random random) {
    byte[] changed = packet.clone();
    CANDIDATES.get(random.nextInt(CANDIDATES.size())).write(changed, at);
    return changed;
  }

  private static byte[] extended(byte[] packet, int type, byte[] header) {
    byte[] extended = new byte[packet.length + header.length];
    System.arraycopy(packet, 0, extended, 0, HEADER);
    System.arraycopy(header, 0, extended, HEADER, header.length);
    System.arraycopy(packet, HEADER, extended, HEADER + header.length, packet.length - HEADER);
    extended[HEADER] = packet[NEXT_HEADER];
    extended[NEXT_HEADER] = (byte) type;
    putShort(extended, PAYLOAD_LENGTH, extended.length - HEADER);
    return extended;
  }

  /**
   * Where the fragmentable part begins: behind routing headers (RFC 8200 section 4.5) and a Home
   * Address option (RFC 6275 section 6.3).
   */
  private static int perFragment(byte[] packet) {
    int protocol = packet[NEXT_HEADER] & 0xff;
    int at = HEADER;
    while (protocol == IpProtocol.ROUTING || protocol == IpProtocol.DESTINATION_OPTIONS) {
      protocol = packet[at] & 0xff;
      at += 8 + 8 * (packet[at + 1] & 0xff);
    }
    return at;
  }

  /**
   * @param front octets that are in each fragment
   */
  private static byte[] fragment(byte[] packet, int front, int id, int from, int to) {
    byte[] fragment = new byte[front + 8 + to - from];
    System.arraycopy(packet, 0, fragment, 0, front);
    putShort(fragment, PAYLOAD_LENGTH, fragment.length - HEADER);
    int field = lastNextHeader(packet, front);
    fragment[field] = IpProtocol.FRAGMENT;
    fragment[front] = packet[field];
    putShort(fragment, front + 2, from | (to < packet.length - front ? 1 : 0));
    putShort(fragment, front + 4, id >>> 16);
    putShort(fragment, front + 6, id);
    System.arraycopy(packet, front + from, fragment, front + 8, to - from);
    return fragment;
  }

  private static int lastNextHeader(byte[] packet, int front) {
    int field = NEXT_HEADER;
    for (int at = HEADER; at < front; at += 8 + 8 * (packet[at + 1] & 0xff)) {
      field = at;
    }
    return field;
  }

  private static void putShort(byte[] octets, int at, int value) {
    octets[at] = (byte) (value >>> 8);
    octets[at + 1] = (byte) value;
  }
}

package io.mipd.xfrm.engine;

import io.mipd.xfrm.model.Ipv6Address;

/**
 * Address objects for the octets of packets, each made once: the data path needs objects where it
 * asks for roles and compares with templates, and must not make one for every packet.
 */
final class Interner {
  private static final int LIMIT = 1 << 14;

  private final WordTable<Ipv6Address> known;

  Interner(long seed) {
    known = new WordTable<>(seed, Ipv6Address[]::new);
  }

  Ipv6Address at(byte[] octets, int offset) {
    return of(Wire.getLong(octets, offset), Wire.getLong(octets, offset + 8));
  }

  Ipv6Address of(long high, long low) {
    Ipv6Address address = known.get(high, low, 0, 0, 0, 0);
    if (address != null) {
      return address;
    }
    if (known.size() >= LIMIT) {
      known.clear();
    }
    address = new Ipv6Address(high, low);
    known.put(high, low, 0, 0, 0, 0, address);
    return address;
  }
}

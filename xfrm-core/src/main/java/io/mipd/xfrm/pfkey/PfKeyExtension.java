package io.mipd.xfrm.pfkey;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.packet.Octets;
import java.util.Optional;

/** What follows the header of a message, each at most once (RFC 2367 section 2.3). */
public sealed interface PfKeyExtension {
  // sadb_ext_type, of RFC 2367 section 3.3 and linux/pfkeyv2.h.
  int SA = 1;
  int LIFETIME_CURRENT = 2;
  int LIFETIME_HARD = 3;
  int LIFETIME_SOFT = 4;
  int ADDRESS_SRC = 5;
  int ADDRESS_DST = 6;
  int ADDRESS_PROXY = 7;
  int KEY_AUTH = 8;
  int KEY_ENCRYPT = 9;
  int IDENTITY_SRC = 10;
  int IDENTITY_DST = 11;
  int SENSITIVITY = 12;
  int PROPOSAL = 13;
  int SUPPORTED_AUTH = 14;
  int SUPPORTED_ENCRYPT = 15;
  int SPI_RANGE = 16;
  int X_POLICY = 18;
  int X_SA2 = 19;
  int X_KMADDRESS = 25;

  int type();

  /**
   * What an association is (section 2.3.1).
   *
   * @param replay packets of the anti-replay window
   * @param state {@code SADB_SASTATE_*}
   * @param integrity {@code SADB_AALG_*}
   * @param encryption {@code SADB_EALG_*}
   */
  record Sa(Spi spi, int replay, int state, int integrity, int encryption, int flags)
      implements PfKeyExtension {
    /** {@code SADB_SASTATE_MATURE}. */
    static final int MATURE = 1;

    public Sa {
      checkArgument(replay >= 0 && replay <= 255, "not 8 bits: %s", replay);
    }

    @Override
    public int type() {
      return SA;
    }
  }

  /**
   * Limits, or what has been used of them (section 2.3.2).
   *
   * @param type {@link #LIFETIME_CURRENT}, {@link #LIFETIME_HARD} or {@link #LIFETIME_SOFT}
   * @param allocations in Linux packets; 0 for no limit, here and below
   * @param addTime seconds since it was added; of a use the time of that, since 1970
   * @param useTime seconds since it was first used; of a use the time of that
   */
  record Lifetime(int type, int allocations, long bytes, long addTime, long useTime)
      implements PfKeyExtension {}

  /**
   * An address, of a policy a prefix with protocol and port (section 2.3.3).
   *
   * @param type {@link #ADDRESS_SRC}, {@link #ADDRESS_DST} or {@link #ADDRESS_PROXY}
   * @param protocol 0 with associations; of a policy 255 for any
   * @param port of a policy, 0 for any; as with netlink the type or code of a message
   */
  record Address(int type, int protocol, Ipv6Prefix prefix, int port) implements PfKeyExtension {
    /** {@code IPSEC_PROTO_ANY}. */
    static final int ANY_PROTOCOL = 255;
  }

  /**
   * A key (section 2.3.4). It never prints.
   *
   * @param type {@link #KEY_AUTH} or {@link #KEY_ENCRYPT}
   */
  record Key(int type, KeyMaterial key) implements PfKeyExtension {}

  /**
   * Who an end of an association is (section 2.3.5).
   *
   * @param type {@link #IDENTITY_SRC} or {@link #IDENTITY_DST}
   * @param kind {@code SADB_IDENTTYPE_*}, 16 bits
   * @param id what the text may be made from where there is none, such as a user's number
   * @param text its characters are octets, none of them 0
   */
  record Identity(int type, int kind, long id, Optional<String> text) implements PfKeyExtension {
    /** {@code SADB_IDENTTYPE_FQDN}. */
    static final int DOMAIN_NAME = 2;

    public Identity {
      checkUnsigned(kind, Short.SIZE);
      checkArgument(
          text.isEmpty() || text.get().chars().allMatch(it -> it > 0 && it <= 255),
          "not a text of octets");
    }
  }

  /**
   * Which labelled data an association may carry (section 2.3.6).
   *
   * @param domain in which levels and compartments have their meaning
   * @param secrecy of Bell and LaPadula
   * @param integrity of Biba
   */
  record Sensitivity(int domain, Label secrecy, Label integrity) implements PfKeyExtension {
    @Override
    public int type() {
      return SENSITIVITY;
    }
  }

  /**
   * @param level 8 bits
   * @param compartments a bitmap of 0 to 255 words of eight octets
   */
  record Label(int level, Octets compartments) {
    static final int WORD = 8;

    public Label {
      checkUnsigned(level, Byte.SIZE);
      checkArgument(compartments.length() % WORD == 0, "not whole words of a bitmap");
      checkUnsigned(compartments.length() / WORD, Byte.SIZE);
    }
  }

  /**
   * What a key manager may negotiate, the best first (section 2.3.7).
   *
   * @param replay packets of the anti-replay window
   */
  record Proposal(int replay, ImmutableList<Combination> combinations) implements PfKeyExtension {
    public Proposal {
      checkUnsigned(replay, Byte.SIZE);
    }

    @Override
    public int type() {
      return PROPOSAL;
    }
  }

  /**
   * Algorithms that go together, and how long an association of them may live.
   *
   * @param integrity {@code SADB_AALG_*}, 0 for none
   * @param encryption {@code SADB_EALG_*}, 0 for none
   * @param flags as of an association, 16 bits
   * @param integrityKey 0 to 0 bits where there is none, and below
   */
  record Combination(
      int integrity,
      int encryption,
      int flags,
      KeyBits integrityKey,
      KeyBits encryptionKey,
      Limits soft,
      Limits hard) {
    public Combination {
      checkUnsigned(integrity, Byte.SIZE);
      checkUnsigned(encryption, Byte.SIZE);
      checkUnsigned(flags, Short.SIZE);
    }
  }

  /** How long a key may be, in bits, from the least to the greatest. */
  record KeyBits(int least, int greatest) {
    public KeyBits {
      checkUnsigned(least, Short.SIZE);
      checkUnsigned(greatest, Short.SIZE);
    }
  }

  /**
   * As of a {@link Lifetime}; 0 for no limit.
   *
   * @param allocations in Linux packets
   * @param addTime seconds since it was added
   * @param useTime seconds since it was first used
   */
  record Limits(int allocations, long bytes, long addTime, long useTime) {}

  /**
   * The algorithms that the kernel has (section 2.3.8).
   *
   * @param type {@link #SUPPORTED_AUTH} or {@link #SUPPORTED_ENCRYPT}
   */
  record Supported(int type, ImmutableList<Algorithm> algorithms) implements PfKeyExtension {}

  /**
   * @param id {@code SADB_AALG_*} or {@code SADB_EALG_*}
   * @param vectorLength octets of the initialization vector, 0 for none
   */
  record Algorithm(int id, int vectorLength, KeyBits key) {
    public Algorithm {
      checkUnsigned(id, Byte.SIZE);
      checkUnsigned(vectorLength, Byte.SIZE);
    }
  }

  /** What {@code SADB_GETSPI} may choose from, both ends included (section 2.3.9). */
  record SpiRange(Spi least, Spi greatest) implements PfKeyExtension {
    @Override
    public int type() {
      return SPI_RANGE;
    }
  }

  private static void checkUnsigned(int value, int bits) {
    checkArgument(value >= 0 && value < 1 << bits, "not %s bits: %s", bits, value);
  }

  /** Mode and request id of an association, KAME's. */
  record Sa2(int mode, int sequence, ReqId reqId) implements PfKeyExtension {
    @Override
    public int type() {
      return X_SA2;
    }
  }

  /**
   * What a policy does, KAME's.
   *
   * @param action {@link #DISCARD}, {@link #NONE} or {@link #IPSEC}
   * @param direction {@code IPSEC_DIR_*}: the kernel's number and 1
   * @param index the kernel's number for it, 0 where it is to give one
   */
  record PolicyAction(
      int action, int direction, int index, int priority, ImmutableList<Request> requests)
      implements PfKeyExtension {
    public static final int DISCARD = 0;
    public static final int NONE = 1;
    public static final int IPSEC = 2;

    @Override
    public int type() {
      return X_POLICY;
    }
  }

  /**
   * A template of a policy, KAME's {@code sadb_x_ipsecrequest}.
   *
   * @param level {@link #USE}, {@link #REQUIRE} or {@link #UNIQUE}
   * @param endPoints of a tunnel
   */
  record Request(int protocol, int mode, int level, ReqId reqId, Optional<AddressPair> endPoints) {
    public static final int USE = 1;
    public static final int REQUIRE = 2;
    public static final int UNIQUE = 3;

    /** A greater one the kernel takes for none, and draws one of its own. */
    public static final int MAX_REQID = 0x3fff;
  }

  /** Two IPv6 addresses one behind the other. */
  record AddressPair(Ipv6Address source, Ipv6Address destination) {}

  /**
   * From where to where a key manager talks from now on.
   *
   * @param between its own address and the other's
   */
  record KeyManagerAddress(AddressPair between) implements PfKeyExtension {
    @Override
    public int type() {
      return X_KMADDRESS;
    }
  }

  /** One that is not looked into: of another kind, or with addresses that are not IPv6. */
  record Unknown(int type, Octets octets) implements PfKeyExtension {}
}

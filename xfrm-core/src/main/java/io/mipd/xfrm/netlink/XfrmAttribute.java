package io.mipd.xfrm.netlink;

import com.google.common.collect.ImmutableList;
import com.google.common.primitives.ImmutableIntArray;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mark;
import io.mipd.xfrm.model.ReqId;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** {@code XFRMA_*} of {@code linux/xfrm.h}: what a message says beside its fixed part. */
public sealed interface XfrmAttribute {
  int ALG_AUTH = 1;
  int ALG_CRYPT = 2;
  int ALG_COMP = 3;
  int ENCAP = 4;
  int TMPL = 5;
  int SA = 6;
  int POLICY = 7;
  int SEC_CTX = 8;
  int LTIME_VAL = 9;
  int REPLAY_VAL = 10;
  int REPLAY_THRESH = 11;
  int ETIMER_THRESH = 12;
  int SRCADDR = 13;
  int COADDR = 14;
  int LASTUSED = 15;
  int POLICY_TYPE = 16;
  int MIGRATE = 17;
  int ALG_AEAD = 18;
  int KMADDRESS = 19;
  int ALG_AUTH_TRUNC = 20;
  int MARK = 21;
  int TFCPAD = 22;
  int REPLAY_ESN_VAL = 23;
  int SA_EXTRA_FLAGS = 24;
  int PROTO = 25;
  int ADDRESS_FILTER = 26;
  int PAD = 27;
  int OFFLOAD_DEV = 28;
  int SET_MARK = 29;
  int SET_MARK_MASK = 30;
  int IF_ID = 31;
  int MTIMER_THRESH = 32;

  /** Its {@code XFRMA_*} number. */
  int type();

  /** An attribute of one number, such as {@link #IF_ID} or {@link #REPLAY_THRESH}. */
  record NumberValue(int type, int value) implements XfrmAttribute {}

  /** {@link #SRCADDR} or {@link #COADDR}. */
  record Address(int type, Ipv6Address address) implements XfrmAttribute {}

  /** Index 0 innermost. */
  record Templates(ImmutableList<KernelTemplate> templates) implements XfrmAttribute {
    @Override
    public int type() {
      return TMPL;
    }
  }

  /** Of a policy or association. */
  record MarkValue(Mark mark) implements XfrmAttribute {
    @Override
    public int type() {
      return MARK;
    }
  }

  /**
   * Which of the two policy databases.
   *
   * @param value {@link #MAIN} or {@link #SUB}
   */
  record PolicyType(int value) implements XfrmAttribute {
    public static final int MAIN = 0;
    public static final int SUB = 1;

    @Override
    public int type() {
      return POLICY_TYPE;
    }
  }

  /** The policy that a notice is about. */
  record Policy(PolicyInfo info) implements XfrmAttribute {
    @Override
    public int type() {
      return POLICY;
    }
  }

  /** The state that a notice is about. */
  record Association(AssociationInfo info) implements XfrmAttribute {
    @Override
    public int type() {
      return SA;
    }
  }

  record Lifetime(LifetimeUse use) implements XfrmAttribute {
    @Override
    public int type() {
      return LTIME_VAL;
    }
  }

  /**
   * Sequence numbers of 32 bits ({@code struct xfrm_replay_state}).
   *
   * @param outbound the last that was sent
   * @param inbound the highest that was taken
   * @param bitmap those taken before it, bit n for {@code inbound - n}
   */
  record Replay(int outbound, int inbound, int bitmap) implements XfrmAttribute {
    @Override
    public int type() {
      return REPLAY_VAL;
    }
  }

  /**
   * Sequence numbers of 64 bits, or a window beyond 32 packets ({@code struct
   * xfrm_replay_state_esn}).
   *
   * @param window packets
   * @param bitmap of those taken, a ring
   */
  record ExtendedReplay(long outbound, long inbound, int window, ImmutableIntArray bitmap)
      implements XfrmAttribute {
    @Override
    public int type() {
      return REPLAY_ESN_VAL;
    }
  }

  /** When a state or policy was last used, in seconds of the wall clock. */
  record LastUsed(long seconds) implements XfrmAttribute {
    @Override
    public int type() {
      return LASTUSED;
    }
  }

  /** Lists only the states of one protocol. */
  record Protocol(int value) implements XfrmAttribute {
    @Override
    public int type() {
      return PROTO;
    }
  }

  /** Lists only the states between two prefixes. */
  record AddressFilter(
      Ipv6Address source,
      Ipv6Address destination,
      int family,
      int sourceLength,
      int destinationLength)
      implements XfrmAttribute {
    @Override
    public int type() {
      return ADDRESS_FILTER;
    }
  }

  /**
   * ESP in UDP (RFC 3948).
   *
   * @param encapsulation {@code UDP_ENCAP_*}
   */
  record Encapsulation(
      int encapsulation, int sourcePort, int destinationPort, Ipv6Address originalAddress)
      implements XfrmAttribute {
    @Override
    public int type() {
      return ENCAP;
    }
  }

  /** The ends of one tunnel that become others; in a request all stand in one attribute. */
  record Migrations(ImmutableList<Migration> migrations) implements XfrmAttribute {
    @Override
    public int type() {
      return MIGRATE;
    }
  }

  /** One entry of {@link Migrations} ({@code struct xfrm_user_migrate}). */
  record Migration(
      Ipv6Address oldDestination,
      Ipv6Address oldSource,
      Ipv6Address newDestination,
      Ipv6Address newSource,
      int protocol,
      int mode,
      ReqId reqId,
      int oldFamily,
      int newFamily) {}

  /** Where the key managers talk from now on. */
  record KeyManagerAddress(Ipv6Address local, Ipv6Address remote, int family)
      implements XfrmAttribute {
    @Override
    public int type() {
      return KMADDRESS;
    }
  }

  /** The device that does the work. */
  record Offload(int interfaceIndex, int flags) implements XfrmAttribute {
    @Override
    public int type() {
      return OFFLOAD_DEV;
    }
  }

  /** An algorithm and its key, which never prints. */
  final class Algorithm implements XfrmAttribute {
    private final int type;
    private final String name;
    private final KeyMaterial key;
    private final int checkBits;

    /**
     * @param type {@link #ALG_AUTH}, {@link #ALG_CRYPT}, {@link #ALG_COMP}, {@link #ALG_AEAD} or
     *     {@link #ALG_AUTH_TRUNC}
     * @param name the kernel's, such as {@code hmac(sha256)}
     * @param checkBits of the integrity check value; 0 for the types that do not say it
     */
    public Algorithm(int type, String name, KeyMaterial key, int checkBits) {
      this.type = type;
      this.name = name;
      this.key = key;
      this.checkBits = checkBits;
    }

    @Override
    public int type() {
      return type;
    }

    public String name() {
      return name;
    }

    public KeyMaterial key() {
      return key;
    }

    public int checkBits() {
      return checkBits;
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Algorithm that
          && type == that.type
          && name.equals(that.name)
          && key.equals(that.key)
          && checkBits == that.checkBits;
    }

    @Override
    public int hashCode() {
      return Objects.hash(type, name, checkBits);
    }

    @Override
    public String toString() {
      return name + " " + key + (checkBits == 0 ? "" : " " + checkBits);
    }
  }

  /** What this codec does not know, kept as it came. It may be secret: it does not print. */
  final class Unknown implements XfrmAttribute {
    private final int type;
    private final byte[] octets;

    public Unknown(int type, byte[] octets) {
      this.type = type;
      this.octets = octets.clone();
    }

    @Override
    public int type() {
      return type;
    }

    /** A copy. */
    public byte[] octets() {
      return octets.clone();
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Unknown that
          && type == that.type
          && Arrays.equals(octets, that.octets);
    }

    @Override
    public int hashCode() {
      return 31 * type + octets.length;
    }

    @Override
    public String toString() {
      return "attribute " + type + " of " + octets.length + " octets";
    }
  }
}

package io.mipd.xfrm.netlink;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Spi;
import java.util.Optional;

/** {@code XFRM_MSG_*} of {@code linux/xfrm.h}: requests, answers and notices of NETLINK_XFRM. */
public sealed interface XfrmMessage {
  int NEWSA = 0x10;
  int DELSA = 0x11;
  int GETSA = 0x12;
  int NEWPOLICY = 0x13;
  int DELPOLICY = 0x14;
  int GETPOLICY = 0x15;
  int ALLOCSPI = 0x16;
  int ACQUIRE = 0x17;
  int EXPIRE = 0x18;
  int UPDPOLICY = 0x19;
  int UPDSA = 0x1a;
  int POLEXPIRE = 0x1b;
  int FLUSHSA = 0x1c;
  int FLUSHPOLICY = 0x1d;
  int NEWAE = 0x1e;
  int GETAE = 0x1f;
  int REPORT = 0x20;
  int MIGRATE = 0x21;
  int NEWSADINFO = 0x22;
  int GETSADINFO = 0x23;
  int NEWSPDINFO = 0x24;
  int GETSPDINFO = 0x25;
  int MAPPING = 0x26;

  /** Its {@code XFRM_MSG_*} number. */
  int type();

  /** A state that is to be, or is: {@link #NEWSA}, {@link #UPDSA}. */
  record AssociationMessage(int type, AssociationInfo info, XfrmAttributes attributes)
      implements XfrmMessage {}

  /** A state by its name: {@link #DELSA}, {@link #GETSA}. */
  record AssociationNamed(int type, AssociationName name, XfrmAttributes attributes)
      implements XfrmMessage {}

  /** Asks for all states, or those that the attributes let through: {@link #GETSA} as a dump. */
  record ListAssociations(XfrmAttributes filters) implements XfrmMessage {
    @Override
    public int type() {
      return GETSA;
    }
  }

  /** A policy that is to be, or is: {@link #NEWPOLICY}, {@link #UPDPOLICY}. */
  record PolicyMessage(int type, PolicyInfo info, XfrmAttributes attributes)
      implements XfrmMessage {}

  /**
   * A policy by its name: {@link #DELPOLICY}, {@link #GETPOLICY}. In a notice the name is the key
   * that was used, and the attribute {@link XfrmAttribute.Policy} is the policy.
   */
  record PolicyNamed(int type, PolicyName name, XfrmAttributes attributes) implements XfrmMessage {}

  /** Asks for all policies of both types: {@link #GETPOLICY} as a dump. */
  record ListPolicies() implements XfrmMessage {
    @Override
    public int type() {
      return GETPOLICY;
    }
  }

  /** Reserves an SPI from {@code lowest} to {@code highest}; the answer is a {@link #NEWSA}. */
  record AllocateSpi(AssociationInfo info, Spi lowest, Spi highest, XfrmAttributes attributes)
      implements XfrmMessage {
    @Override
    public int type() {
      return ALLOCSPI;
    }
  }

  /**
   * A flow needs a state that is not there.
   *
   * @param destination with {@code protocol} and {@code source}: which template of those attached
   * @param selector the flow
   * @param policy without its templates, which are attached
   * @param sequence to be quoted by the state that answers it
   */
  record Acquire(
      Ipv6Address destination,
      Spi spi,
      int protocol,
      Ipv6Address source,
      KernelSelector selector,
      PolicyInfo policy,
      int authAlgorithms,
      int encryptionAlgorithms,
      int compressionAlgorithms,
      int sequence,
      XfrmAttributes attributes)
      implements XfrmMessage {
    @Override
    public int type() {
      return ACQUIRE;
    }
  }

  /** A state reached its soft or hard limit; also one that nobody made after an acquire. */
  record Expire(AssociationInfo info, boolean hard, XfrmAttributes attributes)
      implements XfrmMessage {
    @Override
    public int type() {
      return EXPIRE;
    }
  }

  record PolicyExpire(PolicyInfo info, boolean hard, XfrmAttributes attributes)
      implements XfrmMessage {
    @Override
    public int type() {
      return POLEXPIRE;
    }
  }

  /**
   * @param protocol 0 for all
   */
  record FlushAssociations(int protocol, XfrmAttributes attributes) implements XfrmMessage {
    @Override
    public int type() {
      return FLUSHSA;
    }
  }

  /** All policies of one type. */
  record FlushPolicies(XfrmAttributes attributes) implements XfrmMessage {
    @Override
    public int type() {
      return FLUSHPOLICY;
    }
  }

  /**
   * Counters and sequence numbers of a state, told, asked for or set: {@link #NEWAE}, {@link
   * #GETAE}.
   *
   * @param flags {@code XFRM_AE_*}
   */
  record AsyncEvent(
      int type,
      AssociationName name,
      Ipv6Address source,
      int flags,
      ReqId reqId,
      XfrmAttributes attributes)
      implements XfrmMessage {
    /** The threshold of sequence numbers is asked for. */
    public static final int RTHR = 1;

    /** Sequence numbers. */
    public static final int RVAL = 2;

    /** Octets and packets. */
    public static final int LVAL = 4;

    /** The threshold of time is asked for. */
    public static final int ETHR = 8;

    /** Told because of sequence numbers. */
    public static final int CR = 16;

    /** Told because of time. */
    public static final int CE = 32;

    /** Told because somebody set them. */
    public static final int CU = 64;
  }

  /** A packet with a Home Address option or type 2 routing header was not accepted. */
  record Report(int protocol, KernelSelector selector, XfrmAttributes attributes)
      implements XfrmMessage {
    @Override
    public int type() {
      return REPORT;
    }
  }

  /** Moves the ends of a policy's tunnels and of their states. */
  record Migrate(PolicyName policy, XfrmAttributes attributes) implements XfrmMessage {
    @Override
    public int type() {
      return MIGRATE;
    }
  }

  /** The peer of a state with ESP in UDP has another address or port. */
  record Mapping(
      AssociationName name,
      ReqId reqId,
      Ipv6Address oldSource,
      Ipv6Address newSource,
      int oldPort,
      int newPort)
      implements XfrmMessage {
    @Override
    public int type() {
      return MAPPING;
    }
  }

  /**
   * Sizes of the policy database: {@link #NEWSPDINFO}, {@link #GETSPDINFO}.
   *
   * @param flags quoted in the answer
   */
  record PolicyDatabaseInfo(
      int type,
      int flags,
      Optional<PolicyCounts> counts,
      Optional<HashSize> hash,
      Optional<HashThreshold> ipv4,
      Optional<HashThreshold> ipv6,
      ImmutableList<XfrmAttribute.Unknown> others)
      implements XfrmMessage {}

  /** Policies of hosts by direction, and those of sockets. */
  record PolicyCounts(
      int in, int out, int forward, int socketIn, int socketOut, int socketForward) {}

  /** Buckets, and how many there may be. */
  record HashSize(int buckets, int most) {}

  /** Selectors with prefixes at least this long are found by hash. */
  record HashThreshold(int localLength, int remoteLength) {}
}

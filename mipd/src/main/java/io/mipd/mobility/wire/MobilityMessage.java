package io.mipd.mobility.wire;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Octets;
import java.util.Optional;

/** A message of the Mobility Header (RFC 6275 section 6.1). */
public sealed interface MobilityMessage {
  int BINDING_REFRESH_REQUEST = 0;
  int HOME_TEST_INIT = 1;
  int CARE_OF_TEST_INIT = 2;
  int HOME_TEST = 3;
  int CARE_OF_TEST = 4;
  int BINDING_UPDATE = 5;
  int BINDING_ACKNOWLEDGEMENT = 6;
  int BINDING_ERROR = 7;

  /** The MH Type. */
  int type();

  ImmutableList<MobilityOption> options();

  /** The first option of a kind. */
  default <T extends MobilityOption> Optional<T> option(Class<T> kind) {
    return options().stream().filter(kind::isInstance).map(kind::cast).findFirst();
  }

  /** Asks a mobile node to renew its binding (section 6.1.2). */
  record BindingRefreshRequest(ImmutableList<MobilityOption> options) implements MobilityMessage {
    @Override
    public int type() {
      return BINDING_REFRESH_REQUEST;
    }
  }

  /** Starts return routability by way of the home agent (section 6.1.3). */
  record HomeTestInit(long cookie, ImmutableList<MobilityOption> options)
      implements MobilityMessage {
    @Override
    public int type() {
      return HOME_TEST_INIT;
    }

    /** Without its cookie, which proves who was on the path of the question. */
    @Override
    public String toString() {
      return "HomeTestInit";
    }
  }

  /** Starts return routability directly (section 6.1.4). */
  record CareOfTestInit(long cookie, ImmutableList<MobilityOption> options)
      implements MobilityMessage {
    @Override
    public int type() {
      return CARE_OF_TEST_INIT;
    }

    /** Without its cookie, which proves who was on the path of the question. */
    @Override
    public String toString() {
      return "CareOfTestInit";
    }
  }

  /**
   * Answers a Home Test Init (section 6.1.5).
   *
   * @param nonceIndex 16 bits
   */
  record HomeTest(
      int nonceIndex, long cookie, KeygenToken token, ImmutableList<MobilityOption> options)
      implements MobilityMessage {
    @Override
    public int type() {
      return HOME_TEST;
    }

    /** Without its cookie, which proves who was on the path of the question. */
    @Override
    public String toString() {
      return "HomeTest[nonceIndex=" + nonceIndex + "]";
    }
  }

  /**
   * Answers a Care-of Test Init (section 6.1.6).
   *
   * @param nonceIndex 16 bits
   */
  record CareOfTest(
      int nonceIndex, long cookie, KeygenToken token, ImmutableList<MobilityOption> options)
      implements MobilityMessage {
    @Override
    public int type() {
      return CARE_OF_TEST;
    }

    /** Without its cookie, which proves who was on the path of the question. */
    @Override
    public String toString() {
      return "CareOfTest[nonceIndex=" + nonceIndex + "]";
    }
  }

  /** A keygen token: half of what a binding management key is made of, so it never prints. */
  record KeygenToken(long value) {
    @Override
    public String toString() {
      return "keygen token";
    }
  }

  /** A request to bind a home address to a care-of address (section 6.1.7). */
  record BindingUpdate(
      SequenceNumber sequence,
      ImmutableSet<BindingFlag> flags,
      BindingLifetime lifetime,
      ImmutableList<MobilityOption> options)
      implements MobilityMessage {
    @Override
    public int type() {
      return BINDING_UPDATE;
    }

    public boolean has(BindingFlag flag) {
      return flags.contains(flag);
    }

    public Optional<CareOfAddress> alternateCareOfAddress() {
      return option(MobilityOption.AlternateCareOfAddress.class)
          .map(MobilityOption.AlternateCareOfAddress::careOf);
    }
  }

  /**
   * What became of a Binding Update (section 6.1.8).
   *
   * @param keyManagement K: the home agent moves the IKE security associations too
   */
  record BindingAcknowledgement(
      BindingStatus status,
      boolean keyManagement,
      SequenceNumber sequence,
      BindingLifetime lifetime,
      ImmutableList<MobilityOption> options)
      implements MobilityMessage {
    @Override
    public int type() {
      return BINDING_ACKNOWLEDGEMENT;
    }

    /** The same, with K clear. */
    public BindingAcknowledgement withoutKeyManagement() {
      return new BindingAcknowledgement(status, false, sequence, lifetime, options);
    }

    public Optional<MobilityOption.BindingRefreshAdvice> refreshAdvice() {
      return option(MobilityOption.BindingRefreshAdvice.class);
    }
  }

  /**
   * Something about mobility that the receiver could not accept (section 6.1.9).
   *
   * @param status {@link #UNKNOWN_BINDING} or {@link #UNRECOGNIZED_MESSAGE}, or another 8 bits
   * @param homeAddress of the Home Address option that was not accepted, else unspecified
   */
  record BindingError(int status, Ipv6Address homeAddress, ImmutableList<MobilityOption> options)
      implements MobilityMessage {
    /** A Home Address option without a binding. */
    public static final int UNKNOWN_BINDING = 1;

    /** An MH Type that is not known. */
    public static final int UNRECOGNIZED_MESSAGE = 2;

    public BindingError {
      checkArgument(status >= 0 && status <= 255, "not 8 bits: %s", status);
    }

    @Override
    public int type() {
      return BINDING_ERROR;
    }
  }

  /** A message that we do not know: a Binding Error answers it (section 9.2). */
  record Unknown(int type, Octets data) implements MobilityMessage {
    public Unknown {
      checkArgument(type > BINDING_ERROR && type <= 255, "a known message: %s", type);
    }

    @Override
    public ImmutableList<MobilityOption> options() {
      return ImmutableList.of();
    }
  }
}

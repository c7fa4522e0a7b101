package io.mipd.xfrm.pfkey;

import static com.google.common.base.Preconditions.checkArgument;

import com.google.common.collect.ImmutableList;
import java.util.Optional;

/**
 * A message of a PF_KEYv2 socket (RFC 2367 section 2.3).
 *
 * @param type one of the constants here
 * @param associationType which kind of association it is about ({@code SADB_SATYPE_*}); 0 for none
 * @param errno why the kernel has refused what was asked, 0 if it has not
 * @param sequence the asker's, that the answer bears as well; in a list how many are still to come
 * @param process the asker's, that the answer bears as well
 */
public record PfKeyMessage(
    int type,
    int associationType,
    int errno,
    int sequence,
    int process,
    ImmutableList<PfKeyExtension> extensions) {
  // sadb_msg_type, of RFC 2367 section 3.1 and linux/pfkeyv2.h.
  public static final int GETSPI = 1;
  public static final int UPDATE = 2;
  public static final int ADD = 3;
  public static final int DELETE = 4;
  public static final int GET = 5;
  public static final int ACQUIRE = 6;
  public static final int REGISTER = 7;
  public static final int EXPIRE = 8;
  public static final int FLUSH = 9;
  public static final int DUMP = 10;
  public static final int X_SPDUPDATE = 13;
  public static final int X_SPDADD = 14;
  public static final int X_SPDDELETE = 15;
  public static final int X_SPDGET = 16;
  public static final int X_SPDDUMP = 18;
  public static final int X_SPDFLUSH = 19;
  public static final int X_MIGRATE = 24;

  // sadb_msg_satype.
  public static final int UNSPECIFIED = 0;
  public static final int AH = 2;
  public static final int ESP = 3;
  public static final int IPCOMP = 9;

  public PfKeyMessage {
    checkArgument(type > 0 && type <= 255, "not a message type: %s", type);
    checkArgument(
        associationType >= 0 && associationType <= 255,
        "not an association type: %s",
        associationType);
    checkArgument(errno >= 0 && errno <= 255, "not an error: %s", errno);
  }

  /** A request; who sends it gives it its numbers. */
  public static PfKeyMessage request(
      int type, int associationType, ImmutableList<PfKeyExtension> extensions) {
    return new PfKeyMessage(type, associationType, 0, 0, 0, extensions);
  }

  public PfKeyMessage numbered(int newSequence, int newProcess) {
    return new PfKeyMessage(type, associationType, errno, newSequence, newProcess, extensions);
  }

  /** The extension of a kind, if it is there. */
  public <E extends PfKeyExtension> Optional<E> first(Class<E> kind) {
    return extensions.stream().filter(kind::isInstance).map(kind::cast).findFirst();
  }

  /** The extension of a kind and number, if it is there. */
  public <E extends PfKeyExtension> Optional<E> first(Class<E> kind, int number) {
    return extensions.stream()
        .filter(kind::isInstance)
        .filter(extension -> extension.type() == number)
        .map(kind::cast)
        .findFirst();
  }
}

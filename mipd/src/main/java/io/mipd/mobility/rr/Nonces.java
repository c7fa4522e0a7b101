package io.mipd.mobility.rr;

import static io.mipd.mobility.ProtocolConstants.MAX_NONCE_LIFETIME;
import static io.mipd.mobility.ProtocolConstants.MAX_TOKEN_LIFETIME;

import com.google.common.primitives.Bytes;
import com.google.common.primitives.Longs;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.MobilityMessage.KeygenToken;
import io.mipd.xfrm.crypto.Hmac;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.Ipv6Address;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * What a correspondent node makes keygen tokens with, the same for all mobile nodes, so that it
 * need not remember whom it gave one (RFC 6275 section 5.2.5):
 *
 * <pre>
 * home keygen token    := First (64, HMAC_SHA1 (Kcn, (home address    | nonce | 0)))
 * care-of keygen token := First (64, HMAC_SHA1 (Kcn, (care-of address | nonce | 1)))
 * </pre>
 *
 * A nonce is made when a token is asked for and the newest has made tokens for 30 seconds; it is
 * accepted until MAX_NONCE_LIFETIME after its first token, which leaves every token
 * MAX_TOKEN_LIFETIME at least (section 5.2.7). So there are never more than eight. Each has a Kcn
 * of its own, as that section recommends, and the two are forgotten together. The first index is
 * random: after a restart tokens of the life before are most likely refused by their index, and the
 * mobile node told to fetch others.
 */
public final class Nonces {
  private static final Duration PERIOD = MAX_NONCE_LIFETIME.minus(MAX_TOKEN_LIFETIME);
  private static final int INDICES = 0x10000;

  /** RFC 6275 section 5.2.1. */
  private static final int NODE_KEY_OCTETS = 20;

  /** RFC 6275 section 5.2.2. */
  private static final int NONCE_OCTETS = 8;

  private static final byte HOME = 0;
  private static final byte CARE_OF = 1;

  private final RandomGenerator random;
  private final Deque<Nonce> nonces = new ArrayDeque<>();
  private int nextIndex;

  /** A nonce with its node key. */
  private static final class Nonce {
    final int index;
    final Instant firstUse;
    private final Hmac nodeKey;
    private final byte[] octets = new byte[NONCE_OCTETS];

    Nonce(int index, Instant firstUse, RandomGenerator random) {
      this.index = index;
      this.firstUse = firstUse;
      byte[] key = new byte[NODE_KEY_OCTETS];
      random.nextBytes(key);
      nodeKey = new Hmac(IntegrityAlgorithm.HMAC_SHA1_96, KeyMaterial.copyOf(key));
      random.nextBytes(octets);
    }

    Instant expiry() {
      return firstUse.plus(MAX_NONCE_LIFETIME);
    }

    IssuedToken token(Ipv6Address address, byte kind) {
      byte[] message = Bytes.concat(address.toOctets(), octets, new byte[] {kind});
      nodeKey.update(message, 0, message.length);
      byte[] first = new byte[IntegrityAlgorithm.HMAC_SHA1_96.icvLength()];
      nodeKey.finish(first, 0);
      return new IssuedToken(index, new KeygenToken(Longs.fromByteArray(first)), expiry());
    }
  }

  /**
   * @param random of cryptographic quality
   */
  public Nonces(RandomGenerator random) {
    this.random = random;
    nextIndex = random.nextInt(INDICES);
  }

  /** A token for a Home Test, of the current nonce. */
  public IssuedToken issue(Instant now, HomeAddress home) {
    return current(now).token(home.value(), HOME);
  }

  /** A token for a Care-of Test, of the current nonce. */
  public IssuedToken issue(Instant now, CareOfAddress careOf) {
    return current(now).token(careOf.value(), CARE_OF);
  }

  /** The token that this home address was given; empty if the nonce is not recognized any more. */
  public Optional<IssuedToken> recall(Instant now, int nonceIndex, HomeAddress home) {
    return find(now, nonceIndex).map(nonce -> nonce.token(home.value(), HOME));
  }

  /** The token that this care-of address was given; empty likewise. */
  public Optional<IssuedToken> recall(Instant now, int nonceIndex, CareOfAddress careOf) {
    return find(now, nonceIndex).map(nonce -> nonce.token(careOf.value(), CARE_OF));
  }

  /** When the next nonce is to be forgotten; empty if there is none. */
  public Optional<Instant> nextExpiry() {
    return nonces.isEmpty() ? Optional.empty() : Optional.of(nonces.getFirst().expiry());
  }

  /** "Expired values MUST be discarded" (RFC 6275 section 5.2.2). */
  public void discardExpired(Instant now) {
    while (!nonces.isEmpty() && !now.isBefore(nonces.getFirst().expiry())) {
      nonces.removeFirst();
    }
  }

  private Nonce current(Instant now) {
    discardExpired(now);
    if (nonces.isEmpty() || !now.isBefore(nonces.getLast().firstUse.plus(PERIOD))) {
      nonces.addLast(new Nonce(nextIndex, now, random));
      nextIndex = (nextIndex + 1) % INDICES;
    }
    return nonces.getLast();
  }

  private Optional<Nonce> find(Instant now, int index) {
    discardExpired(now);
    return nonces.stream().filter(nonce -> nonce.index == index).findFirst();
  }
}

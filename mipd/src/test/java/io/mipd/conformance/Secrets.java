package io.mipd.conformance;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * What whoever talks to the node under test remembers: tokens, cookies and numbers that were seen,
 * and what RFC 6275 section 5.2 makes of them.
 */
final class Secrets {
  private static final String HMAC_SHA1 = "HmacSHA1";
  private static final int AUTHENTICATOR = 12;
  private static final int ICV = 12;

  /** Of every association of a case. */
  private static final byte[] IPSEC_KEY = new byte[20];

  /** Keygen tokens by address and nonce index. */
  private final Map<String, byte[]> tokens = new HashMap<>();

  /** The newest nonce index that an address has a token for. */
  private final Map<String, Integer> newest = new HashMap<>();

  /** Kbm by home address and correspondent. */
  private final Map<String, byte[]> keys = new HashMap<>();

  /** Numbers and cookies that the node sent last, by kind. */
  private final Map<String, String> last = new HashMap<>();

  private final Map<Integer, Integer> espNumbers = new HashMap<>();

  /** A Home or Care-of Test was seen, or is being made. */
  void token(String address, int index, byte[] token) {
    tokens.put(address + " " + index, token);
    newest.put(address, index);
  }

  int newest(String address) {
    return newest.getOrDefault(address, 0);
  }

  void remember(String kind, String value) {
    last.put(kind, value);
  }

  String last(String kind) {
    String value = last.get(kind);
    if (value == null) {
      throw new IllegalStateException("no " + kind + " has been seen");
    }
    return value;
  }

  boolean knows(String kind) {
    return last.containsKey(kind);
  }

  /**
   * Kbm = SHA1(home keygen token | care-of keygen token), or SHA1(home keygen token) for a binding
   * that ends (section 5.2.5); tokens nobody has seen are zero.
   */
  void agree(
      String home, String peer, int homeIndex, String careOf, int careOfIndex, boolean ends) {
    try {
      MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
      sha1.update(tokens.getOrDefault(home + " " + homeIndex, new byte[8]));
      if (!ends) {
        sha1.update(tokens.getOrDefault(careOf + " " + careOfIndex, new byte[8]));
      }
      keys.put(home + " " + peer, sha1.digest());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * First (96, HMAC_SHA1 (Kbm, care-of address | correspondent | message data)), section 6.2.7.
   *
   * @param message up to the authenticator
   */
  byte[] authenticator(
      String home, String peer, byte[] careOf, byte[] correspondent, byte[] message) {
    byte[] data = message.clone();
    Octets.putTwo(data, 4, 0);
    byte[] key = keys.getOrDefault(home + " " + peer, new byte[20]);
    return hmac(
        key, new Octets().all(careOf).all(correspondent).all(data).toArray(), AUTHENTICATOR);
  }

  /** ESP without encryption (RFC 2410), with HMAC-SHA1-96 (RFC 2404). */
  byte[] esp(int spi, int nextHeader, byte[] payload) {
    int number = espNumbers.merge(spi, 1, Integer::sum);
    var packet = new Octets().four(spi).four(number).all(payload);
    int padding = (2 - payload.length) & 3;
    for (int i = 1; i <= padding; i++) {
      packet.octet(i);
    }
    byte[] covered = packet.octet(padding).octet(nextHeader).toArray();
    return new Octets().all(covered).all(hmac(IPSEC_KEY, covered, ICV)).toArray();
  }

  /** AH without its integrity check value, which is over the whole packet. */
  byte[] ah(int spi, int nextHeader, byte[] payload) {
    int number = espNumbers.merge(spi, 1, Integer::sum);
    return new Octets().all(Ah.header(nextHeader, spi, number)).all(payload).toArray();
  }

  /** HMAC-SHA1-96 by the key of every association. */
  static byte[] integrity(byte[] covered) {
    return hmac(IPSEC_KEY, covered, ICV);
  }

  /** Whether an ESP packet has the right integrity check value. */
  static boolean isGenuine(byte[] esp) {
    byte[] covered = Arrays.copyOf(esp, esp.length - ICV);
    return Arrays.equals(
        hmac(IPSEC_KEY, covered, ICV), Arrays.copyOfRange(esp, esp.length - ICV, esp.length));
  }

  static String ipsecKey() {
    return HexFormat.of().formatHex(IPSEC_KEY);
  }

  private static byte[] hmac(byte[] key, byte[] data, int length) {
    try {
      Mac mac = Mac.getInstance(HMAC_SHA1);
      mac.init(new SecretKeySpec(key, HMAC_SHA1));
      return Arrays.copyOf(mac.doFinal(data), length);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}

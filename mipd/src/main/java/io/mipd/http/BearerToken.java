package io.mipd.http;

import static com.google.common.base.Preconditions.checkArgument;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Who knows it may ask (RFC 6750). Never prints. */
public final class BearerToken {
  /** Of 16 random octets there are enough that nobody guesses one, however often he may try. */
  private static final int SHORTEST = 32;

  private static final int NEW_OCTETS = 32;

  /** What is one: b64token of RFC 6750 section 2.1, of a length that is none to be guessed. */
  public static final String FORM =
      SHORTEST + " to 256 letters, digits, or any of - . _ ~ + /, random; mipd token makes one";

  private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9._~+/-]{" + SHORTEST + ",256}=*");
  private static final String SCHEME = "Bearer ";

  private final byte[] octets;

  private BearerToken(byte[] octets) {
    this.octets = octets;
  }

  /**
   * @throws IllegalArgumentException if it is not of the {@link #FORM}; without telling it
   */
  public static BearerToken of(String text) {
    checkArgument(TOKEN.matcher(text).matches(), "not a token");
    return new BearerToken(text.getBytes(StandardCharsets.US_ASCII));
  }

  /** The text of a new one. */
  public static String newText(SecureRandom random) {
    byte[] octets = new byte[NEW_OCTETS];
    random.nextBytes(octets);
    return HexFormat.of().formatHex(octets);
  }

  /**
   * Whether an Authorization header field has it. Takes as long for any other token.
   *
   * @param authorization null if there is none
   */
  boolean isIn(@Nullable String authorization) {
    return authorization != null
        && authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
        && MessageDigest.isEqual(
            octets,
            authorization.substring(SCHEME.length()).strip().getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof BearerToken that && MessageDigest.isEqual(octets, that.octets);
  }

  @Override
  public int hashCode() {
    return 0;
  }

  @Override
  public String toString() {
    return "bearer token";
  }
}

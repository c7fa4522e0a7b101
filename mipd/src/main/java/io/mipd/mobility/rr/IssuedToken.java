package io.mipd.mobility.rr;

import io.mipd.mobility.wire.MobilityMessage.KeygenToken;
import java.time.Instant;

/**
 * A keygen token of ours (RFC 6275 section 5.2.3).
 *
 * @param nonceIndex of the nonce that it is made with, 16 bits
 * @param expiry from then on the nonce is not accepted any more
 */
public record IssuedToken(int nonceIndex, KeygenToken token, Instant expiry) {}

package io.mipd.mobility.mn;

import io.mipd.mobility.wire.CareOfAddress;
import java.time.Instant;

/** A binding that a correspondent may have, acknowledged or not: its packets may come by it. */
record HeldBinding(CareOfAddress careOf, Instant until) {}

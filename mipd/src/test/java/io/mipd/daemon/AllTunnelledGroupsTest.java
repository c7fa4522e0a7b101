package io.mipd.daemon;

import org.junit.jupiter.api.Tag;

/** The same in the kernel world, all of it: a guest takes minutes for that. */
@Tag("kernel")
@Tag("long")
class AllTunnelledGroupsTest extends TunnelledGroupsTest {}

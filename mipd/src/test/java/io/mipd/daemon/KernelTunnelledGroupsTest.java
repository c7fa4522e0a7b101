package io.mipd.daemon;

import org.junit.jupiter.api.Tag;

/** The same in the kernel world: a guest takes minutes for it. */
@Tag("kernel")
@Tag("long")
class KernelTunnelledGroupsTest extends TunnelledGroupsTest {}

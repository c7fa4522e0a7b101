package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableSet;
import io.mipd.daemon.JoinedGroups.Membership;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Lines of {@code /proc/net/igmp6} of Linux 6.1. */
class JoinedGroupsTest {
  private static final Ipv6Address GROUP = Ipv6Address.parse("ff0e::101");
  private static final String TABLE =
      """
      1    lo              ff020000000000000000000000000001     1 0000000C 0
      2    eth0            ff0e0000000000000000000000000101     1 00000004 0
      2    eth0            ff0200000000000000000001ff000002     1 00000004 0
      2    eth0            ff050000000000000000000000000101     1 00000004 0
      3    mipd0           ff0e0000000000000000000000000101     %d 00000004 0
      3    mipd0           ff3e0000000000000000000000000003     1 00000004 0
      """;

  private static ImmutableSet<Ipv6Address> read(int users, Membership... ours) {
    return JoinedGroups.ofOthers(TABLE.formatted(users).lines(), Set.of(ours));
  }

  @Test
  void groupsOfGlobalScopeOnWhicheverInterface() {
    assertThat(read(1)).containsExactly(GROUP, Ipv6Address.parse("ff3e::3"));
  }

  @Test
  void whatWeHaveJoinedDoesNotCount() {
    var there = new Membership(3, Ipv6Address.parse("ff3e::3"));
    assertThat(read(1, there)).containsExactly(GROUP);
    assertThat(read(1, there, new Membership(2, GROUP), new Membership(3, GROUP))).isEmpty();
    assertThat(read(2, there, new Membership(2, GROUP), new Membership(3, GROUP)))
        .as("a program has joined on our device, too")
        .containsExactly(GROUP);
  }
}

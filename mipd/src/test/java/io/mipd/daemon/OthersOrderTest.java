package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.Lists;
import io.mipd.xfrm.linux.KernelBackend;
import io.mipd.xfrm.linux.NetworkNamespace;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.netlink.KernelPolicy;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Policies of others whose priorities are equal, which is what {@code ip xfrm} makes unless told
 * otherwise: mipd takes them in the order in which Linux does, and leaves that as it was. What
 * Linux does is asked of it by a datagram, which it refuses to send where a policy blocks it.
 */
@Tag("kernel")
class OthersOrderTest {
  private static final String HOME = "2001:db8:1::100";
  private static final String PEER = "2001:db8:c::c";
  private static final int PORT = 9;

  private static final String EXACT = "src " + HOME + " dst " + PEER;
  private static final String PREFIX = "src " + HOME + " dst ::/0";

  @TempDir private Path folder = Path.of("");
  private final String name = "mipd-t" + ProcessHandle.current().pid();

  @BeforeEach
  void build() throws Exception {
    takeDown();
    sh("ip netns add " + name);
    ip("link set lo up");
    ip("link add dummy0 type dummy");
    ip("link set dummy0 up");
    ip("addr add " + HOME + "/64 dev dummy0 nodad");
    ip("-6 route add default dev dummy0");
  }

  @AfterEach
  void takeDown() throws Exception {
    new ProcessBuilder("ip", "netns", "del", name).start().waitFor();
  }

  private static String sh(String command) throws Exception {
    Process process = new ProcessBuilder("sh", "-c", command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as("%s: %s", command, said).isZero();
    return said;
  }

  private String ip(String words) throws Exception {
    return sh("ip -n " + name + " " + words);
  }

  private void policy(String words) throws Exception {
    ip("xfrm policy " + words + " dir out");
  }

  private <T> T within(Callable<T> work) throws Exception {
    return NetworkNamespace.within(NetworkNamespace.named(name), work);
  }

  private boolean isBlockedByLinux() throws Exception {
    return within(
        () -> {
          try (var socket = new DatagramSocket()) {
            InetAddress peer = InetAddress.getByName(PEER);
            socket.send(new DatagramPacket(new byte[8], 8, peer, PORT));
            return false;
          } catch (IOException e) {
            assertThat(e).hasMessageContaining("not permitted");
            return true;
          }
        });
  }

  private static boolean isBlockedBy(OthersPolicies others) {
    var flow =
        Flow.withPorts(
            Ipv6Address.parse(HOME), Ipv6Address.parse(PEER), IpProtocol.UDP, PORT, PORT);
    return others.policies().stream()
            .filter(one -> one.direction() == Direction.OUT && one.selector().matches(flow))
            .min(Comparator.comparing(Policy::priority, Integer::compareUnsigned))
            .orElseThrow()
            .action()
        == Policy.Action.BLOCK;
  }

  private List<String> priorities() throws Exception {
    try (KernelBackend kernel = within(() -> KernelBackend.open())) {
      return kernel.foreignPolicies().stream()
          .map(one -> one.info().selector() + " " + one.info().priority())
          .sorted()
          .toList();
    }
  }

  /** Before mipd, while it is there and has had them step back, and after it. */
  private void isTaken(boolean blocked) throws Exception {
    assertThat(isBlockedByLinux()).as("before").isEqualTo(blocked);
    List<String> before = priorities();
    Journal journal = Journal.open(folder);
    try (KernelBackend kernel = within(() -> KernelBackend.open())) {
      var others = new OthersPolicies(kernel, journal);
      assertThat(others.read()).isTrue();
      assertThat(isBlockedBy(others)).as("by mipd").isEqualTo(blocked);
      others.stepBack();
      assertThat(priorities()).isNotEqualTo(before);
      assertThat(isBlockedByLinux()).as("having stepped back").isEqualTo(blocked);
      others.read();
      assertThat(isBlockedBy(others)).as("by mipd, having stepped back").isEqualTo(blocked);
    }
    assertThat(within(() -> OthersPolicies.giveBack(journal))).hasSameSizeAs(before);
    assertThat(priorities()).isEqualTo(before);
    assertThat(isBlockedByLinux()).as("after").isEqualTo(blocked);
    ip("xfrm policy flush");
  }

  @Test
  void whatIsForPrefixesComesBeforeWhatIsForTwoHosts() throws Exception {
    policy("add " + EXACT + " action allow");
    policy("add " + PREFIX + " action block");
    isTaken(true);
    policy("add " + EXACT + " action block");
    policy("add " + PREFIX + " action allow");
    isTaken(false);
    policy("add " + PREFIX + " action block");
    policy("add " + EXACT + " action allow");
    isTaken(true);
  }

  @Test
  void ofTheSameAddressesTheOlderIsFirstAlsoWhenItIsUpdated() throws Exception {
    for (String addresses : ImmutableList.of(EXACT, PREFIX)) {
      policy("add " + addresses + " proto udp action block");
      policy("add " + addresses + " action allow");
      isTaken(true);
      policy("add " + addresses + " action allow");
      policy("add " + addresses + " proto udp action block");
      isTaken(false);
      policy("add " + addresses + " proto udp action allow");
      policy("add " + addresses + " action allow");
      policy("update " + addresses + " proto udp action block");
      isTaken(true);
    }
  }

  /** The daemon dies when so many of them have stepped back, and so many when they go forth. */
  @Test
  void haveTheirPrioritiesAgainWhereverMipdDies() throws Exception {
    List<String> all =
        List.of(
            EXACT + " proto udp action block",
            EXACT + " action allow",
            PREFIX + " proto tcp action block priority 7",
            "src ::/0 dst " + PEER + " proto tcp action allow priority 9");
    for (int steps = 0; steps <= all.size(); steps++) {
      for (String one : all) {
        policy("add " + one);
      }
      List<String> before = priorities();
      Path life = Files.createDirectory(folder.resolve("life" + steps));
      Journal journal = Journal.open(life);
      List<KernelPolicy> stepping;
      try (KernelBackend kernel = within(() -> KernelBackend.open())) {
        List<KernelPolicy> foreign = kernel.foreignPolicies();
        var others = new OthersPolicies(kernel, journal);
        others.read();
        others.stepBack();
        // Undone but for the first: all is in the journal before anything is done.
        List<KernelPolicy> now =
            kernel.foreignPolicies().stream()
                .sorted(Comparator.comparing((KernelPolicy it) -> it.info().priority()).reversed())
                .toList();
        stepping =
            now.stream()
                .map(
                    it ->
                        foreign.stream()
                            .filter(one -> one.info().index() == it.info().index())
                            .findFirst()
                            .orElseThrow())
                .toList();
        kernel.changeOthers(Lists.reverse(stepping.subList(steps, stepping.size())));
      }
      Journal left = Journal.open(life);
      if (steps % 2 == 0) {
        // A successor has all of them step back, and leaves in peace.
        try (KernelBackend kernel = within(() -> KernelBackend.open())) {
          var others = new OthersPolicies(kernel, left);
          others.read();
          assertThat(isBlockedBy(others)).isTrue();
          others.stepBack();
          assertThat(isBlockedByLinux()).isTrue();
          assertThat(kernel.foreignPolicies())
              .allSatisfy(one -> assertThat(one.info().priority()).isGreaterThanOrEqualTo(65_536));
        }
      }
      within(() -> OthersPolicies.giveBack(left));
      assertThat(priorities()).as("killed after %s", steps).isEqualTo(before);
      assertThat(isBlockedByLinux()).isTrue();
      ip("xfrm policy flush");
    }
  }

  /** What cannot be composed does not leave without what is asked for it. */
  @Test
  void blocksWhatItCannotCompose() throws Exception {
    policy("add " + EXACT + " tmpl src 192.0.2.1 dst 192.0.2.2 proto esp reqid 7 mode tunnel");
    // No packet of others has such a mark.
    policy(
        "add "
            + EXACT
            + " mark 0x80000000 mask 0x80000000"
            + " tmpl src 192.0.2.1 dst 192.0.2.2 proto esp reqid 8 mode tunnel");
    policy("add " + PREFIX + " dev dummy0 action block priority 3");
    policy("add " + PREFIX + " ptype sub action block");
    try (KernelBackend kernel = within(() -> KernelBackend.open())) {
      var others = new OthersPolicies(kernel, Journal.open(folder));
      others.read();
      assertThat(others.policies())
          .singleElement()
          .satisfies(
              one -> {
                assertThat(one.action()).isEqualTo(Policy.Action.BLOCK);
                assertThat(one.selector().destination().address())
                    .isEqualTo(Ipv6Address.parse(PEER));
              });
    }
  }
}

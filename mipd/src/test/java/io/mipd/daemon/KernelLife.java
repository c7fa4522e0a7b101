package io.mipd.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import io.mipd.host.HomeAssociations;
import io.mipd.host.InstalledPolicies;
import io.mipd.mobility.MobilityWish;
import io.mipd.mobility.NodeAction;
import io.mipd.mobility.WishOwner;
import io.mipd.mobility.planner.HomePolicies;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.CareOfAddress;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.xfrm.linux.KernelBackend;
import io.mipd.xfrm.linux.KernelSequences;
import io.mipd.xfrm.linux.NetworkNamespace;
import io.mipd.xfrm.linux.Rtnetlink;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.netlink.KernelAssociation;
import io.mipd.xfrm.transform.FileSequenceStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.Optional;
import java.util.concurrent.Callable;

/** One life of a daemon, as far as its policies and states are concerned. */
final class KernelLife implements AutoCloseable {
  static final HomeAddress HOME = new HomeAddress(Ipv6Address.parse("2001:db8:1::100"));
  static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  static final Ipv6Address PEER = Ipv6Address.parse("2001:db8:c::c");
  static final CareOfAddress AT_A = new CareOfAddress(Ipv6Address.parse("2001:db8:a::10"));
  static final CareOfAddress AT_B = new CareOfAddress(Ipv6Address.parse("2001:db8:b::10"));

  private final String namespace;
  final KernelBackend kernel;
  final Rtnetlink netlink;
  final KernelLedger ledger;
  final InstalledPolicies policies;
  final Dying backend;
  final ConfiguredKeys protection;
  final HomePolicies planner;

  /**
   * @param namespace in which it lives
   * @param folder where it writes, and its successor reads
   * @param user what is configured beside mobility
   * @param commands after which it dies
   */
  KernelLife(String namespace, Path folder, ImmutableList<Policy> user, int commands)
      throws Exception {
    this.namespace = namespace;
    protection = sampleProtection(folder);
    planner = planner(protection);
    kernel = within(KernelBackend::open);
    netlink = within(Rtnetlink::open);
    var setup =
        new World.Setup(
            "mipd0",
            1400,
            false,
            ImmutableSet.of("eth0"),
            ImmutableSet.of(HOME.value()),
            ImmutableSet.of(),
            Optional.of(new World.HomeLink(AGENT, Ipv6Prefix.parse("2001:db8:1::/64"))),
            /* learning= */ false,
            ImmutableSet.of(),
            ImmutableList.of(),
            /* tunnelsGroups= */ false,
            ImmutableSet.of());
    var store = new FileSequenceStore(folder.resolve("sequences"));
    ledger =
        new KernelLedger(
            kernel,
            kernel,
            new KernelSequences(kernel, store::ledger),
            new PlainTunnels(new SystemChanges(netlink, Journal.open(folder)), setup),
            setup.negotiated(),
            setup.tunnelsGroups());
    backend = new Dying(ledger, commands);
    policies = new InstalledPolicies(backend, user);
    ledger.adopt();
    ledger.establish(associations());
  }

  /**
   * Of the sample's mobile node.
   *
   * @param folder for its files
   */
  static ConfiguredKeys sampleProtection(Path folder) throws IOException, ConfigurationException {
    Path keys = folder.resolve("mobile-node-1.keys");
    Files.writeString(keys, TestNet.sampleKeys());
    Files.setPosixFilePermissions(keys, PosixFilePermissions.fromString("rw-------"));
    DaemonConfiguration configuration =
        DaemonConfiguration.read(
            Files.writeString(folder.resolve("mipd.conf"), TestNet.sample("mobile-node.conf")));
    return (ConfiguredKeys)
        ((DaemonConfiguration.MobileNode) configuration.role()).protection().orElseThrow();
  }

  static HomePolicies planner(ConfiguredKeys protection) {
    return new HomePolicies(HOME, AGENT, tunnelProtection(protection));
  }

  /** Of Home Test Inits, and of payload. */
  static ImmutableList<ReqId> tunnels(ConfiguredKeys protection) {
    return ImmutableList.of(
        protection.returnRoutability().orElseThrow().reqId(),
        protection.payload().orElseThrow().reqId());
  }

  <T> T within(Callable<T> work) throws Exception {
    return NetworkNamespace.within(NetworkNamespace.named(namespace), work);
  }

  ImmutableList<SecurityAssociation> associations() {
    return protection.associations(HOME.value(), AGENT);
  }

  ImmutableList<ReqId> tunnels() {
    return tunnels(protection);
  }

  /** What a mobile node does that registers at A, moves to B and comes home. */
  void wanders(int stages) {
    stage(stages > 0, planner.mobileNodeUnregistered(), Optional.empty());
    stage(stages > 1, planner.mobileNodeAway(AT_A), move(HOME.value(), AT_A.value()));
    stage(stages > 2, planner.mobileNodeAway(AT_B), move(AT_A.value(), AT_B.value()));
    stage(stages > 3, planner.mobileNodeAtHome(), move(AT_B.value(), HOME.value()));
  }

  /** The same, whatever comes of it. */
  void wishes() {
    policies.want(WishOwner.of(HOME), planner.mobileNodeUnregistered());
    policies.move(move(HOME.value(), AT_A.value()).orElseThrow(), tunnels());
    policies.want(WishOwner.of(HOME), planner.mobileNodeAway(AT_A));
    policies.move(move(AT_A.value(), AT_B.value()).orElseThrow(), tunnels());
    policies.want(WishOwner.of(HOME), planner.mobileNodeAway(AT_B));
    policies.move(move(AT_B.value(), HOME.value()).orElseThrow(), tunnels());
    policies.want(WishOwner.of(HOME), planner.mobileNodeAtHome());
  }

  private void stage(boolean reached, MobilityWish wish, Optional<NodeAction.MoveTunnel> move) {
    if (reached) {
      move.ifPresent(it -> assertThat(policies.move(it, tunnels())).isTrue());
      assertThat(policies.want(WishOwner.of(HOME), wish)).isTrue();
    }
  }

  static Optional<NodeAction.MoveTunnel> move(Ipv6Address from, Ipv6Address to) {
    return Optional.of(new NodeAction.MoveTunnel(HOME, AGENT, from, to));
  }

  /** Everything of ours, in an order of its own. */
  ImmutableList<String> inKernel() throws IOException {
    var all = ImmutableList.<String>builder();
    kernel.policies().stream().map(Policy::toString).sorted().forEach(all::add);
    kernel.ownAssociations().stream().map(this::words).sorted().forEach(all::add);
    return all.build();
  }

  /** What the kernel has, for people. */
  String words() throws Exception {
    Process process =
        within(() -> new ProcessBuilder("ip", "-s", "xfrm", "state", "list", "nokeys").start());
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  private String words(KernelAssociation one) {
    return one.association(kernel.ours())
        .map(SecurityAssociation::toString)
        .orElseGet(
            () ->
                one.info().source()
                    + " > "
                    + one.info().destination()
                    + " proto "
                    + one.info().protocol()
                    + " "
                    + one.routeOptimization());
  }

  /** As the kernel looks policies up. */
  void nothingInClear() throws IOException {
    Flow flow = Flow.withPorts(HOME.value(), PEER, IpProtocol.TCP, 1, 2);
    Optional<Policy> decides =
        kernel.policies().stream()
            .filter(it -> it.direction() == Direction.OUT && it.selector().matches(flow))
            .min(Comparator.comparingInt(Policy::priority));
    // Without a policy the device of the home address swallows it.
    assertThat(decides.filter(it -> it.action() == Policy.Action.ALLOW && it.bundle().isEmpty()))
        .isEmpty();
  }

  /** The end, as a process has it: what is in the kernel stays. */
  @Override
  public void close() {
    kernel.close();
    netlink.close();
  }

  private static TunnelProtection tunnelProtection(ConfiguredKeys one) {
    return new TunnelProtection(
        Optional.of(one.signalling().reqId()),
        one.prefixDiscovery().map(HomeAssociations.Pair::reqId),
        one.returnRoutability().map(HomeAssociations.Pair::reqId),
        one.payload().map(HomeAssociations.Pair::reqId));
  }
}

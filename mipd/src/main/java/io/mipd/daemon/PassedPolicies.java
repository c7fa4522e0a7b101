package io.mipd.daemon;

import com.google.common.collect.ImmutableSet;
import io.mipd.merger.rule.Finding;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.engine.LocalAddresses;
import io.mipd.xfrm.linux.KernelBackend;
import io.mipd.xfrm.linux.Poller;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Flow;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.netlink.InterfaceAddress;
import io.mipd.xfrm.netlink.KernelPolicy;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernel's own IPsec policies, seen from the engine's world. The kernel applies them to what it
 * sends into the TUN device, before the engine sees it, and so they are composed with mobility's as
 * they ought to be. What the engine sends itself does not meet them: a policy that is for such
 * packets too is passed by, which must be said.
 */
final class PassedPolicies implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PassedPolicies.class);

  /** What the engine's packets may be, to a policy of the kernel's. */
  private static final ImmutableSet<Integer> OUTER =
      ImmutableSet.of(
          IpProtocol.ANY,
          IpProtocol.IPV6,
          IpProtocol.ROUTING,
          IpProtocol.ESP,
          IpProtocol.AH,
          IpProtocol.DESTINATION_OPTIONS,
          IpProtocol.MOBILITY);

  private static final Duration RETRY_INTERVAL = Duration.ofSeconds(1);

  private final KernelBackend kernel;
  private final Poller poller;
  private final AddressBook addresses;
  private final Consumer<Finding> findings;
  private Set<Policy.Id> told = new HashSet<>();
  private boolean disturbed = true;
  private Instant readAt = Instant.MIN;

  private PassedPolicies(
      KernelBackend kernel, Poller poller, AddressBook addresses, Consumer<Finding> findings) {
    this.kernel = kernel;
    this.poller = poller;
    this.addresses = addresses;
    this.findings = findings;
  }

  /**
   * @param addresses whose addresses on links packets leave from
   * @return empty where the kernel has no IPsec policies
   */
  static Optional<PassedPolicies> open(
      Poller poller, AddressBook addresses, Consumer<Finding> findings) throws SystemCallException {
    KernelBackend kernel;
    try {
      kernel = KernelBackend.open();
    } catch (SystemCallException e) {
      log.debug("the kernel has no IPsec policies: {}", e.getMessage());
      return Optional.empty();
    }
    var watch = new PassedPolicies(kernel, poller, addresses, findings);
    try {
      poller.add(kernel.fd(), watch::takeNotices);
      return Optional.of(watch);
    } catch (SystemCallException e) {
      kernel.close();
      throw e;
    }
  }

  /** Addresses have changed. */
  void disturb() {
    disturbed = true;
  }

  private void takeNotices() {
    try {
      kernel.receive(
          notice ->
              disturbed |=
                  notice instanceof XfrmNotice.PoliciesChanged
                      || notice instanceof XfrmNotice.Resync);
    } catch (SystemCallException e) {
      log.warn("notices of the kernel's IPsec policies: {}", e.getMessage());
      disturbed = true;
    }
  }

  /** Reads them again if need be; at once, unless it takes all our time. */
  void turn(Instant now) {
    if (!disturbed || now.isBefore(readAt)) {
      return;
    }
    disturbed = false;
    long start = System.nanoTime();
    try {
      read();
      readAt = now.plusNanos(2 * (System.nanoTime() - start));
    } catch (SystemCallException e) {
      disturbed = true;
      readAt = now.plus(RETRY_INTERVAL);
      log.warn("the kernel's IPsec policies cannot be read: {}", e.getMessage());
    }
  }

  /** When {@link #turn} has something to do; empty if nothing is planned. */
  Optional<Instant> nextDeadline() {
    return disturbed ? Optional.of(readAt) : Optional.empty();
  }

  private void read() throws SystemCallException {
    Set<Policy.Id> now = new HashSet<>();
    for (KernelPolicy one : kernel.foreignPolicies()) {
      if (one.isMain() && one.info().directionOfHost().equals(Optional.of(Direction.OUT))) {
        one.policy()
            .filter(Policy::acts)
            .ifPresent(
                policy ->
                    outerFlow(policy.selector())
                        .ifPresent(
                            flow -> {
                              now.add(policy.id());
                              if (!told.contains(policy.id())) {
                                tell(policy, flow);
                              }
                            }));
      }
    }
    told = now;
  }

  /** A flow of the engine's own that a policy is for. */
  private Optional<Flow> outerFlow(Selector selector) {
    if (!OUTER.contains(selector.protocol())) {
      return Optional.empty();
    }
    for (InterfaceAddress one : addresses.addresses()) {
      Ipv6Address address = one.address();
      if (addresses.roleOf(address) == LocalAddresses.Role.LINK
          && address.isGlobalUnicast()
          && selector.source().contains(address)) {
        int protocol = selector.protocol() == IpProtocol.ANY ? IpProtocol.ESP : selector.protocol();
        return Optional.of(Flow.of(address, selector.destination().address(), protocol));
      }
    }
    return Optional.empty();
  }

  private void tell(Policy policy, Flow flow) {
    var finding =
        new Finding(
            Finding.Kind.OUTER_FLOW_PASSES,
            "the kernel's own policy "
                + policy
                + " is not applied to what mipd itself sends from "
                + flow.source()
                + "; what has to act on the packets that carry the mobile traffic belongs into"
                + " mipd's configuration, section user-ipsec",
            flow);
    log.warn("{}", finding);
    findings.accept(finding);
  }

  @Override
  public void close() {
    poller.remove(kernel.fd());
    kernel.close();
  }
}

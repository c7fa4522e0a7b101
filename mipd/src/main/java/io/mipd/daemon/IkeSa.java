package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableSet;
import com.google.common.net.InetAddresses;
import io.mipd.vici.ViciMessage;
import io.mipd.xfrm.model.Ipv6Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Optional;

/**
 * An IKE_SA as charon lists it.
 *
 * @param id its two SPIs: charon's own numbers begin at 1 again whenever it is started
 * @param established whether it can be used
 * @param local where it is talked from
 * @param remote where to
 * @param children names of the CHILD_SAs that are in force
 * @param twice whether one of them is there twice: it has just been rekeyed
 */
record IkeSa(
    String id,
    boolean established,
    Optional<Ipv6Address> local,
    Optional<Ipv6Address> remote,
    ImmutableSet<String> children,
    boolean twice) {
  private static final ImmutableSet<String> USABLE =
      ImmutableSet.of("ESTABLISHED", "REKEYING", "REKEYED");
  private static final ImmutableSet<String> IN_FORCE =
      ImmutableSet.of("INSTALLED", "UPDATING", "REKEYING", "REKEYED");

  /** From the section of an event {@code list-sa}. */
  static IkeSa of(ViciMessage section) {
    var children = ImmutableList.<String>builder();
    for (ViciMessage child : section.section("child-sas").sections().values()) {
      if (child.text("state").filter(IN_FORCE::contains).isPresent()) {
        child.text("name").ifPresent(children::add);
      }
    }
    ImmutableList<String> all = children.build();
    ImmutableSet<String> names = ImmutableSet.copyOf(all);
    return new IkeSa(
        section.text("initiator-spi").orElse("") + ":" + section.text("responder-spi").orElse(""),
        section.text("state").filter(USABLE::contains).isPresent(),
        address(section, "local-host"),
        address(section, "remote-host"),
        names,
        names.size() < all.size());
  }

  private static Optional<Ipv6Address> address(ViciMessage section, String name) {
    return section
        .text(name)
        .filter(InetAddresses::isInetAddress)
        .map(InetAddresses::forString)
        .filter(Inet6Address.class::isInstance)
        .map(InetAddress::getHostAddress)
        .map(Ipv6Address::parse);
  }

  /** Whether a home registration can be sent through it. */
  boolean carriesSignalling() {
    return established && children.contains(NegotiatedKeys.SIGNALLING);
  }
}

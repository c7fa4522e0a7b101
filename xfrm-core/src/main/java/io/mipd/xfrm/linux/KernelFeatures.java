package io.mipd.xfrm.linux;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.Maps;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.RouteOptimizationState;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.netlink.Ipv6Tunnel;
import io.mipd.xfrm.pfkey.PfKeyExtension;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/**
 * What the kernel can do of IPsec and Mobile IPv6, found out by asking it for one of each between
 * addresses that no packet has (100::/64, RFC 6666), and taking it back at once.
 */
public final class KernelFeatures {
  private static final Ipv6Address HERE = Ipv6Address.parse("100::1");
  private static final Ipv6Address THERE = Ipv6Address.parse("100::2");
  private static final Ipv6Address ELSEWHERE = Ipv6Address.parse("100::3");
  private static final ReqId REQID = new ReqId(0x6d69_7064);
  private static final ReqId PF_KEY_REQID = new ReqId(PfKeyExtension.Request.MAX_REQID);
  private static final String DEVICE = "mipd-probe";

  /** Something that the kernel world needs. */
  public enum Feature {
    XFRM("IPsec policies by netlink", "CONFIG_XFRM_USER"),
    ESP("ESP with AES-CBC and HMAC-SHA-256", "CONFIG_INET6_ESP, CONFIG_CRYPTO_CBC, _HMAC, _SHA256"),
    HOME_ADDRESS_OPTION("the Home Address option", "CONFIG_IPV6_MIP6"),
    ROUTING_HEADER("the type 2 routing header", "CONFIG_IPV6_MIP6"),
    MIGRATE("moving tunnels", "CONFIG_XFRM_MIGRATE"),
    TUNNEL("tunnels without IPsec", "CONFIG_IPV6_TUNNEL"),
    DUMMY("a device that swallows", "CONFIG_DUMMY"),
    RULES("routing rules", "CONFIG_IPV6_MULTIPLE_TABLES");

    private final String what;
    private final String option;

    Feature(String what, String option) {
      this.what = what;
      this.option = option;
    }

    /** In words. */
    public String what() {
      return what;
    }

    /** The kernel's build options that give it. */
    public String option() {
      return option;
    }
  }

  private static final ImmutableList<Feature> OF_XFRM =
      ImmutableList.of(
          Feature.XFRM,
          Feature.ESP,
          Feature.HOME_ADDRESS_OPTION,
          Feature.ROUTING_HEADER,
          Feature.MIGRATE);

  private static final ImmutableList<Feature> OF_LINKS =
      ImmutableList.of(Feature.TUNNEL, Feature.DUMMY, Feature.RULES);

  private final ImmutableMap<Feature, String> missing;

  private KernelFeatures(Map<Feature, String> missing) {
    this.missing = Maps.immutableEnumMap(missing);
  }

  /** What the kernel said when it was asked for a feature that it has not; empty if it has it. */
  public Optional<String> missing(Feature feature) {
    return Optional.ofNullable(missing.get(feature));
  }

  /** Asks the kernel, in the current network namespace. */
  public static KernelFeatures probe() {
    Map<Feature, String> missing = new EnumMap<>(Feature.class);
    try (KernelBackend kernel = KernelBackend.open()) {
      tryPolicies(kernel, missing);
    } catch (SystemCallException e) {
      for (Feature feature : OF_XFRM) {
        missing.put(feature, reason("" + e.getMessage()));
      }
    }
    try (Rtnetlink netlink = Rtnetlink.open()) {
      tryDevices(netlink, missing);
    } catch (SystemCallException e) {
      for (Feature feature : OF_LINKS) {
        missing.put(feature, reason("" + e.getMessage()));
      }
    }
    return new KernelFeatures(missing);
  }

  private static void tryPolicies(KernelBackend kernel, Map<Feature, String> missing) {
    // One of the names of this policy, for the templates of a migration.
    Policy policy =
        Policy.allow(
            Selector.between(HERE, THERE),
            Direction.OUT,
            Integer.MAX_VALUE,
            Bundle.of(Template.tunnel(TransformProtocol.ESP, HERE, THERE, REQID)));
    attempt(kernel, missing, Feature.XFRM, new XfrmCommand.UpdatePolicy(policy));
    SecurityAssociation esp = association();
    // Left of a probe that was killed, at either end of its move.
    kernel.apply(new XfrmCommand.DeleteAssociation(esp.id()));
    attempt(kernel, missing, Feature.ESP, new XfrmCommand.AddAssociation(esp));
    var move =
        new XfrmCommand.Move(
            TransformProtocol.ESP, Mode.TUNNEL, REQID, HERE, THERE, ELSEWHERE, THERE);
    attempt(
        kernel,
        missing,
        Feature.MIGRATE,
        new XfrmCommand.Migrate(policy.id(), ImmutableList.of(move)));
    kernel.apply(new XfrmCommand.DeleteAssociation(esp.id()));
    kernel.apply(new XfrmCommand.DeletePolicy(policy.id()));
    for (RouteOptimizationState state :
        ImmutableList.of(
            RouteOptimizationState.homeAddressOption(HERE, THERE, ELSEWHERE),
            RouteOptimizationState.routingHeader(HERE, THERE, ELSEWHERE))) {
      Feature feature =
          state.id().protocol() == TransformProtocol.HAO
              ? Feature.HOME_ADDRESS_OPTION
              : Feature.ROUTING_HEADER;
      attempt(kernel, missing, feature, new XfrmCommand.PutRouteOptimization(state));
      kernel.apply(new XfrmCommand.DeleteRouteOptimization(state.id()));
    }
  }

  /**
   * What the kernel said when a policy was to be put and moved by PF_KEYv2; empty if it does that.
   * Not part of {@link #probe}, for to ask may have the kernel load {@code af_key}.
   */
  public static Optional<String> missingOfPfKey() {
    // A move finds no association, and moves the template.
    Policy policy =
        Policy.allow(
            Selector.between(THERE, HERE),
            Direction.OUT,
            Integer.MAX_VALUE,
            Bundle.of(Template.tunnel(TransformProtocol.ESP, THERE, HERE, PF_KEY_REQID)));
    var move =
        new XfrmCommand.Move(
            TransformProtocol.ESP, Mode.TUNNEL, PF_KEY_REQID, THERE, HERE, THERE, ELSEWHERE);
    try (PfKeyBackend kernel = PfKeyBackend.open()) {
      for (XfrmCommand command :
          ImmutableList.of(
              new XfrmCommand.UpdatePolicy(policy),
              new XfrmCommand.Migrate(policy.id(), ImmutableList.of(move)),
              new XfrmCommand.DeletePolicy(policy.id()))) {
        if (kernel.apply(command) instanceof XfrmReply.Failed failed) {
          kernel.apply(new XfrmCommand.Flush());
          return Optional.of(reason(failed.text()));
        }
      }
      return Optional.empty();
    } catch (SystemCallException e) {
      return Optional.of(reason("" + e.getMessage()));
    }
  }

  private static SecurityAssociation association() {
    return SecurityAssociation.builder(
            new AssociationId(THERE, TransformProtocol.ESP, new Spi(0x6d69)), HERE, Mode.TUNNEL)
        .reqId(REQID)
        .encryption(EncryptionAlgorithm.AES_CBC, KeyMaterial.copyOf(new byte[16]))
        .integrity(IntegrityAlgorithm.HMAC_SHA2_256_128, KeyMaterial.copyOf(new byte[32]))
        .build();
  }

  private static void attempt(
      KernelBackend kernel, Map<Feature, String> missing, Feature feature, XfrmCommand command) {
    if (kernel.apply(command) instanceof XfrmReply.Failed failed) {
      missing.put(feature, reason(failed.text()));
    }
  }

  private static void tryDevices(Rtnetlink netlink, Map<Feature, String> missing) {
    attempt(missing, Feature.TUNNEL, () -> withDevice(netlink, () -> tunnel(netlink)));
    attempt(missing, Feature.DUMMY, () -> withDevice(netlink, () -> netlink.addDummy(DEVICE)));
    attempt(missing, Feature.RULES, netlink::rules);
  }

  private static void tunnel(Rtnetlink netlink) throws SystemCallException {
    netlink.addTunnel(Ipv6Tunnel.between(DEVICE, HERE, THERE));
  }

  /** What the kernel said, without what it was asked. */
  private static String reason(String text) {
    int end = text.indexOf("): E");
    return end < 0 ? text : text.substring(end + "): ".length());
  }

  private interface Attempt {
    void run() throws SystemCallException;
  }

  private static void withDevice(Rtnetlink netlink, Attempt making) throws SystemCallException {
    // One that is left of a probe that was killed is in the way.
    removeDevice(netlink);
    try {
      making.run();
    } finally {
      removeDevice(netlink);
    }
  }

  private static void removeDevice(Rtnetlink netlink) throws SystemCallException {
    var link = netlink.link(DEVICE);
    if (link.isPresent()) {
      netlink.removeLink(link.get().index());
    }
  }

  private static void attempt(Map<Feature, String> missing, Feature feature, Attempt attempt) {
    try {
      attempt.run();
    } catch (SystemCallException e) {
      missing.put(feature, reason("" + e.getMessage()));
    }
  }
}

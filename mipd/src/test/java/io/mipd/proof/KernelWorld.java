package io.mipd.proof;

import static io.mipd.proof.Place.A;
import static io.mipd.proof.Place.C;
import static io.mipd.proof.Place.H;
import static io.mipd.proof.Place.HOME_AGENT;
import static io.mipd.proof.Place.MOBILE_NODE;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.host.Host;
import io.mipd.xfrm.host.KernelHost;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import java.util.EnumMap;
import java.util.Map;

/** All hosts in network namespaces of this kernel, emptied for each case. */
final class KernelWorld implements World {
  private final Map<Place, KernelHost> hosts = new EnumMap<>(Place.class);
  private boolean tunnels;

  @Override
  public void prepare(Case row) throws Exception {
    removeTunnels();
    for (Place place : row.places()) {
      KernelHost host = hosts.get(place);
      if (host == null) {
        host = KernelHost.create(place.addresses());
        hosts.put(place, host);
      }
      host.reset();
      EngineWorld.give(host, row, place);
      for (Policy policy : row.merged(place).policies()) {
        EngineWorld.done(host, new XfrmCommand.AddPolicy(withoutPlainTunnel(policy)));
      }
    }
    if (row.hasPlainTunnel()) {
      addTunnels();
    }
  }

  /** As the daemon does: a plain tunnel is a device. */
  private static Policy withoutPlainTunnel(Policy policy) {
    ImmutableList<Template> templates = policy.bundle().templates();
    int last = templates.size() - 1;
    return last >= 0 && templates.get(last).protocol() == TransformProtocol.IPV6
        ? new Policy(
            policy.selector(),
            policy.direction(),
            policy.priority(),
            policy.action(),
            new Bundle(templates.subList(0, last)))
        : policy;
  }

  private void addTunnels() throws Exception {
    String device = "ip link add t6 type ip6tnl mode ip6ip6 encaplimit none hoplimit 64 local ";
    KernelHost mobileNode = hosts.get(MOBILE_NODE);
    KernelHost homeAgent = hosts.get(HOME_AGENT);
    if (mobileNode == null || homeAgent == null) {
      throw new AssertionError("a tunnel has two ends");
    }
    tunnels = true;
    mobileNode
        .namespace()
        .sh(
            device
                + (C + " remote " + A + " && ip link set t6 up && ip -6 rule add from " + H)
                + " lookup 77 && ip -6 route add default dev t6 table 77");
    homeAgent
        .namespace()
        .sh(
            device
                + (A + " remote " + C + " && ip link set t6 up && ip -6 route add " + H)
                + " dev t6");
  }

  private void removeTunnels() throws Exception {
    if (tunnels) {
      tunnels = false;
      for (Place place : ImmutableList.of(MOBILE_NODE, HOME_AGENT)) {
        KernelHost host = hosts.get(place);
        if (host != null) {
          host.namespace().sh("ip link del t6; ip -6 rule del lookup 77 2>/dev/null || true");
        }
      }
    }
  }

  @Override
  public Host host(Place place) {
    return kernel(place);
  }

  KernelHost kernel(Place place) {
    KernelHost host = hosts.get(place);
    if (host == null) {
      throw new AssertionError("no host at " + place);
    }
    return host;
  }

  @Override
  public void close() {
    hosts.values().forEach(KernelHost::close);
  }
}

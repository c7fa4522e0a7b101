package io.mipd.host;

import com.google.common.collect.ImmutableSet;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.xfrm.engine.LocalAddresses;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.LinkedHashMap;
import java.util.Map;

/** A host's addresses, as its core is told of them. */
final class HostAddresses implements LocalAddresses {
  private final ImmutableSet<Ipv6Address> home;
  private final ImmutableSet<Ipv6Address> served;
  private final Map<Key, AddressState> links = new LinkedHashMap<>();
  private final Map<Ipv6Address, Integer> count = new LinkedHashMap<>();

  private record Key(int interfaceIndex, Ipv6Address address) {}

  HostAddresses(ImmutableSet<Ipv6Address> home, ImmutableSet<Ipv6Address> served) {
    this.home = home;
    this.served = served;
  }

  void changed(NodeEvent.AddressChanged change) {
    var key = new Key(change.interfaceIndex(), change.address());
    if (change.state() == AddressState.GONE) {
      if (links.remove(key) != null) {
        count.computeIfPresent(change.address(), (address, n) -> n == 1 ? null : n - 1);
      }
    } else if (links.put(key, change.state()) == null) {
      count.merge(change.address(), 1, Integer::sum);
    }
  }

  @Override
  public ImmutableSet<Ipv6Address> home() {
    return home;
  }

  @Override
  public Role roleOf(Ipv6Address address) {
    if (home.contains(address)) {
      return Role.HOME;
    }
    if (served.contains(address)) {
      return Role.SERVED;
    }
    return count.containsKey(address) ? Role.LINK : Role.OTHER;
  }

  /** As the daemon: any global address will do, for the receiver matches the quoted packet. */
  @Override
  public Ipv6Address errorSource(Ipv6Address destination) {
    for (Map.Entry<Key, AddressState> one : links.entrySet()) {
      Ipv6Address address = one.getKey().address();
      if (isUsable(one.getValue()) && address.isGlobalUnicast() && !address.equals(destination)) {
        return address;
      }
    }
    return roleOf(destination) == Role.LINK ? destination : Ipv6Address.UNSPECIFIED;
  }

  private static boolean isUsable(AddressState state) {
    return state != AddressState.TENTATIVE && state != AddressState.DUPLICATE;
  }
}

package io.mipd.xfrm.engine;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.common.collect.Maps;
import io.mipd.xfrm.model.Ipv6Address;
import java.util.LinkedHashMap;

/**
 * Local addresses in a map that is replaced whole at each change: the engine's thread reads it
 * while another one writes.
 */
public final class AddressTable implements LocalAddresses {
  private volatile ImmutableMap<Ipv6Address, Role> roles = ImmutableMap.of();
  private volatile Ipv6Address errorSource = Ipv6Address.UNSPECIFIED;

  /** {@link Role#OTHER} takes the address out. */
  public synchronized void set(Ipv6Address address, Role role) {
    var changed = new LinkedHashMap<>(roles);
    if (role == Role.OTHER) {
      changed.remove(address);
    } else {
      changed.put(address, role);
    }
    roles = ImmutableMap.copyOf(changed);
  }

  public void setErrorSource(Ipv6Address address) {
    errorSource = address;
  }

  @Override
  public Role roleOf(Ipv6Address address) {
    Role role = roles.get(address);
    return role == null ? Role.OTHER : role;
  }

  @Override
  public ImmutableSet<Ipv6Address> home() {
    return ImmutableSet.copyOf(Maps.filterValues(roles, Role.HOME::equals).keySet());
  }

  @Override
  public Ipv6Address errorSource(Ipv6Address destination) {
    return errorSource;
  }
}

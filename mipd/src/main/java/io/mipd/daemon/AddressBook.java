package io.mipd.daemon;

import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import io.mipd.xfrm.engine.LocalAddresses;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.netlink.InterfaceAddress;
import io.mipd.xfrm.packet.Ipv6Fields;
import io.mipd.xfrm.transform.PacketBuffer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;

/** This node's addresses, as rtnetlink tells of them. Changed and read by the event loop only. */
final class AddressBook implements LocalAddresses {
  private final ImmutableSet<Ipv6Address> home;
  private final ImmutableSet<Ipv6Address> served;
  private final int device;
  private final Map<Key, InterfaceAddress> all = new LinkedHashMap<>();

  /** Of addresses that are not served. */
  private ImmutableMap<Ipv6Address, Role> roles = ImmutableMap.of();

  private record Key(int interfaceIndex, Ipv6Address address) {}

  /**
   * @param home our own home addresses (mobile node)
   * @param served home addresses that we serve (home agent)
   * @param device index of the interface whose addresses are not on a link
   */
  AddressBook(ImmutableSet<Ipv6Address> home, ImmutableSet<Ipv6Address> served, int device) {
    this.home = home;
    this.served = served;
    this.device = device;
    index();
  }

  void put(InterfaceAddress address) {
    all.put(new Key(address.interfaceIndex(), address.address()), address);
    index();
  }

  void remove(InterfaceAddress address) {
    all.remove(new Key(address.interfaceIndex(), address.address()));
    index();
  }

  private void index() {
    Map<Ipv6Address, Role> found = new HashMap<>();
    for (InterfaceAddress address : all.values()) {
      if (address.interfaceIndex() != device && !address.address().isLoopback()) {
        found.put(address.address(), Role.LINK);
      }
    }
    found.keySet().removeAll(served);
    home.forEach(address -> found.put(address, Role.HOME));
    roles = ImmutableMap.copyOf(found);
  }

  /** Packets leave by links: not by the device of home addresses, nor by the loopback device. */
  private boolean isOnLink(InterfaceAddress address) {
    return address.interfaceIndex() != device
        && address.interfaceIndex() != CareOfAddresses.LOOPBACK;
  }

  /** The link that has an address; empty if none has. */
  OptionalInt interfaceOf(Ipv6Address address) {
    for (InterfaceAddress one : all.values()) {
      if (one.address().equals(address) && isOnLink(one)) {
        return OptionalInt.of(one.interfaceIndex());
      }
    }
    return OptionalInt.empty();
  }

  /** A link with an address of this prefix; empty if there is none. */
  OptionalInt interfaceIn(Ipv6Prefix prefix) {
    for (InterfaceAddress one : all.values()) {
      if (prefix.contains(one.address()) && isOnLink(one)) {
        return OptionalInt.of(one.interfaceIndex());
      }
    }
    return OptionalInt.empty();
  }

  /** Whether a packet's destination is an address of ours on a link. */
  boolean isForUs(PacketBuffer packet) {
    return roleOf(Ipv6Address.read(packet.array(), packet.start() + Ipv6Fields.DESTINATION))
        == Role.LINK;
  }

  Iterable<InterfaceAddress> addresses() {
    return all.values();
  }

  @Override
  public ImmutableSet<Ipv6Address> home() {
    return home;
  }

  @Override
  public Role roleOf(Ipv6Address address) {
    Role role = roles.get(address);
    if (role != null) {
      return role;
    }
    return served.contains(address) ? Role.SERVED : Role.OTHER;
  }

  /**
   * Any global address on a link will do: the receiver matches the quoted packet, not us. If it is
   * the only one that we have, we tell ourselves.
   */
  @Override
  public Ipv6Address errorSource(Ipv6Address destination) {
    for (InterfaceAddress one : all.values()) {
      if (one.interfaceIndex() != device
          && one.isUsable()
          && one.address().isGlobalUnicast()
          && !one.address().equals(destination)) {
        return one.address();
      }
    }
    return roleOf(destination) == Role.LINK ? destination : Ipv6Address.UNSPECIFIED;
  }
}

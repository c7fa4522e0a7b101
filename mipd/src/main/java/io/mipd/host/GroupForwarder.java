package io.mipd.host;

import com.google.common.collect.ImmutableSet;
import com.google.common.collect.LinkedHashMultimap;
import com.google.common.collect.SetMultimap;
import io.mipd.mobility.NodeAction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Ipv6Fields;
import io.mipd.xfrm.transform.PacketBuffer;

/**
 * Multicast through tunnels: a home agent's packets for groups, to those mobile nodes that listen
 * (RFC 6275 section 10.4.2), and what the two ends of a tunnel say of groups (section 10.4.3).
 */
public final class GroupForwarder {
  private final Tunnels tunnels;

  /** Home addresses by group. */
  private final SetMultimap<Ipv6Address, Ipv6Address> members = LinkedHashMultimap.create();

  private final PacketBuffer copy = new PacketBuffer();

  public GroupForwarder(Tunnels tunnels) {
    this.tunnels = tunnels;
  }

  /** The tunnels with mobile nodes, or with the home agent. */
  public interface Tunnels {
    /**
     * Sends a packet for a group through the tunnel that a packet between two others would take; if
     * that takes none, nowhere.
     *
     * @param source of such a packet; unspecified for anybody
     * @param destination likewise
     */
    void send(PacketBuffer packet, Ipv6Address source, Ipv6Address destination);
  }

  /** Sends what the core wants said. */
  public void send(NodeAction.SendListenerMessage send) {
    MobilityPacket.ofListeners(send.message(), send.source(), send.destination(), copy);
    Ipv6Address home = send.through().value();
    Ipv6Address any = Ipv6Address.UNSPECIFIED;
    tunnels.send(copy, send.toMobileNode() ? any : home, send.toMobileNode() ? home : any);
  }

  /**
   * @return whether that is the first that listens to the group, or was the last
   */
  public boolean subscribe(NodeAction.Subscribe action) {
    boolean before = members.containsKey(action.group());
    if (action.on()) {
      members.put(action.group(), action.homeAddress().value());
    } else {
      members.remove(action.group(), action.homeAddress().value());
    }
    return before != members.containsKey(action.group());
  }

  /** The groups that somebody listens to. */
  public ImmutableSet<Ipv6Address> groups() {
    return ImmutableSet.copyOf(members.keySet());
  }

  /**
   * Sends a packet for a group to the mobile nodes that listen to it, one hop further; not to who
   * has sent it.
   */
  public void forward(PacketBuffer packet) {
    byte[] octets = packet.array();
    int start = packet.start();
    Ipv6Address source = Ipv6Address.read(octets, start + Ipv6Fields.SOURCE);
    if ((octets[start + Ipv6Fields.HOP_LIMIT] & 0xff) <= 1
        || source.isLinkLocal()
        || source.isUnspecified()) {
      return;
    }
    for (Ipv6Address home : members.get(Ipv6Address.read(octets, start + Ipv6Fields.DESTINATION))) {
      if (!home.equals(source)) {
        copy.clear();
        copy.set(octets, start, packet.length());
        if (packet.isChecksumPartial()) {
          copy.setPartialChecksum(packet.checksumStart(), packet.checksumOffset());
        }
        copy.setSegmentation(packet.segmentation(), packet.segmentSize());
        copy.array()[copy.start() + Ipv6Fields.HOP_LIMIT]--;
        tunnels.send(copy, source, home);
      }
    }
  }
}

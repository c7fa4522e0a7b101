package io.mipd.host;

import com.google.common.collect.ImmutableList;
import com.google.common.collect.ImmutableMap;
import io.mipd.mobility.NodeEvent;
import io.mipd.mobility.NodeEvent.AddressState;
import io.mipd.mobility.mn.MobileNode;
import io.mipd.mobility.mn.MobileNodeSettings;
import io.mipd.mobility.node.Node;
import io.mipd.mobility.planner.TunnelProtection;
import io.mipd.mobility.wire.HomeAddress;
import io.mipd.mobility.wire.SequenceNumber;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Ipv6Prefix;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.packet.Icmpv6Message;
import io.mipd.xfrm.packet.LinkLayerAddress;
import io.mipd.xfrm.packet.NdOption;
import io.mipd.xfrm.packet.Octets;
import io.mipd.xfrm.transform.MemorySequenceStore;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Random;

/** A mobile node whose signalling and payload are protected, and what its home agent has of it. */
final class Hosts {
  static final Ipv6Prefix HOME_PREFIX = Ipv6Prefix.parse("2001:db8:1::/64");
  static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  static final int ETH0 = 2;

  static final HomeAssociations ASSOCIATIONS =
      new HomeAssociations(
          pair(0x1001, 0x1002),
          Optional.empty(),
          Optional.empty(),
          Optional.of(pair(0x2001, 0x2002)));

  static final TunnelProtection PROTECTION =
      new TunnelProtection(
          Optional.of(new ReqId(0x1001)),
          Optional.empty(),
          Optional.empty(),
          Optional.of(new ReqId(0x2001)));

  private static final Ipv6Address ROUTER = Ipv6Address.parse("fe80::a");

  private Hosts() {}

  private static HomeAssociations.Pair pair(int up, int down) {
    return new HomeAssociations.Pair(new Spi(up), new Spi(down), new ReqId(up));
  }

  static ImmutableList<SecurityAssociation> associations(Ipv6Address home) {
    return ASSOCIATIONS.between(
        home,
        AGENT,
        (spi, it) ->
            it.encryption(
                    EncryptionAlgorithm.AES_CBC,
                    KeyMaterial.parseHex("000102030405060708090a0b0c0d0e0f"))
                .integrity(
                    IntegrityAlgorithm.HMAC_SHA1_96,
                    KeyMaterial.parseHex("000102030405060708090a0b0c0d0e0f10111213")));
  }

  static Host mobile(Ipv6Address home, Surroundings around) {
    var settings =
        new MobileNodeSettings(
            new HomeAddress(home),
            HOME_PREFIX,
            AGENT,
            Duration.ofMinutes(7),
            ImmutableMap.of("eth0", 10),
            PROTECTION,
            Optional.empty(),
            /* corresponds= */ false);
    var core = new MobileNode(settings, false, new SequenceNumber(7), new Random(3));
    return new Host(
        new Node(
            Optional.of(new Node.Mobile(core, settings.homeAddress(), settings.policies())),
            Optional.empty(),
            Optional.empty()),
        HostSettings.PLAIN
            .withHome(home)
            .withAssociations(associations(home), ImmutableMap.of(home, ASSOCIATIONS.tunnels())),
        new MemorySequenceStore(),
        new Random(4),
        around);
  }

  static void attach(Host host, Instant now, int index, String name, Ipv6Address address) {
    host.handle(
        now,
        new NodeEvent.LinkChanged(
            index, name, true, Optional.of(new LinkLayerAddress(Octets.parse("020000000001")))));
    host.handle(now, new NodeEvent.AddressChanged(index, address, 64, AddressState.USABLE));
  }

  /** Of a router of 2001:db8:a::/64, as it arrives there. */
  static byte[] advertisement() {
    return MobilityPacket.onLink(
        new Icmpv6Message.RouterAdvertisement(
            64,
            false,
            false,
            false,
            0,
            1800,
            0,
            0,
            ImmutableList.of(
                new NdOption.PrefixInformation(
                    64, Ipv6Address.parse("2001:db8:a::"), true, true, false, 86400, 14400))),
        ROUTER,
        Ipv6Address.ALL_NODES);
  }
}

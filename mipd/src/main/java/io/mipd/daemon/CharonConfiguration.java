package io.mipd.daemon;

import com.google.common.collect.ImmutableList;
import com.google.common.net.InetAddresses;
import io.mipd.vici.ViciElement;
import io.mipd.vici.ViciMessage;
import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Octets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What charon is to know of the associations of one home address: its connection and credentials,
 * as messages of vici. The policies are ours ({@code policies = no}); the end points of signalling
 * in transport mode are not those that IKE talks between ({@code transport_proxy}). MOBIKE is off:
 * where the ends are is said by who knows it, by MIGRATE.
 */
final class CharonConfiguration {
  private static final String ANY = "::/0";
  private static final String PREFIX = "mipd-";

  private CharonConfiguration() {}

  /** A command of vici's. */
  record Command(String name, ViciMessage message) {}

  /** How charon and we call the connection of a home address. */
  static String name(Ipv6Address home) {
    return PREFIX + home;
  }

  /** Of the connection of which home address a name is; empty if it is none of ours. */
  static Optional<Ipv6Address> home(String name) {
    return Optional.of(name)
        .filter(it -> it.startsWith(PREFIX))
        .map(it -> it.substring(PREFIX.length()))
        .filter(it -> it.indexOf(':') >= 0 && InetAddresses.isInetAddress(it))
        .map(Ipv6Address::parse);
  }

  /** Has charon forget all of a home address, and end what there is. */
  static ImmutableList<Command> forget(Ipv6Address home) {
    return ImmutableList.of(
        new Command("unload-conn", ViciMessage.builder().put("name", name(home)).build()),
        new Command("unload-shared", ViciMessage.builder().put("id", name(home)).build()),
        terminate(home));
  }

  /** What proves who the ends are. */
  static ImmutableList<Command> credentials(Ipv6Address home, NegotiatedKeys keys) {
    if (keys.credentials() instanceof NegotiatedKeys.PreSharedKey shared) {
      return ImmutableList.of(
          new Command(
              "load-shared",
              ViciMessage.builder()
                  .put("id", name(home))
                  .put("type", "IKE")
                  .put("data", value(shared.key().reveal()))
                  .put("owners", List.of(keys.localIdentity(), keys.remoteIdentity()))
                  .build()));
    }
    var certificates = (NegotiatedKeys.Certificates) keys.credentials();
    return ImmutableList.of(
        new Command(
            "load-cert",
            ViciMessage.builder()
                .put("type", "X509")
                .put("flag", "CA")
                .put("data", new ViciElement.Value(certificates.authority()))
                .build()),
        new Command(
            "load-key",
            ViciMessage.builder()
                .put("type", "any")
                .put("data", value(certificates.key().reveal()))
                .build()));
  }

  private static ViciElement.Value value(byte[] octets) {
    return new ViciElement.Value(Octets.of(octets));
  }

  /** Of a mobile node that talks from an address: its care-of address, or at home its own. */
  static Command ofMobileNode(
      Ipv6Address home, Ipv6Address agent, Ipv6Address here, NegotiatedKeys keys) {
    return connection(
        home, keys, List.of("" + here), List.of("" + agent), home + "/128", agent + "/128", ANY);
  }

  /** Of a home agent, whose mobile node is anywhere. */
  static Command ofHomeAgent(Ipv6Address home, Ipv6Address agent, NegotiatedKeys keys) {
    return connection(
        home, keys, List.of("" + agent), List.of("%any"), agent + "/128", home + "/128", "");
  }

  private static Command connection(
      Ipv6Address home,
      NegotiatedKeys keys,
      List<String> local,
      List<String> remote,
      String here,
      String there,
      String beyond) {
    boolean mobile = !beyond.isEmpty();
    var children = ViciMessage.builder();
    keys.associations()
        .forEach(
            (name, reqId) -> {
              boolean tunnel = keys.isTunnel(reqId);
              String selected = selected(name);
              var child =
                  ViciMessage.builder()
                      .put("mode", tunnel ? "tunnel" : "transport_proxy")
                      .put("policies", "no")
                      .put("reqid", reqId.value())
                      .put("local_ts", List.of((tunnel && !mobile ? ANY : here) + selected))
                      .put("remote_ts", List.of((tunnel && mobile ? ANY : there) + selected))
                      .put("rekey_time", seconds(keys.rekeyInterval()));
              if (!keys.espProposals().isEmpty()) {
                child.put("esp_proposals", keys.espProposals());
              }
              children.put(name, child.build());
            });
    var connection =
        ViciMessage.builder()
            .put("version", 2)
            .put("local_addrs", local)
            .put("remote_addrs", remote)
            .put("mobike", "no")
            // A mobile node that comes from elsewhere has given up what it had.
            .put("unique", "replace")
            .put("dpd_delay", seconds(keys.probeInterval()))
            .put("rekey_time", seconds(keys.ikeRekeyInterval()));
    if (!keys.proposals().isEmpty()) {
      connection.put("proposals", keys.proposals());
    }
    var one = ViciMessage.builder();
    var other = ViciMessage.builder();
    if (keys.credentials() instanceof NegotiatedKeys.Certificates certificates) {
      one.put("auth", "pubkey")
          .put(
              "certs",
              new ViciElement.Values(
                  ImmutableList.of(new ViciElement.Value(certificates.certificate()))));
      other
          .put("auth", "pubkey")
          .put(
              "cacerts",
              new ViciElement.Values(
                  ImmutableList.of(new ViciElement.Value(certificates.authority()))));
    } else {
      one.put("auth", "psk");
      other.put("auth", "psk");
    }
    return new Command(
        "load-conn",
        ViciMessage.builder()
            .put(
                name(home),
                connection
                    .put("local-1", one.put("id", keys.localIdentity()).build())
                    .put("remote-1", other.put("id", keys.remoteIdentity()).build())
                    .put("children", children.build())
                    .build())
            .build());
  }

  /** By the name of the CHILD_SA, what of the traffic between its ends it is for. */
  private static String selected(String child) {
    return switch (child) {
      case NegotiatedKeys.SIGNALLING, "return-routability" -> "[" + IpProtocol.MOBILITY + "]";
      case "prefix-discovery" -> "[" + IpProtocol.ICMPV6 + "]";
      default -> "";
    };
  }

  private static String seconds(Duration duration) {
    return duration.toSeconds() + "s";
  }

  /** Begins one CHILD_SA, and before it the IKE_SA, without waiting for either. */
  static Command initiate(Ipv6Address home, String child) {
    return new Command(
        "initiate",
        ViciMessage.builder()
            .put("ike", name(home))
            .put("child", child)
            .put("timeout", -1)
            .build());
  }

  /** Ends what there is at once, whether the other end hears of it or not. */
  static Command terminate(Ipv6Address home) {
    return new Command(
        "terminate",
        ViciMessage.builder()
            .put("ike", name(home))
            .put("force", "yes")
            .put("timeout", -1)
            .build());
  }
}

package io.mipd.conformance;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.model.Ipv6Address;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** The home agent A as it is, a router with H and H2 to serve; its neighbours are played. */
final class LiveHomeAgent extends LiveOnLink {
  private static final int HOP_LIMIT = 7;

  private static final ImmutableList<Ipv6Address> HOMES =
      ImmutableList.of(Subject.address("H"), Subject.address("H2"));

  /**
   * Starts it.
   *
   * @param folder for its files, empty
   */
  LiveHomeAgent(Path folder) throws Exception {
    super("ha", folder);
    try {
      build();
      sysctl("all.forwarding=1");
      daemons("addr add " + Subject.address("A") + "/64 dev eth0 nodad");
      neighbors("rb", "X", "A2", "A3", "H", "H2");
      daemons("-6 route add default via " + Subject.address("rb") + " dev eth0");
      start(configuration());
    } catch (Exception | Error e) {
      close();
      throw e;
    }
  }

  private String configuration() throws IOException {
    var nodes = new StringBuilder();
    for (int n = 1; n <= HOMES.size(); n++) {
      nodes.append(
          "    { home-address = \"%s\", protection %s }\n"
              .formatted(HOMES.get(n - 1), protection(n)));
    }
    return """
        role = home-agent, world = engine
        state-directory = state, control-socket = control.sock
        home-agent {
          home-interface = eth0, address = "%s", home-prefix = "2001:db8:1::/64"
          router-advertisements { enabled = off }
          mobile-nodes = [
        %s  ]
        }
        """
        .formatted(Subject.address("A"), nodes);
  }

  @Override
  void arrives(int index, byte[] packet) {
    byte[] octets = packet.clone();
    if (HOMES.contains(Ipv6Address.read(octets, DESTINATION))) {
      // The kernel passes it on to the engine, and counts that as a hop.
      octets[HOP_LIMIT]++;
    }
    super.arrives(index, octets);
  }

  @Override
  Optional<Ipv6Address> boundTo(Ipv6Address home) {
    return ask("bindings").getConfigList("bindings").stream()
        .filter(it -> it.getString("home-address").equals(home.toString()))
        .map(it -> Ipv6Address.parse(it.getString("care-of-address")))
        .findFirst();
  }
}

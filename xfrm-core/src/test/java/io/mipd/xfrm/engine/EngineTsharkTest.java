package io.mipd.xfrm.engine;

import static io.mipd.xfrm.engine.Scene.AGENT;
import static io.mipd.xfrm.engine.Scene.CARE_OF;
import static io.mipd.xfrm.engine.Scene.HOME;
import static io.mipd.xfrm.engine.Scene.PEER;
import static io.mipd.xfrm.engine.Scene.USER;
import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.engine.LocalAddresses.Role;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.transform.Tshark;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the engine transmits, as tshark reads it with the keys. */
class EngineTsharkTest {
  @TempDir private Path directory = Path.of("");

  @BeforeAll
  static void isThere() {
    Tshark.assumeInstalled();
  }

  @Test
  void everyPacketOfARegistrationAndItsPayload() throws Exception {
    var scene = Scene.registered();
    var user = Scene.esp(HOME, PEER, Mode.TUNNEL, 0x5001, USER).build();
    scene.mobileNode.association(user).has(PEER, Role.OTHER);
    scene.mobileNode.apply(
        new XfrmCommand.AddPolicy(
            Policy.allow(
                Scene.fromTo(HOME, PEER).withProtocol(6),
                Direction.OUT,
                1,
                Bundle.of(
                    Scene.espTunnel(HOME, PEER, USER),
                    Scene.espTunnel(CARE_OF, AGENT, Scene.PAYLOAD)))));

    scene.mobileNode.output(Packets.bindingUpdate(HOME, AGENT), CARE_OF);
    scene.homeAgent.output(Packets.mobility(AGENT, HOME, 6), CARE_OF);
    scene.mobileNode.output(Packets.udp(HOME, PEER, 600));
    scene.homeAgent.output(Packets.udp(PEER, HOME, 600));
    scene.mobileNode.output(Packets.tcp(HOME, PEER, 0x18, 500));
    var packets = new ArrayList<>(scene.mobileNode.transmitted);
    packets.addAll(scene.homeAgent.transmitted);
    var associations = new ArrayList<SecurityAssociation>();
    for (var live : scene.mobileNode.engine.core().databases().associations().associations()) {
      associations.add(live.association());
    }

    List<String> lines =
        Tshark.read(
            directory,
            packets,
            associations,
            "frame.protocols",
            "esp.icv_good",
            "ipv6.opt.mipv6.home_address",
            "ipv6.routing.mipv6.home_address",
            "mip6.mhtype",
            "udp.checksum.status",
            "_ws.malformed");
    assertThat(lines)
        .containsExactly(
            "ipv6:ipv6.dstopts:esp:mipv6\t1\t" + HOME + "\t\t5\t\t",
            "ipv6:esp:ipv6:udp:data\t1\t\t\t\t1\t",
            "ipv6:esp:ipv6:esp:ipv6:tcp\t1,1\t\t\t\t\t",
            "ipv6:ipv6.routing:esp:mipv6\t1\t\t" + HOME + "\t6\t\t",
            "ipv6:esp:ipv6:udp:data\t1\t\t\t\t1\t");
  }

  @Test
  void fragmentsAreJoinedToWhatTheyWere() throws Exception {
    var scene = Scene.registered();
    scene.mobileNode.engine.setLinkMtu(CARE_OF, 1280);
    scene.mobileNode.output(Packets.udp(HOME, PEER, 1280 - 48));
    var associations = new ArrayList<SecurityAssociation>();
    for (var live : scene.mobileNode.engine.core().databases().associations().associations()) {
      associations.add(live.association());
    }
    List<String> lines =
        Tshark.read(
            directory,
            scene.mobileNode.transmitted,
            associations,
            "ipv6.fragment.count",
            "esp.icv_good",
            "udp.length",
            "udp.checksum.status",
            "_ws.malformed");
    assertThat(lines).hasSize(2);
    assertThat(lines.get(1)).isEqualTo("2\t1\t1240\t1\t");
  }
}

package io.mipd.proof;

import static io.mipd.proof.Case.leaves;
import static io.mipd.proof.Place.H;
import static io.mipd.proof.Place.HOME_AGENT;
import static io.mipd.proof.Place.MOBILE_NODE;
import static io.mipd.proof.Place.P;
import static io.mipd.proof.Place.PEER;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.host.Datagram;
import io.mipd.xfrm.host.Dissection;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * IPComp in a user's bundle, on Linux alone: our engine has no IPComp, and sends nothing. The
 * user's own state has no mark of ours, and is found by our merged policy all the same.
 */
@Tag("kernel")
class CompressionKernelTest {
  private static final Pair ESP = Pair.transport(TransformProtocol.ESP, H, P, 0x1001);
  private static final Template COMPRESSION =
      Template.transport(TransformProtocol.IPCOMP, new ReqId(8));

  /** Long enough to be worth it. */
  private static final Datagram DATAGRAM = Datagram.udp(H, P, "the same again, ".repeat(40));

  @Test
  void compressesInsideEspInsideTheReverseTunnel() throws Exception {
    var row =
        Case.of("the user's IPComp in ESP H-P, in the reverse tunnel")
            .away()
            .userInside(COMPRESSION.asOptional(), Selector.between(H, P), PEER, ESP)
            .packet(DATAGRAM, PEER, leaves(MOBILE_NODE, ""), leaves(HOME_AGENT, ""));
    var worlds = new KernelWorld();
    try (worlds) {
      worlds.prepare(row);
      for (Place place : ImmutableList.of(MOBILE_NODE, PEER)) {
        worlds
            .kernel(place)
            .namespace()
            .sh(
                "ip xfrm state add src "
                    + H
                    + " dst "
                    + P
                    + " proto comp spi 0x10 reqid 8 mode transport comp deflate");
      }

      byte[] tunnelled = worlds.host(MOBILE_NODE).sends(DATAGRAM).get(0);
      assertThat(Dissection.of(tunnelled, Place.NAMES, row.associations()).chain())
          .isEqualTo("C>A ESP(0x2001) H>P ESP(0x1001) COMP UDP");
      assertThat(tunnelled.length).isLessThan(DATAGRAM.text().length());

      byte[] forwarded = worlds.host(HOME_AGENT).receives(tunnelled).left().get(0);
      assertThat(worlds.host(PEER).receives(forwarded).delivered().orElseThrow().text())
          .isEqualTo(DATAGRAM.text());
    }
  }

  @Test
  void theEngineSendsNothingRatherThanUncompressed() throws Exception {
    var row =
        Case.of("the same, demanded")
            .away()
            .userInside(COMPRESSION, Selector.between(H, P), PEER, ESP)
            .packet(DATAGRAM, PEER, leaves(MOBILE_NODE, ""));
    var worlds = new EngineWorld();
    worlds.prepare(row);
    assertThat(worlds.host(MOBILE_NODE).sends(DATAGRAM)).isEmpty();
  }
}

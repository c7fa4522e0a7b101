package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.model.Mode;
import io.mipd.xfrm.model.Policy;
import io.mipd.xfrm.model.ReqId;
import io.mipd.xfrm.model.SecurityAssociation;
import io.mipd.xfrm.model.Selector;
import io.mipd.xfrm.model.Spi;
import io.mipd.xfrm.model.Template;
import io.mipd.xfrm.model.TransformProtocol;
import io.mipd.xfrm.netlink.SequencePosition;
import io.mipd.xfrm.transform.FileSequenceStore;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Configured keys never repeat a number, whatever ends: the association, the process, both. */
@Tag("kernel")
class KernelSequencesKernelTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:f::1");
  private static final int BLOCK = 40;
  private static final int EVERY = 5;

  @TempDir private Path directory = Path.of("");
  private TestNamespace namespace;
  private KernelBackend backend;
  private DatagramSocket socket;

  @BeforeEach
  void open() throws Exception {
    namespace = TestNamespace.create();
    namespace.sh(
        "ip link add d0 type dummy && ip link set d0 up"
            + " && ip addr add 2001:db8:1::10/64 dev d0 nodad && ip -6 route add default dev d0");
    backend = namespace.within(KernelBackend::open);
    socket =
        namespace.within(() -> new DatagramSocket(new InetSocketAddress(HOME.toInetAddress(), 0)));
    var policy =
        Policy.allow(
            Selector.between(HOME, AGENT),
            Direction.OUT,
            10,
            Bundle.of(Template.transport(TransformProtocol.ESP, new ReqId(2))));
    assertThat(backend.apply(new XfrmCommand.AddPolicy(policy))).isEqualTo(XfrmReply.DONE);
  }

  @AfterEach
  void close() {
    socket.close();
    backend.close();
    namespace.close();
  }

  private static SecurityAssociation association(boolean extended) {
    return SecurityAssociation.builder(
            new AssociationId(AGENT, TransformProtocol.ESP, new Spi(0x2001)), HOME, Mode.TRANSPORT)
        .reqId(new ReqId(2))
        .encryption(EncryptionAlgorithm.NULL, KeyMaterial.EMPTY)
        .integrity(
            IntegrityAlgorithm.HMAC_SHA1_96,
            KeyMaterial.parseHex("000102030405060708090a0b0c0d0e0f10111213"))
        .replayWindow(extended ? 64 : 32)
        .extendedSequenceNumbers(extended)
        .build();
  }

  private KernelSequences sequences() throws Exception {
    return new KernelSequences(backend, new FileSequenceStore(directory)::ledger, BLOCK, EVERY);
  }

  private void send(int count) throws Exception {
    for (int i = 0; i < count; i++) {
      socket.send(new DatagramPacket(new byte[10], 10, AGENT.toInetAddress(), 7777));
    }
  }

  private void hear(KernelSequences sequences) throws Exception {
    List<XfrmNotice> notices = new ArrayList<>();
    backend.receive(notices::add);
    for (XfrmNotice notice : notices) {
      if (notice instanceof XfrmNotice.SequencesMoved moved) {
        assertThat(sequences.on(moved)).isEqualTo(XfrmReply.DONE);
      }
    }
  }

  private long reserved(SecurityAssociation association) throws Exception {
    try (var ledger = new FileSequenceStore(directory).ledger(association)) {
      return ledger.reserved();
    }
  }

  @Test
  void goesOnWhereItStoodWhenItWasTakenOut() throws Exception {
    for (boolean extended : new boolean[] {false, true}) {
      var association = association(extended);
      var first = sequences();
      assertThat(first.install(association)).isEqualTo(XfrmReply.DONE);
      long start = backend.sequenceOf(association.id()).orElseThrow().outbound();
      send(7);
      assertThat(first.removeAll()).isEmpty();
      assertThat(reserved(association)).isEqualTo(start + 7);

      var second = sequences();
      assertThat(second.install(association)).isEqualTo(XfrmReply.DONE);
      assertThat(backend.sequenceOf(association.id())).hasValue(new SequencePosition(start + 7, 0));
      assertThat(second.removeAll()).isEmpty();
    }
  }

  @Test
  void theReserveIsAlwaysAheadOfWhatIsSent() throws Exception {
    var association = association(false);
    var sequences = sequences();
    assertThat(sequences.install(association)).isEqualTo(XfrmReply.DONE);
    for (int round = 0; round < 30; round++) {
      send(10);
      hear(sequences);
      long sent = backend.sequenceOf(association.id()).orElseThrow().outbound();
      assertThat(sent).isEqualTo(10L * (round + 1));
      assertThat(reserved(association)).isGreaterThan(sent);
    }
  }

  /** The machine is switched off: what was reserved is skipped. */
  @Test
  void skipsTheReserveWhenItsEndWasNotTold() throws Exception {
    var association = association(false);
    assertThat(sequences().install(association)).isEqualTo(XfrmReply.DONE);
    send(7);
    assertThat(backend.apply(new XfrmCommand.DeleteAssociation(association.id())))
        .isEqualTo(XfrmReply.DONE);

    assertThat(sequences().install(association)).isEqualTo(XfrmReply.DONE);
    assertThat(backend.sequenceOf(association.id())).hasValue(new SequencePosition(BLOCK, 0));
  }

  /** The process is killed and the kernel goes on. */
  @Test
  void takesOverWhatTheKernelWentOnWith() throws Exception {
    var association = association(false);
    assertThat(sequences().install(association)).isEqualTo(XfrmReply.DONE);
    send(3 * BLOCK);

    var next = sequences();
    assertThat(next.takeOver(association)).isEqualTo(XfrmReply.DONE);
    assertThat(reserved(association)).isEqualTo(4L * BLOCK);
    assertThat(next.removeAll()).isEmpty();
    assertThat(reserved(association)).isEqualTo(3L * BLOCK);
  }
}

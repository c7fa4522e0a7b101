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
import io.mipd.xfrm.transform.SequenceLedger;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Configured keys never repeat a number, whatever ends: the association, the process, both. */
@Tag("kernel")
class KernelSequencesKernelTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::10");
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:f::1");
  private static final int BLOCK = 40;
  private static final int EVERY = 5;

  @TempDir private Path directory = Path.of("");
  private TestNamespace namespace;

  @SuppressWarnings("NullAway.Init")
  private KernelBackend backend;

  private DatagramSocket socket;

  @BeforeEach
  void open() throws Exception {
    namespace = TestNamespace.create();
    namespace.sh(
        "ip link add d0 type dummy && ip link set d0 up"
            + " && ip addr add 2001:db8:1::10/64 dev d0 nodad && ip -6 route add default dev d0");
    socket =
        namespace.within(() -> new DatagramSocket(new InetSocketAddress(HOME.toInetAddress(), 0)));
  }

  private void start(KernelInterface by) throws Exception {
    backend =
        namespace.within(
            () -> KernelBackend.open(by, new RememberedPolicies(), new RememberedAssociations()));
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
    if (backend != null) {
      backend.close();
    }
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
    return new FileSequenceStore(directory).ledger(association).reserved();
  }

  @ParameterizedTest
  @EnumSource(KernelInterface.class)
  void goesOnWhereItStoodWhenItWasTakenOut(KernelInterface by) throws Exception {
    start(by);
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

  @ParameterizedTest
  @EnumSource(KernelInterface.class)
  void theReserveIsAlwaysAheadOfWhatIsSent(KernelInterface by) throws Exception {
    start(by);
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
  @ParameterizedTest
  @EnumSource(KernelInterface.class)
  void skipsTheReserveWhenItsEndWasNotTold(KernelInterface by) throws Exception {
    start(by);
    var association = association(false);
    assertThat(sequences().install(association)).isEqualTo(XfrmReply.DONE);
    send(7);
    assertThat(backend.apply(new XfrmCommand.DeleteAssociation(association.id())))
        .isEqualTo(XfrmReply.DONE);

    assertThat(sequences().install(association)).isEqualTo(XfrmReply.DONE);
    assertThat(backend.sequenceOf(association.id())).hasValue(new SequencePosition(BLOCK, 0));
  }

  /** The process is killed and the kernel goes on. */
  @ParameterizedTest
  @EnumSource(KernelInterface.class)
  void takesOverWhatTheKernelWentOnWith(KernelInterface by) throws Exception {
    start(by);
    var association = association(false);
    assertThat(sequences().install(association)).isEqualTo(XfrmReply.DONE);
    send(3 * BLOCK);

    var next = sequences();
    assertThat(next.takeOver(association)).isEqualTo(XfrmReply.DONE);
    assertThat(reserved(association)).isEqualTo(4L * BLOCK);
    assertThat(next.removeAll()).isEmpty();
    assertThat(reserved(association)).isEqualTo(3L * BLOCK);
  }

  /**
   * The process is killed between the two messages by which an association comes by PF_KEY; or the
   * first one, which has nothing to skip, is there and was never told to tell.
   */
  @ParameterizedTest
  @EnumSource(KernelInterface.class)
  void whatWasPutAndNotToldWhereToBeginIsPutAgain(KernelInterface by) throws Exception {
    start(by);
    var association = association(false);
    var put = new XfrmCommand.AddAssociation(association);
    for (long past : new long[] {0, 3L * BLOCK}) {
      SequenceLedger ledger = new FileSequenceStore(directory).ledger(association);
      ledger.reserve(past);
      ledger.reserve(past + BLOCK);
      assertThat(backend.apply(put)).isEqualTo(XfrmReply.DONE);
      var next = sequences();
      assertThat(next.takeOver(association)).isEqualTo(XfrmReply.DONE);
      long begins = backend.sequenceOf(association.id()).orElseThrow().outbound();
      assertThat(begins).isEqualTo(past == 0 ? 0 : past + BLOCK);
      send(10);
      hear(next);
      // Without a notice it would not have been moved on.
      send(2 * BLOCK);
      hear(next);
      assertThat(reserved(association)).isGreaterThan(begins + 2 * BLOCK + 10);
      assertThat(next.removeAll()).isEmpty();
      assertThat(reserved(association)).isEqualTo(begins + 2 * BLOCK + 10);
    }
  }

  /** A disk that is full, or broken: nothing may be sent that is not reserved. */
  @ParameterizedTest
  @EnumSource(KernelInterface.class)
  void takesOutWhatItCannotReserveForUntilItCan(KernelInterface by) throws Exception {
    start(by);
    var association = association(false);
    var disk = new Disk(new FileSequenceStore(directory));
    var sequences = new KernelSequences(backend, disk::ledger, BLOCK, EVERY);
    assertThat(sequences.install(association)).isEqualTo(XfrmReply.DONE);
    disk.full = true;
    send(BLOCK / 2 - EVERY);
    hear(sequences);

    send(2 * EVERY);
    List<XfrmReply> replies = new ArrayList<>();
    backend.receive(
        notice -> {
          if (notice instanceof XfrmNotice.SequencesMoved moved) {
            replies.add(sequences.on(moved));
          }
        });
    assertThat(replies)
        .filteredOn(XfrmReply.Failed.class::isInstance)
        .singleElement()
        .asString()
        .contains(association.id().toString(), "the disk is full", "taken out");
    assertThat(sequences.isSuspended(association.id())).isTrue();
    assertThat(backend.sequenceOf(association.id())).isEmpty();

    assertThat(sequences.resume()).isEmpty();
    assertThat(backend.sequenceOf(association.id())).isEmpty();

    disk.full = false;
    assertThat(sequences.resume()).containsExactly(association.id());
    assertThat(sequences.hasSuspended()).isFalse();
    long start = backend.sequenceOf(association.id()).orElseThrow().outbound();
    assertThat(start).isGreaterThanOrEqualTo(BLOCK / 2 + EVERY);
    assertThat(reserved(association)).isEqualTo(start + BLOCK);
    assertThat(sequences.removeAll()).isEmpty();
  }

  /** What is out when it is moved comes back at its new place; what is deleted does not. */
  @ParameterizedTest
  @EnumSource(KernelInterface.class)
  void whatIsTakenOutMayMoveOrGo(KernelInterface by) throws Exception {
    start(by);
    var disk = new Disk(new FileSequenceStore(directory));
    var sequences = new KernelSequences(backend, disk::ledger, BLOCK, EVERY);
    var tunnel =
        SecurityAssociation.builder(
                new AssociationId(AGENT, TransformProtocol.ESP, new Spi(0x2002)), HOME, Mode.TUNNEL)
            .encryption(EncryptionAlgorithm.NULL, KeyMaterial.EMPTY)
            .integrity(IntegrityAlgorithm.HMAC_SHA1_96, association(false).integrityKey())
            .build();
    var other = association(false);
    disk.full = false;
    for (var one : List.of(tunnel, other)) {
      assertThat(sequences.install(one)).isEqualTo(XfrmReply.DONE);
    }
    disk.full = true;
    for (var one : List.of(tunnel, other)) {
      assertThat(sequences.on(new XfrmNotice.SequencesMoved(one.id(), BLOCK, 0)))
          .isInstanceOf(XfrmReply.Failed.class);
    }

    var moved = tunnel.movedTo(AGENT, HOME);
    sequences.moved(tunnel.id(), moved);
    assertThat(sequences.remove(other.id())).isEqualTo(XfrmReply.DONE);

    disk.full = false;
    assertThat(sequences.resume()).containsExactly(moved.id());
    assertThat(backend.ownAssociations())
        .extracting(one -> one.association(backend.ours()).orElseThrow())
        .containsExactly(moved);
    assertThat(sequences.removeAll()).isEmpty();
  }

  /** Reserves nothing while it is full. */
  private static final class Disk {
    private final FileSequenceStore store;
    private boolean full;

    Disk(FileSequenceStore store) {
      this.store = store;
    }

    SequenceLedger ledger(SecurityAssociation association) throws IOException {
      SequenceLedger ledger = store.ledger(association);
      return new SequenceLedger() {
        @Override
        public void reserve(long last) throws IOException {
          if (full) {
            throw new IOException("the disk is full");
          }
          ledger.reserve(last);
        }

        @Override
        public void settle(long last) throws IOException {
          if (full) {
            throw new IOException("the disk is full");
          }
          ledger.settle(last);
        }

        @Override
        public long reserved() {
          return ledger.reserved();
        }

        @Override
        public long taken() {
          return ledger.taken();
        }

        @Override
        public void take(long highest) {
          ledger.take(highest);
        }
      };
    }
  }
}

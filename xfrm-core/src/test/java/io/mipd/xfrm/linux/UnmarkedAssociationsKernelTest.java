package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.ImmutableList;
import io.mipd.xfrm.backend.XfrmCommand;
import io.mipd.xfrm.backend.XfrmNotice;
import io.mipd.xfrm.backend.XfrmReply;
import io.mipd.xfrm.crypto.EncryptionAlgorithm;
import io.mipd.xfrm.crypto.IntegrityAlgorithm;
import io.mipd.xfrm.crypto.KeyMaterial;
import io.mipd.xfrm.model.AssociationId;
import io.mipd.xfrm.model.Bundle;
import io.mipd.xfrm.model.Direction;
import io.mipd.xfrm.model.IpProtocol;
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
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A backend that tells associations by PF_KEY, and what it then cannot know by the mark. */
@Tag("kernel")
class UnmarkedAssociationsKernelTest {
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address AGENT = Ipv6Address.parse("2001:db8:1::1");
  private static final Ipv6Address CARE_OF = Ipv6Address.parse("2001:db8:a::aa");
  private static final KeyMaterial KEY16 = KeyMaterial.parseHex("00112233445566778899aabbccddeeff");
  private static final KeyMaterial KEY20 =
      KeyMaterial.parseHex("000102030405060708090a0b0c0d0e0f10111213");
  private static final ReqId SIGNALLING = new ReqId(4);
  private static final ReqId PAYLOAD = new ReqId(5);

  private static final SecurityAssociation UPDATES =
      association(HOME, AGENT, TransformProtocol.ESP, Mode.TRANSPORT, 0x1001, SIGNALLING)
          .encryption(EncryptionAlgorithm.AES_CBC, KEY16)
          .build();
  private static final SecurityAssociation DOWN =
      association(AGENT, HOME, TransformProtocol.ESP, Mode.TUNNEL, 0x1002, PAYLOAD)
          .encryption(EncryptionAlgorithm.NULL, KeyMaterial.EMPTY)
          .build();
  private static final SecurityAssociation HEADER =
      association(HOME, AGENT, TransformProtocol.AH, Mode.TRANSPORT, 0x1003, SIGNALLING).build();
  private static final ImmutableList<SecurityAssociation> ALL =
      ImmutableList.of(UPDATES, DOWN, HEADER);

  /** PF_KEY would make check values of 96 bits of it. */
  private static final SecurityAssociation SHA256 =
      association(HOME, AGENT, TransformProtocol.ESP, Mode.TRANSPORT, 0x1004, SIGNALLING)
          .integrity(IntegrityAlgorithm.HMAC_SHA2_256_128, KeyMaterial.copyOf(new byte[32]))
          .build();

  private final RememberedAssociations remembered = new RememberedAssociations();
  private TestNamespace node;
  private KernelBackend backend;

  private static SecurityAssociation.Builder association(
      Ipv6Address from,
      Ipv6Address to,
      TransformProtocol protocol,
      Mode mode,
      int spi,
      ReqId reqId) {
    return SecurityAssociation.builder(
            new AssociationId(to, protocol, Spi.ofAssociation(spi)), from, mode)
        .reqId(reqId)
        .replayWindow(32)
        .integrity(IntegrityAlgorithm.HMAC_SHA1_96, KEY20);
  }

  @BeforeEach
  void open() throws Exception {
    TestNamespace.require("ip");
    node = TestNamespace.create();
    backend = open(KernelInterface.PF_KEY);
  }

  private KernelBackend open(KernelInterface by) throws Exception {
    return node.within(() -> KernelBackend.open(by, new RememberedPolicies(), remembered));
  }

  @AfterEach
  void close() {
    backend.close();
    node.close();
  }

  private void done(XfrmCommand command) {
    assertThat(backend.apply(command)).as("%s", command).isEqualTo(XfrmReply.DONE);
  }

  private String states() throws Exception {
    return node.sh("ip xfrm state");
  }

  private List<XfrmNotice> notices() throws Exception {
    List<XfrmNotice> all = new ArrayList<>();
    backend.receive(all::add);
    return all;
  }

  private ImmutableList<SecurityAssociation> own() throws Exception {
    return backend.ownAssociations().stream()
        .map(one -> one.association(backend.ours()).orElseThrow())
        .collect(ImmutableList.toImmutableList());
  }

  @Test
  void areTheSameByEitherInterfaceButForTheMark() throws Exception {
    List<KernelBackend.Continued> continued =
        ALL.stream()
            .map(one -> new KernelBackend.Continued(one, new SequencePosition(1000, 70), 1 << 14))
            .toList();
    assertThat(backend.install(continued)).containsOnly(XfrmReply.DONE);
    String byPfKey = states();
    assertThat(backend.pfKeyRequests()).isEqualTo(ALL.size());
    assertThat(remembered.associations)
        .containsExactlyElementsOf(ALL.stream().map(SecurityAssociation::id).toList());
    assertThat(own()).containsExactlyInAnyOrderElementsOf(ALL);
    assertThat(byPfKey).contains("seq 0x46, oseq 0x3e8, bitmap 0xffffffff").doesNotContain("mark");
    for (KernelBackend.Removal removal :
        backend.remove(ALL.stream().map(SecurityAssociation::id).toList())) {
      assertThat(removal.reply()).isEqualTo(XfrmReply.DONE);
      assertThat(removal.last()).hasValue(new SequencePosition(1000, 70));
    }
    assertThat(backend.pfKeyRequests()).isEqualTo(2L * ALL.size());
    assertThat(remembered.associations).isEmpty();
    assertThat(states()).isEmpty();
    assertThat(notices()).as("of our own doing").isEmpty();

    backend.close();
    backend = open(KernelInterface.NETLINK);
    assertThat(backend.install(continued)).containsOnly(XfrmReply.DONE);
    assertThat(states().replaceAll("\tmark 0/0x80000000 *\n", "")).isEqualTo(byPfKey);
  }

  @Test
  void whatPfKeyCannotSayHasTheMark() throws Exception {
    done(new XfrmCommand.AddAssociation(SHA256));
    done(new XfrmCommand.AddAssociation(UPDATES));
    assertThat(remembered.associations).containsExactly(UPDATES.id());
    assertThat(states()).containsOnlyOnce("mark 0/0x80000000");
    assertThat(own()).containsExactlyInAnyOrder(SHA256, UPDATES);
    assertThat(backend.apply(new XfrmCommand.AddAssociation(UPDATES)))
        .as("it is there")
        .isInstanceOf(XfrmReply.Failed.class);
    assertThat(own()).containsExactlyInAnyOrder(SHA256, UPDATES);
    done(new XfrmCommand.Flush());
    assertThat(states()).isEmpty();
    assertThat(remembered.associations).isEmpty();
  }

  /** The selector goes if nothing else is in the way. */
  @Test
  void isToldWithoutItsSelectorByPfKeyAlone() throws Exception {
    Selector messages = Selector.between(HOME, AGENT).withProtocol(IpProtocol.MOBILITY);
    SecurityAssociation narrow = UPDATES.toBuilder().selector(messages).build();
    SecurityAssociation strong = SHA256.toBuilder().selector(messages).build();
    assertThat(backend.asTold(narrow)).isEqualTo(UPDATES);
    assertThat(backend.asTold(strong)).isEqualTo(strong);
    backend.close();
    backend = open(KernelInterface.NETLINK);
    assertThat(backend.asTold(narrow)).isEqualTo(narrow);
  }

  @Test
  void aUsersOfTheSameIdentityStaysHis() throws Exception {
    String users =
        "ip xfrm state add src "
            + HOME
            + " dst "
            + AGENT
            + " proto esp spi 0x1001 reqid 99"
            + " mode transport enc 'cipher_null' '' auth-trunc 'hmac(sha1)' 0x"
            + "11".repeat(20)
            + " 96";
    node.sh(users);
    assertThat(notices()).containsExactly(new XfrmNotice.AssociationsChanged());
    assertThat(backend.apply(new XfrmCommand.AddAssociation(UPDATES)))
        .isInstanceOf(XfrmReply.Failed.class);
    assertThat(remembered.associations).isEmpty();
    assertThat(own()).isEmpty();
    done(new XfrmCommand.Flush());
    assertThat(states()).contains("reqid 99");
  }

  @Test
  void isKnownWhereItHasMovedTo() throws Exception {
    done(new XfrmCommand.AddAssociation(DOWN));
    Policy policy =
        Policy.allow(
            Selector.ANY,
            Direction.OUT,
            1000,
            Bundle.of(Template.tunnel(TransformProtocol.ESP, AGENT, HOME, PAYLOAD)));
    done(new XfrmCommand.AddPolicy(policy));
    var move =
        new XfrmCommand.Move(
            TransformProtocol.ESP, Mode.TUNNEL, PAYLOAD, AGENT, HOME, AGENT, CARE_OF);
    done(new XfrmCommand.Migrate(policy.id(), ImmutableList.of(move)));
    SecurityAssociation moved = DOWN.movedTo(AGENT, CARE_OF);
    assertThat(remembered.associations).containsExactly(moved.id());
    assertThat(own()).containsExactly(moved);
    assertThat(states()).doesNotContain("mark");
    assertThat(notices()).as("of our own doing").isEmpty();
    node.sh("ip xfrm state deleteall");
    assertThat(notices()).containsExactly(new XfrmNotice.AssociationsChanged());
  }

  @Test
  void aSuccessorByEitherInterfaceKnowsThemAndTakesThemAway() throws Exception {
    for (KernelInterface by : KernelInterface.values()) {
      done(new XfrmCommand.AddAssociation(UPDATES));
      done(new XfrmCommand.AddAssociation(DOWN));
      node.sh("ip xfrm state delete dst " + HOME + " proto esp spi 0x1002");
      backend.close();
      backend = open(by);
      assertThat(own()).as("%s", by).containsExactly(UPDATES);
      assertThat(remembered.associations).as("%s", by).containsExactly(UPDATES.id());
      done(new XfrmCommand.Flush());
      assertThat(states()).as("%s", by).isEmpty();
      backend.close();
      backend = open(KernelInterface.PF_KEY);
    }
  }
}

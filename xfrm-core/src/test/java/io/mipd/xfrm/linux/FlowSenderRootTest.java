package io.mipd.xfrm.linux;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mipd.xfrm.model.IpProtocol;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Ipv6Fields;
import io.mipd.xfrm.transform.PacketBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Which policies of this host's own kernel, in a namespace, a packet of another flow meets. */
@Tag("root")
class FlowSenderRootTest {
  private static final Ipv6Address SENDER = Ipv6Address.parse("2001:db8:1::bad");
  private static final Ipv6Address HOME = Ipv6Address.parse("2001:db8:1::100");
  private static final Ipv6Address GROUP = Ipv6Address.parse("ff0e::101");
  private static final int UDP_HEADER = 8;

  private TestNamespace namespace;
  private FlowSender sender;

  @BeforeEach
  void open() throws Exception {
    TestNamespace.require("ip");
    namespace = TestNamespace.create();
    namespace.sh("ip route add local " + HOME + " dev lo");
    sender = namespace.within(FlowSender::open);
  }

  @AfterEach
  void close() {
    sender.close();
    namespace.close();
  }

  /** A packet for a group, with a payload that nobody reads. */
  private void send(int protocol) throws SystemCallException {
    var packet = new PacketBuffer();
    int at = packet.append(Ipv6Fields.HEADER + UDP_HEADER);
    byte[] octets = packet.array();
    octets[at] = 6 << 4;
    octets[at + Ipv6Fields.PAYLOAD_LENGTH + 1] = UDP_HEADER;
    octets[at + Ipv6Fields.NEXT_HEADER] = (byte) protocol;
    octets[at + Ipv6Fields.HOP_LIMIT] = 8;
    SENDER.write(octets, at + Ipv6Fields.SOURCE);
    GROUP.write(octets, at + Ipv6Fields.DESTINATION);
    sender.send(packet, SENDER, HOME, protocol);
  }

  private void block(String selector) throws Exception {
    namespace.sh(
        "ip xfrm policy add src %s dst %s %s dir out action block"
            .formatted(SENDER, HOME, selector));
  }

  @Test
  void aPolicyForTheFlowIsAsked() throws Exception {
    assertThatCode(() -> send(IpProtocol.UDP)).doesNotThrowAnyException();
    block("");
    assertThatThrownBy(() -> send(IpProtocol.UDP)).hasMessageContaining("EPERM");
  }

  @Test
  void aPolicyThatNamesTheProtocolIsAsked() throws Exception {
    block("proto udp");
    assertThatThrownBy(() -> send(IpProtocol.UDP)).hasMessageContaining("EPERM");
    assertThatCode(() -> send(IpProtocol.ICMPV6)).doesNotThrowAnyException();
  }
}

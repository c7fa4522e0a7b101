package io.mipd.sim.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.sim.event.EventLog;
import io.mipd.sim.event.EventQueue;
import io.mipd.sim.event.Randomness;
import io.mipd.sim.node.Stack;
import io.mipd.xfrm.model.Ipv6Address;
import io.mipd.xfrm.packet.Octets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** More flows than ports. */
class FlowPortsTest {
  private static final Ipv6Address SENDER = Ipv6Address.parse("2001:db8:c::c");
  private static final Ipv6Address RECEIVER = Ipv6Address.parse("2001:db8:1::100");
  private static final int PORT = 20_000;

  private final Stack sender = stack("cn");
  private final Stack receiver = stack("mn");
  private final FlowPorts ports = new FlowPorts();
  private final List<String> received = new ArrayList<>();

  FlowPortsTest() {
    receiver.setUnlinked(RECEIVER, true);
    sender.hookLeaving(
        (index, packet) -> {
          receiver.take(0, packet);
          return true;
        });
  }

  private static Stack stack(String name) {
    return new Stack(name, false, 0, new EventQueue(), new Randomness(1), EventLog.NONE);
  }

  private void open(int flow) {
    ports.bind(
        receiver,
        PORT,
        flow,
        (source, port, destination, data) -> received.add(flow + ": " + data));
  }

  private void send(String data) {
    sender.sendUdp(SENDER, PORT, RECEIVER, PORT, Octets.parse(data));
  }

  @Test
  void flowsOfOnePortAreToldApartByTheirNumbers() {
    open(1);
    open(0x1_0001);
    send("0000000100000007");
    send("0001000100000007");
    assertThat(received).containsExactly("1: 0000000100000007", 0x1_0001 + ": 0001000100000007");
  }

  @Test
  void whatIsOfNoneTheFirstJudges() {
    open(1);
    open(2);
    send("0000000900000007");
    send("00");
    assertThat(received).containsExactly("1: 0000000900000007", "1: 00");
  }
}

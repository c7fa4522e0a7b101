package io.mipd.sim.run;

import io.mipd.sim.node.Stack;
import io.mipd.xfrm.packet.Octets;
import io.netty.buffer.Unpooled;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The flows at each UDP port of each node. There may be more flows than ports; those of a port are
 * told apart by their numbers, which their datagrams begin with.
 */
final class FlowPorts {
  private record Port(String node, int number) {}

  private final Map<Port, Map<Integer, Stack.UdpHandler>> ports = new HashMap<>();

  /** Has the flow of a number receive what is sent to its port. */
  void bind(Stack stack, int port, int flow, Stack.UdpHandler handler) {
    ports
        .computeIfAbsent(new Port(stack.name(), port), key -> open(stack, port))
        .put(flow, handler);
  }

  private static Map<Integer, Stack.UdpHandler> open(Stack stack, int port) {
    Map<Integer, Stack.UdpHandler> flows = new LinkedHashMap<>();
    stack.bind(
        port,
        (source, sourcePort, destination, data) ->
            receiver(flows, data).received(source, sourcePort, destination, data));
    return flows;
  }

  /** What is of none of them the first has to judge. */
  private static Stack.UdpHandler receiver(Map<Integer, Stack.UdpHandler> flows, Octets data) {
    Stack.UdpHandler first = flows.values().iterator().next();
    return data.length() < Integer.BYTES
        ? first
        : flows.getOrDefault(Unpooled.wrappedBuffer(data.toArray()).readInt(), first);
  }
}

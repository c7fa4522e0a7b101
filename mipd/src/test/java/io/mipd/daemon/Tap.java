package io.mipd.daemon;

import io.mipd.xfrm.linux.NetworkInterfaces;
import io.mipd.xfrm.linux.NetworkNamespace;
import io.mipd.xfrm.linux.PacketSocket;
import io.mipd.xfrm.linux.SystemCallException;
import io.mipd.xfrm.transform.PacketBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** The IPv6 packets that arrive at an interface, as they are. */
final class Tap implements AutoCloseable {
  private final TestNet net;
  private final PacketSocket socket;
  private final PacketBuffer[] buffers = new PacketBuffer[PacketSocket.BATCH];
  private final List<byte[]> packets = new ArrayList<>();

  private Tap(TestNet net, PacketSocket socket) {
    this.net = net;
    this.socket = socket;
    for (int i = 0; i < buffers.length; i++) {
      buffers[i] = new PacketBuffer();
    }
  }

  static Tap on(TestNet net, String node, String device) throws Exception {
    return new Tap(
        net,
        NetworkNamespace.within(
            NetworkNamespace.named(net.ns(node)),
            () -> PacketSocket.open(NetworkInterfaces.indexOf(device).orElseThrow())));
  }

  /** What has arrived since the start or {@link #clear}, of a kind. */
  List<byte[]> all(Predicate<byte[]> kind) throws SystemCallException {
    for (int n = socket.receive(buffers); n > 0; n = socket.receive(buffers)) {
      for (int i = 0; i < n; i++) {
        packets.add(buffers[i].toOctets());
      }
    }
    return packets.stream().filter(kind).toList();
  }

  /** What {@link #all} gives, and no later call will; nothing is missed between two calls. */
  List<byte[]> take(Predicate<byte[]> kind) throws SystemCallException {
    List<byte[]> some = all(kind);
    packets.clear();
    return some;
  }

  /** The first of a kind; waits for it. */
  byte[] await(String what, Predicate<byte[]> kind) throws Exception {
    net.until(what, TestNet.LONG, () -> !all(kind).isEmpty());
    return all(kind).get(0);
  }

  void clear() throws SystemCallException {
    all(packet -> true);
    packets.clear();
  }

  @Override
  public void close() {
    socket.close();
  }
}

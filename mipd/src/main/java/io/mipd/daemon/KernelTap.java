package io.mipd.daemon;

import io.mipd.xfrm.linux.LinkTap;
import io.mipd.xfrm.linux.NetworkInterfaces;
import io.mipd.xfrm.linux.Poller;
import io.mipd.xfrm.linux.SystemCallException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shows a {@link PacketTap} what the kernel sends and receives, in a thread of its own: packets
 * that do not come by mipd must not come by its event loop either.
 */
final class KernelTap implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(KernelTap.class);

  private final PacketTap tap;
  private final Poller poller;
  private final LinkTap links;
  private final Map<Integer, String> names = new HashMap<>();
  private volatile boolean ending;

  private KernelTap(PacketTap tap, Poller poller, LinkTap links) {
    this.tap = tap;
    this.poller = poller;
    this.links = links;
  }

  /** From now on the tap is shown all packets; in another thread than this one. */
  static KernelTap start(PacketTap tap) throws SystemCallException {
    var poller = Poller.open();
    LinkTap links;
    try {
      links = LinkTap.open();
    } catch (SystemCallException e) {
      poller.close();
      throw e;
    }
    var kernelTap = new KernelTap(tap, poller, links);
    var thread = new Thread(kernelTap::run, "tap");
    thread.setDaemon(true);
    thread.start();
    return kernelTap;
  }

  private void run() {
    try (poller;
        links) {
      poller.add(links.fd(), () -> {});
      while (!ending) {
        while (!ending && links.receive(this::packet) > 0) {
          tap.lost(links.takeLost());
        }
        poller.poll(-1);
      }
    } catch (SystemCallException e) {
      log.error("packets are not captured any more: {}", e.getMessage());
    }
  }

  private void packet(int interfaceIndex, boolean inbound, ByteBuffer packet) {
    String name =
        names.computeIfAbsent(
            interfaceIndex, index -> NetworkInterfaces.nameOf(index).orElse("interface " + index));
    tap.packet(name, inbound, packet);
  }

  /** Does not wait for the thread, which shows no more than a packet after this. */
  @Override
  public void close() {
    ending = true;
    poller.wakeUp();
  }
}

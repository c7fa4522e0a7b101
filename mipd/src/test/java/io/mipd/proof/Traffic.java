package io.mipd.proof;

import io.mipd.xfrm.host.Datagram;
import io.mipd.xfrm.host.Host;
import io.mipd.xfrm.host.KernelHost;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Packets that come from the wire while something changes at a host, and all that comes of them.
 */
abstract class Traffic {
  /** What comes at once: one that is right, and others that are not. */
  interface Source {
    List<byte[]> next() throws Exception;
  }

  final List<byte[]> left = new ArrayList<>();
  final List<Datagram> delivered = new ArrayList<>();

  private Traffic() {}

  static Traffic to(Host host, Source source) {
    return host instanceof KernelHost kernel
        ? new BesideKernel(kernel, source)
        : new BetweenCommands(host, source);
  }

  /** Sees what came of it meanwhile. */
  abstract void collect() throws Exception;

  /**
   * No more comes.
   *
   * @return how often something came
   */
  abstract int stop() throws Exception;

  /** Whatever the engine is told is done before the next packet. */
  private static final class BetweenCommands extends Traffic {
    private final Host host;
    private final Source source;
    private int times;

    BetweenCommands(Host host, Source source) {
      this.host = host;
      this.source = source;
    }

    @Override
    void collect() throws Exception {
      for (byte[] packet : source.next()) {
        Host.Outcome outcome = host.receives(packet);
        left.addAll(outcome.left());
        outcome.delivered().ifPresent(delivered::add);
      }
      times++;
    }

    @Override
    int stop() {
      return times;
    }
  }

  /** At the kernel they come each millisecond, whatever it does. */
  private static final class BesideKernel extends Traffic {
    private final KernelHost host;
    private final Source source;
    private final AtomicBoolean coming = new AtomicBoolean(true);
    private final Thread thread = new Thread(this::come);
    private int times;

    BesideKernel(KernelHost host, Source source) {
      this.host = host;
      this.source = source;
      thread.start();
    }

    private void come() {
      try {
        while (coming.get()) {
          for (byte[] packet : source.next()) {
            host.write(packet);
          }
          times++;
          Thread.sleep(1);
        }
      } catch (Exception e) {
        times = Integer.MIN_VALUE;
      }
    }

    @Override
    void collect() throws Exception {
      left.addAll(host.everythingThatLeft());
      delivered.addAll(host.everythingThatArrived());
    }

    @Override
    int stop() throws Exception {
      coming.set(false);
      thread.join();
      collect();
      return times;
    }
  }
}

package io.mipd.proof;

import static org.assertj.core.api.Assertions.assertThat;

import io.mipd.xfrm.host.Datagram;
import io.mipd.xfrm.host.Host;
import io.mipd.xfrm.host.KernelHost;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

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
        ? new BesideKernel(kernel, source, null, null)
        : new BetweenCommands(host, source, null);
  }

  /** Beside what comes, an application of the host sends. */
  static Traffic of(Host host, Datagram sent, Source source) throws Exception {
    return host instanceof KernelHost kernel
        ? new BesideKernel(kernel, source, kernel.sender(sent), sent)
        : new BetweenCommands(host, source, sent);
  }

  /** Sees what came of it meanwhile. */
  abstract void collect() throws Exception;

  /** Something new has come and gone since, and is seen if something was to be seen of it. */
  abstract void pass() throws Exception;

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
    private final @Nullable Datagram sent;
    private int times;

    BetweenCommands(Host host, Source source, @Nullable Datagram sent) {
      this.host = host;
      this.source = source;
      this.sent = sent;
    }

    @Override
    void collect() throws Exception {
      for (byte[] packet : source.next()) {
        Host.Outcome outcome = host.receives(packet);
        left.addAll(outcome.left());
        outcome.delivered().ifPresent(delivered::add);
      }
      if (sent != null) {
        left.addAll(host.sends(sent));
      }
      times++;
    }

    @Override
    void pass() throws Exception {
      collect();
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
    private final @Nullable DatagramChannel sender;
    private final @Nullable Datagram sent;
    private final AtomicBoolean coming = new AtomicBoolean(true);
    private final Thread thread = new Thread(this::come);
    private final AtomicInteger times = new AtomicInteger();

    BesideKernel(
        KernelHost host, Source source, @Nullable DatagramChannel sender, @Nullable Datagram sent) {
      this.host = host;
      this.source = source;
      this.sender = sender;
      this.sent = sent;
      thread.start();
    }

    private void come() {
      try {
        while (coming.get()) {
          for (byte[] packet : source.next()) {
            host.write(packet);
          }
          if (sender != null && sent != null) {
            send(sender, sent);
          }
          times.incrementAndGet();
          Thread.sleep(1);
        }
      } catch (Exception e) {
        times.set(Integer.MIN_VALUE);
      }
    }

    private static void send(DatagramChannel sender, Datagram sent) {
      try {
        sender.send(
            ByteBuffer.wrap(sent.text().getBytes(StandardCharsets.UTF_8)),
            new InetSocketAddress(sent.destination().toInetAddress(), sent.port()));
      } catch (IOException e) {
        // A policy blocks it: nothing leaves.
      }
    }

    /** The second that is done from now on has begun after now. */
    @Override
    void pass() throws Exception {
      int before = times.get();
      while (times.get() < before + 2) {
        assertThat(thread.isAlive()).as("there is traffic").isTrue();
        Thread.sleep(1);
      }
      collect();
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
      return times.get();
    }
  }
}

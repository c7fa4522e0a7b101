package io.mipd.vici;

import io.mipd.xfrm.packet.MalformedPacketException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A connection to charon. Asked by one thread at a time; a thread of its own reads answers and
 * events.
 */
public final class ViciClient implements AutoCloseable {
  private final SocketChannel channel;
  private final Duration patience;
  private final Listener listener;
  private final Queue<CompletableFuture<ViciPacket>> waiting = new ArrayDeque<>();
  private boolean ended;

  /** Called by the reading thread. */
  public interface Listener {
    /** An event that was registered for. */
    void happened(String event, ViciMessage message);

    /** The connection is over, whoever has ended it; the last call. */
    void ended(String why);
  }

  private ViciClient(SocketChannel channel, Duration patience, Listener listener) {
    this.channel = channel;
    this.patience = patience;
    this.listener = listener;
  }

  /**
   * @param patience how long an answer may take before the connection is given up
   * @throws IOException if no charon answers there
   */
  public static ViciClient open(Path socket, Duration patience, Listener listener)
      throws IOException {
    var client =
        new ViciClient(SocketChannel.open(UnixDomainSocketAddress.of(socket)), patience, listener);
    var reader = new Thread(client::read, "vici");
    reader.setDaemon(true);
    reader.start();
    return client;
  }

  /**
   * Has charon do something and waits until it has.
   *
   * @return what it answers
   * @throws ViciException if it refuses, in its words; the connection goes on
   * @throws IOException if the connection is over
   */
  public ViciMessage ask(String command, ViciMessage message) throws IOException, ViciException {
    ViciPacket answer = exchange(new ViciPacket.CommandRequest(command, message));
    if (!(answer instanceof ViciPacket.CommandResponse response)) {
      throw new ViciException(command, "this charon does not know the command");
    }
    if (response.message().text("success").equals(Optional.of("no"))) {
      throw new ViciException(
          command, response.message().text("errmsg").orElse("refused without a reason"));
    }
    return response.message();
  }

  /**
   * Has the listener be told of an event from now on.
   *
   * @throws ViciException if charon does not know it
   */
  public void register(String event) throws IOException, ViciException {
    if (!(exchange(new ViciPacket.EventRegister(event)) instanceof ViciPacket.EventConfirm)) {
      throw new ViciException(event, "this charon does not know the event");
    }
  }

  private ViciPacket exchange(ViciPacket packet) throws IOException {
    var answer = new CompletableFuture<ViciPacket>();
    ByteBuf out = Unpooled.buffer();
    ViciCodec.encode(packet, out);
    synchronized (waiting) {
      if (ended) {
        throw new IOException("charon has hung up");
      }
      waiting.add(answer);
    }
    try {
      ByteBuffer octets = out.nioBuffer();
      while (octets.hasRemaining()) {
        channel.write(octets);
      }
      return answer.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      close();
      throw new IOException("charon has not answered within " + patience.toSeconds() + " s", e);
    } catch (ExecutionException e) {
      throw new IOException("charon has hung up", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      close();
      throw new IOException("interrupted", e);
    }
  }

  private void read() {
    String why;
    try {
      while (true) {
        take(packet());
      }
    } catch (EOFException e) {
      why = "charon has hung up";
    } catch (IOException e) {
      why = "" + e.getMessage();
    } catch (MalformedPacketException e) {
      why = "charon's packet is malformed: " + e.getMessage();
    } catch (RuntimeException e) {
      // Whoever listens could not make sense of it; without an end nobody would begin again.
      why = "charon's event is not understood: " + e;
    }
    close();
    synchronized (waiting) {
      ended = true;
      waiting.forEach(one -> one.completeExceptionally(new EOFException()));
      waiting.clear();
    }
    listener.ended(why);
  }

  private ViciPacket packet() throws IOException, MalformedPacketException {
    int length = octets(Integer.BYTES).getInt();
    if (length <= 0 || length > ViciCodec.MAX_LENGTH) {
      throw new MalformedPacketException(MalformedPacketException.Reason.BAD_LENGTH, 0);
    }
    return ViciCodec.decode(Unpooled.wrappedBuffer(octets(length)));
  }

  private ByteBuffer octets(int count) throws IOException {
    ByteBuffer octets = ByteBuffer.allocate(count);
    while (octets.hasRemaining()) {
      if (channel.read(octets) < 0) {
        throw new EOFException();
      }
    }
    return octets.flip();
  }

  private void take(ViciPacket packet) throws MalformedPacketException {
    if (packet instanceof ViciPacket.Event event) {
      listener.happened(event.event(), event.message());
      return;
    }
    CompletableFuture<ViciPacket> answered;
    synchronized (waiting) {
      answered = waiting.poll();
    }
    if (answered == null) {
      throw new MalformedPacketException(MalformedPacketException.Reason.BAD_VALUE, 0);
    }
    answered.complete(packet);
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // It is of no use in any case.
    }
  }
}

package io.mipd.vici;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A client and what charon might say to it. */
class ViciClientTest {
  @TempDir private Path folder = Path.of("");
  private Path path = Path.of("");

  @SuppressWarnings("NullAway.Init")
  private ServerSocketChannel server;

  private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

  private final ViciClient.Listener listener =
      new ViciClient.Listener() {
        @Override
        public void happened(String event, ViciMessage message) {
          heard.add(event + " " + message.text("up").orElse("-"));
        }

        @Override
        public void ended(String why) {
          heard.add("ended: " + why);
        }
      };

  @BeforeEach
  void listen() throws IOException {
    path = folder.resolve("charon.vici");
    server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(path));
  }

  @AfterEach
  void close() throws IOException {
    server.close();
  }

  /** Answers the first request by these packets; keeps the connection open. */
  private CompletableFuture<SocketChannel> answering(ViciPacket... packets) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            SocketChannel channel = server.accept();
            ByteBuffer length = ByteBuffer.allocate(4);
            fill(channel, length);
            fill(channel, ByteBuffer.allocate(length.flip().getInt()));
            for (ViciPacket packet : packets) {
              ByteBuf out = Unpooled.buffer();
              ViciCodec.encode(packet, out);
              channel.write(out.nioBuffer());
            }
            return channel;
          } catch (IOException e) {
            throw new IllegalStateException(e);
          }
        });
  }

  private static void fill(SocketChannel channel, ByteBuffer octets) throws IOException {
    while (octets.hasRemaining()) {
      assertThat(channel.read(octets)).isNotNegative();
    }
  }

  private String next() throws InterruptedException {
    return "" + heard.poll(20, TimeUnit.SECONDS);
  }

  @Test
  void anEventMayComeBeforeTheAnswer() throws Exception {
    var charon =
        answering(
            new ViciPacket.Event("ike-updown", ViciMessage.builder().put("up", "yes").build()),
            new ViciPacket.CommandResponse(ViciMessage.builder().put("version", "5.9.8").build()));
    try (ViciClient client = ViciClient.open(path, Duration.ofSeconds(20), listener)) {
      assertThat(client.ask("version", ViciMessage.EMPTY).text("version")).hasValue("5.9.8");
      assertThat(next()).isEqualTo("ike-updown yes");
      charon.join().close();
      assertThat(next()).isEqualTo("ended: charon has hung up");
      assertThatThrownBy(() -> client.ask("version", ViciMessage.EMPTY))
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void aRefusalHasCharonsWords() throws Exception {
    var unused =
        answering(
            new ViciPacket.CommandResponse(
                ViciMessage.builder().put("success", "no").put("errmsg", "no such thing").build()));
    try (ViciClient client = ViciClient.open(path, Duration.ofSeconds(20), listener)) {
      assertThatThrownBy(() -> client.ask("initiate", ViciMessage.EMPTY))
          .isInstanceOf(ViciException.class)
          .hasMessage("initiate: no such thing");
    }
  }

  @Test
  void anUnknownEventIsRefused() throws Exception {
    var unused = answering(new ViciPacket.EventUnknown());
    try (ViciClient client = ViciClient.open(path, Duration.ofSeconds(20), listener)) {
      assertThatThrownBy(() -> client.register("nope"))
          .isInstanceOf(ViciException.class)
          .hasMessageContaining("nope");
    }
  }

  @Test
  void whoDoesNotAnswerIsGivenUp() throws Exception {
    var unused = answering();
    try (ViciClient client = ViciClient.open(path, Duration.ofMillis(50), listener)) {
      assertThatThrownBy(() -> client.ask("version", ViciMessage.EMPTY))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("has not answered");
      assertThat(next()).startsWith("ended: ");
    }
  }

  @Test
  void anAnswerToNothingEndsTheConnection() throws Exception {
    var unused = answering(new ViciPacket.EventConfirm(), new ViciPacket.EventConfirm());
    try (ViciClient client = ViciClient.open(path, Duration.ofSeconds(20), listener)) {
      client.register("log");
      assertThat(next()).contains("malformed");
    }
  }
}

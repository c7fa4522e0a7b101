package io.mipd.http;

import com.google.common.collect.ImmutableSet;
import io.mipd.control.ControlSocket;
import io.mipd.control.EventLog;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * Serves over HTTP, in one thread of its own; answers are made elsewhere, as for the control
 * socket. Nobody who connects can make it keep more than so many connections, and one request and a
 * bounded part of an answer for each.
 */
public final class HttpServer implements AutoCloseable {
  /** All connections together. */
  static final int CONNECTIONS = 64;

  /** Of a request, in octets. */
  static final int LONGEST_BODY = 4096;

  private static final int LONGEST_LINE = 4096;
  private static final int LONGEST_HEADERS = 8192;
  private static final int BACKLOG = 64;
  private static final WriteBufferWaterMark WRITTEN = new WriteBufferWaterMark(16_384, 65_536);

  /** Between two signs of life of a stream; a connection where nothing happens is closed then. */
  private static final Duration IDLE = Duration.ofSeconds(15);

  /** From the connection, or a later request's first octet, until a request has come whole. */
  static final Duration REQUEST_LIMIT = Duration.ofSeconds(5);

  private final EventLoopGroup thread;
  private final ChannelGroup channels;
  private final InetSocketAddress address;

  /**
   * @param address to listen at; port 0 for any
   * @param names of this server, in lower case, beside its addresses and {@code localhost}
   * @param mayChange whether who has the token may ask for what changes something
   */
  public record Settings(
      InetSocketAddress address,
      ImmutableSet<String> names,
      BearerToken token,
      boolean mayChange) {}

  /** Makes what monitoring reads. Called in the server's thread, which it must not keep waiting. */
  public interface Monitored {
    /**
     * @param serverThread where what takes time may be worked out
     * @return metrics in {@link #METRICS_TYPE}
     */
    CompletableFuture<String> metrics(Executor serverThread);

    CompletableFuture<Health> health();
  }

  /** The text format of Prometheus. */
  static final String METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

  /** Whether the node does what it is there for. */
  public enum Health {
    UP,
    /** It serves, but not all of its policies are in force. */
    DEGRADED,
    /** It does not answer. */
    DOWN
  }

  private HttpServer(EventLoopGroup thread, ChannelGroup channels, Channel server) {
    this.thread = thread;
    this.channels = channels;
    address = (InetSocketAddress) server.localAddress();
  }

  /**
   * @param events what has happened to the node
   * @param messages that came and went
   * @throws IOException if it cannot listen there
   */
  public static HttpServer open(
      Settings settings,
      ControlSocket.Answers answers,
      Monitored monitored,
      EventLog events,
      EventLog messages)
      throws IOException {
    Page page = Page.read();
    EventLoopGroup thread =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("http", true), NioIoHandler.newFactory());
    var channels = new DefaultChannelGroup(thread.next(), /* stayClosed= */ true);
    var desk = new HttpConnection.Desk(settings, answers, monitored, events, messages, page);
    var bound =
        new ServerBootstrap()
            .group(thread)
            .channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.ALLOCATOR, UnpooledByteBufAllocator.DEFAULT)
            .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WRITTEN)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  @SuppressWarnings("FutureReturnValueIgnored") // It has no handler yet to tell.
                  protected void initChannel(Channel channel) {
                    if (channels.size() > CONNECTIONS) {
                      channel.close();
                      return;
                    }
                    channels.add(channel);
                    var deadline = new RequestDeadline(REQUEST_LIMIT);
                    channel
                        .pipeline()
                        .addLast(
                            deadline,
                            new HttpServerCodec(LONGEST_LINE, LONGEST_HEADERS, LONGEST_BODY),
                            new HttpObjectAggregator(
                                LONGEST_BODY, /* closeOnExpectationFailed= */ true),
                            new IdleStateHandler(0, 0, IDLE.toSeconds(), TimeUnit.SECONDS),
                            new HttpConnection(desk, deadline));
                  }
                })
            .bind(settings.address())
            .awaitUninterruptibly();
    if (bound.cause() != null) {
      thread.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
      throw new IOException(
          "HTTP at " + settings.address() + ": " + bound.cause().getMessage(), bound.cause());
    }
    channels.add(bound.channel());
    return new HttpServer(thread, channels, bound.channel());
  }

  public InetSocketAddress address() {
    return address;
  }

  @Override
  public void close() {
    channels.close().awaitUninterruptibly();
    thread.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
  }
}

package io.mipd.http;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Closes a connection whose request, head and body, has not come whole in time, however slowly and
 * steadily it comes. The time begins with the connection, and for a later request with its first
 * octet. Before the handler that reads requests; in the connection's thread.
 */
final class RequestDeadline extends ChannelInboundHandlerAdapter {
  private final Duration limit;
  private @Nullable Future<?> running;

  RequestDeadline(Duration limit) {
    this.limit = limit;
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    begin(context);
    context.fireChannelActive();
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object octets) {
    begin(context);
    context.fireChannelRead(octets);
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    met();
    context.fireChannelInactive();
  }

  @SuppressWarnings("FutureReturnValueIgnored") // channelInactive is told of the end.
  private void begin(ChannelHandlerContext context) {
    if (running == null) {
      running =
          context
              .executor()
              .schedule(() -> context.close(), limit.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  /** A request is there. */
  void met() {
    if (running != null) {
      running.cancel(/* mayInterruptIfRunning= */ false);
      running = null;
    }
  }
}
